"""Whatever is wrong, the answer is an OperationOutcome with the right status; nothing of the patient's is logged."""

import json
import logging

import pytest

JSON = {"Content-Type": "application/fhir+json"}
OBSERVATION = {"resourceType": "Observation", "status": "final", "code": {"text": "x"}}


def check(answer, status, code=None):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/fhir+json"
    body = answer.json()
    assert body["resourceType"] == "OperationOutcome"
    assert code is None or body["issue"][0]["code"] == code
    assert "Traceback" not in answer.text
    return body["issue"]


@pytest.mark.parametrize("path", ["Nonsense", "Nonsense/1", "Task/1/2/3", "../nowhere", "Task/", "Task/%00", "Task/ä"])
def test_what_is_not_there_is_a_404(portal, path):
    check(portal.system.get(path), 404)


def test_a_method_that_is_not_offered_is_a_405_that_names_the_others(portal):
    for method, path in (("DELETE", "Task/1"), ("PATCH", "Task/1"), ("PUT", "Task"), ("POST", "Task/1")):
        answer = portal.system.request(method, path)
        check(answer, 405, "not-supported")
        assert answer.headers["allow"]


@pytest.mark.parametrize("accept", ["application/fhir+xml", "text/turtle", "image/png"])
def test_a_format_other_than_json_is_a_406(portal, accept):
    check(portal.system.get("Task", headers={"Accept": accept}), 406)
    check(portal.system.get("Task?_format=xml"), 406)


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", "application/fhir+json; fhirVersion=4.0", "text/html, */*;q=0.1"]
)
def test_every_name_of_json_is_accepted(portal, accept):
    assert portal.system.get("Task", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/fhir+xml", "application/json; charset=utf-16"])
def test_a_body_that_is_not_json_is_a_415(portal, content_type):
    check(portal.system.post("Task", content=b"{}", headers={"Content-Type": content_type}), 415)


def test_a_compressed_body_is_a_415(portal):
    check(portal.system.post("Task", content=b"{}", headers={**JSON, "Content-Encoding": "gzip"}), 415)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b'"text"', b"\xff\xfe", b'{"resourceType":"Task","id":NaN}', b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"resourceType":"Task","x":1e99999}',
        b'{"resourceType":"Task","x":' + b"9" * 5000 + b"}", b'{"resourceType":"Task","status":"\\ud800"}',
        b'{"resourceType":"Task","status":"a\\u0000b"}', b'{"resourceType":"Task","resourceType":"Task"}',
        b'{"resourceType":["Task"]}', b'{"resourceType":"Patient"}', b'{"resourceType":null}', b"{}",
    ],
)  # fmt: skip
def test_hostile_and_broken_bodies_are_a_400(portal, body):
    check(portal.system.post("Task", content=body, headers=JSON), 400)
    assert portal.system.post("", content=body, headers=JSON).status_code == 400


def test_a_body_over_five_megabytes_is_a_413_even_where_its_length_is_not_told(portal):
    check(portal.system.post("Task", content=b"x" * (5 * 1024 * 1024 + 1), headers=JSON), 413, "too-long")

    def chunks():
        for _ in range(60):
            yield b"x" * 100_000

    check(portal.system.post("Task", content=chunks(), headers=JSON), 413, "too-long")


def test_a_note_of_three_hundred_kilobytes_is_taken(portal):
    note = {"resourceType": "Binary", "contentType": "text/plain", "data": "QUJD" * 100_000}
    created = portal.system.post("Binary", json=note)
    assert created.status_code == 201
    assert portal.system.get(f"Binary/{created.json()['id']}").json()["data"] == note["data"]


@pytest.mark.parametrize(
    ("change", "expression"),
    [
        ({"status": "finished"}, "Observation.status"),
        ({"status": None}, "Observation.status"),
        ({"code": None}, "Observation.code"),
        ({"color": "red"}, "Observation.color"),
        ({"valueQuantity": {"value": "six"}}, "Observation.valueQuantity.value"),
        ({"identifier": [{"use": "best"}]}, "Observation.identifier[0].use"),
        ({"subject": {"reference": 5}}, "Observation.subject.reference"),
        ({"valueBoolean": "true"}, "Observation.valueBoolean"),
        ({"valueQuantity": {"value": "6.9"}}, "Observation.valueQuantity.value"),
        ({"valueInteger": True}, "Observation.valueInteger"),
        ({"note": [{"text": 5}]}, "Observation.note[0].text"),
        ({"subject": {}}, "Observation.subject"),
        ({"subject": {"reference": ""}}, "Observation.subject.reference"),
        ({"note": []}, "Observation.note"),
        ({"effectiveDateTime": "yesterday"}, "Observation.effectiveDateTime"),
        ({"note": [{"text": "a"}, {"time": "2026"}]}, "Observation.note[1].text"),
        (
            {"contained": [{"resourceType": "Task", "status": "x", "intent": "order"}]},
            "Observation.contained[0].status",
        ),
    ],
)
def test_an_invalid_resource_is_a_422_that_says_where(portal, change, expression):
    body = {name: value for name, value in {**OBSERVATION, **change}.items() if value is not None}
    issues = check(portal.system.post("Observation", json=body), 422, "invalid")
    assert expression in [found for issue in issues for found in issue.get("expression", [])]


def test_the_words_of_an_error_do_not_repeat_what_was_sent(portal):
    canary = "CANARY-5551234"
    body = {
        **OBSERVATION,
        "status": canary,
        "effectiveDateTime": canary,
        "subject": {"reference": 5, "display": canary},
    }
    for answer in (
        portal.system.post("Observation", json=body),
        portal.system.get(f"Observation?date={canary}"),
        portal.system.get(f"Observation?_sort={canary}"),
        portal.system.get(f"Observation/{canary}"),
    ):
        assert answer.status_code >= 400
        assert canary not in answer.text


def test_the_unforeseen_is_a_500_without_a_traceback_and_its_text_is_not_logged(portal, monkeypatch, caplog):
    def broken(*_, **__):
        raise RuntimeError("CANARY-secret")

    monkeypatch.setattr(portal.store, "read", broken)
    with caplog.at_level(logging.DEBUG):
        issues = check(portal.system.get("Task/CANARY-id"), 500, "exception")
    assert "CANARY" not in json.dumps(issues)
    portal_logs = [record.getMessage() for record in caplog.records if not record.name.startswith(("httpx", "asyncio"))]
    assert any("RuntimeError at test_fhir_errors.py" in line for line in portal_logs)
    assert not any("CANARY" in line for line in portal_logs)


def test_the_log_names_the_route_and_never_the_address(portal, caplog):
    with caplog.at_level(logging.INFO, logger="portal"):
        portal.system.get("Observation?patient=CANARY")
    lines = [record.getMessage() for record in caplog.records if record.name == "portal"]
    assert len(lines) == 1
    assert lines[0].startswith("GET /fhir/{type} 200")


def test_health_tells_whether_the_database_answers(portal, monkeypatch):
    client = portal.client(None)
    assert client.get("http://127.0.0.1:8000/health").json() == {"status": "ok"}
    monkeypatch.setattr("portal.app.is_healthy", lambda engine: False)
    assert client.get("http://127.0.0.1:8000/health").status_code == 503
