"""A desk to test messages at: the real portal in process, a demo chart, the real words of the domain.

`desk.say(text, intent)` runs what Rasa would run: the rule's action, or the form's validation and its question.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

import httpx
from rasa_sdk import Action, Tracker
from rasa_sdk.executor import CollectingDispatcher

from accounts.grants import Grant
from accounts.tiers import Tier
from actions.bootstrap import Services
from actions.messages import ANSWER, ActionAskMessageAnswer, ActionReadMessages, ValidateMessageForm
from bot.nlg import ChartlineNLG
from tests.medication_desk import ZONE, Fault, Portal, _Accounts, _Faulty

ASIDE = "(the rules answer, then the question comes again)"


class _Grants(_Accounts):
    """In place of the accounts: the grant of one patient, or of who acts for them."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.signed_in, True)
        self._desk = desk

    async def grant(self, conversation: str) -> Grant:
        found = await super().grant(conversation)
        return Grant(self._desk.patient, "", self._desk.patient, None, "", found.expires_at, self._desk.user)


@dataclass
class Desk:
    """One patient's conversation. `slots` is what is remembered, `said` the messages of the last turn."""

    portal: Portal
    words: ChartlineNLG
    patient: str = "rosa"
    user: str = ""
    slots: dict[str, Any] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)
    before: Fault = lambda request: None
    after: Fault = lambda request: None
    signed_in: bool = True
    tier: Tier = Tier.FULL
    channel: str = "web"
    turns: int = 0

    @property
    def open(self) -> bool:
        """Whether the form waits for an answer."""
        return bool(self.slots.get("requested_slot") == ANSWER)

    @property
    def choices(self) -> list[str]:
        """The titles of the offered buttons."""
        return [b["title"] for m in self.said for b in m.get("buttons", [])]

    @property
    def withheld(self) -> bool:
        """Whether something was kept for the signed-in web chat."""
        return any(m["custom"].get("withheld") for m in self.said)

    @property
    def text(self) -> str:
        """All that was said in the last turn."""
        return "\n".join(m["text"] for m in self.said)

    def sent(self) -> list[dict[str, Any]]:
        """The Communications that did not come with the seed: headers and messages."""
        found = self.portal.all("Communication", patient=f"Patient/{self.patient}")
        return [c for c in found if c.get("identifier")]

    def messages(self) -> list[dict[str, Any]]:
        """Those of them that say something."""
        return [c for c in self.sent() if c.get("payload")]

    async def tap(self, title: str) -> str:
        """Tap an offered button."""
        payload = next(b["payload"] for m in self.said for b in m.get("buttons", []) if b["title"] == title)
        match = re.fullmatch(r"/(\w+)(\{.*\})?", payload)
        assert match, payload
        return await self.say(payload, match[1], **(json.loads(match[2]) if match[2] else {}))

    async def say(self, text: str, intent: str = "send_message", again: bool = False, **entities: str) -> str:
        """Say something that is understood as `intent`; returns all that is answered. `again`: the same delivery."""
        self.turns += 0 if again else 1
        message = {
            "text": text,
            "intent": {"name": intent},
            "entities": [{"entity": name, "value": value} for name, value in entities.items()],
            "message_id": f"m{self.turns}",
            "metadata": {"tier": self.tier.word},
        }
        self.events.append({"event": "user", "text": text, "parse_data": message})
        self.said = []
        if not self.open and intent in ("read_messages", "show_more"):
            await self._run(ActionReadMessages(self._services()), message)
            return self.text
        events = await self._run(ValidateMessageForm(self._services()), message)
        if any(event["event"] == "action_execution_rejected" for event in events):
            return f"{self.text}{ASIDE}"
        if self.open:
            await self.ask(message)
        return self.text

    async def ask(self, message: dict[str, Any] | None = None) -> str:
        """The form's question, once more."""
        await self._run(ActionAskMessageAnswer(), message or self.events[-1].get("parse_data", {}))
        return self.text

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
        return Services(_Grants(self), http, ZONE)  # type: ignore[arg-type]

    def _in_words(self, message: dict[str, Any]) -> dict[str, Any]:
        own = {"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"}
        values = {key: value for key, value in message.items() if key not in own}
        rendered = self.words.render(message["response"], self.words._facts, self.channel, values, self.tier)
        return {**rendered, "buttons": [*rendered.get("buttons", []), *message["buttons"]]}
