"""What somebody who acts for a patient may open: by age, policy and consent, at every request and refresh."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from portal.dates import as_datetime
from portal.smart.rights import Policy, Related, age_of, open_types
from tests.portal.proxy_world import TYPES, Family, consent, mrn
from tests.portal.smart_world import START

DAY = 86_400
POLICY = {"proxy_limited_types": "Patient, Appointment, Immunization, Organization"}


@pytest.fixture
def family(tmp_path: Path) -> Family:
    return Family(tmp_path)


async def status(family: Family, tokens: dict[str, Any], path: str) -> int:
    return (await family.ask(tokens, path)).status_code


def related_to(patient: str, helper: str) -> str:
    return f"RelatedPerson/{patient}-{helper}"


async def test_the_proxy_of_a_child_opens_the_whole_chart(family: Family) -> None:
    tokens = await family.tokens("gran", "kid")
    for path in ("Patient/kid", "Condition/Condition-kid", "Condition", "MedicationRequest?patient=kid", "Consent"):
        assert await status(family, tokens, path) == 200, path


async def test_the_proxy_of_a_teenager_opens_what_policy_and_consent_both_allow(family: Family) -> None:
    tokens = await family.tokens("gran", "teen")
    for path in ("Patient/teen", "Appointment", "Immunization/Immunization-teen", "Slot", "Practitioner", "Location"):
        assert await status(family, tokens, path) == 200, path
    closed = ("Condition/Condition-teen", "Condition", "AllergyIntolerance", "MedicationRequest?patient=teen",
              "Consent", "RelatedPerson", "Medication", "Task", "Communication", "Binary/x")  # fmt: skip
    for path in closed:
        refused = await family.ask(tokens, path)
        assert refused.status_code == 403, path
        assert refused.json()["issue"][0]["code"] == "forbidden"
    async with family.http() as http:
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        post = await http.post("/fhir/Condition/_search", data={"patient": "teen"}, headers=headers)
    assert post.status_code == 403


async def test_without_a_list_in_the_consent_a_teenagers_proxy_opens_what_the_policy_names(family: Family) -> None:
    family.relate("teen", "gran")
    tokens = await family.tokens("gran", "teen")
    assert await status(family, tokens, "AllergyIntolerance") == 200
    assert await status(family, tokens, "Condition") == 403
    family.configure(**POLICY)
    assert await status(family, tokens, "AllergyIntolerance") == 403
    assert await status(family, tokens, "Organization") == 200
    assert await status(family, tokens, "Practitioner") == 403


async def test_birthdays_and_a_changed_age_rule_count_from_the_next_request_on(family: Family) -> None:
    family.put("Patient", id="kid", birthDate="2014-01-17", identifier=[{"system": "urn:mrn", "value": "KID"}])
    tokens = await family.tokens("gran", "kid")
    family.now = START + DAY  # January 16, 2027: the last day of being 12
    tokens = (await family.refresh(tokens)).json()
    assert await status(family, tokens, "Condition") == 200
    family.now += DAY
    tokens = (await family.refresh(tokens)).json()
    assert await status(family, tokens, "Condition") == 403
    assert await status(family, tokens, "Immunization") == 200
    family.configure(proxy_full_under=14)
    assert await status(family, tokens, "Condition") == 200
    family.configure(proxy_full_under=10, proxy_none_from=13)
    refused = await family.ask(tokens, "Patient/kid")
    assert (refused.status_code, refused.json()["issue"][0]["code"]) == (403, "forbidden")
    assert (await family.refresh(tokens)).json()["error"] == "invalid_grant"


ANOTHER = [{"role": {"text": "helper"}, "reference": {"reference": "RelatedPerson/teen-gran"}}]
ENDS: dict[str, Any] = {
    "the relationship is over": lambda f: f.related("kid", "gran", active=False),
    "the relationship's time is over": lambda f: f.related("kid", "gran", period={"end": "2027-01-14"}),
    "the relationship is of another": lambda f: f.related("kid", "gran", identifier=mrn("friend")),
    "the helper has another identifier": lambda f: f.put("Patient", id="gran", birthDate="1959-04-18"),
    "the consent was withdrawn": lambda f: f.put("Consent", **consent("kid", "gran", status="inactive")),
    "the consent was a mistake": lambda f: f.put("Consent", **consent("kid", "gran", status="entered-in-error")),
    "the consent has ended": lambda f: f.put(
        "Consent", **consent("kid", "gran", provision={"period": {"end": "2027-01-14"}})
    ),
    "the consent has not begun": lambda f: f.put(
        "Consent", **consent("kid", "gran", provision={"period": {"start": "2027-01-16"}})
    ),
    "the consent forbids": lambda f: f.put("Consent", **consent("kid", "gran", provision={"type": "deny"})),
    "the consent is about another": lambda f: f.put(
        "Consent", **consent("kid", "gran", provision={"actor": ANOTHER})
    ),
    "the consent is about research": lambda f: f.put("Consent", **consent("kid", "gran", scope={"text": "research"})),
    "the consent has an exception": lambda f: f.put(
        "Consent", **consent("kid", "gran", provision={"provision": [{"type": "deny"}]})
    ),
    "the consent allows something else": lambda f: f.put(
        "Consent", **consent("kid", "gran", provision={"action": [{"coding": [{"code": "correct"}]}]})
    ),
    "the consent names no type that there is": lambda f: f.put("Consent", **consent("kid", "gran", "Horoscope")),
    "another consent forbids everything": lambda f: f.put(
        "Consent", **consent("kid", "gran", provision={"type": "deny"}) | {"id": "no"}
    ),
    "the child is grown up": lambda f: f.put(
        "Patient", id="kid", birthDate="2009-01-15", identifier=[{"system": "urn:mrn", "value": "KID"}]
    ),
    "nobody knows how old the child is": lambda f: f.put("Patient", id="kid"),
}  # fmt: skip


@pytest.mark.parametrize("why", ENDS)
async def test_a_right_that_has_ended_opens_nothing_from_the_next_request_on(family: Family, why: str) -> None:
    tokens = await family.tokens("gran", "kid")
    assert await status(family, tokens, "Patient/kid") == 200
    ENDS[why](family)
    for path in ("Patient/kid", "Condition", "Practitioner", "openapi.json"):
        refused = await family.ask(tokens, path)
        assert (refused.status_code, refused.json()["issue"][0]["code"]) == (403, "forbidden"), path
    refresh = await family.refresh(tokens)
    assert (refresh.status_code, refresh.json()["error"]) == (400, "invalid_grant")


async def test_a_right_that_was_given_back_works_again_with_the_same_tokens(family: Family) -> None:
    tokens = await family.tokens("gran", "kid")
    family.related("kid", "gran", active=False)
    assert await status(family, tokens, "Patient/kid") == 403
    assert (await family.refresh(tokens)).status_code == 400
    family.related("kid", "gran")
    assert await status(family, tokens, "Patient/kid") == 200
    assert (await family.refresh(tokens)).status_code == 200


async def test_what_one_consent_forbids_another_does_not_open(family: Family) -> None:
    family.put("Consent", **consent("kid", "gran", "Condition", provision={"type": "deny"}) | {"id": "not-conditions"})
    tokens = await family.tokens("gran", "kid")
    assert await status(family, tokens, "Condition") == 403
    assert await status(family, tokens, "MedicationRequest") == 200


async def test_an_adults_chosen_helper_opens_what_the_adult_named(family: Family) -> None:
    tokens = await family.tokens("friend", "man")
    for path in ("Patient/man", "MedicationRequest/MedicationRequest-man", "Task", "Practitioner", "Medication"):
        assert await status(family, tokens, path) == 200, path
    for path in ("Condition", "Condition/Condition-man", "Appointment", "Consent", "AllergyIntolerance"):
        assert await status(family, tokens, path) == 403, path
    own = await family.tokens("man", "man")
    mine = (await family.ask(own, "Consent/man-friend-consent")).json()
    assert (
        await family.ask(own, "Consent/man-friend-consent", mine | {"status": "inactive"}, "PUT")
    ).status_code == 200
    assert await status(family, tokens, "Patient/man") == 403


async def test_of_an_adult_a_consent_that_somebody_else_gave_or_that_was_given_as_a_child_opens_nothing(
    family: Family,
) -> None:
    tokens = await family.tokens("friend", "man")
    family.put("Consent", **consent("man", "friend", dateTime="1990-09-05", performer="Patient/man"))
    assert await status(family, tokens, "Patient/man") == 200
    family.put("Consent", **consent("man", "friend", dateTime="1990-09-04", performer="Patient/man"))
    assert await status(family, tokens, "Patient/man") == 403
    family.put("Consent", **consent("man", "friend"))
    assert await status(family, tokens, "Patient/man") == 403


async def test_includes_bring_no_type_that_is_not_open(family: Family) -> None:
    of = {"reference": "Patient/man"}
    family.put("Task", id="t", **{"for": of}, focus={"reference": "MedicationRequest/MedicationRequest-man"})
    family.put("Task", id="u", **{"for": of}, focus={"reference": "DocumentReference/d"})
    family.put("Appointment", id="v", participant=[{"status": "accepted", "actor": of}])
    family.put("Task", id="w", **{"for": of}, focus={"reference": "Appointment/v"})
    tokens = await family.tokens("friend", "man")
    found = (await family.ask(tokens, "Task?_include=Task:focus")).json()["entry"]
    assert {entry["resource"]["resourceType"] for entry in found} == {"Task", "MedicationRequest"}


def task(**elements: Any) -> dict[str, Any]:
    return {"resourceType": "Task", "status": "requested", "intent": "order",
            "for": {"reference": "Patient/man"}, **elements}  # fmt: skip


async def test_a_helper_asks_in_the_own_name_or_the_patients_and_in_nobody_elses(family: Family) -> None:
    family.related("man", "gran")
    tokens = await family.tokens("friend", "man")
    for who, wanted in (
        ("RelatedPerson/man-friend", 201),
        ("Patient/man", 201),
        ("RelatedPerson/man-gran", 403),
        ("RelatedPerson/kid-gran", 403),
        ("Patient/friend", 403),
    ):
        answer = await family.ask(tokens, "Task", task(requester={"reference": who}))
        assert answer.status_code == wanted, who
    own = await family.tokens("man", "man")
    forged = await family.ask(own, "Task", task(requester={"reference": "RelatedPerson/man-friend"}))
    assert forged.status_code == 403


async def test_the_patient_may_change_what_the_helper_asked_for(family: Family) -> None:
    tokens, own = await family.tokens("friend", "man"), await family.tokens("man", "man")
    asked = task(requester={"reference": "RelatedPerson/man-friend"})
    stored = (await family.ask(tokens, "Task", asked)).json()
    answer = await family.ask(own, f"Task/{stored['id']}", stored | {"status": "cancelled"}, "PUT")
    assert answer.status_code == 200


async def test_a_message_may_come_from_the_helper(family: Family) -> None:
    tokens = await family.tokens("gran", "kid")
    message = {"resourceType": "Communication", "status": "completed", "subject": {"reference": "Patient/kid"}}
    for who, wanted in (("RelatedPerson/kid-gran", 201), ("RelatedPerson/teen-gran", 403), ("Patient/gran", 403)):
        answer = await family.ask(tokens, "Communication", message | {"sender": {"reference": who}})
        assert answer.status_code == wanted, who


async def test_what_is_closed_is_neither_written_nor_probed_by_a_reference(family: Family) -> None:
    tokens = await family.tokens("friend", "man")
    message = {"resourceType": "Communication", "status": "completed", "subject": {"reference": "Patient/man"}}
    assert (await family.ask(tokens, "Communication", message)).status_code == 403
    there = await family.ask(tokens, "Task", task(reasonReference={"reference": "Condition/Condition-man"}))
    missing = await family.ask(tokens, "Task", task(reasonReference={"reference": "Condition/nothing"}))
    assert there.status_code == missing.status_code == 403
    assert there.json() == missing.json()
    clinics = family.put("Task", id="t", **{"for": {"reference": "Patient/man"}},
                         reasonReference={"reference": "Condition/Condition-man"})  # fmt: skip
    kept = await family.ask(tokens, "Task/t", clinics | {"status": "cancelled"}, "PUT")
    assert kept.status_code == 200


async def test_nobody_but_the_patient_and_the_clinic_changes_who_may_open_a_chart(family: Family) -> None:
    tokens = await family.tokens("gran", "kid")
    mine = (await family.ask(tokens, "Consent/kid-gran-consent")).json()
    assert (await family.ask(tokens, "Consent/kid-gran-consent", mine, "PUT")).status_code == 403
    assert (await family.ask(tokens, "Consent", mine)).status_code == 403
    related = (await family.ask(tokens, related_to("kid", "gran"))).json()
    assert (await family.ask(tokens, related_to("kid", "gran"), related, "PUT")).status_code == 403
    assert (await family.ask(tokens, "RelatedPerson", related)).status_code == 403


async def test_who_looked_may_always_be_noted_and_a_condition_of_the_note_shows_no_other_note(family: Family) -> None:
    tokens = await family.tokens("gran", "teen")
    note = {
        "resourceType": "AuditEvent", "type": {"code": "rest"}, "recorded": "2027-01-15T10:00:00Z",
        "agent": [{"requestor": True, "who": {"reference": related_to("teen", "gran")}}],
        "source": {"observer": {"display": "Chartline"}},
        "entity": [{"what": {"reference": "Patient/teen"}}],
    }  # fmt: skip
    assert (await family.ask(tokens, "AuditEvent", note)).status_code == 201
    assert (await family.ask(tokens, "AuditEvent")).status_code == 403
    async with family.http() as http:
        headers = {"Authorization": f"Bearer {tokens['access_token']}", "If-None-Exist": "patient=teen"}
        assert (await http.post("/fhir/AuditEvent", json=note, headers=headers)).status_code == 403


async def test_the_scopes_still_limit_a_helper(family: Family) -> None:
    tokens = await family.tokens("gran", "kid", "launch/patient patient/Condition.rs")
    assert await status(family, tokens, "Condition") == 200
    assert await status(family, tokens, "MedicationRequest") == 403


@pytest.mark.parametrize(
    ("born", "age"),
    [("2014-01-15", 13), ("2014-01-16", 12), ("2014-01", 13), ("2014", 13), (None, None), ("2012-02-29", 14)],
)
def test_ages_are_counted_in_full_years_and_never_too_young(born: str | None, age: int | None) -> None:
    assert age_of({"birthDate": born} if born else {}, as_datetime(START * 1_000_000).date()) == age


def test_a_type_that_is_not_one_in_the_system_of_types_opens_nothing() -> None:
    found = consent("kid", "gran")
    found["provision"]["class"] = [{"system": "http://example.org", "code": "Condition"}]
    related = Related({"id": "kid-gran", "active": True}, "kid", "http://here/fhir")
    policy = Policy(13, 18, frozenset())
    asked = (policy, {"birthDate": "2020-01-01"}, related)
    assert open_types(*asked, [found], as_datetime(START * 1_000_000)) == frozenset()
    found["provision"]["class"][0]["system"] = TYPES
    assert "Condition" in open_types(*asked, [found], as_datetime(START * 1_000_000))


async def test_the_right_is_looked_up_by_index_in_two_statements(family: Family) -> None:
    own, kid = await family.tokens("gran", "gran"), await family.tokens("gran", "kid")
    caught: list[tuple[str, Any]] = []

    def catch(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            caught.append((statement, values))

    event.listen(family.engine, "before_cursor_execute", catch)
    await family.ask(own, "openapi.json")
    before = len(caught)
    await family.ask(kid, "openapi.json")
    event.remove(family.engine, "before_cursor_execute", catch)
    assert len(caught) == 2 * before + 2
    with family.engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {sql}", values).all() for sql, values in caught]
    steps = [row[3] for plan in plans for row in plan]
    assert [step for step in steps if step.startswith("SCAN")] == []
    assert len([step for step in steps if step.startswith("SEARCH")]) >= 5
