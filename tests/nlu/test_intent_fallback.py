"""When two readings are close: a page is shown, a refill is never guessed."""

from __future__ import annotations

import pytest
import yaml
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.intent_fallback import IntentFallback
from tests.nlu.conftest import ROOT

PIPELINE = yaml.safe_load((ROOT / "config.yml").read_text())["pipeline"]
CONFIG = next(part for part in PIPELINE if part["name"].endswith("IntentFallback"))


def decided(*ranking: tuple[str, float]) -> str:
    readings = [{"name": name, "confidence": confidence} for name, confidence in ranking]
    message = Message(data={"text": "so", "intent": readings[0], "intent_ranking": readings})
    IntentFallback({**IntentFallback.get_default_config(), **CONFIG}).process([message])
    return str(message.get("intent")["name"])


@pytest.mark.parametrize(
    ("ranking", "intent"),
    [
        ((("show_labs", 0.43), ("explain_lab", 0.42)), "show_labs"),
        ((("medication_details", 0.43), ("refill_medication", 0.42)), "medication_details"),
        ((("show_labs", 0.25), ("explain_lab", 0.1)), "nlu_fallback"),
        ((("refill_medication", 0.43), ("medication_details", 0.42)), "nlu_fallback"),
        ((("refill_medication", 0.38), ("medication_details", 0.1)), "nlu_fallback"),
        ((("deny", 0.34), ("thank", 0.27)), "nlu_fallback"),
        ((("affirm", 0.49), ("deny", 0.1)), "nlu_fallback"),
        ((("refill_medication", 0.6), ("medication_details", 0.3)), "refill_medication"),
    ],
)
def test_the_likelier_page_is_shown_and_no_refill_is_guessed(
    ranking: tuple[tuple[str, float], ...], intent: str
) -> None:
    assert decided(*ranking) == intent
