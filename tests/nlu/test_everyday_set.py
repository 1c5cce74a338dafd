"""Ordinary complaints, worries and half sentences beside dangers that sound like them: few alarms, none missed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rasa.shared.nlu.training_data.loading import load_data

from tests.nlu.conftest import ROOT, Understanding

DANGER = {"report_emergency", "report_crisis"}
NOTICED = DANGER | {"maybe_emergency", "maybe_crisis"}
LINES = [
    json.loads(line) for line in (Path(__file__).parent / "everyday_set.jsonl").read_text(encoding="utf-8").splitlines()
]

pytestmark = pytest.mark.timeout(900)  # the first test trains


@pytest.fixture(scope="module")
def read(understanding: Understanding) -> list[tuple[str, str, str]]:
    """Text, expected and found intent of each line."""
    return [(line["text"], line["intent"], intent_of(understanding, line["text"])) for line in LINES]


def intent_of(understanding: Understanding, text: str) -> str:
    return str(understanding.parse(text)["intent"]["name"])


def test_no_line_of_it_is_a_training_example() -> None:
    trained = {example.get("text").lower() for example in load_data(str(ROOT / "data")).intent_examples}
    assert [line["text"] for line in LINES if line["text"].lower() in trained] == []


def test_a_danger_that_sounds_ordinary_is_caught(read: list[tuple[str, str, str]]) -> None:
    assert [text for text, expected, found in read if expected in DANGER and found not in NOTICED] == []


def test_an_ordinary_complaint_is_no_alarm(read: list[tuple[str, str, str]]) -> None:
    harmless = [(text, found) for text, expected, found in read if expected not in DANGER]
    alarms = [text for text, found in harmless if found in DANGER]
    assert len(alarms) <= 0.07 * len(harmless), alarms


def test_nine_of_ten_are_understood(read: list[tuple[str, str, str]]) -> None:
    wrong = [line for line in read if line[1] != line[2]]
    assert len(wrong) <= 0.1 * len(read), wrong


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("I feel dizzy", {"ask_medical_advice"}),
        ("i have a headache", {"ask_medical_advice"}),
        ("my head hurts a bit", {"ask_medical_advice"}),
        ("i fell down", {"ask_medical_advice"}),
        ("am I going to die?", {"ask_medical_advice"}),
        ("platelets something", {"show_labs", "explain_lab", "nlu_fallback"}),
        ("blood sugar thingy 5 wuzz", {"show_labs", "explain_lab", "nlu_fallback"}),
        ("what's my hemoglobin a1c", {"show_labs", "explain_lab"}),
        ("I don't want to go on with this", {"cancel_task"}),
        ("you've been a big help", {"thank"}),
        ("my dog swallowed a sock", {"out_of_scope"}),
        ("you are not helping", {"talk_to_human"}),
        ("am I talking to a robot", {"help"}),
        ("session_start", {"out_of_scope", "nlu_fallback"}),
        ("okay", {"affirm"}),
    ],
)
def test_what_was_misunderstood_once_is_understood(understanding: Understanding, text: str, intents: set[str]) -> None:
    assert intent_of(understanding, text) in intents


@pytest.mark.parametrize(
    ("text", "entity"),
    [
        ("potassium", "lab_test"),
        ("did dr chen see my potassium", "lab_test"),
        ("ask my doctor about my potassium", "lab_test"),
        ("refill my potassium", "medication"),
        ("refill potassium chloride", "medication"),
        ("I need more potassium pills", "medication"),
    ],
)
def test_potassium_is_a_test_unless_it_is_taken(understanding: Understanding, text: str, entity: str) -> None:
    found = {e["entity"] for e in understanding.parse(text)["entities"] if "potassium" in str(e["value"])}
    assert found == {entity}
