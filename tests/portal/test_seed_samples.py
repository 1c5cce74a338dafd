"""Sample charts are moved to the present as a whole, repaired and completed."""

from base64 import b64decode
from datetime import date

import pytest

from portal.seed.samples import SAMPLE_PATIENTS, load_sample
from portal.seed.shift import NEWEST, age_on, moved, moved_birth, moved_text, newest
from tests.portal.seeded import NOW, code, days_since, of

USERNAMES = [patient.username for patient in SAMPLE_PATIENTS]
WITH_LABS = ["adalberto", "angelic", "enrique", "hobert", "renea"]


def test_dates_move_and_their_time_and_zone_stay():
    same = {"date": "2020-02", "onset": "2020", "id": "2020-02-28"}
    before = {"period": {"start": "2020-02-28T23:10:05-05:00"}, **same}
    assert moved([before], 2) == [{"period": {"start": "2020-03-01T23:10:05-05:00"}, **same}]


def test_dates_in_a_notes_text_move_too():
    assert moved_text("Seen 2019-12-30; code 2019-12 stays.", 3) == "Seen 2020-01-02; code 2019-12 stays."


@pytest.mark.parametrize("birth", ["1957-12-26", "1960-02-29", "1971-03-01", "2002-01-01"])
@pytest.mark.parametrize("after", [date(2026, 11, 18), date(2027, 1, 1), date(2028, 2, 29)])
def test_the_patient_is_as_old_as_before_and_keeps_the_birthday(birth, after):
    before = date(2021, 3, 11)
    born = date.fromisoformat(moved_birth(birth, before, after))
    assert age_on(born, after) == age_on(date.fromisoformat(birth), before)
    assert f"{born:%m-%d}" in (birth[5:], "02-28" if birth.endswith("02-29") else birth[5:])


@pytest.mark.parametrize("patient", SAMPLE_PATIENTS, ids=USERNAMES)
def test_the_newest_record_lies_a_few_days_ago(patient):
    ours = {"MedicationRequest", "MedicationDispense"}
    theirs = [resource for resource in load_sample(patient, NOW) if resource["resourceType"] not in ours]
    assert days_since(newest(theirs).isoformat()) == NEWEST


@pytest.mark.parametrize("username", WITH_LABS)
def test_synthea_results_are_flagged_and_older_reports_reviewed(username):
    reports = [r for r in of(username, "DiagnosticReport") if code(r["category"][0]) == "LAB"]
    assert any("resultsInterpreter" in report for report in reports)
    assert any("interpretation" in seen for seen in of(username, "Observation"))


def test_values_are_rounded_as_laboratories_round_them():
    digits = [len(str(v).partition(".")[2]) for v in _values("renea")]
    assert digits and max(digits) <= 2


def test_total_protein_is_in_grams_per_deciliter():
    protein = [r["valueQuantity"]["value"] for r in of("hobert", "Observation") if code(r["code"]) == "2885-2"]
    assert protein and all(5 < value < 9 for value in protein)


@pytest.mark.parametrize("username", ["adalberto", "angelic", "enrique", "hobert", "renea", "karena"])
def test_active_prescriptions_have_dosage_refills_and_fills(username):
    filled = {d["authorizingPrescription"][0]["reference"] for d in of(username, "MedicationDispense")}
    for rx in of(username, "MedicationRequest"):
        if rx["status"] == "active":
            assert rx["dosageInstruction"][0]["text"]
            assert "numberOfRepeatsAllowed" in rx["dispenseRequest"]
            assert f"MedicationRequest/{rx['id']}" in filled
            assert 0 <= days_since(rx["authoredOn"]) < 366


def test_names_have_no_digits_and_notes_are_current_and_readable():
    (patient,) = of("karena", "Patient")
    assert patient["name"][0]["given"] == ["Karena"]
    notes = of("karena", "DocumentReference")
    assert {note["status"] for note in notes} == {"current"}
    newest_note = max(notes, key=lambda note: note["date"])
    text = b64decode(newest_note["content"][0]["attachment"]["data"]).decode()
    assert newest_note["date"][:10] in text
    assert "Karena692" not in text


def test_the_us_core_patient_keeps_an_inverted_range():
    (hematocrit,) = [r for r in of("amy", "Observation") if code(r["code"]) == "4544-3"]
    limits = hematocrit["referenceRange"][0]
    assert limits["low"]["value"] > limits["high"]["value"]


def _values(username):
    return [r["valueQuantity"]["value"] for r in of(username, "Observation") if "valueQuantity" in r]
