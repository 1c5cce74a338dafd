"""What a patient is told about their labs: the real actions on the real portal with the seeded demo charts."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from starlette.types import ASGIApp

from bot.nlg import ChartlineNLG
from portal.seed.build.people import directory
from portal.seed.demo.charts import DEMO_PATIENTS
from tests.lab_desk import ROOT, ZONE, Desk, portal_with, the_words

NOW = datetime.now(timezone.utc)
OPEN_DESK = Callable[[str], Desk]


def on_day(days: int) -> str:
    day = (NOW.astimezone(ZONE) - timedelta(days=days)).date()
    return f"{day:%b} {day.day}, {day.year}"


def observation(key: str, name: str, **more: Any) -> dict[str, Any]:
    """A result of a patient of the edge cases, with a code of their own laboratory."""
    return {
        "resourceType": "Observation",
        "id": f"edge-{key}",
        "status": "final",
        "category": LABORATORY,
        "code": {"coding": [{"system": "urn:lab", "code": key}], "text": name},
        "subject": {"reference": "Patient/edge"},
        "effectiveDateTime": "2024-03-05",
    } | more


CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
LABORATORY = [{"coding": [{"system": CATEGORY, "code": "laboratory", "display": "Laboratory"}]}]
ROSA = DEMO_PATIENTS[0].chart(NOW, "http://portal.test/fhir")
EDGES = [
    {
        "resourceType": "Patient",
        "id": "edge",
        "name": [{"family": "Edge"}],
        "gender": "male",
        "birthDate": "1970-01-01",
    },
    observation("cerulo", "Ceruloplasmin", valueQuantity={"value": 24, "unit": "mg/dL"}),
    observation("zinc", "Zinc", valueQuantity={"value": 20, "unit": "ug/dL", "comparator": "<"}),
    observation("gone", "Copper", dataAbsentReason={"text": "sample too old"}),
]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> ASGIApp:
    charts = [demo.chart(NOW, "http://portal.test/fhir") for demo in DEMO_PATIENTS]
    return portal_with(tmp_path_factory.mktemp("portal") / "portal.db", [directory(), *charts, EDGES])


@pytest.fixture(scope="module")
def words() -> ChartlineNLG:
    return the_words()


@pytest.fixture
def desk(app: ASGIApp, words: ChartlineNLG) -> OPEN_DESK:
    return lambda patient: Desk(app, patient, words)


def test_my_labs_are_the_latest_day_by_panel_with_value_unit_range_and_flag(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("show_labs", "show my labs")
    assert f"Basic metabolic panel, {on_day(3)}" in answer
    assert "Glucose: 118 mg/dL, HIGH (range: 70 to 99)" in answer
    assert "Potassium: 4.6 mmol/L, in range (3.5 to 5.0)" in answer
    assert f"Hemoglobin A1c, {on_day(3)}: 6.9 %, HIGH" in answer
    assert on_day(5) not in answer


def test_what_is_not_ready_yet_is_said_so(desk: OPEN_DESK) -> None:
    assert f"Vitamin D (25-hydroxy), taken {on_day(1)}: not ready yet" in desk("rosa").ask("show_labs", "labs")


def test_more_pages_on_to_the_end(desk: OPEN_DESK) -> None:
    rosa = desk("rosa")
    answers = [rosa.ask("show_labs", "labs")]
    while rosa.slots["more_action"]:
        assert rosa.said[-1]["buttons"] == [{"title": "More", "payload": "/show_more"}]
        answers.append(rosa.ask("show_more", "more"))
        assert len(answers) < 40
    a_result = re.compile(r"- |.*, [A-Z][a-z]{2} \d+, \d{4}: (?!EARLY)")  # in a panel, or alone with its day
    rows = [line for answer in answers for line in answer.splitlines() if a_result.match(line)]
    on_file = [r for r in ROSA if r["resourceType"] == "Observation" and r["category"] == LABORATORY]
    still_to_come = sum(r["status"] == "registered" for r in on_file)  # listed in one line
    assert len(rows) == len(on_file) - still_to_come
    assert rosa.slots["labs_page"] is None


def test_a_result_that_belongs_to_no_panel_does_not_look_like_a_line_of_the_one_before(desk: OPEN_DESK) -> None:
    assert f"\nHemoglobin A1c, {on_day(3)}: 6.9 %" in desk("rosa").ask("show_labs", "labs")


def test_a_test_without_any_result_yet_has_no_trend(desk: OPEN_DESK) -> None:
    assert "not ready yet" in desk("rosa").ask("lab_trend", "graph my vitamin d", ["vitamin d"])


def test_an_early_report_is_labelled_and_lists_what_is_missing(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("show_labs", "my white cells", ["white blood cell count"])
    assert "EARLY RESULTS" in answer
    rosa = desk("rosa")
    rosa.ask("show_labs", "labs")
    whole = rosa.ask("show_more", "more")
    assert re.search(r"Still to come: .*Neutrophils", whole)


def test_a_corrected_result_leads_with_what_changed(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("show_labs", "my potassium this past year", ["potassium"], ["past year"])
    assert answer.index("first reported as 5.9 mmol/L") < answer.index("Potassium: 4.4 mmol/L")


def test_a_trend_with_a_corrected_value_leads_with_what_changed(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("lab_trend", "graph my potassium", ["potassium"])
    assert answer.index("first reported as 5.9 mmol/L") < answer.index(": 4.4 mmol/L, in range")


def test_a_withdrawn_and_a_canceled_result_hide_their_value(desk: OPEN_DESK) -> None:
    withdrawn = desk("rosa").ask("show_labs", "ferritin", ["ferritin"])
    assert "took this result back" in withdrawn
    assert "4321" not in withdrawn
    canceled = desk("rosa").ask("show_labs", "urine culture", ["urine culture"])
    assert "canceled" in canceled
    assert "not ready" not in canceled


def test_without_a_range_nothing_is_compared(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("explain_lab", "is my tsh normal?", ["tsh"])
    assert "3.4 mIU/L" in answer
    assert "the lab gave none" in answer
    assert not re.search("normal|in range|HIGH|LOW", answer)


def test_a_critical_value_is_not_interpreted_and_comes_with_the_urgent_number(desk: OPEN_DESK) -> None:
    for intent, text in (
        ("show_labs", "my labs"),
        ("explain_lab", "is my potassium ok"),
        ("lab_trend", "potassium graph"),
    ):
        james = desk("james")
        answer = james.ask(intent, text, [] if intent == "show_labs" else ["potassium"])
        assert james.said[0]["name"] == "utter_labs_critical_unseen"
        assert "555-0199" in james.said[0]["text"]
        assert "can't see yet that a clinician has looked" in answer
        line = next(line for line in answer.splitlines() if "6.8 mmol/L" in line and line.startswith("- "))
        assert not re.search("HIGH|LOW|in range", line)


def test_a_critical_value_that_a_clinician_has_seen_says_who(desk: OPEN_DESK) -> None:
    james = desk("james")
    answer = james.ask("show_labs", "all my glucose", ["glucose"])
    assert re.search(r"Dr\. Priya Shah has looked at Glucose", answer)
    assert "555-0199" in answer


@pytest.mark.parametrize(
    ("said", "there", "not_there"),
    [
        ("sugar", "Hemoglobin A1c", "Sodium"),
        ("A1c?", "Hemoglobin A1c", "Glucose"),
        ("kidney numbers", "eGFR", "Sodium"),
        ("chol", "LDL cholesterol", "Glucose"),
        ("my cholestrol", "Triglycerides", "Glucose"),
        ("my blood count", "Hematocrit", "Glucose"),
        ("4548-4", "Hemoglobin A1c", "Glucose"),
    ],
)
def test_a_name_finds_what_this_patient_has(desk: OPEN_DESK, said: str, there: str, not_there: str) -> None:
    answer = desk("rosa").ask("show_labs", said)
    assert there in answer
    assert not_there not in answer


def test_the_newest_of_a_test_comes_first_and_older_ones_on_more(desk: OPEN_DESK) -> None:
    rosa = desk("rosa")
    first, more = rosa.ask("show_labs", "a1c", ["hemoglobin a1c"]), rosa.ask("show_more", "more")
    assert "6.9 %" in first and "7.2 %" not in first
    values = re.findall(r": (\d\.\d) %", more)
    assert values == ["7.2", "7.4", "7.6", "7.9", "7.8", "8.1", "8.4"]


def test_a_test_that_is_not_there_names_those_that_are(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("show_labs", "my psa", ["psa"])
    assert "PSA" in answer or "psa" in answer
    assert "Lipid panel" in answer


def test_one_found_and_one_missing_are_both_answered(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("show_labs", "my psa and my a1c", ["psa", "hemoglobin a1c"])
    assert 'don\'t see a result for "psa"' in answer
    assert "6.9 %" in answer


def test_a_period_limits_the_results(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("show_labs", "a1c over the past 12 months", ["hemoglobin a1c"], ["past 12 months"])
    assert "6.9 %" in answer and "7.2 %" in answer
    assert "7.4 %" not in answer


def test_a_period_without_results_says_so(desk: OPEN_DESK) -> None:
    assert "from that time" in desk("rosa").ask("show_labs", "labs from 1990", [], ["1990"])
    assert "from that time" in desk("rosa").ask("show_labs", "a1c in 1990", ["hemoglobin a1c"], ["1990"])


def test_a_time_that_cannot_be_known_is_not_guessed(desk: OPEN_DESK) -> None:
    assert "not sure which dates" in desk("rosa").ask("show_labs", "labs since my surgery", [], ["since my surgery"])


def test_a_follow_up_is_about_the_last_test(desk: OPEN_DESK) -> None:
    rosa = desk("rosa")
    rosa.ask("show_labs", "a1c", ["hemoglobin a1c"])
    assert "8 results" in rosa.ask("lab_trend", "graph it")
    assert "average sugar" in rosa.ask("explain_lab", "what does that mean")
    older = rosa.ask("show_labs", "and in the past 12 months?", [], ["past 12 months"])
    assert "7.2 %" in older and "Glucose" not in older


def test_a_general_question_is_not_taken_for_a_follow_up(desk: OPEN_DESK) -> None:
    rosa = desk("rosa")
    rosa.ask("show_labs", "a1c", ["hemoglobin a1c"])
    assert "Sodium" in rosa.ask("show_labs", "show my latest labs")


def test_a_trend_has_text_and_a_picture_of_one_code_and_unit(desk: OPEN_DESK) -> None:
    rosa = desk("rosa")
    answer = rosa.ask("lab_trend", "creatinine over time", ["creatinine"])
    assert "µmol/L" not in answer
    assert "left them out" in answer
    chart = rosa.said[0]["chart"]
    assert (chart["unit"], chart["low"], chart["high"]) == ("mg/dL", 0.5, 1.1)
    assert [value for _, value in chart["points"]] == [0.8, 0.9, 0.9, 1.0, 1.0]
    assert chart["points"] == sorted(chart["points"])
    assert "1.0 mg/dL" in chart["alt"]


def test_the_trend_of_a_panel_is_one_line_a_test(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("lab_trend", "how has my cholesterol changed", ["cholesterol"])
    assert re.search(r"LDL cholesterol: from 146 mg/dL .* to 91 mg/dL", answer)


def test_too_few_values_for_a_trend_are_shown_as_they_are(desk: OPEN_DESK) -> None:
    james = desk("james")
    answer = james.ask("lab_trend", "bnp trend", ["bnp"])
    assert "at least two numbers" in answer and "312" in answer
    assert james.said[0]["chart"] is None


@pytest.mark.parametrize("intent", ["lab_trend", "explain_lab"])
def test_without_a_test_it_asks_which(desk: OPEN_DESK, intent: str) -> None:
    answer = desk("rosa").ask(intent, "explain my results")
    assert answer.splitlines()[-1].startswith("Which test")
    assert "Lipid panel" in answer


def test_a_name_right_after_that_question_answers_it(desk: OPEN_DESK) -> None:
    rosa = desk("rosa")
    rosa.ask("lab_trend", "graph my results")
    assert "8 results" in rosa.ask("show_labs", "a1c", ["hemoglobin a1c"])
    assert "Here is the latest" in rosa.ask("show_labs", "a1c", ["hemoglobin a1c"])


def test_an_explanation_has_its_source_the_own_value_and_an_offer_and_no_diagnosis(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("explain_lab", "is my a1c normal", ["hemoglobin a1c"])
    assert "Source: MedlinePlus" in answer
    assert "6.9 %, HIGH (range: 4.0 to 5.6)" in answer
    assert "Call 555-0100 to ask them" in answer
    assert "you have diabetes" not in answer.lower()


def test_a_test_that_was_never_done_is_explained_all_the_same(desk: OPEN_DESK) -> None:
    answer = desk("rosa").ask("explain_lab", "what is a psa", ["psa"])
    assert "prostate" in answer
    assert "don't see a result of this test" in answer


def test_an_empty_chart_is_said_plainly(desk: OPEN_DESK) -> None:
    assert "don't see any lab results" in desk("wei").ask("show_labs", "labs")
    assert "don't see any lab results" in desk("wei").ask("lab_trend", "a1c trend", ["hemoglobin a1c"])


def test_results_outside_the_catalogue_are_found_by_the_labs_name(desk: OPEN_DESK) -> None:
    edge = desk("edge")
    assert "Ceruloplasmin, Mar 5, 2024: 24 mg/dL" in edge.ask("show_labs", "cerulaplasmin", ["cerulaplasmin"])
    assert "no plain description" in edge.ask("explain_lab", "what does that mean")
    assert "<20 µg/dL" in edge.ask("show_labs", "zinc?", ["zinc"])
    assert "no value (sample too old)" in edge.ask("show_labs", "copper?", ["copper"])


def test_no_other_patients_results_are_ever_shown(desk: OPEN_DESK) -> None:
    assert "6.9 %" not in desk("james").ask("show_labs", "all my a1c", ["hemoglobin a1c"])


def test_every_response_that_an_action_can_name_exists(words: ChartlineNLG) -> None:
    named = set()
    for file in (ROOT / "actions").glob("lab*.py"):
        named |= set(re.findall(r'"(utter_lab\w+[a-z])"', file.read_text("utf-8")))
    kinds = ["plain", "in_range", "high", "low", "unusual", "critical"]
    named |= {f"utter_labs_row_{kind}" for kind in kinds} | {
        f"utter_labs_row_{k}_no_range" for k in kinds if k != "in_range"
    }
    named |= {f"utter_labs_row_{kind}_report" for kind in ("pending", "canceled", "withdrawn")}
    named |= {f"utter_labs_critical_{kind}" for kind in ("unseen", "seen", "seen_by_someone")}
    missing = {name for name in named if name not in words.responses}
    assert not missing
