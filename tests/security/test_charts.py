"""The token that the assistant holds for one patient opens no other's chart. `tests/portal/test_isolation.py` has the
same for every type, parameter and scope; this is the running system with the real token and the demo patients."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from portal.access import SYSTEM
from tests.security import canaries
from tests.system import System, WebChat, browse

REFUSED = (403, 404)
ABOUT = ("patient", "subject", "requester", "beneficiary", "recipient", "sender")
OTHERS = ("james", "linda", "sam", "ava")  # the last two are Rosa's grandchildren: their charts need another token


@pytest.fixture(scope="module")
def portal(system: System, rosa: dict[str, Any]) -> Any:
    """The FHIR API with the token of Rosa's web chat."""
    token = system.token(system.key("web", rosa["web"].address))
    with httpx.Client(base_url=f"{system.portal_url}/fhir", headers={"Authorization": f"Bearer {token}"}) as client:
        assert client.get("Patient/rosa").status_code == 200
        yield client


@pytest.fixture(scope="module")
def offered(portal: httpx.Client) -> dict[str, list[str]]:
    """Every type with its search parameters, as the portal itself lists them."""
    resources = portal.get("metadata").json()["rest"][0]["resource"]
    return {r["type"]: [p["name"] for p in r.get("searchParam", [])] for r in resources}


def charts_of(system: System, offered: dict[str, list[str]], patient: str) -> dict[str, list[str]]:
    """The ids of what is in a patient's chart, by type."""
    found = {
        kind: [r["id"] for r in system.charts.search(kind, {"patient": patient, "_count": "1000"}, SYSTEM).matches]
        for kind, params in offered.items()
        if "patient" in params
    }
    return {"Patient": [patient], **{kind: ids for kind, ids in found.items() if ids}}


@pytest.mark.parametrize("other", OTHERS)
def test_nothing_of_another_chart_can_be_read(
    system: System, portal: httpx.Client, offered: dict[str, list[str]], other: str
) -> None:
    theirs = charts_of(system, offered, other)
    assert len(theirs) > 3
    for kind, ids in theirs.items():
        for resource in ids:
            assert portal.get(f"{kind}/{resource}").status_code in REFUSED, (kind, resource)


@pytest.mark.parametrize("other", OTHERS)
def test_no_search_finds_anything_of_another_chart(
    system: System, portal: httpx.Client, offered: dict[str, list[str]], other: str
) -> None:
    theirs = charts_of(system, offered, other)
    for kind, ids in theirs.items():
        asked: list[dict[str, str]] = [{"_id": ",".join(ids[:20])}, {}]
        asked += [{name: f"Patient/{other}"} for name in offered[kind] if name in ABOUT]
        for params in asked:
            answer = portal.get(kind, params={**params, "_count": "1000"})
            if answer.status_code not in REFUSED:
                assert answer.status_code == 200, (kind, params)
                found = {entry["resource"]["id"] for entry in answer.json().get("entry", [])}
                assert found & set(ids) == set(), (kind, params)


@pytest.mark.parametrize("other", OTHERS)
def test_nothing_can_be_written_into_another_chart(system: System, portal: httpx.Client, other: str) -> None:
    before = system.charts.search("Task", {"patient": other}, SYSTEM).matches
    task = {"resourceType": "Task", "status": "requested", "intent": "order", "for": {"reference": f"Patient/{other}"}}
    assert portal.post("Task", json=task).status_code == 403
    assert portal.put(f"Patient/{other}", json={"resourceType": "Patient", "id": other}).status_code in REFUSED
    assert system.charts.search("Task", {"patient": other}, SYSTEM).matches == before


def test_a_token_that_was_changed_opens_nothing(portal: httpx.Client) -> None:
    token = portal.headers["Authorization"].removeprefix("Bearer ")
    for guess in (token[:-1], token[::-1], token + "x", canaries.PATIENT):
        assert portal.get("Patient/rosa", headers={"Authorization": f"Bearer {guess}"}).status_code == 401


@pytest.mark.parametrize(
    ("helper", "chart", "open_types", "closed"),
    [
        ("rosa", "sam", ("Patient", "Observation", "MedicationRequest"), ("rosa", "ava", "james")),
        ("rosa", "ava", ("Patient", "Immunization"), ("rosa", "sam", "james")),
        ("wei", "james", ("Patient", "MedicationRequest"), ("wei", "rosa", "sam")),
    ],
)
def test_a_helpers_token_opens_the_chart_that_was_picked_and_no_other(
    system: System,
    offered: dict[str, list[str]],
    helper: str,
    chart: str,
    open_types: tuple[str, ...],
    closed: tuple[str, ...],
) -> None:
    chat = WebChat(system)
    chat.say("hello")
    key = system.key("web", chat.address)
    browse(system, asyncio.run(system.accounts.sign_in_url(key)), helper, patient=chart)
    headers = {"Authorization": f"Bearer {system.token(key)}"}
    with httpx.Client(base_url=f"{system.portal_url}/fhir", headers=headers) as client:
        theirs = charts_of(system, offered, chart)
        for kind, ids in theirs.items():
            expected = {200} if kind in open_types else {200, *REFUSED}
            assert {client.get(f"{kind}/{resource}").status_code for resource in ids} <= expected, kind
        if chart == "ava":  # at her age her results are hers
            assert {client.get(f"Observation/{i}").status_code for i in theirs["Observation"]} <= set(REFUSED)
        for other in closed:
            for kind, ids in charts_of(system, offered, other).items():
                assert {client.get(f"{kind}/{resource}").status_code for resource in ids[:30]} <= set(REFUSED), (
                    other,
                    kind,
                )
