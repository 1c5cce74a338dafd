"""The one place where a response of the domain becomes text.

Rasa's own generator, and four things on top: the clinic's facts (`{clinic_phone}`) are known to every response;
a value may itself be a response, or a list of them, rendered line by line; a response that does not exist is an
error that the patient gets an answer to, where Rasa drops it in silence; and a value is only ever a value (Rasa takes
the `0[` of "10[IU]" for a placeholder of its own and leaves all of them unfilled).
"""

from __future__ import annotations

import logging
import re
from typing import Any

from rasa.core.nlg.response import TemplatedNaturalLanguageGenerator
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.utils.endpoints import EndpointConfig

from bot.settings import ClinicSettings, read

log = logging.getLogger(__name__)

FALLBACK = "utter_something_broke"
_PLACEHOLDER = re.compile(r"{([^\n{}]+)}")


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

    def _fill_response(
        self,
        response: dict[str, Any],
        filled_slots: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> dict[str, Any]:
        """Called by Rasa for the chosen variation, a copy of the domain's."""
        values = {**(filled_slots or {}), **kwargs}
        return {key: _fill(part, values) for key, part in response.items()}

    def _value(self, value: Any, slots: dict[str, Any], channel: str) -> Any:
        if isinstance(value, dict) and "response" in value:
            rest = {key: v for key, v in value.items() if key != "response"}
            return self.render(value["response"], slots, channel, rest).get("text", "")
        if isinstance(value, list) and value and all(isinstance(v, dict) and "response" in v for v in value):
            return "\n".join(self._value(v, slots, channel) for v in value)
        return value


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
