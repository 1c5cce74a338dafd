"""A desk to test the lab actions at: the real portal in process, real charts, the real words of the domain.

A patient says something, understood as a given intent with given entities; what comes back is what they would read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from rasa.shared.core.domain import Domain
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from accounts.grants import Grant
from accounts.tiers import Tier
from actions.labs import ActionExplainLab, ActionLabTrend, ActionShowLabs
from actions.portal_action import PortalAction, Turn
from actions.portal_client import PortalClient
from bot.nlg import ChartlineNLG
from portal.access import Access
from portal.app import create_app, make_store
from portal.seed import transaction_bundle
from portal.settings import Settings
from portal.store import Store

ZONE = ZoneInfo("America/New_York")
ROOT = Path(__file__).parents[1]
ACTIONS: dict[str, PortalAction] = {
    "show_labs": ActionShowLabs(),
    "show_more": ActionShowLabs(),
    "lab_trend": ActionLabTrend(),
    "explain_lab": ActionExplainLab(),
}


class SignedInAs:
    """In place of the sign-in: the bearer token is the patient's id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = dict(scope.get("headers", [])).get(b"authorization", b"").decode().removeprefix("Bearer ")
        scope.setdefault("state", {})["access"] = Access(token, frozenset({"patient/*.rs"}), "test") if token else None
        await self.app(scope, receive, send)


def portal_with(database: Path, charts: Iterable[list[dict[str, Any]]]) -> ASGIApp:
    """The portal's application on a new database that holds these charts."""
    settings = Settings(database_url=f"sqlite:///{database}", base_url="http://portal.test")
    store: Store = make_store(settings)
    for chart in charts:
        store.transaction(transaction_bundle(chart))

    def install(routes: list[Any], middleware: list[Any], **_: Any) -> None:
        middleware.append(Middleware(SignedInAs))

    return create_app(settings, store, authentication=install)


@dataclass
class Desk:
    """One patient's conversation about labs: what is remembered, what happened, what was answered last."""

    app: ASGIApp
    patient: str
    words: ChartlineNLG
    slots: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    tier: Tier = Tier.FULL

    def ask(self, intent: str, text: str = "", tests: Iterable[str] = (), periods: Iterable[str] = ()) -> str:
        """Say something; returns all that is answered, one message a paragraph."""
        entities = [{"entity": "lab_test", "value": test} for test in tests]
        entities += [{"entity": "period", "value": period} for period in periods]
        message = {"text": text, "intent": {"name": intent}, "entities": entities, "metadata": {"tier": self.tier.word}}
        action: PortalAction | None = ACTIONS[intent]
        while action:
            tracker = Tracker("conversation", dict(self.slots), message, list(self.events), False, None, {}, None)
            events = asyncio.run(self._perform(action, tracker))
            self.slots |= {event["name"]: event["value"] for event in events if event["event"] == "slot"}
            self.events += [{"event": "action", "name": action.name()}, *events]
            followup = next((event["name"] for event in events if event["event"] == "followup"), None)
            action = next((other for other in ACTIONS.values() if other.name() == followup), None)
        self.events.append({"event": "action", "name": "action_listen"})
        return "\n\n".join(message["text"] for message in self.said)

    async def _perform(self, action: PortalAction, tracker: Tracker) -> list[dict[str, Any]]:
        dispatcher = CollectingDispatcher()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as http:
            portal = PortalClient(http, "http://portal.test/fhir", self.patient)
            grant = Grant(self.patient, "", self.patient, None, "", None)  # type: ignore[arg-type]
            turn = Turn(action.name(), grant, portal, dispatcher, tracker, {}, ZONE)
            events = await action.perform(turn)
        self.said = [self._in_words(message) for message in dispatcher.messages]
        return list(events)

    def _in_words(self, message: dict[str, Any]) -> dict[str, Any]:
        own = {"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"}
        values = {key: value for key, value in message.items() if key not in own}
        rendered = self.words.render(message["response"], self.words._facts, "web", values, self.tier)
        return {**rendered, "name": message["response"], "chart": rendered["custom"].get("chart")}


def the_words() -> ChartlineNLG:
    """The project's own domain."""
    return ChartlineNLG(domain=Domain.load([str(ROOT / "domain.yml"), str(ROOT / "domain")]))
