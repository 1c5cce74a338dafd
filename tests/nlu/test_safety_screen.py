"""Two voices and two thresholds: when it alarms, when it asks, and when it lets through."""

from __future__ import annotations

from typing import Any

import pytest
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.safety_screen import SafetyScreen
from bot.nlu.tuned_reader import READINGS

CONFIG = {**SafetyScreen.get_default_config(), "alarm": 0.6, "question": 0.15, "outright": 0.3}


def screened(text: str, tuned: float, **more: Any) -> str:
    """The intent after the screen, where the tuned encoder takes a text for an emergency so much."""
    safety = {"report_emergency": tuned, "report_crisis": 0.0, "safe": 1 - tuned}
    message = Message(data={"text": text, "intent": {"name": "greet"}, READINGS: {"safety": safety}, **more})
    screen = SafetyScreen(CONFIG)
    return str(screen.process([message])[0].get("intent")["name"])


@pytest.mark.parametrize(
    ("likely", "intent"),
    [(0.9, "report_emergency"), (0.6, "report_emergency"), (0.59, "maybe_emergency"), (0.15, "maybe_emergency")],
)
def test_above_the_upper_threshold_it_alarms_and_between_the_two_it_asks(likely: float, intent: str) -> None:
    assert screened("something odd", likely) == intent


def test_below_both_thresholds_it_lets_through() -> None:
    assert screened("something odd", 0.14) == "greet"


def test_what_is_said_outright_is_never_let_through() -> None:
    assert screened("I can't breathe", 0.0) == "maybe_emergency"
    assert screened("I can't breathe", 0.3) == "report_emergency"


def test_a_figure_of_speech_is_asked_about_only_where_more_speaks_for_danger() -> None:
    assert screened("this wait is killing me", 0.49) == "greet"
    assert screened("this wait is killing me", 0.5) == "maybe_emergency"


@pytest.mark.parametrize("mark", ["screened", "again"])
def test_what_was_screened_before_is_let_through(mark: str) -> None:
    assert screened("I can't breathe", 0.9, metadata={mark: True}) == "greet"


def test_an_empty_message_is_no_danger() -> None:
    assert screened("  ", 0.9) == "greet"


def test_the_ranking_keeps_what_the_message_otherwise_was() -> None:
    safety = {"report_emergency": 0.3, "report_crisis": 0.0, "safe": 0.7}
    reading = {"name": "show_labs", "confidence": 0.8}
    data = {"text": "so", "intent": reading, "intent_ranking": [reading], READINGS: {"safety": safety}}
    message = SafetyScreen(CONFIG).process([Message(data=data)])[0]
    assert [found["name"] for found in message.get("intent_ranking")] == ["maybe_emergency", "show_labs"]
