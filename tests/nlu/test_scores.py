"""The figures of `make evaluate`, counted on lines made for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scripts import evaluate
from scripts.scores import Line, calibration_error, report, value_of


def line(expected: str, got: str, **more: Any) -> Line:
    return Line("so", expected, got, **{"reading": got, "confidence": 0.9, **more})


def test_a_question_counts_as_noticed_and_never_as_an_alarm() -> None:
    figures = report(
        [
            line("report_emergency", "ask_medical_advice", screened="maybe_emergency"),
            line("report_emergency", "report_crisis"),
            line("report_emergency", "show_labs"),
            line("report_crisis", "report_crisis"),
            line("safe", "report_emergency"),
            line("safe", "show_labs", screened="maybe_crisis"),
            line("show_labs", "show_labs"),
            line("show_labs", "show_labs"),
        ]
    )
    assert figures["emergency_recall"] == pytest.approx(2 / 3, abs=1e-4)
    assert figures["crisis_recall"] == 1
    assert figures["safety_false_alarm_rate"] == 0.25
    assert figures["safety_question_rate"] == 0.25


def test_safe_lines_name_no_intent_and_any_rejection_of_what_is_out_of_scope_is_right() -> None:
    figures = report(
        [
            line("safe", "refill_medication"),
            line("out_of_scope", "nlu_fallback"),
            line("out_of_scope", "greet"),
            line("show_labs", "out_of_scope"),
            line("show_labs", "show_labs"),
        ]
    )
    assert figures["intent_accuracy"] == 0.5
    assert figures["out_of_scope_recall"] == 0.5
    assert figures["false_rejection_rate"] == 0.5
    assert {"expected": "show_labs", "got": "out_of_scope", "count": 1} in figures["confusions"]


def test_entities_are_counted_by_type_and_value() -> None:
    figures = report(
        [
            line(
                "refill_medication",
                "refill_medication",
                expected_entities=[("medication", "metformin"), ("pharmacy", "cvs")],
                got_entities=[("medication", "metformin"), ("medication", "aspirin")],
            )
        ]
    )
    assert figures["entity_f1"] == 0.5
    assert figures["entity_f1_by_type"] == {"medication": pytest.approx(2 / 3, abs=1e-4), "pharmacy": 0}


def test_a_share_of_nothing_is_no_number() -> None:
    assert report([line("safe", "greet")])["intent_accuracy"] is None


def test_a_confidence_that_is_right_as_often_as_it_says_has_no_calibration_error() -> None:
    lines = [line("greet", "greet", confidence=0.75)] * 3 + [line("thank", "greet", confidence=0.75)]
    assert calibration_error(lines) == 0
    assert calibration_error([line("thank", "greet", confidence=0.75)]) == 0.75


@pytest.mark.parametrize(
    ("one", "other"), [("Dr. Patel", "dr patel"), ("on Monday", "monday"), ("my  water pill", "Water Pill")]
)
def test_values_are_compared_without_small_words_case_and_dots(one: str, other: str) -> None:
    assert value_of(one) == value_of(other)


def test_what_the_message_is_handled_as_after_a_no_is_scored_beside_the_question() -> None:
    ranking = [{"name": name, "confidence": 0.3} for name in ("maybe_crisis", "nlu_fallback", "help")]
    found = evaluate.compared(
        {"text": "so", "intent": "help"}, {"intent": ranking[0], "intent_ranking": ranking, "entities": []}
    )
    assert (found.screened, found.got, found.reading) == ("maybe_crisis", "nlu_fallback", "help")


def test_a_file_that_is_none_ends_with_one_line(tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text(json.dumps({"words": "so"}))
    with pytest.raises(SystemExit, match=r"bad\.jsonl is no file of utterances"):
        evaluate.read(tmp_path / "bad.jsonl")


@pytest.mark.parametrize("file", evaluate.DEVELOPMENT_SETS, ids=lambda file: file.name)
def test_the_development_sets_can_be_read(file: Path) -> None:
    assert len(evaluate.read(file)) > 300
