"""The one place where a response of the domain becomes text, for those who may read it.

Rasa's own generator, and five things on top: the clinic's facts (`{clinic_phone}`) are known to every response;
a value may itself be a response, or a list of them, rendered line by line; a response that does not exist is an
error that the patient gets an answer to, where Rasa drops it in silence; a value is only ever a value (Rasa takes
the `0[` of "10[IU]" for a placeholder of its own and leaves all of them unfilled); and a response or a row that is
above the tier of the conversation (`accounts.tiers`) is replaced by one that reads the same whatever it hides.

A response's tier stands in the domain, `metadata: {tier: none}`; without it a response is `consented`. What must be
said all the same where a response may not be read (that a call cannot wait) is named beside it: `instead: utter_...`.
"""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass
from typing import Any

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from accounts.tiers import Tier
from bot.settings import ClinicSettings, read

log = logging.getLogger(__name__)

FALLBACK = "utter_something_broke"
WITHHELD = "utter_withheld"
WITHHELD_ROW = "utter_withheld_row"
SENSITIVE = "sensitive"  # a value that says: below full, not even with consent
BESIDE = ("chart", "due", "topic")  # values that go along with the text: a picture, when to say it, what it is about
_PLACEHOLDER = re.compile(r"{([^\n{}]+)}")


@dataclass
class _Reader:
    """Who reads: the channel, the highest tier, and what they were shown or not shown so far."""

    channel: str
    tier: Tier
    slots: dict[str, Any]
    shown: Tier = Tier.NONE
    withheld: bool = False


class ChartlineNLG(TemplatedNaturalLanguageGenerator):
    """Named in `endpoints.yml` under `nlg: type:`."""

    def __init__(self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None) -> None:
        super().__init__((domain or Domain.empty()).responses)
        self._facts = read(ClinicSettings).dict()

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> dict[str, Any] | None:
        """The message for `utter_action` at the tier that delivery noted on the patient's message."""
        slots = {**self._facts, **tracker.current_slot_values()}
        return self.render(utter_action, slots, output_channel, kwargs, tier_of(tracker))

    def render(
        self, name: str, slots: dict[str, Any], channel: str, values: dict[str, Any], tier: Tier
    ) -> dict[str, Any]:
        """One response as a message: text, buttons, custom.

        `custom.tier` is the least tier that its reader needs; `custom.withheld` is there where something was left out,
        and then no picture goes along.
        """
        reader = _Reader(channel, tier, slots)
        message = self._message(name, values, reader, WITHHELD)
        custom = {**(message.get("custom") or {}), "tier": reader.shown.word}
        if reader.withheld:
            return {**message, "custom": {**custom, "withheld": True}}
        return {**message, "custom": {**custom, **{key: values[key] for key in BESIDE if values.get(key)}}}

    def tier(self, name: str, sensitive: bool = False) -> Tier:
        """The least tier at which a response may be read."""
        if sensitive:
            return Tier.FULL
        variations = self.responses.get(name) or []
        words = {(variation.get("metadata") or {}).get("tier", Tier.CONSENTED.word) for variation in variations}
        return max((Tier.named(word) for word in words), default=Tier.NONE)

    def _stand_in(self, name: str) -> str | None:
        """The response that the domain names to be said in the place of this one below its tier."""
        found = ((v.get("metadata") or {}).get("instead") for v in self.responses.get(name) or [])
        return next((stand_in for stand_in in found if stand_in), None)

    def _message(self, name: str, values: dict[str, Any], reader: _Reader, instead: str) -> dict[str, Any]:
        values = dict(values)
        least = self.tier(name, bool(values.pop(SENSITIVE, False)))
        if values.get("buttons"):  # Rasa adds them to what is made here, unread: an action's choices name drugs
            least = max(least, Tier.CONSENTED)
        if least > reader.tier:
            reader.withheld = True
            return self._plain(self._stand_in(name) or instead, {}, reader)
        reader.shown = max(reader.shown, least)
        return self._plain(name, {key: self._value(value, reader) for key, value in values.items()}, reader)

    def _plain(self, name: str, values: dict[str, Any], reader: _Reader) -> dict[str, Any]:
        message = self.generate_from_slots(name, reader.slots, reader.channel, **values)
        if message is None:
            log.error("the domain has no response %s for channel %s", name, reader.channel)
            message = self.generate_from_slots(FALLBACK, reader.slots, reader.channel) or {}
        message.pop("metadata", None)
        return message

    def _fill_response(
        self,
        response: dict[str, Any],
        filled_slots: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Called by Rasa for the chosen variation, a copy of the domain's."""
        values = {**(filled_slots or {}), **kwargs}
        return {key: _fill(part, values) for key, part in response.items()}

    def _value(self, value: Any, reader: _Reader) -> Any:
        if isinstance(value, dict) and "response" in value:
            rest = {key: v for key, v in value.items() if key != "response"}
            return self._message(value["response"], rest, reader, WITHHELD_ROW).get("text", "")
        if isinstance(value, list) and value and all(isinstance(v, dict) and "response" in v for v in value):
            return "\n".join(_without_repeats([self._value(v, reader) for v in value], reader.withheld))
        return value


def _without_repeats(rows: list[str], withheld: bool) -> list[str]:
    """Several rows that were withheld one after the other read as one, so that nobody can count them."""
    return [row for row, before in zip(rows, [None, *rows], strict=False) if not withheld or row != before]


def tier_of(tracker: DialogueStateTracker) -> Tier:
    """What may be told in the turn of the patient's latest message: delivery wrote it there, no client can."""
    metadata = (tracker.latest_message.metadata if tracker.latest_message else None) or {}
    return Tier.named(metadata.get("tier"))


def _fill(part: Any, values: dict[str, Any]) -> Any:
    if isinstance(part, dict):
        return {key: _fill(value, values) for key, value in part.items()}
    if isinstance(part, list):
        return [_fill(value, values) for value in part]
    return _PLACEHOLDER.sub(lambda name: _filled(name, values), part) if isinstance(part, str) else part


def _filled(placeholder: re.Match[str], values: dict[str, Any]) -> str:
    if placeholder[1] not in values:
        log.error("nobody gave a response the value %s", placeholder[1])
        return placeholder[0]
    return str(values[placeholder[1]])
