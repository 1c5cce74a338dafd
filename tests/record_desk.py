"""A desk to test the record at: the real portal in process, the demo charts and one of edge cases, the real words.

A patient says something, understood as a given intent; what comes back is what they would read.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
from rasa_sdk import Tracker
from rasa_sdk.executor import CollectingDispatcher
from starlette.types import ASGIApp

from accounts.grants import Grant
from accounts.tiers import Tier
from actions.portal_action import PortalAction, Turn
from actions.portal_client import PortalClient
from actions.record import ActionShowAllergies, ActionShowConditions, ActionShowImmunizations, ActionShowVitals
from bot.nlg import ChartlineNLG
from tests.lab_desk import ZONE

ACTIONS: dict[str, PortalAction] = {
    "show_allergies": ActionShowAllergies(),
    "show_conditions": ActionShowConditions(),
    "show_immunizations": ActionShowImmunizations(),
    "show_vitals": ActionShowVitals(),
}

Chart = list[dict[str, Any]]


@dataclass
class Desk:
    """One patient's conversation about the record."""

    app: ASGIApp
    patient: str
    words: ChartlineNLG
    tier: Tier = Tier.FULL
    channel: str = "web"
    slots: dict[str, Any] = field(default_factory=dict)
    said: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, intent: str, text: str = "") -> str:
        """Say something; returns all that is answered, one message a paragraph."""
        name = str(self.slots["more_action"]).removeprefix("action_") if intent == "show_more" else intent
        message = {"text": text, "intent": {"name": intent}, "entities": [], "metadata": {"tier": self.tier.word}}
        tracker = Tracker("conversation", dict(self.slots), message, [], False, None, {}, None)
        asyncio.run(self._perform(ACTIONS[name], tracker))
        return "\n\n".join(message["text"] for message in self.said)

    async def _perform(self, action: PortalAction, tracker: Tracker) -> None:
        dispatcher = CollectingDispatcher()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app)) as http:
            portal = PortalClient(http, "http://portal.test/fhir", self.patient)
            grant = Grant(self.patient, "", self.patient, None, "", None)  # type: ignore[arg-type]
            events = await action.perform(Turn(action.name(), grant, portal, dispatcher, tracker, {}, ZONE))
        self.slots |= {event["name"]: event["value"] for event in events if event["event"] == "slot"}
        self.said = [self._in_words(message) for message in dispatcher.messages]

    def _in_words(self, message: dict[str, Any]) -> dict[str, Any]:
        own = {"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"}
        values = {key: value for key, value in message.items() if key not in own}
        rendered = self.words.render(message["response"], self.words._facts, self.channel, values, self.tier)
        return {**rendered, "name": message["response"], "chart": rendered["custom"].get("chart")}


def coded(code: str, system: str = "", text: str = "") -> dict[str, Any]:
    """A CodeableConcept."""
    return {"coding": [{"system": system, "code": code}]} | ({"text": text} if text else {})
