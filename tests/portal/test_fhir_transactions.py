"""Transaction bundles: http://hl7.org/fhir/R4/http.html#transaction"""

import pytest

from portal.errors import FhirError

PATIENT = {"resourceType": "Patient", "identifier": [{"system": "urn:mrn", "value": "1"}]}
DOCTOR = {"resourceType": "Practitioner", "identifier": [{"system": "urn:npi", "value": "9"}]}


def entry(resource, method="POST", full_url="", **request):
    url = f"{resource['resourceType']}/{resource['id']}" if method == "PUT" else resource["resourceType"]
    return {"fullUrl": full_url, "resource": resource, "request": {"method": method, "url": url, **request}}


def bundle(*entries):
    return {"resourceType": "Bundle", "type": "transaction", "entry": list(entries)}


def observation(subject, **elements):
    found = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}, **elements}
    return found | {"subject": {"reference": subject}}


def count(portal, name):
    return portal.system.get(f"{name}?_summary=count").json()["total"]


def test_references_between_entries_lead_to_what_was_stored(portal):
    answer = portal.system.post(
        "", json=bundle(entry(observation("urn:uuid:a")), entry(PATIENT, full_url="urn:uuid:a"))
    )
    assert answer.status_code == 200
    done = answer.json()
    assert done["type"] == "transaction-response"
    assert [e["response"]["status"] for e in done["entry"]] == ["201 Created", "201 Created"]
    patient = done["entry"][1]["response"]["location"]
    stored = portal.system.get(done["entry"][0]["response"]["location"]).json()
    assert stored["subject"]["reference"] == patient
    assert portal.system.get(f"Observation?patient={patient}").json()["total"] == 1


def test_a_put_keeps_its_id_and_its_full_url_leads_to_it(portal):
    portal.store.transaction(
        bundle(entry({**PATIENT, "id": "p1"}, "PUT", "urn:uuid:a"), entry(observation("urn:uuid:a")))
    )
    assert portal.system.get("Patient/p1").status_code == 200
    assert portal.system.get("Observation?patient=p1").json()["total"] == 1


def test_a_conditional_reference_finds_the_one_resource_on_file_or_in_the_bundle(portal):
    portal.store.create(DOCTOR)
    request = observation("urn:uuid:a", performer=[{"reference": "Practitioner?identifier=urn:npi|9"}])
    portal.store.transaction(bundle(entry(PATIENT, full_url="urn:uuid:a"), entry(request)))
    found = portal.system.get("Observation?_include=Observation:performer").json()["entry"]
    assert {e["resource"]["resourceType"] for e in found} == {"Observation", "Practitioner"}


@pytest.mark.parametrize("on_file", [0, 2])
def test_a_conditional_reference_that_finds_none_or_several_fails_the_whole_bundle(portal, on_file):
    for _ in range(on_file):
        portal.store.create(DOCTOR)
    request = observation("urn:uuid:a", performer=[{"reference": "Practitioner?identifier=urn:npi|9"}])
    answer = portal.system.post("", json=bundle(entry(PATIENT, full_url="urn:uuid:a"), entry(request)))
    assert answer.status_code == 412
    assert count(portal, "Patient") == 0


def test_one_invalid_entry_undoes_all_and_is_named(portal):
    answer = portal.system.post("", json=bundle(entry(PATIENT), entry(observation("Patient/x", status="wrong"))))
    assert answer.status_code == 422
    assert count(portal, "Patient") == 0
    assert answer.json()["issue"][0]["expression"] == ["Bundle.entry[1].resource.status"]


def test_an_entry_with_a_condition_is_stored_once_however_often_it_is_sent(portal):
    condition = {"ifNoneExist": "identifier=urn:mrn|1"}
    sent = bundle(
        entry(PATIENT, full_url="urn:uuid:a", **condition),
        entry(PATIENT, full_url="urn:uuid:b", **condition),
        entry(observation("urn:uuid:b")),
    )
    first, second = portal.store.transaction(sent), portal.store.transaction(sent)
    assert count(portal, "Patient") == 1
    assert first["entry"][0]["response"]["location"] == second["entry"][0]["response"]["location"]
    assert [e["response"]["status"][:3] for e in second["entry"]] == ["200", "200", "201"]
    patient = first["entry"][0]["response"]["location"]
    assert portal.system.get(f"Observation?patient={patient}").json()["total"] == 2


def test_a_put_of_an_older_version_fails_the_whole_bundle(portal):
    portal.store.update({**PATIENT, "id": "p1"})
    stale = entry({**PATIENT, "id": "p1", "active": True}, "PUT", ifMatch='W/"5"')
    assert portal.system.post("", json=bundle(entry(DOCTOR), stale)).status_code == 412
    assert count(portal, "Practitioner") == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"resourceType": "Bundle", "type": "batch", "entry": []},
        {"resourceType": "Bundle", "type": "transaction", "entry": {}},
        {"resourceType": "Bundle", "type": "transaction", "entry": [None]},
        bundle({"resource": PATIENT}),
        bundle({"request": {"method": "POST", "url": "Patient"}}),
        bundle({"resource": PATIENT, "request": {"method": "DELETE", "url": "Patient/1"}}),
        bundle({"resource": PATIENT, "request": {"method": "POST", "url": "Nonsense"}}),
        bundle({"resource": PATIENT, "request": {"method": "PUT", "url": "Patient?identifier=1"}}),
        bundle({"resource": PATIENT, "request": {"method": "POST", "url": "Practitioner"}}),
        bundle({"resource": PATIENT, "request": {"method": ["POST"], "url": "Patient"}}),
        bundle({"resource": {**PATIENT, "id": "a"}, "request": {"method": "PUT", "url": "Patient/b"}}),
        bundle(entry(observation("urn:uuid:nobody"))),
    ],
)
def test_what_is_no_transaction_is_a_400_and_stores_nothing(portal, wrong):
    answer = portal.system.post("", json=wrong)
    assert answer.status_code == 400, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert count(portal, "Patient") == count(portal, "Observation") == 0


def test_the_store_raises_what_the_http_layer_answers(portal):
    with pytest.raises(FhirError) as raised:
        portal.store.transaction(bundle(entry(observation("Patient/x", status="wrong"))))
    assert raised.value.status == 422
