"""The patterns of the safety screen alone: what must never be missed needs no trained model."""

from __future__ import annotations

import pytest

from bot.nlu.safety_patterns import SafetyPatterns

PATTERNS = SafetyPatterns.default()


def screened(text: str) -> str | None:
    return PATTERNS.match(PATTERNS.without_figures_of_speech(text))


@pytest.mark.parametrize(
    "text",
    [
        "I can't breathe",
        "he’s not breathing",
        "I have chest pain",
        "CHEST PAIN!!!",
        "refill my nitro, I have chest pain now",
        "no fever, but she can't breathe",
        "I had a stroke in 2016 and now my face is drooping",
        "my dad can't lift his arm",
        "she won't wake up",
        "I think I overdosed",
        "he's od'ing what do i do",
        "cancel my appointment, I am in too much chest pain to drive",
        "need to reschedule because I can't breathe",
        "my three week old has a fever of 101",
        "my toddler ate my heart pills",
        "he took the whole bottle",
        "no puedo respirar",
        "mi papá está inconsciente",
        "me duele el pecho",
    ],
)
def test_an_emergency_said_outright_is_caught(text: str) -> None:
    assert screened(text) == "report_emergency"


@pytest.mark.parametrize(
    "text",
    [
        "I want to kill myself",
        "i dont want to live anymore",
        "I'm suicidal",
        "my husband hits me",
        "I'm afraid to go home",
        "quiero morirme",
        "how much insulin would kill a person",
        "mi esposo me pega",
        "cancel my refill, I want to die",
        "I am going to die tonight",
        "he says he is ready to die",
    ],
)
def test_a_crisis_said_outright_is_caught(text: str) -> None:
    assert screened(text) == "report_crisis"


@pytest.mark.parametrize(
    "text",
    [
        "this cough is killing me",
        "I'm dying to know my results",
        "that bill nearly gave me a heart attack",
        "my phone died",
        "no chest pain today",
        "I don't have trouble breathing",
        "I had a seizure ten years ago",
        "what are the signs of a stroke",
        "what should I do if I get chest pain",
        "bill for the visit when I had chest pain",
        "move my stress test",
        "refill my seizure meds",
        "is the seizure disorder on my problem list",
        "what first aid should everyone know for choking",
        "I need a flu shot",
        "shoot me an email",
        "never mind",
        "refill my EpiPen",
        "I don't want to go on with this",
        "am I going to die?",
        "is he going to die from this",
        "me muero de ganas de saber mis resultados",
        "",
    ],
)
def test_what_only_sounds_dangerous_is_let_through(text: str) -> None:
    assert screened(text) is None
