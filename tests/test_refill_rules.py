"""The rule that decides about a refill, and the small answers that a refill asks for."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from actions.medication import Medication, Place, read_medication
from actions.medication_chart import Fill, Request
from actions.refill_answers import concern, days_left, days_mentioned, is_clear_yes, pharmacy_named
from actions.refill_rules import NextStep, Outcome, RefillPolicy, decide, refills_left

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 6, 15, 9, 0, tzinfo=ZONE)


def a_medication(display: str = "lisinopril 10 MG Oral Tablet", repeats: int | None = 3, **elements: Any) -> Medication:
    dispense: dict[str, Any] = {"validityPeriod": {"end": elements.pop("until", "2027-01-01")}}
    if repeats is not None:
        dispense["numberOfRepeatsAllowed"] = repeats
    return read_medication(
        {
            "resourceType": "MedicationRequest",
            "id": "rx",
            "status": "active",
            "authoredOn": "2026-01-10T10:00:00-05:00",
            "medicationCodeableConcept": {"text": display},
            "dispenseRequest": dispense,
            **elements,
        },
        ZONE,
    )


def a_fill(days_ago: int, supply: float = 90, status: str = "completed") -> Fill:
    return Fill("MedicationRequest/rx", status, NOW.date() - timedelta(days=days_ago), supply, None)


def a_request(status: str = "requested", days_ago: int = 1) -> Request:
    authored = NOW - timedelta(days=days_ago)
    return Request("t", "MedicationRequest/rx", False, status, authored, "R-ABCDE", "key", False, "", "", None)


def test_a_fill_that_is_nearly_used_up_can_be_refilled() -> None:
    decision = decide(a_medication(), [a_fill(80)], [], NOW)
    assert (decision.outcome, decision.next_step, decision.refills_left) == (Outcome.REFILL, NextStep.CONFIRM, 3)


@pytest.mark.parametrize(
    ("supply", "day"), [(30, 23), (90, 77), (14, 11), (5, 4)], ids=["a month", "three months", "two weeks", "five days"]
)
def test_the_earliest_day_lies_between_75_and_85_percent_of_the_supply(supply: int, day: int) -> None:
    assert RefillPolicy().earliest(date(2026, 1, 1), supply) == date(2026, 1, 1) + timedelta(days=day)


def test_the_day_before_the_earliest_is_too_soon_and_the_earliest_is_not() -> None:
    assert decide(a_medication(), [a_fill(76)], [], NOW).outcome is Outcome.TOO_SOON
    assert decide(a_medication(), [a_fill(77)], [], NOW).outcome is Outcome.REFILL


def test_how_early_is_configurable_and_a_wrong_value_names_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTLINE_REFILL_EARLY_DAYS", "2")
    assert RefillPolicy.from_environment().earliest(date(2026, 1, 1), 30) == date(2026, 1, 27)
    monkeypatch.setenv("CHARTLINE_REFILL_EARLY_DAYS", "soon")
    with pytest.raises(ValueError, match="CHARTLINE_REFILL_EARLY_DAYS"):
        RefillPolicy.from_environment()


def test_refills_left_are_the_repeats_minus_the_fills_after_the_first() -> None:
    assert refills_left(a_medication(repeats=3), []) == 3
    assert refills_left(a_medication(repeats=3), [a_fill(90)]) == 3
    assert refills_left(a_medication(repeats=3), [a_fill(180), a_fill(90)]) == 2
    assert refills_left(a_medication(repeats=None), [a_fill(90)]) is None


def test_no_refills_left_offers_a_renewal() -> None:
    decision = decide(a_medication(repeats=1), [a_fill(170), a_fill(85)], [], NOW)
    assert (decision.outcome, decision.next_step) == (Outcome.NONE_LEFT, NextStep.OFFER_RENEWAL)


def test_a_first_fill_needs_no_refill_left() -> None:
    assert decide(a_medication(repeats=0), [], [], NOW).outcome is Outcome.REFILL


def test_a_prescription_is_good_on_its_last_day_and_expired_after_it() -> None:
    assert decide(a_medication(until="2026-06-15"), [a_fill(85)], [], NOW).outcome is Outcome.REFILL
    assert decide(a_medication(until="2026-06-14"), [a_fill(85)], [], NOW).outcome is Outcome.EXPIRED


def test_schedule_two_goes_to_the_clinic_whatever_the_prescription_says() -> None:
    decision = decide(a_medication("oxycodone 5 MG Oral Tablet"), [a_fill(85)], [], NOW)
    assert (decision.outcome, decision.next_step) == (Outcome.CONTROLLED, NextStep.CALL_CLINIC)


def test_schedule_four_ends_six_months_after_it_was_written() -> None:
    zolpidem = a_medication("zolpidem 5 MG Oral Tablet", authoredOn="2025-12-14")
    assert decide(zolpidem, [a_fill(40, 30)], [], NOW).outcome is Outcome.EXPIRED
    zolpidem = a_medication("zolpidem 5 MG Oral Tablet", authoredOn="2025-12-15")
    assert decide(zolpidem, [a_fill(40, 30)], [], NOW).outcome is Outcome.REFILL


def test_schedule_four_has_five_refills_at_most() -> None:
    zolpidem = a_medication("zolpidem 5 MG Oral Tablet", repeats=11)
    assert refills_left(zolpidem, [a_fill(d, 30) for d in (150, 120, 90, 60, 30)]) == 1
    assert decide(zolpidem, [a_fill(d, 30) for d in (150, 130, 110, 90, 60, 30)], [], NOW).outcome is Outcome.NONE_LEFT


def test_schedule_five_is_left_to_the_prescriber() -> None:
    assert refills_left(a_medication("pregabalin 75 MG Oral Capsule", repeats=11), [a_fill(30)]) == 11


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("stopped", Outcome.STOPPED),
        ("cancelled", Outcome.STOPPED),
        ("on-hold", Outcome.ON_HOLD),
        ("completed", Outcome.FINISHED),
    ],
)
def test_what_is_stopped_held_or_finished_is_never_refilled(status: str, outcome: Outcome) -> None:
    decision = decide(a_medication(status=status), [a_fill(85)], [], NOW)
    assert (decision.outcome, decision.next_step) == (outcome, NextStep.CALL_CLINIC)


def test_stopped_goes_before_an_open_request() -> None:
    assert decide(a_medication(status="stopped"), [a_fill(85)], [a_request()], NOW).outcome is Outcome.STOPPED


def test_what_another_clinic_prescribes_is_theirs() -> None:
    assert decide(a_medication(reportedBoolean=True), [], [], NOW).next_step is NextStep.CALL_PRESCRIBER


@pytest.mark.parametrize("status", ["requested", "received", "accepted", "in-progress", "on-hold"])
def test_an_open_request_is_shown_and_not_repeated(status: str) -> None:
    decision = decide(a_medication(), [a_fill(85)], [a_request(status)], NOW)
    assert decision.outcome is Outcome.REQUESTED
    assert decision.request is not None


@pytest.mark.parametrize("status", ["completed", "rejected", "cancelled", "failed"])
def test_a_closed_request_does_not_stand_in_the_way(status: str) -> None:
    assert decide(a_medication(), [a_fill(85)], [a_request(status)], NOW).outcome is Outcome.REFILL


def test_a_request_that_was_filled_since_is_closed() -> None:
    assert decide(a_medication(), [a_fill(85)], [a_request(days_ago=90)], NOW).outcome is Outcome.REFILL


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("3", 3), ("about 3 days", 3), ("like two", 2), ("a couple days", 2), ("I have five left", 5), ("none", 0),
        ("I'm out", 0), ("zero", 0), ("a week", 7), ("two weeks", 14), ("half a month", 15), ("10 pills", 5),
        ("enough for 4 days", 4), ("just today", 0), ("yes, 6", 6), ("took my last one", 0), ("4 more days i think", 4),
    ],
)  # fmt: skip
def test_days_left_are_read_the_way_people_say_them(text: str, days: int) -> None:
    assert days_left(text, units_a_day=2) == days


@pytest.mark.parametrize(
    "text",
    ["yes", "my last a1c was 7", "what is my appointment on the 3rd", "show 3 labs", "lisinopril 10 mg",
     "call 555-0100", "I am 70 years old", "refill 2 of them"],
)  # fmt: skip
def test_a_number_in_another_message_is_no_answer(text: str) -> None:
    assert days_left(text) is None


def test_days_left_said_in_passing_are_kept() -> None:
    assert days_mentioned("only two pills left of my water pill") == 2
    assert days_mentioned("I'm out of my water pill") == 0
    assert days_mentioned("I have 2 refills left on lisinopril") is None
    assert days_mentioned("refill my water pill") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("refill lisinopril I took too many", "overdose"),
        ("i took the whole bottle", "overdose"),
        ("my son got into my metformin", "overdose"),
        ("my tongue is swollen", "overdose"),
        ("took 12 metoprolol by accident", "overdose"),
        ("it makes me dizzy", "side_effect"),
        ("lisinopril gives me a bad cough, refill it", "side_effect"),
        ("I have a rash since", "side_effect"),
        ("refill it, no side effects so far", None),
        ("refill my albuterol for my cough", None),
        ("I took my last one today", None),
        ("I've taken 20 mg for years", None),
        ("my pain pills please", None),
        ("refill my epipen", None),
    ],
)
def test_a_side_effect_or_an_overdose_is_noticed_and_a_plain_request_is_not(text: str, found: str | None) -> None:
    assert concern(text) == found


def test_a_yes_with_a_but_is_no_yes() -> None:
    assert is_clear_yes("affirm", "yes please")
    assert not is_clear_yes("affirm", "yes but not today")
    assert not is_clear_yes("deny", "yes")


def test_a_pharmacy_of_the_chart_is_recognized_and_another_is_kept_as_said() -> None:
    corner = Place("Corner Pharmacy", "Organization/corner")
    assert pharmacy_named("send it to corner pharmacy please", [], [corner]) == corner
    assert pharmacy_named("send it there", ["cornr pharmacy"], [corner]) == corner
    assert pharmacy_named("use the Walgreens on 5th", [], [corner]) == Place("Walgreens on 5th")
    assert pharmacy_named("refill my lisinopril", [], [corner]) is None
