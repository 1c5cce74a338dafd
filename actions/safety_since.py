"""Whether an emergency or a crisis came between a form's question and the answer to it: then a yes is no yes."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker

_INTENTS = {"report_emergency", "report_crisis"}
_ANSWERS = {"utter_emergency", "utter_crisis"}


def safety_since(tracker: Tracker, *asked_by: str) -> bool:
    """Whether one was reported or answered since an action of `asked_by` ran, before the latest message.

    Rasa notes the form where a form's question was put, and not the action that put it.
    """
    turns = [i for i, event in enumerate(tracker.events) if event["event"] == "user"]
    for event in reversed(tracker.events[: turns[-1]] if turns else []):
        if event["event"] == "action":
            if event.get("name") in asked_by:
                return False
            if event.get("name") in _ANSWERS:
                return True
        elif event["event"] == "user" and _intent(event) in _INTENTS:
            return True
    return False


def _intent(event: dict[str, Any]) -> str | None:
    return ((event.get("parse_data") or {}).get("intent") or {}).get("name")
