"""How well the assistant understands sentences that were written apart from the training data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from rasa.shared.nlu.training_data.loading import load_data

from tests.nlu.conftest import ROOT, Understanding

DANGER = {"report_emergency", "report_crisis"}
NOTICED = DANGER | {"maybe_emergency", "maybe_crisis"}  # an alarm, or a question that names the number
LINES = (Path(__file__).parent / "dev_set.jsonl").read_text(encoding="utf-8").splitlines()

pytestmark = pytest.mark.timeout(900)  # the first test trains


@pytest.fixture(scope="module")
def read(understanding: Understanding) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each line of the development set with what was understood."""
    expected = [json.loads(line) for line in LINES]
    return [(line, understanding.parse(line["text"])) for line in expected]


def share(hits: list[bool]) -> float:
    return sum(hits) / len(hits)


def named(found: dict[str, Any]) -> str:
    return str(found["intent"]["name"])


def test_no_line_of_it_is_a_training_example() -> None:
    trained = {example.get("text").lower() for example in load_data(str(ROOT / "data")).intent_examples}
    assert [text for line in LINES if (text := json.loads(line)["text"]).lower() in trained] == []


def test_nine_of_ten_intents_are_right(read: Any) -> None:
    wrong = [(line["text"], named(found)) for line, found in read if named(found) != line["intent"]]
    assert len(wrong) <= 0.1 * len(read), wrong


@pytest.mark.parametrize("danger", sorted(DANGER))
def test_danger_is_hardly_ever_missed(read: Any, danger: str) -> None:
    missed = [line["text"] for line, found in read if line["intent"] == danger and named(found) not in NOTICED]
    assert len(missed) <= 0.02 * sum(line["intent"] == danger for line, _ in read), missed


def test_few_harmless_messages_raise_an_alarm(read: Any) -> None:
    alarms = [line["text"] for line, found in read if line["intent"] not in DANGER and named(found) in DANGER]
    assert len(alarms) <= 0.03 * sum(line["intent"] not in DANGER for line, _ in read), alarms


def test_few_harmless_messages_are_asked_about(read: Any) -> None:
    asked = [line["text"] for line, found in read if line["intent"] not in DANGER and named(found) in NOTICED - DANGER]
    assert len(asked) <= 0.06 * sum(line["intent"] not in DANGER for line, _ in read), asked


def test_few_requests_are_turned_away_as_not_understood(read: Any) -> None:
    assert share([named(found) == "nlu_fallback" for _, found in read]) <= 0.05


def test_what_is_out_of_scope_is_seen_as_such(read: Any) -> None:
    outside = {"out_of_scope", "nlu_fallback"}
    assert share([named(f) in outside for line, f in read if line["intent"] == "out_of_scope"]) >= 0.85


def test_entities_are_found_with_their_values(read: Any) -> None:
    def values(entities: list[dict[str, Any]]) -> set[tuple[str, str]]:
        return {(entity["entity"], str(entity["value"]).lower()) for entity in entities}

    pairs = [
        (values(line["entities"]), values(found["entities"])) for line, found in read if named(found) not in DANGER
    ]
    right = sum(len(wanted & got) for wanted, got in pairs)
    total = sum(len(wanted) + len(got) for wanted, got in pairs)
    assert 2 * right / total >= 0.85


def test_a_confidence_means_what_it_says(read: Any) -> None:
    sure = [named(found) == line["intent"] for line, found in read if found["intent"]["confidence"] >= 0.8]
    assert share(sure) >= 0.9
