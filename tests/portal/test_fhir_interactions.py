"""Read, create and update as FHIR's HTTP API says: http://hl7.org/fhir/R4/http.html"""

from concurrent.futures import ThreadPoolExecutor

import pytest

KEY = "urn:chartline:request|abc"
HEADERS = {"Content-Type": "application/fhir+json"}


def outcome_code(response):
    body = response.json()
    assert body["resourceType"] == "OperationOutcome"
    assert response.headers["content-type"] == "application/fhir+json"
    return body["issue"][0]["code"]


def task(**elements):
    identifier = [{"system": "urn:chartline:request", "value": "abc"}]
    return {"resourceType": "Task", "status": "requested", "intent": "order", "identifier": identifier, **elements}


def test_a_created_resource_gets_an_id_of_ours_and_is_read_back_whole(portal):
    answer = portal.system.post("Task", json=task(id="mine", description="Größe 5 µg"))
    assert answer.status_code == 201
    created = answer.json()
    assert created["id"] != "mine" and created["meta"]["versionId"] == "1"
    assert answer.headers["etag"] == 'W/"1"'
    assert answer.headers["location"] == f"http://127.0.0.1:8000/fhir/Task/{created['id']}"
    read = portal.system.get(f"Task/{created['id']}")
    assert read.status_code == 200
    assert read.json() == created
    assert read.headers["last-modified"].endswith("GMT")


def test_decimals_keep_the_precision_that_was_written(portal):
    body = (
        b'{"resourceType":"Observation","status":"final","code":{"text":"x"},"valueQuantity":{"value":6.90,"unit":"%"}}'
    )
    created = portal.system.post("Observation", content=body, headers=HEADERS)
    assert b'"value":6.90' in portal.system.get(f"Observation/{created.json()['id']}").content


def test_an_update_makes_the_next_version_and_search_sees_only_the_new_values(portal, add):
    add("Task", id="t1", status="requested")
    answer = portal.system.put("Task/t1", json=task(id="t1", status="completed"), headers={"If-Match": 'W/"1"'})
    assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"2"')
    assert portal.system.get("Task?status=requested").json().get("entry") is None
    assert portal.system.get("Task?status=completed").json()["total"] == 1


def test_an_update_of_an_older_version_is_refused_and_changes_nothing(portal, add):
    add("Task", id="t1")
    answer = portal.system.put("Task/t1", json=task(id="t1", status="completed"), headers={"If-Match": 'W/"7"'})
    assert (answer.status_code, outcome_code(answer)) == (412, "conflict")
    assert portal.system.get("Task/t1").json()["status"] == "requested"


def test_only_one_of_two_updates_of_the_same_version_wins(portal, add):
    add("Task", id="t1")

    def write(number):
        body = task(id="t1", description=str(number))
        return portal.system.put("Task/t1", json=body, headers={"If-Match": 'W/"1"'}).status_code

    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(pool.map(write, range(6)))
    assert statuses[0] == 200
    assert set(statuses[1:]) <= {409, 412}
    assert portal.system.get("Task/t1").json()["meta"]["versionId"] == "2"


def test_an_unchanged_resource_is_not_sent_again(portal, add):
    add("Task", id="t1")
    assert portal.system.get("Task/t1", headers={"If-None-Match": 'W/"1"'}).status_code == 304
    assert portal.system.get("Task/t1", headers={"If-None-Match": 'W/"2"'}).status_code == 200


def test_the_body_and_the_address_of_an_update_must_name_the_same_resource(portal, add):
    add("Task", id="t1")
    for body in (task(id="t2"), task()):
        answer = portal.system.put("Task/t1", json=body)
        assert (answer.status_code, outcome_code(answer)) == (400, "invariant")


def test_a_patient_cannot_choose_the_id_of_a_new_resource_but_the_system_can(portal, add):
    add("Patient", id="p1")
    body = task(id="chosen", **{"for": {"reference": "Patient/p1"}})
    assert portal.patient("p1").put("Task/chosen", json=body).status_code == 405
    assert portal.system.put("Task/chosen", json=body).status_code == 201


@pytest.mark.parametrize(
    ("wanted", "kind"), [("minimal", None), ("representation", "Task"), ("OperationOutcome", "OperationOutcome")]
)
def test_the_client_chooses_what_a_write_returns(portal, wanted, kind):
    answer = portal.system.post("Task", json=task(), headers={"Prefer": f"return={wanted}"})
    assert answer.status_code == 201
    assert (answer.json()["resourceType"] if answer.content else None) == kind


def test_a_conditional_create_stores_once_and_then_finds_what_is_there(portal):
    first = portal.system.post("Task", json=task(), headers={"If-None-Exist": f"identifier={KEY}"})
    again = portal.system.post("Task", json=task(), headers={"If-None-Exist": f"identifier={KEY}"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


@pytest.mark.parametrize("condition", [f"identifier={KEY}", "status=requested&intent=order"])
def test_twenty_conditional_creates_at_once_store_exactly_one(portal, condition):
    def write(_):
        return portal.system.post("Task", json=task(), headers={"If-None-Exist": condition})

    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(write, range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert portal.system.get(f"Task?identifier={KEY}").json()["total"] == 1


def test_a_conditional_create_is_refused_where_several_match(portal, add):
    for _ in range(2):
        add("Task", identifier=task()["identifier"])
    answer = portal.system.post("Task", json=task(), headers={"If-None-Exist": f"identifier={KEY}"})
    assert (answer.status_code, outcome_code(answer)) == (412, "multiple-matches")


def test_an_identifier_that_was_taken_off_its_resource_can_be_used_again(portal):
    headers = {"If-None-Exist": f"identifier={KEY}"}
    first = portal.system.post("Task", json=task(), headers=headers).json()
    portal.system.put(f"Task/{first['id']}", json={**first, "identifier": [{"value": "other"}]})
    assert portal.system.post("Task", json=task(), headers=headers).status_code == 201


def test_a_condition_that_is_no_search_is_refused(portal):
    for condition in ("_count=1", "nonsense=1", "identifier=a&_sort=status", "patient="):
        answer = portal.system.post("Task", json=task(), headers={"If-None-Exist": condition})
        assert answer.status_code == 400, condition


def test_nothing_can_be_deleted(portal, add):
    add("Task", id="t1")
    answer = portal.system.delete("Task/t1")
    assert (answer.status_code, outcome_code(answer)) == (405, "not-supported")
    assert portal.system.get("Task/t1").status_code == 200


def test_a_binary_is_given_as_json_or_by_its_own_type_as_a_sandboxed_download(portal, add):
    add("Binary", id="b1", contentType="text/html", data="PHNjcmlwdD4=")
    assert portal.system.get("Binary/b1").json()["data"] == "PHNjcmlwdD4="
    raw = portal.system.get("Binary/b1", headers={"Accept": "text/html"})
    assert raw.content == b"<script>"
    assert raw.headers["content-disposition"] == "attachment"
    assert raw.headers["content-security-policy"].startswith("sandbox")
    assert raw.headers["x-content-type-options"] == "nosniff"


def test_health_data_is_never_kept_by_caches(portal, add):
    add("Task", id="t1")
    assert portal.system.get("Task/t1").headers["cache-control"] == "no-store"
    assert portal.system.get("Task").headers["cache-control"] == "no-store"
