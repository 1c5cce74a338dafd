"""What the other demo patients are there for."""

import pytest

from portal.db import make_engine, migrate
from portal.seed import seed
from portal.smart import SmartSettings, Users
from portal.smart.proxies import Proxies
from portal.store import Store
from tests.portal.seeded import (
    NOW,
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


def test_james_chose_wei_to_see_his_visits_and_medicines():
    (proxy,), (consent,) = of("james", "RelatedPerson"), of("james", "Consent")
    (wei,) = of("wei", "Patient")
    assert proxy["identifier"] == wei["identifier"]
    assert wei["link"][0]["other"]["reference"] == f"RelatedPerson/{proxy['id']}"
    assert consent["performer"] == [{"reference": "Patient/james"}]
    assert [kind["code"] for kind in consent["provision"]["class"]] == [
        "Appointment", "MedicationRequest", "MedicationDispense", "Task",
    ]  # fmt: skip


def test_the_demo_people_open_the_charts_that_their_notes_tell_of(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path / 'portal.db'}")
    migrate(engine)
    store, users = Store(engine, "http://127.0.0.1:8000/fhir"), Users(engine)
    seed(store, users, now=NOW)
    proxies = Proxies(engine, SmartSettings().proxy_policy, store.base_url, lambda: int(NOW.timestamp()))
    opened = {
        user.username: {(c.patient_id, c.proxy.related_person_id, c.whole) for c in proxies.charts(user) if c.proxy}
        for user in users.demo()
    }
    assert {name: charts for name, charts in opened.items() if charts} == {
        "rosa": {("sam", "sam-proxy-rosa", True), ("ava", "ava-proxy-rosa", False)},
        "wei": {("james", "james-proxy-wei", False)},
    }
    rosa, wei = (next(u for u in users.demo() if u.username == name) for name in ("rosa", "wei"))
    ava = next(c.proxy for c in proxies.charts(rosa) if c.proxy and c.patient_id == "ava")
    james = next(c.proxy for c in proxies.charts(wei) if c.proxy)
    clinics = {"Slot", "Schedule", "Location", "Practitioner", "PractitionerRole", "Organization"}
    assert ava.types == {"Patient", "Appointment", "Immunization", "AllergyIntolerance"} | clinics
    asked = {"Appointment", "MedicationRequest", "MedicationDispense", "Task"}
    assert james.types == {"Patient", "Medication"} | asked | clinics
