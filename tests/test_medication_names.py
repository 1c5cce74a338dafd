"""Names as patients say them, resolved against Rosa's own chart."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from actions.medication import Medication, read_medication
from actions.medication_chart import make_chart, short_reference
from actions.medication_mentions import How, Mention, find_mentions, says_all
from actions.medication_names import names
from portal.seed.demo.charts import DEMO_PATIENTS
from tests.medication_desk import ZONE


@pytest.fixture(scope="module")
def medications() -> tuple[Medication, ...]:
    rosa = next(demo for demo in DEMO_PATIENTS if demo.person.key == "rosa")
    resources = rosa.chart(datetime.now(timezone.utc), "http://portal.test/fhir")
    prescriptions = [r for r in resources if r["resourceType"] == "MedicationRequest"]
    return make_chart(prescriptions, [], [], ZONE).medications


def the_one(text: str, medications: tuple[Medication, ...]) -> Mention:
    found = find_mentions(text, medications)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("text", "name", "how"),
    [
        ("refill my lisinopril", "lisinopril 10 mg", How.NAME),
        ("Zestril", "lisinopril 10 mg", How.BRAND),
        ("toprol xl", "metoprolol succinate ER 25 mg", How.BRAND),
        ("I need synthroid", "levothyroxine 50 mcg", How.BRAND),
        ("my water pills", "hydrochlorothiazide 25 mg", How.EVERYDAY),
        ("hctz", "hydrochlorothiazide 25 mg", How.EVERYDAY),
        ("the blood thinner", "warfarin 5 mg", How.EVERYDAY),
        ("the peach pill", "warfarin 5 mg", How.EVERYDAY),
        ("cholesterol medicine", "atorvastatin 20 mg", How.EVERYDAY),
        ("my cholestrol pill", "atorvastatin 20 mg", How.EVERYDAY),
        ("sugar pill", "metformin 500 mg", How.EVERYDAY),
        ("the pill for my diabetes", "metformin 500 mg", How.EVERYDAY),
        ("my puffer", "albuterol inhaler 90 mcg", How.EVERYDAY),
        ("rescue inhaler", "albuterol inhaler 90 mcg", How.EVERYDAY),
        ("pain pills", "oxycodone 5 mg", How.EVERYDAY),
        ("the one for my asthma", "albuterol inhaler 90 mcg", How.EVERYDAY),
        ("thyroid med", "levothyroxine 50 mcg", How.EVERYDAY),
        ("lisinoprel", "lisinopril 10 mg", How.SPELLING),
        ("lysinopril", "lisinopril 10 mg", How.SPELLING),
        ("metforman", "metformin 500 mg", How.SPELLING),
        ("met formin", "metformin 500 mg", How.NAME),
        ("atorvastin", "atorvastatin 20 mg", How.SPELLING),
        ("hydroclorothiazide", "hydrochlorothiazide 25 mg", How.SPELLING),
        ("warfrin", "warfarin 5 mg", How.SPELLING),
        ("lipator", "atorvastatin 20 mg", How.SPELLING),
        ("norvask", "amlodipine 5 mg", How.SPELLING),
        ("metoprolol tartrate", "metoprolol tartrate 50 mg", How.NAME),
        ("metoprolol 50", "metoprolol tartrate 50 mg", How.NAME),
        ("25 mg of metoprolol", "metoprolol succinate ER 25 mg", How.NAME),
        ("metoprolol er", "metoprolol succinate ER 25 mg", How.NAME),
    ],
)
def test_a_name_is_found_in_the_patients_chart(
    text: str, name: str, how: How, medications: tuple[Medication, ...]
) -> None:
    mention = the_one(text, medications)
    assert ([m.name for m in mention.found], mention.how) == ([name], how)


def test_two_of_one_name_are_both_offered(medications: tuple[Medication, ...]) -> None:
    found = the_one("my metoprolol", medications).found
    assert [m.name for m in found] == ["metoprolol succinate ER 25 mg", "metoprolol tartrate 50 mg"]


def test_a_class_of_several_offers_them_all_and_not_the_stopped(medications: tuple[Medication, ...]) -> None:
    found = {m.name for m in the_one("blood pressure pill", medications).found}
    assert {"lisinopril 10 mg", "amlodipine 5 mg", "hydralazine 25 mg"} <= found
    assert "sertraline 50 mg" not in found


@pytest.mark.parametrize("text", ["hydroxyzine", "hydroxizine", "Atarax", "metronidazole"])
def test_a_look_alike_is_never_picked_silently(text: str, medications: tuple[Medication, ...]) -> None:
    assert the_one(text, medications).how is How.LOOK_ALIKE


def test_a_misspelling_between_two_look_alikes_is_asked_about(medications: tuple[Medication, ...]) -> None:
    assert the_one("hydralizine", medications).how is How.LOOK_ALIKE


@pytest.mark.parametrize("text", ["viagra", "insulin", "simvastatin", "gabapenton"])
def test_what_is_not_on_the_list_is_found_as_missing(text: str, medications: tuple[Medication, ...]) -> None:
    assert the_one(text, medications).found == ()


def test_several_names_in_one_message_are_found_in_order(medications: tuple[Medication, ...]) -> None:
    found = find_mentions("lisinopril n amlodapine and my water pill", medications)
    assert [m.said for m in found] == ["lisinopril", "amlodapine", "water pill"]


def test_a_strength_that_nobody_prescribed_is_said(medications: tuple[Medication, ...]) -> None:
    mention = the_one("lisinopril 20 mg", medications)
    assert (mention.strength, [m.name for m in mention.found]) == ("20 mg", ["lisinopril 10 mg"])


@pytest.mark.parametrize(
    "text",
    ["can you please ask the doctor to renew this before my vacation", "I need a refill", "is it ready for pickup yet",
     "call me back at the office tomorrow morning", "yes please send them", "I have an appointment on tuesday"],
)  # fmt: skip
def test_ordinary_words_are_no_drugs(text: str, medications: tuple[Medication, ...]) -> None:
    assert find_mentions(text, medications) == []


def test_everything_is_asked_for_in_many_ways_and_not_by_accident() -> None:
    assert all(map(says_all, ["all of them", "refill all my meds", "everything please", "both", "every prescription"]))
    assert not any(map(says_all, ["not at all", "after all", "refill lisinopril", "thank you for all the help"]))


@pytest.mark.parametrize(
    ("display", "name", "schedule"),
    [
        ("24 HR metoprolol succinate 25 MG Extended Release Oral Tablet", "metoprolol succinate ER 25 mg", None),
        ("albuterol 0.09 MG/ACTUAT Metered Dose Inhaler", "albuterol inhaler 90 mcg", None),
        (
            "Acetaminophen 325 MG / oxycodone Hydrochloride 5 MG Oral Tablet",
            "acetaminophen / oxycodone 325 mg / 5 mg",
            2,
        ),
        ("Acetaminophen 300 MG / Codeine Phosphate 30 MG Oral Tablet", "acetaminophen / codeine 300 mg / 30 mg", 3),
        ("Simvistatin 10 MG", "simvastatin 10 mg", None),
        ("Diazepam [Valium]", "diazepam", 4),
        ("Terfenadine 60 MG Oral Tablet", "terfenadine 60 mg", None),
        ("Hydrocortisone 10 MG/ML Topical Cream", "hydrocortisone cream 10 mg/mL", None),
    ],
)
def test_a_product_is_named_as_at_home_and_its_schedule_is_known(display: str, name: str, schedule: int | None) -> None:
    medication = read_medication({"id": "x", "medicationCodeableConcept": {"text": display}}, ZONE)
    assert (medication.name, medication.schedule) == (name, schedule)


def test_the_facts_hold_together() -> None:
    known = names()
    assert len(known.generics) >= 250
    assert {f.get("schedule") for f in known.generics.values()} == {None, 2, 3, 4, 5}
    assert "hydroxyzine" in known.look_alikes("hydralazine")
    assert "hydralazine" in known.look_alikes("hydroxyzine")


def test_a_reference_is_short_stable_and_has_no_letters_that_look_alike() -> None:
    assert short_reference("a") == short_reference("a") != short_reference("b")
    assert not set(short_reference("anything")[2:]) & set("01OILU")
