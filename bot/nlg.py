"""The one place where a response of the domain becomes text.

Rasa's own generator, and three things on top: the clinic's facts (`{clinic_phone}`) are known to every response;
a value may itself be a response, or a list of them, rendered line by line; and a response that does not exist is an
error that the patient gets an answer to, where Rasa drops it in silence.
"""

from __future__ import annotations

import logging
from typing import Any

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot.settings import ClinicSettings, read

log = logging.getLogger(__name__)

FALLBACK = "utter_something_broke"


class ChartlineNLG(TemplatedNaturalLanguageGenerator):
    """Named in `endpoints.yml` under `nlg: type:`."""

    def __init__(self, endpoint_config: EndpointConfig | None = None, domain: Domain | None = None) -> None:
        super().__init__((domain or Domain.empty()).responses)
        self._facts = read(ClinicSettings).dict()

    async def generate(
        self, utter_action: str, tracker: DialogueStateTracker, output_channel: str, **kwargs: Any
    ) -> dict[str, Any] | None:
        """The message for `utter_action`, with rows rendered and the clinic's facts filled in."""
        slots = {**self._facts, **tracker.current_slot_values()}
        return self.render(utter_action, slots, output_channel, kwargs)

    def render(self, name: str, slots: dict[str, Any], channel: str, values: dict[str, Any]) -> dict[str, Any]:
        """One response as a message: text, buttons, custom."""
        filled = {key: self._value(value, slots, channel) for key, value in values.items()}
        message = self.generate_from_slots(name, slots, channel, **filled)
        if message is None:
            log.error("the domain has no response %s for channel %s", name, channel)
            message = self.generate_from_slots(FALLBACK, slots, channel) or {}
        return message

    def _value(self, value: Any, slots: dict[str, Any], channel: str) -> Any:
        if isinstance(value, dict) and "response" in value:
            rest = {key: v for key, v in value.items() if key != "response"}
            return self.render(value["response"], slots, channel, rest).get("text", "")
        if isinstance(value, list) and value and all(isinstance(v, dict) and "response" in v for v in value):
            return "\n".join(self._value(v, slots, channel) for v in value)
        return value
