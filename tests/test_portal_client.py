"""Each way in which a portal can fail becomes one member of the error tree; a write is never sent twice."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from actions import portal_client
from actions.portal_client import (
    PortalBadAnswer,
    PortalClient,
    PortalConflict,
    PortalForbidden,
    PortalNotFound,
    PortalRejected,
    PortalTimeout,
    PortalUnauthorized,
    PortalUnavailable,
    PortalUnreachable,
)

FHIR = "application/fhir+json"
PATIENT = {"resourceType": "Patient", "id": "p1"}
TASK = {"resourceType": "Task", "status": "requested"}
HANG, DROP = "hang", "drop"


@dataclass
class Answer:
    """One scripted answer; `body` is JSON, or bytes as they are."""

    status: int = 200
    body: Any = b""
    type: str = FHIR
    headers: dict[str, str] = field(default_factory=dict)

    def encode(self) -> bytes:
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        headers = {"Content-Type": self.type, "Content-Length": str(len(body)), "Connection": "close", **self.headers}
        lines = [f"HTTP/1.1 {self.status} X", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", ""]).encode() + body


class Portal:
    """A server that answers from `script`, the last answer for ever, and keeps what it was asked."""

    def __init__(self) -> None:
        self.script: list[Answer | str] = []
        self.asked: list[tuple[str, str]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        self.asked.append((head[0].split()[0], head[0].split()[1]))
        self.headers.append({n.lower(): v for n, _, v in (line.partition(": ") for line in head[1:] if line)})
        answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(answer, Answer):
            writer.write(answer.encode())
            await writer.drain()
        elif answer == HANG:
            await reader.read()  # until the client gives up
        writer.close()


@pytest.fixture
async def portal() -> AsyncIterator[Portal]:
    portal = Portal()
    server = await asyncio.start_server(portal.handle, "127.0.0.1", 0)
    portal.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/fhir"
    yield portal
    server.close()
    await server.wait_closed()


@pytest.fixture
async def client(portal: Portal, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PortalClient]:
    monkeypatch.setattr(portal_client, "TIMEOUT", httpx.Timeout(0.2))
    async with httpx.AsyncClient(trust_env=False) as http:
        yield PortalClient(http, portal.url, "the-token")


def outcome(code: str) -> dict[str, Any]:
    return {"resourceType": "OperationOutcome", "issue": [{"code": code, "diagnostics": "Rosa Diaz, my illness"}]}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(400, outcome("invalid")), PortalRejected),
        (Answer(401, outcome("login")), PortalUnauthorized),
        (Answer(403, outcome("forbidden")), PortalForbidden),
        (Answer(404, outcome("not-found")), PortalNotFound),
        (Answer(410, outcome("deleted")), PortalNotFound),
        (Answer(409, outcome("conflict")), PortalConflict),
        (Answer(412, outcome("conflict")), PortalConflict),
        (Answer(422, outcome("processing")), PortalRejected),
        (Answer(429, outcome("throttled")), PortalUnavailable),
        (Answer(500, b"<html>", "text/html"), PortalUnavailable),
        (Answer(503), PortalUnavailable),
        (Answer(200, b"{", FHIR), PortalBadAnswer),
        (Answer(200, b"\xff", FHIR), PortalBadAnswer),
        (Answer(200, b"[" * 50_000, FHIR), PortalBadAnswer),
        (Answer(200, [], FHIR), PortalBadAnswer),
        (Answer(200, PATIENT, "text/html"), PortalBadAnswer),
        (Answer(200, outcome("x")), PortalBadAnswer),
        (Answer(200, b"no gzip", FHIR, {"Content-Encoding": "gzip"}), PortalBadAnswer),
        (Answer(302, b"", FHIR, {"Location": "http://127.0.0.1:1/"}), PortalBadAnswer),
        (HANG, PortalTimeout),
        (DROP, PortalTimeout),
    ],
)
async def test_each_failure_has_its_error(
    client: PortalClient, portal: Portal, answer: Answer | str, error: type[Exception]
) -> None:
    portal.script = [answer]
    with pytest.raises(error) as raised:
        await client.read("Patient", "p1")
    assert type(raised.value) is error
    assert "Diaz" not in f"{raised.value!r} {raised.value}"


async def test_an_error_tells_the_codes_of_its_outcome(client: PortalClient, portal: Portal) -> None:
    portal.script = [Answer(422, outcome("business-rule"))]
    with pytest.raises(PortalRejected) as raised:
        await client.read("Patient", "p1")
    assert (raised.value.status, raised.value.codes) == (422, ("business-rule",))


async def test_a_portal_that_is_not_there_is_unreachable_and_nothing_happened() -> None:
    async with httpx.AsyncClient(trust_env=False) as http:
        with pytest.raises(PortalUnreachable) as raised:
            await PortalClient(http, "http://127.0.0.1:1/fhir", "t").create(TASK)
    assert type(raised.value) is PortalUnreachable


@pytest.mark.parametrize("first", [Answer(503), Answer(429), HANG, DROP])
async def test_a_read_is_tried_again(client: PortalClient, portal: Portal, first: Answer | str) -> None:
    portal.script = [first, Answer(200, PATIENT)]
    assert await client.read("Patient", "p1") == PATIENT
    assert len(portal.asked) == 2


async def test_a_read_is_tried_three_times_at_most(client: PortalClient, portal: Portal) -> None:
    portal.script = [Answer(503)]
    with pytest.raises(PortalUnavailable):
        await client.read("Patient", "p1")
    assert len(portal.asked) == 3


@pytest.mark.parametrize("answer", [Answer(401), Answer(404), Answer(400), Answer(200, b"{")])
async def test_a_clear_answer_is_not_asked_for_again(client: PortalClient, portal: Portal, answer: Answer) -> None:
    portal.script = [answer]
    with pytest.raises(portal_client.PortalError):
        await client.read("Patient", "p1")
    assert len(portal.asked) == 1


@pytest.mark.parametrize(
    ("answer", "error"), [(Answer(503), PortalUnavailable), (HANG, PortalTimeout), (DROP, PortalTimeout)]
)
async def test_a_write_is_never_sent_twice(
    client: PortalClient, portal: Portal, answer: Answer | str, error: type[Exception]
) -> None:
    portal.script = [answer]
    for write in (client.create(TASK, if_none_exist="identifier=a|b"), client.update({**TASK, "id": "1"})):
        with pytest.raises(error):
            await write
    assert [method for method, _ in portal.asked] == ["POST", "PUT"]


async def test_a_create_gives_what_the_portal_stored(client: PortalClient, portal: Portal) -> None:
    portal.script = [Answer(201, {**TASK, "id": "7"})]
    assert (await client.create(TASK, if_none_exist="identifier=a|b"))["id"] == "7"
    sent = portal.headers[0]
    assert sent["authorization"] == "Bearer the-token"
    assert sent["if-none-exist"] == "identifier=a|b"
    assert sent["content-type"] == FHIR


@pytest.mark.parametrize("body", [b"", outcome("informational"), b"thanks"])
async def test_a_create_without_the_resource_is_known_by_its_location(
    client: PortalClient, portal: Portal, body: Any
) -> None:
    location = {"Location": f"{portal.url}/Task/42/_history/1"}
    portal.script = [Answer(201, body, headers=location)]
    assert await client.create(TASK) == {**TASK, "id": "42"}


@pytest.mark.parametrize(
    "answer",
    [
        Answer(201),
        Answer(201, b"", headers={"Location": "/fhir/Task/"}),
        Answer(201, b"", headers={"Location": "/fhir/Patient/1"}),
        Answer(302, b"", headers={"Location": "/fhir/Task/42"}),
        Answer(307, b"", headers={"Location": "/fhir/Task/42"}),
    ],
)
async def test_a_create_that_was_not_confirmed_is_no_receipt(
    client: PortalClient, portal: Portal, answer: Answer
) -> None:
    portal.script = [answer]
    with pytest.raises(PortalBadAnswer):
        await client.create(TASK)


async def test_an_update_names_the_version_that_was_read(client: PortalClient, portal: Portal) -> None:
    portal.script = [Answer(200)]
    resource = {**TASK, "id": "7", "meta": {"versionId": "3"}}
    assert await client.update(resource) == resource
    assert portal.asked == [("PUT", "/fhir/Task/7")]
    assert portal.headers[0]["if-match"] == 'W/"3"'


def page(*ids: str, following: Any = None) -> Answer:
    link = [{"relation": "next", "url": following}] if following else []
    entries = [{"resource": {"resourceType": "Observation", "id": i}} for i in ids]
    return Answer(200, {"resourceType": "Bundle", "entry": entries, "link": link})


async def test_a_search_follows_its_pages_up_to_the_limit(client: PortalClient, portal: Portal) -> None:
    base = portal.url
    portal.script = [page("1", "2", following=f"{base}?page=2"), page("3", following="/fhir?page=3"), page("4")]
    found = await client.search("Observation", code__in="x", _sort="-date", class_="AMB", date=["ge2025", "le2026"])
    assert [resource["id"] for resource in found] == ["1", "2", "3", "4"]
    assert portal.asked[0][1] == "/fhir/Observation?code%3Ain=x&_sort=-date&class=AMB&date=ge2025&date=le2026"
    assert portal.asked[1:] == [("GET", "/fhir?page=2"), ("GET", "/fhir?page=3")]
    portal.asked.clear()
    portal.script = [page("1", "2", following=f"{base}?page=2")]
    assert len(await client.search("Observation", limit=2)) == 2
    assert len(portal.asked) == 1


@pytest.mark.parametrize(
    "following",
    ["http://evil.example/fhir?page=2", "//evil.example/x", "https://127.0.0.1/fhir", "http://[", 5, "ftp://127.0.0.1"],
)
async def test_a_next_page_elsewhere_never_gets_the_token(client: PortalClient, portal: Portal, following: Any) -> None:
    portal.script = [page("1", following=following)]
    with pytest.raises(PortalBadAnswer):
        await client.search("Observation")
    assert len(portal.asked) == 1


async def test_pages_that_never_end_do(client: PortalClient, portal: Portal) -> None:
    portal.script = [page(following=f"{portal.url}?page=again")]
    with pytest.raises(PortalBadAnswer):
        await client.search("Observation")
    assert len(portal.asked) == portal_client.MAX_PAGES


@pytest.mark.parametrize("entry", ["x", {"a": 1}, [5], [None]])
async def test_a_bundle_of_another_shape_is_a_bad_answer(client: PortalClient, portal: Portal, entry: Any) -> None:
    portal.script = [Answer(200, {"resourceType": "Bundle", "entry": entry})]
    with pytest.raises(PortalBadAnswer):
        await client.search("Observation")


async def test_an_empty_bundle_and_its_outcome_are_no_matches(client: PortalClient, portal: Portal) -> None:
    portal.script = [Answer(200, {"resourceType": "Bundle"})]
    assert await client.search("Observation") == []
    entry = [{"resource": outcome("x"), "search": {"mode": "outcome"}}, {"fullUrl": "x"}]
    portal.script = [Answer(200, {"resourceType": "Bundle", "entry": entry})]
    assert await client.search("Observation") == []


async def test_what_can_be_created_is_read_from_the_capability_statement(client: PortalClient, portal: Portal) -> None:
    rest = [{"resource": [{"type": "Task", "interaction": [{"code": "create"}]}, {"type": "Patient"}]}]
    portal.script = [Answer(200, {"resourceType": "CapabilityStatement", "rest": rest})]
    assert await client.can_create("Task")
    assert not await client.can_create("Patient")
