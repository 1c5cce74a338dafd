"""A patient's token, and that of who acts for the patient, opens one chart and no other, whatever the way in."""

import pytest

from portal.query import REVINCLUDES
from portal.search_parameters import RESOURCE_TYPES

OWN, OTHER = {"reference": "Patient/own"}, {"reference": "Patient/other"}
IN_CHART = sorted(name for name, kind in RESOURCE_TYPES.items() if not kind.shared)
SHARED = sorted(name for name, kind in RESOURCE_TYPES.items() if kind.shared)
READABLE = [name for name in IN_CHART if "r" in RESOURCE_TYPES[name].patient_may]
WRITABLE = sorted(name for name, kind in RESOURCE_TYPES.items() if "c" in kind.patient_may)


def about(name, patient):
    """The elements by which a resource of the type is in a patient's chart."""
    elements = {
        "Patient": {},
        "Appointment": {"participant": [{"status": "accepted", "actor": patient}]},
        "AuditEvent": {"agent": [{"requestor": True, "who": patient}]},
        "Binary": {"securityContext": patient},
        "Task": {"for": patient},
        "Subscription": {"criteria": f"Task?patient={patient['reference']}"},
    }
    path = RESOURCE_TYPES[name].compartment[0]
    return elements.get(name, {path: [patient] if name == "Account" else patient})


@pytest.fixture
def charts(portal, add):
    """One resource of each type in the chart of each of two patients; each is its own ``<type>-<patient>``."""
    for patient in (OWN, OTHER):
        add("Patient", id=patient["reference"].removeprefix("Patient/"), name=[{"family": "Same"}])
    for name in IN_CHART:
        for whose, patient in (("own", OWN), ("other", OTHER)):
            if name == "Subscription":  # is in the chart of whoever made it
                continue
            if name != "Patient":
                add(name, id=f"{name}-{whose}", **about(name, patient))
    for name in SHARED:
        add(name, id=f"{name}-shared")
    return portal


def id_of(name, whose):
    return whose if name == "Patient" else f"{name}-{whose}"


#: Who may have a token for the chart `own`: the patient, a helper with the whole chart, one with a part of it.
PART = frozenset({"Patient", "Appointment", "Task", "Practitioner"})
BEARERS = {
    "patient": lambda charts: charts.patient("own"),
    "helper": lambda charts: charts.proxy("own", "RelatedPerson-own"),
    "helper-in-part": lambda charts: charts.proxy("own", "RelatedPerson-own", PART),
}


@pytest.fixture(params=BEARERS)
def bearer(request, charts):
    """A client with one of these tokens."""
    client = BEARERS[request.param](charts)
    client.opens = PART if request.param == "helper-in-part" else set(RESOURCE_TYPES)
    return client


def found(answer):
    assert answer.status_code == 200, answer.text
    return [entry["resource"]["id"] for entry in answer.json().get("entry", [])]


@pytest.mark.parametrize("name", [name for name in READABLE if name != "Subscription"])
def test_of_every_type_only_the_own_resource_is_read_and_searched(charts, name):
    own = charts.patient("own")
    assert own.get(f"{name}/{id_of(name, 'own')}").status_code == 200
    hidden = own.get(f"{name}/{id_of(name, 'other')}")
    missing = own.get(f"{name}/nothing")
    assert hidden.status_code == missing.status_code == 404
    assert hidden.json() == missing.json()
    assert found(own.get(name)) == [id_of(name, "own")]
    assert found(own.get(f"{name}?_id={id_of(name, 'other')}")) == []
    assert own.get(f"{name}?_summary=count").json()["total"] == 1
    if "patient" in RESOURCE_TYPES[name].params:
        for other in ("other", "Patient/other", "http://127.0.0.1:8000/fhir/Patient/other", "own,other"):
            assert id_of(name, "other") not in found(own.get(f"{name}?patient={other}")), other


@pytest.mark.parametrize("name", [name for name in READABLE if name != "Subscription"])
def test_no_search_parameter_of_any_type_finds_anothers_resource(charts, name):
    own = charts.patient("own")
    for param in RESOURCE_TYPES[name].params.values():
        for asked in (f"{param.name}:missing=true", f"{param.name}:missing=false", f"_sort={param.name}"):
            assert id_of(name, "other") not in found(own.get(f"{name}?{asked}"))


def ways_to(name, other):
    """Every address by which another chart's resource of the type might be found."""
    kind = RESOURCE_TYPES[name]
    yield from (name, f"{name}?_id={other}", f"{name}?_id={id_of(name, 'own')},{other}", f"{name}?_sort=_id")
    for param in kind.params:
        yield from (f"{name}?{param}:missing=true", f"{name}?{param}:missing=false", f"{name}?_sort={param}")
    for param in kind.includes:
        yield from (f"{name}?_include={name}:{param}", f"{name}?{param}=Patient/other", f"{name}?{param}=other")
    yield from (f"{name}?_revinclude={source}" for source in REVINCLUDES[name])


@pytest.mark.parametrize("name", IN_CHART)
def test_no_token_finds_anothers_resource_by_any_read_or_search(bearer, name):
    other = id_of(name, "other")
    assert bearer.get(f"{name}/{other}").status_code in (403, 404)
    for path in ways_to(name, other):
        answer = bearer.get(path)
        if name in bearer.opens and "s" in RESOURCE_TYPES[name].patient_may:
            assert not any(id.endswith("other") for id in found(answer)), path
            entries = [entry["resource"] for entry in answer.json().get("entry", [])]
            assert {entry["resourceType"] for entry in entries} <= bearer.opens, path
        else:
            assert answer.status_code == 403, path


@pytest.mark.parametrize("name", [n for n in WRITABLE if n not in ("AuditEvent", "Subscription")])
def test_no_token_writes_into_anothers_chart(charts, bearer, name):
    theirs = charts.system.get(f"{name}/{id_of(name, 'other')}").json()
    for patient in (OWN, OTHER):
        changed = bearer.put(f"{name}/{id_of(name, 'other')}", json={**theirs, **about(name, patient)})
        assert changed.status_code in (403, 404)
    assert bearer.post(name, json={**theirs, **about(name, OTHER)}).status_code == 403
    assert charts.system.get(f"{name}/{id_of(name, 'other')}").json() == theirs


def test_a_helpers_subscription_is_about_the_open_chart_and_an_open_type_only(charts):
    from tests.portal.conftest import MINIMAL

    helper = charts.proxy("own", "RelatedPerson-own", PART | {"Subscription"})
    for criteria, wanted in (("Task?patient=own", 201), ("Condition?patient=own", 403), ("Task?patient=other", 403)):
        body = {"resourceType": "Subscription", **MINIMAL["Subscription"], "criteria": criteria}
        assert helper.post("Subscription", json=body).status_code == wanted


@pytest.mark.parametrize("name", SHARED)
def test_what_belongs_to_no_chart_is_read_by_every_patient_and_written_by_none(charts, name):
    own = charts.patient("own")
    resource = own.get(f"{name}/{name}-shared").json()
    assert found(own.get(name)) == [f"{name}-shared"]
    assert own.put(f"{name}/{name}-shared", json=resource).status_code == 403
    assert own.post(name, json=resource).status_code == 403


@pytest.mark.parametrize("name", sorted(set(IN_CHART) - set(WRITABLE)))
def test_a_patient_writes_nothing_that_the_clinic_answers_for(charts, name):
    own = charts.patient("own")
    resource = own.get(f"{name}/{id_of(name, 'own')}").json()
    assert own.post(name, json=resource).status_code == 403
    assert own.put(f"{name}/{id_of(name, 'own')}", json=resource).status_code == 403


@pytest.mark.parametrize("name", WRITABLE)
def test_a_patient_creates_in_the_own_chart_and_not_in_anothers(charts, add, name):
    own, other = charts.patient("own"), charts.patient("other")
    from tests.portal.conftest import MINIMAL

    body = {"resourceType": name, **MINIMAL[name]}
    created = own.post(name, json={**body, **about(name, OWN)})
    assert created.status_code == 201, created.text
    if "r" in RESOURCE_TYPES[name].patient_may:
        assert own.get(f"{name}/{created.json()['id']}").status_code == 200
        assert other.get(f"{name}/{created.json()['id']}").status_code == 404
    before = charts.system.get(f"{name}?_summary=count").json()["total"]
    assert own.post(name, json={**body, **about(name, OTHER)}).status_code == 403
    assert charts.system.get(f"{name}?_summary=count").json()["total"] == before


@pytest.mark.parametrize("name", [n for n in WRITABLE if n not in ("AuditEvent", "Subscription")])
def test_a_patient_changes_the_own_resource_and_neither_anothers_nor_its_chart(charts, name):
    own = charts.patient("own")
    mine = own.get(f"{name}/{name}-own").json()
    assert own.put(f"{name}/{name}-own", json=mine).status_code == 200
    assert own.put(f"{name}/{name}-own", json={**mine, **about(name, OTHER)}).status_code == 403
    theirs = charts.system.get(f"{name}/{name}-other").json()
    answer = own.put(f"{name}/{name}-other", json={**theirs, **about(name, OWN)})
    assert answer.status_code == 404
    assert charts.system.get(f"{name}/{name}-other").json() == theirs


def task(**elements):
    return {"resourceType": "Task", "status": "requested", "intent": "order", "for": OWN, **elements}


@pytest.mark.parametrize(
    "elements",
    [
        {"focus": {"reference": "MedicationRequest/MedicationRequest-other"}},
        {"focus": {"reference": "MedicationRequest/does-not-exist"}},
        {"basedOn": [{"reference": "http://127.0.0.1:8000/fhir/Task/Task-other"}]},
        {"partOf": [{"reference": "Task/Task-other/_history/1"}]},
        {"requester": OTHER},
        {"requester": {"reference": "http://elsewhere.example/fhir/Patient/own"}},
        {"requester": {"reference": "Patient/other/_history/1"}},
        {"requester": {"type": "Patient", "identifier": {"system": "urn:mrn", "value": "2"}}},
        {"focus": {"reference": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520"}},
        {"focus": {"reference": "MedicationRequest?identifier=x"}},
        {"input": [{"type": {"text": "x"}, "valueReference": OTHER}]},
        {"extension": [{"url": "http://example.org/x", "valueReference": OTHER}]},
        {"contained": [{"resourceType": "Basic", "id": "b", "code": {"text": "x"}, "subject": OTHER}]},
        {"for": {"display": "other"}, "owner": OTHER},
    ],
)
def test_no_reference_of_a_written_resource_leaves_the_chart(charts, elements):
    answer = charts.patient("own").post("Task", json=task(**elements))
    assert answer.status_code == 403, answer.text
    assert answer.json()["issue"][0]["code"] == "forbidden"
    assert found(charts.system.get("Task")).__len__() == 2


def test_references_inside_the_chart_and_to_the_staff_are_accepted(charts):
    elements = {
        "focus": {"reference": "MedicationRequest/MedicationRequest-own"},
        "requester": {"reference": "http://127.0.0.1:8000/fhir/Patient/own"},
        "owner": {"reference": "Organization/Organization-shared"},
        "contained": [{"resourceType": "Basic", "id": "b", "code": {"text": "x"}}],
        "reasonReference": {"reference": "#b"},
    }
    assert charts.patient("own").post("Task", json=task(**elements)).status_code == 201


def test_includes_bring_nothing_from_another_chart(charts, add):
    """Even where the clinic's own data holds a reference across charts."""
    add("Task", id="crossing", **{"for": OWN}, focus={"reference": "MedicationRequest/MedicationRequest-other"},
        requester=OTHER)  # fmt: skip
    add("Task", id="crossing-back", **{"for": OTHER}, partOf=[{"reference": "Task/crossing"}])
    own = charts.patient("own")
    for include in ("_include=Task:focus", "_include=Task:requester", "_revinclude=Task:part-of"):
        assert found(own.get(f"Task?_id=crossing&{include}")) == ["crossing"]
    assert len(found(charts.system.get("Task?_id=crossing&_include=Task:focus"))) == 2


def test_includes_bring_nothing_that_the_scopes_do_not_allow(charts, add):
    add("Task", id="t", **{"for": OWN}, focus={"reference": "MedicationRequest/MedicationRequest-own"})
    include = "Task?_id=t&_include=Task:focus"
    assert len(found(charts.patient("own", "patient/Task.rs").get(include))) == 1
    assert len(found(charts.patient("own", "patient/Task.rs patient/MedicationRequest.r").get(include))) == 2


def test_a_conditional_create_neither_finds_nor_blocks_anothers_resource(charts):
    key = [{"system": "urn:k", "value": "1"}]
    headers = {"If-None-Exist": "identifier=urn:k|1"}
    theirs = charts.patient("other").post("Task", json=task(identifier=key, **{"for": OTHER}), headers=headers)
    mine = charts.patient("own").post("Task", json=task(identifier=key), headers=headers)
    assert (theirs.status_code, mine.status_code) == (201, 201)
    assert charts.patient("own").post("Task", json=task(), headers=headers).json()["id"] == mine.json()["id"]


def test_what_names_no_patient_belongs_to_the_patient_who_made_it(charts):
    own, other = charts.patient("own"), charts.patient("other")
    binary = own.post("Binary", json={"resourceType": "Binary", "contentType": "text/plain", "data": "aGk="}).json()
    assert own.get(f"Binary/{binary['id']}").status_code == 200
    assert other.get(f"Binary/{binary['id']}").status_code == 404
    assert other.get(f"Binary/{binary['id']}", headers={"Accept": "text/plain"}).status_code == 404
    changed = own.put(f"Binary/{binary['id']}", json={**binary, "data": "aG8="})
    assert changed.status_code == 200
    assert other.get(f"Binary/{binary['id']}").status_code == 404


def test_a_binary_follows_the_resource_that_is_its_security_context(charts, add):
    add("Binary", id="note", securityContext={"reference": "DocumentReference/DocumentReference-other"})
    assert charts.patient("other").get("Binary/note").status_code == 200
    assert charts.patient("own").get("Binary/note").status_code == 404


def test_an_audit_event_is_written_by_a_patient_and_read_only_by_the_clinic(charts):
    own = charts.patient("own")
    assert own.get("AuditEvent/AuditEvent-own").status_code == 403
    assert own.get("AuditEvent").status_code == 403
    body = charts.system.get("AuditEvent/AuditEvent-own").json()
    assert own.put("AuditEvent/AuditEvent-own", json=body).status_code == 403
    assert own.post("AuditEvent", json=body).status_code == 201


@pytest.mark.parametrize(
    "criteria", ["Task?status=completed", "Task", "Task?patient=own&subject=other", "Task?patient="]
)
def test_a_subscription_is_about_the_own_chart_only(charts, criteria):
    from tests.portal.conftest import MINIMAL

    body = {"resourceType": "Subscription", **MINIMAL["Subscription"], "criteria": criteria}
    assert charts.patient("own").post("Subscription", json=body).status_code == 403


def test_a_patient_cannot_send_a_transaction(charts):
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": []}
    assert charts.patient("own").post("", json=bundle).status_code == 403
    assert charts.system.post("", json=bundle).status_code == 200


@pytest.mark.parametrize(
    ("scopes", "read", "search", "create"),
    [
        ("patient/*.read", 200, 200, 403),
        ("patient/Task.write", 403, 403, 201),
        ("patient/Task.*", 200, 200, 201),
        ("patient/Task.r", 200, 403, 403),
        ("patient/Task.s", 403, 200, 403),
        ("patient/Task.crus", 200, 200, 201),
        ("patient/Task.rs?status=requested", 403, 403, 403),
        ("patient/Observation.cruds", 403, 403, 403),
        ("system/*.*", 403, 403, 403),
        ("user/*.*", 403, 403, 403),
        ("launch/patient openid", 403, 403, 403),
        ("patient/Task.sr", 403, 403, 403),
        ("", 403, 403, 403),
    ],
)
def test_scopes_allow_what_they_say_and_no_more(charts, scopes, read, search, create):
    client = charts.patient("own", scopes)
    assert client.get("Task/Task-own").status_code == read
    assert client.get("Task").status_code == search
    assert client.post("Task", json=task()).status_code == create


def test_system_access_needs_system_scopes(charts):
    from portal.access import Access

    client = charts.client(Access(None, frozenset({"patient/*.*", "system/Observation.read"})))
    assert client.get("Task").status_code == 403
    assert len(found(client.get("Observation"))) == 2
    assert client.post("Observation", json={}).status_code in (400, 403)


def test_without_a_token_nothing_is_told_but_what_the_portal_is(charts):
    nobody = charts.client(None)
    for path in ("Task/Task-own", "Task", "Nonsense", "Task/nothing", "Observation?nonsense=1"):
        answer = nobody.get(path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
        assert answer.json()["resourceType"] == "OperationOutcome"
    assert nobody.post("Task", json=task()).status_code == 401
    assert nobody.post("Task/_search").status_code == 401
    assert nobody.get("metadata").status_code == 200
