"""A desk to test medications and refills at: the real portal in process, Rosa's chart, the real words of the domain.

`desk.say(text, intent)` runs what Rasa would run: the rule's action, or the form's validation and its question. The
portal can be made to fail in the ways that portals do.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Receive, Scope, Send

from accounts.errors import NotSignedIn
from accounts.grants import Grant
from accounts.tiers import Tier
from actions.bootstrap import Services
from actions.medications import ActionListMedications, ActionMedicationDetails
from actions.refills import ANSWER, ActionAskRefillAnswer, ActionRefillStatus, ValidateRefillForm
from bot.nlg import ChartlineNLG
from portal.access import Access
from portal.app import create_app, make_store
from portal.seed import transaction_bundle
from portal.seed.build.people import directory
from portal.seed.demo.charts import DEMO_PATIENTS
from portal.settings import Settings
from portal.store import Store

ZONE = ZoneInfo("America/New_York")
REJECTED = "(the form lets the rules have it)"
CAPABILITIES = {"refill_status": ActionRefillStatus, "list_medications": ActionListMedications,
                "medication_details": ActionMedicationDetails}  # fmt: skip

Fault = Callable[[httpx.Request], "httpx.Response | Exception | None"]


class SignedInAs:
    """In place of the sign-in: the bearer token is the patient's id."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = dict(scope.get("headers", [])).get(b"authorization", b"").decode().removeprefix("Bearer ")
        access = Access(token, frozenset({"patient/*.cruds"}), "test") if token else None
        scope.setdefault("state", {})["access"] = access
        await self.app(scope, receive, send)


class Portal:
    """The portal's application on a database of its own, with Rosa's chart (`seeded`: it is there already)."""

    def __init__(self, database: Path, seeded: bool = False) -> None:
        settings = Settings(database_url=f"sqlite:///{database}", base_url="http://portal.test")
        self.store: Store = make_store(settings)
        now = datetime.now(timezone.utc)
        rosa = next(demo for demo in DEMO_PATIENTS if demo.person.key == "rosa")
        charts = () if seeded else (directory(), rosa.chart(now, "http://portal.test/fhir"))
        for resources in charts:
            self.store.transaction(transaction_bundle(resources))

        def install(routes: list[Any], middleware: list[Any], **_: Any) -> None:
            middleware.append(Middleware(SignedInAs))

        self.app = create_app(settings, self.store, authentication=install)

    def all(self, kind: str, **params: str) -> list[dict[str, Any]]:
        """What is on file."""
        return self.store.search(kind, {**params, "_count": "200"}).matches

    def tasks(self) -> list[dict[str, Any]]:
        """The requests that did not come with the seed."""
        return [t for t in self.all("Task") if not t["identifier"][0]["value"].startswith("demo-")]

    def put(self, resource: dict[str, Any]) -> None:
        """File a resource under its id."""
        self.store.update(resource)


class _Faulty(httpx.AsyncBaseTransport):
    """The way to the portal. A fault may answer or fail before the portal is asked, or after it has done its work."""

    def __init__(self, app: ASGIApp, before: Fault, after: Fault) -> None:
        self._inner, self._before, self._after = httpx.ASGITransport(app), before, after

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if (found := self._outcome(self._before, request)) is not None:
            return found
        response = await self._inner.handle_async_request(request)
        return self._outcome(self._after, request) or response

    @staticmethod
    def _outcome(fault: Fault, request: httpx.Request) -> httpx.Response | None:
        found = fault(request)
        if isinstance(found, Exception):
            raise found
        return found


@dataclass
class Desk:
    """Rosa's conversation. `slots` is what is remembered, `said` the messages of the last turn."""

    portal: Portal
    words: ChartlineNLG
    slots: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    before: Fault = lambda request: None
    after: Fault = lambda request: None
    signed_in: bool = True
    turns: int = 0
    tier: Tier = Tier.FULL
    reminders_wanted: bool = True

    @property
    def open(self) -> bool:
        """Whether the form waits for an answer."""
        return self.slots.get("requested_slot") == ANSWER

    @property
    def choices(self) -> list[str]:
        """The titles of the offered buttons."""
        return [b["title"] for m in self.said for b in m.get("buttons", [])]

    @property
    def reminders(self) -> list[dict[str, Any]]:
        """What is to be sent later."""
        return [m for m in self.said if m["custom"].get("due")]

    def tap(self, title: str) -> Any:
        """Tap an offered button."""
        payload = next(b["payload"] for m in self.said for b in m.get("buttons", []) if b["title"] == title)
        match = re.fullmatch(r"/(\w+)(\{.*\})?", payload)
        assert match, payload
        entities = json.loads(match[2]) if match[2] else {}
        return self.say(payload, match[1], **entities)

    async def say(self, text: str, intent: str = "refill_medication", again: bool = False, **entities: Any) -> str:
        """Say something that is understood as `intent`; returns all that is answered. `again`: the same delivery."""
        self.turns += 0 if again else 1
        listed = [
            {"entity": e, "value": v} for e, vs in entities.items() for v in ([vs] if isinstance(vs, str) else vs)
        ]
        message = {"text": text, "intent": {"name": intent}, "entities": listed, "message_id": f"m{self.turns}"}
        message["metadata"] = {"tier": self.tier.word}
        self.events.append({"event": "user", "text": text, "parse_data": message})
        self.said = []
        if intent in CAPABILITIES and not self.open:
            await self._run(CAPABILITIES[intent](self._services()), message)
            return self.text
        return await self._form(message)

    async def _form(self, message: dict[str, Any]) -> str:
        was_open, events = self.open, await self._run(ValidateRefillForm(self._services()), message)
        if was_open and self.open and len(events) == 1:
            return REJECTED
        if self.open:
            await self._run(ActionAskRefillAnswer(), message)
        return self.text

    @property
    def text(self) -> str:
        """All that was said in the last turn, reminders for later left out."""
        return "\n\n".join(m["text"] for m in self.said if not m["custom"].get("due"))

    async def _run(self, action: Action, message: dict[str, Any]) -> list[dict[str, Any]]:
        tracker = Tracker("conversation", dict(self.slots), message, list(self.events), False, None, {}, None)
        dispatcher = CollectingDispatcher()
        events = list(await action.run(dispatcher, tracker, {}))
        self.slots |= {e["name"]: json.loads(json.dumps(e["value"])) for e in events if e["event"] == "slot"}
        self.events.append({"event": "action", "name": action.name()})
        self.said += [self._in_words(m) for m in dispatcher.messages]
        return events

    def _services(self) -> Services:
        http = httpx.AsyncClient(transport=_Faulty(self.portal.app, self.before, self.after))
        return Services(_Accounts(self.signed_in, self.reminders_wanted), http, ZONE)  # type: ignore[arg-type]

    def _in_words(self, message: dict[str, Any]) -> dict[str, Any]:
        own = {"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"}
        values = {key: value for key, value in message.items() if key not in own}
        rendered = self.words.render(message["response"], self.words._facts, "web", values, self.tier)
        buttons = [*rendered.get("buttons", []), *message["buttons"]]
        return {**rendered, "buttons": buttons, "name": message["response"]}


class _Accounts:
    """In place of the accounts: Rosa's grant, or none."""

    def __init__(self, signed_in: bool, reminders: bool) -> None:
        self._signed_in, self.settings = signed_in, SimpleNamespace(fhir_url="http://portal.test/fhir")
        self._reminders = reminders

    async def grant(self, conversation: str) -> Grant:
        if not self._signed_in:
            raise NotSignedIn()
        return Grant("rosa", "Rosa Delgado", "rosa", None, "", datetime.max)

    async def renew(self, conversation: str, grant: Grant) -> Grant:
        return grant

    async def agreed(self, conversation: str, topic: str) -> bool:
        return self._reminders

    async def log_access(self, *where: Any, **what: Any) -> None:
        """Written elsewhere."""

    async def sign_in_url(self, conversation: str, waiting: Any = None, **purpose: Any) -> str:
        return "http://localhost/go/link"
