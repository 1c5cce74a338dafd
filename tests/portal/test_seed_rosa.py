"""Rosa has a prescription for every answer to a refill request, and a result of every status."""

import re
from base64 import b64decode

import pytest

from portal.seed.build.medications import STATUS_CHANGED
from tests.portal.seeded import (
    NOW,
    charts,
    code,
    day,
    days_left,
    days_since,
    drug,
    fills,
    flag,
    of,
    prescription,
    refills_left,
    report_of,
    results,
)

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def test_rosa_is_67_and_lives_in_new_york():
    (patient,) = of("rosa", "Patient")
    assert patient["birthDate"] == "1959-04-18"
    assert "America/New_York" in [extension.get("valueCode") for extension in patient["extension"]]
    assert patient["generalPractitioner"][0]["display"] == "Dr. Priya Shah"


@pytest.mark.parametrize(
    ("name", "rxcui"),
    [
        ("lisinopril", "314076"),
        ("metformin", "861007"),
        ("atorvastatin", "617310"),
        ("metoprolol succinate", "866427"),
        ("metoprolol tartrate", "866514"),
        ("warfarin", "855332"),
    ],
)
def test_drugs_are_coded_in_rxnorm_and_named_as_health_records_name_them(name, rxcui):
    (coding,) = prescription("rosa", name)["medicationCodeableConcept"]["coding"]
    assert (coding["system"], coding["code"]) == (RXNORM, rxcui)


def test_lisinopril_can_be_refilled_now():
    rx = prescription("rosa", "lisinopril")
    assert rx["status"] == "active"
    assert refills_left("rosa", rx) == 3
    assert days_since(fills("rosa", rx)[-1]["whenHandedOver"]) == 80
    assert days_left("rosa", rx) == 10
    assert rx["dispenseRequest"]["performer"]["display"] == "Corner Pharmacy"


def test_metformin_is_too_soon():
    rx = prescription("rosa", "metformin")
    assert refills_left("rosa", rx) == 2
    assert days_left("rosa", rx) == 80


def test_atorvastatin_has_no_refills_left():
    rx = prescription("rosa", "atorvastatin")
    assert refills_left("rosa", rx) == 0
    assert days_left("rosa", rx) == 5
    assert day(rx["dispenseRequest"]["validityPeriod"]["end"]).date() > NOW.date()


def test_hydrochlorothiazide_has_expired_with_refills_left():
    rx = prescription("rosa", "hydrochlorothiazide")
    assert rx["status"] == "active"
    assert refills_left("rosa", rx) > 0
    assert day(rx["dispenseRequest"]["validityPeriod"]["end"]).date() < NOW.date()


def test_oxycodone_has_no_refills_by_law():
    assert prescription("rosa", "oxycodone")["dispenseRequest"]["numberOfRepeatsAllowed"] == 0


@pytest.mark.parametrize(
    ("name", "status", "days", "who", "why"),
    [
        ("sertraline", "stopped", 42, "Dr. Priya Shah", "It upset your stomach"),
        ("warfarin", "on-hold", 9, "Dr. Alan Whitfield", "Upcoming procedure"),
    ],
)
def test_what_was_stopped_or_held_says_when_by_whom_and_why(name, status, days, who, why):
    rx = prescription("rosa", name)
    assert rx["status"] == status
    (changed,) = [e["valueDateTime"] for e in rx["extension"] if e["url"] == STATUS_CHANGED]
    assert days_since(changed) == days
    assert rx["statusReason"]["text"] == why
    assert rx["note"][-1]["authorReference"]["display"] == who


def test_there_are_two_metoprolols_that_can_both_be_refilled():
    found = [rx for rx in of("rosa", "MedicationRequest") if "metoprolol" in drug(rx)]
    assert [rx["status"] for rx in found] == ["active", "active"]
    assert all(refills_left("rosa", rx) > 0 and days_left("rosa", rx) <= 10 for rx in found)


def test_a_refill_of_amlodipine_is_in_progress_since_yesterday():
    (task,) = of("rosa", "Task")
    rx = prescription("rosa", "amlodipine")
    assert task["focus"]["reference"] == f"MedicationRequest/{rx['id']}"
    assert (task["status"], days_since(task["authoredOn"])) == ("in-progress", 1)
    assert refills_left("rosa", rx) > 0
    assert task["code"]["coding"][0]["code"] == "fulfill"
    assert task["identifier"][0]["system"] == "urn:chartline:request"


@pytest.mark.parametrize("name", ["hydralazine", "albuterol"])
def test_the_others_can_be_refilled(name):
    rx = prescription("rosa", name)
    assert rx["status"] == "active"
    assert refills_left("rosa", rx) > 0
    assert days_left("rosa", rx) < 10


def test_she_takes_no_hydroxyzine():
    assert not [rx for rx in of("rosa", "MedicationRequest") if "hydroxyzine" in drug(rx)]


def test_levothyroxine_is_another_clinics():
    rx = prescription("rosa", "levothyroxine")
    assert rx["reportedBoolean"] is True
    assert rx["requester"]["display"] == "Lakeside Endocrine Center"
    assert "dispenseRequest" not in rx


def test_every_prescription_tells_how_to_take_it():
    assert all(rx["dosageInstruction"][0]["text"] for rx in of("rosa", "MedicationRequest"))


def test_eight_a1c_over_four_years_end_at_6_9():
    found = results("rosa", "4548-4")
    assert len(found) == 8
    assert found[-1]["valueQuantity"] | {"system": "", "code": ""} == {
        "value": 6.9, "unit": "%", "system": "", "code": "",
    }  # fmt: skip
    assert days_since(found[0]["effectiveDateTime"]) > 3.5 * 365
    assert flag(found[-1]) == "H"


def test_the_latest_day_has_the_metabolic_panel_and_the_a1c():
    final = [r for r in of("rosa", "DiagnosticReport") if r["status"] == "final"]
    latest = max(day(r["effectiveDateTime"]) for r in final)
    names = {r["code"]["text"] for r in final if day(r["effectiveDateTime"]) == latest}
    assert names == {"Basic metabolic panel", "Hemoglobin A1c"}


def test_the_metabolic_panel_is_whole_with_ranges_and_flags():
    reports = [r for r in of("rosa", "DiagnosticReport") if code(r["code"]) == "24321-2"]
    report = max(reports, key=lambda r: day(r["effectiveDateTime"]))
    found = {r["id"]: r for r in of("rosa", "Observation")}
    parts = [found[result["reference"].split("/")[1]] for result in report["result"]]
    assert [code(part["code"]) for part in parts] == [
        "2345-7", "3094-0", "2160-0", "98979-8", "2951-2", "2823-3", "2075-0", "2028-9", "17861-6",
    ]  # fmt: skip
    assert all(part["referenceRange"] and flag(part) for part in parts)


def test_a_corrected_potassium_says_what_changed():
    (potassium,) = [seen for seen in results("rosa", "2823-3") if seen["status"] == "corrected"]
    assert potassium["valueQuantity"]["value"] == 4.4
    note = potassium["note"][0]["text"]
    pattern = r"Corrected on [A-Z][a-z]+ \d+, \d{4}: first reported as 5\.9 mmol/L; the right value is 4\.4 mmol/L\."
    assert re.fullmatch(pattern, note)
    assert report_of("rosa", potassium)["status"] == "corrected"


def test_a_preliminary_count_has_its_cells_and_lacks_its_differential():
    (report,) = [r for r in of("rosa", "DiagnosticReport") if r["status"] == "preliminary"]
    assert len(report["result"]) == 9
    assert "resultsInterpreter" not in report
    missing = [seen for seen in of("rosa", "Observation") if seen["status"] == "registered"]
    assert {seen["code"]["text"] for seen in missing} == {
        "Neutrophils", "Lymphocytes", "Monocytes", "Eosinophils", "Basophils",
    }  # fmt: skip
    assert all("valueQuantity" not in seen for seen in missing)
    assert {seen["effectiveDateTime"] for seen in missing} == {report["effectiveDateTime"]}


def test_vitamin_d_was_drawn_yesterday_and_is_not_ready():
    (report,) = [r for r in of("rosa", "DiagnosticReport") if r["status"] == "registered"]
    assert code(report["code"]) == "1989-3"
    assert days_since(report["effectiveDateTime"]) == 1
    assert "result" not in report


def test_a_ferritin_in_error_has_a_value_that_tests_can_look_for():
    (ferritin,) = results("rosa", "2276-4")
    assert ferritin["status"] == "entered-in-error"
    assert ferritin["valueQuantity"]["value"] == 4321.5


def test_a_urine_culture_was_cancelled():
    (culture,) = results("rosa", "630-4")
    assert culture["status"] == "cancelled"
    assert "valueQuantity" not in culture


def test_creatinine_comes_in_two_units_of_one_code_and_of_another():
    units = {seen["valueQuantity"]["unit"] for seen in results("rosa", "2160-0")}
    assert units == {"mg/dL", "µmol/L"}
    assert results("rosa", "14682-9")


def test_tsh_has_no_range_and_no_interpretation():
    assert results("rosa", "3016-3")
    assert not any("referenceRange" in seen or "interpretation" in seen for seen in results("rosa", "3016-3"))


def test_fingerstick_glucose_is_a_test_of_its_own():
    assert results("rosa", "41653-7")


def test_some_reports_are_reviewed_and_some_are_not():
    reviewed = ["resultsInterpreter" in report for report in of("rosa", "DiagnosticReport")]
    assert any(reviewed) and not all(reviewed)


def test_one_reply_is_unread():
    messages = [m for m in of("rosa", "Communication") if "partOf" in m]
    headers = [m for m in of("rosa", "Communication") if "partOf" not in m]
    assert len(headers) == 2
    (unread,) = [m for m in messages if "received" not in m]
    assert unread["sender"]["display"] == "Dr. Alan Whitfield"
    assert unread["recipient"][0]["reference"] == "Patient/rosa"


def test_the_next_visit_tells_how_to_prepare_and_another_is_by_video():
    booked = sorted((v for v in of("rosa", "Appointment") if v["status"] == "booked"), key=lambda v: day(v["start"]))
    assert all(day(visit["start"]) > NOW for visit in booked)
    assert "Do not eat" in booked[0]["patientInstruction"]
    (video,) = [visit for visit in booked if "extension" in visit]
    assert video["extension"][0]["extension"][0]["valueUrl"].startswith("https://")


def test_visits_are_by_day_on_working_days():
    for visit in of("rosa", "Appointment"):
        if visit["status"] == "booked":
            assert day(visit["start"]).weekday() < 5
            assert 8 <= day(visit["start"]).hour < 17


def test_notes_come_as_text_xhtml_and_pdf_and_a_psychotherapists_is_labelled():
    notes = of("rosa", "DocumentReference")
    kinds = {note["content"][0]["attachment"]["contentType"].split(";")[0] for note in notes}
    assert kinds == {"text/plain", "application/xhtml+xml", "application/pdf"}
    (apart,) = [note for note in notes if "securityLabel" in note]
    assert apart["type"]["text"] == "Psychotherapy note"


def test_a_note_in_a_binary_can_be_found_by_its_address():
    binaries = {f"http://127.0.0.1:8000/fhir/Binary/{b['id']}": b for b in of("rosa", "Binary")}
    urls = [n["content"][0]["attachment"].get("url") for n in of("rosa", "DocumentReference")]
    assert {url for url in urls if url} == set(binaries)
    pdf = next(b for b in binaries.values() if b["contentType"] == "application/pdf")
    assert b64decode(pdf["data"]).startswith(b"%PDF-1.4")


def test_bills_are_owed_paid_and_undecided():
    totals = {bill["id"]: bill.get("totalNet", {}).get("value") for bill in of("rosa", "Invoice")}
    status = {bill["status"] for bill in of("rosa", "Invoice")}
    assert status == {"issued", "balanced", "draft"}
    assert totals["rosa-bill-shah"] == 40.0
    assert totals["rosa-bill-labs"] is None


def test_she_is_allergic_to_penicillin():
    (penicillin,) = [a for a in of("rosa", "AllergyIntolerance") if a["code"]["text"] == "Penicillin"]
    assert penicillin["criticality"] == "high"


def test_the_chart_has_problems_vaccines_vitals_and_an_account():
    assert len(of("rosa", "Condition")) >= 6
    assert {v["status"] for v in of("rosa", "Immunization")} == {"completed", "not-done"}
    assert len(results("rosa", "85354-9")) >= 5
    assert len(of("rosa", "Account")) == 1


def test_she_is_linked_to_both_grandchildren():
    (patient,) = of("rosa", "Patient")
    proxies = {f"RelatedPerson/{p['id']}" for child in ("sam", "ava") for p in of(child, "RelatedPerson")}
    assert {link["other"]["reference"] for link in patient["link"]} == proxies
    assert set(charts()) >= {"sam", "ava"}
