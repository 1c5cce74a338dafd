"""What the other demo patients are there for."""

import pytest

from tests.portal.seeded import (
    charts,
    code,
    days_left,
    days_since,
    drug,
    flag,
    of,
    prescription,
    refills_left,
    report_of,
    results,
)


def test_everybody_has_a_sign_in_name_and_a_note():
    assert set(charts()) == {
        "rosa", "james", "wei", "linda", "sam", "ava",
        "adalberto", "angelic", "enrique", "hobert", "renea", "karena", "amy",
    }  # fmt: skip
    assert all(chart.note and chart.display_name for chart in charts().values())
    assert charts()["amy"].display_name == "Amy Baxter"
    assert charts()["karena"].display_name == "Karena O'Keefe"


def test_james_has_a_critical_potassium_that_nobody_has_seen():
    potassium = results("james", "2823-3")[-1]
    assert (potassium["valueQuantity"]["value"], flag(potassium)) == (6.8, "HH")
    assert days_since(potassium["effectiveDateTime"]) == 1
    assert "resultsInterpreter" not in report_of("james", potassium)


def test_james_has_a_critical_glucose_that_a_clinician_reviewed():
    (glucose,) = [seen for seen in results("james", "2345-7") if flag(seen) == "HH"]
    assert report_of("james", glucose)["resultsInterpreter"][0]["display"] == "Dr. Priya Shah"


def test_james_has_two_water_pills_and_a_stopped_lisinopril():
    active = [drug(rx) for rx in of("james", "MedicationRequest") if rx["status"] == "active"]
    assert [name.split()[0] for name in active] == ["lisinopril", "spironolactone", "furosemide"]
    assert prescription("james", "lisinopril 10")["status"] == "stopped"


def test_weis_chart_is_empty():
    assert [r["resourceType"] for r in charts()["wei"].resources] == ["Patient"]


def test_linda_has_many_results_and_no_known_allergies():
    assert len(results("linda", "6301-6")) > 50
    (allergy,) = of("linda", "AllergyIntolerance")
    assert (code(allergy["code"]), allergy["code"]["text"]) == ("716186003", "No known allergies")


def test_linda_has_exactly_three_days_of_digoxin_and_no_refills():
    rx = prescription("linda", "digoxin")
    assert days_left("linda", rx) == 3
    assert refills_left("linda", rx) == 0


@pytest.mark.parametrize("name", ["warfarin", "digoxin", "furosemide"])
def test_linda_takes_what_old_hearts_need(name):
    assert prescription("linda", name)["status"] == "active"


@pytest.mark.parametrize(("child", "age", "classes"), [("sam", 9, None), ("ava", 15, "Appointment")])
def test_rosa_may_see_her_grandchildren_avas_chart_in_part_only(child, age, classes):
    (patient,) = of(child, "Patient")
    assert days_since(patient["birthDate"]) // 365.25 == age
    (proxy,) = of(child, "RelatedPerson")
    (rosa,) = of("rosa", "Patient")
    assert proxy["identifier"] == rosa["identifier"]
    (consent,) = of(child, "Consent")
    provision = consent["provision"]
    assert (consent["status"], provision["type"]) == ("active", "permit")
    assert provision["actor"][0]["reference"]["reference"] == f"RelatedPerson/{proxy['id']}"
    assert (provision["class"][0]["code"] if "class" in provision else None) == classes
