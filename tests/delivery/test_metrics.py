"""Metrics tell an operator how delivery is, and nobody anything of a person."""

from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families as parsed

from accounts import logs, scrape
from actions.portal_client import PortalClient, PortalUnavailable
from bot import server
from bot.channels.errors import OptedOut, Retryable, Undeliverable
from bot.delivery import metrics
from bot.delivery.inbox import MAX_TRIES
from bot.delivery.tables import Inbox
from tests.delivery.desk import Desk

PHONE, WORDS = "+12025550143", "marzipanitis"
TOKEN = "a-token-of-the-operators"


def values(desk: Desk) -> dict[tuple[str, ...], float]:
    """Each sample by its name and the values of its labels."""
    text = metrics.exposition(desk.accounts.engine, desk.clock).decode()
    return {(s.name, *s.labels.values()): s.value for family in parsed(text) for s in family.samples}


async def broken(_message: Any) -> list[dict[str, Any]]:
    raise RuntimeError(WORDS)


async def trouble(desk: Desk) -> None:
    """A turn that works, one that is given up, and a provider that refuses in each way."""
    desk.sender.errors = [Retryable("503"), Undeliverable("30006")]
    await desk.put(WORDS, PHONE)
    await desk.work()
    desk.clock.forward(60)
    await desk.work()
    desk.agent.answer = broken
    await desk.put(WORDS, PHONE)
    for _ in range(MAX_TRIES):
        await desk.work()
        desk.clock.forward(60)


async def test_turns_queues_dead_letters_and_refusals_are_counted(desk_on_each: Desk) -> None:
    desk = desk_on_each
    before = values(desk)
    await trouble(desk)
    await desk.put(WORDS, PHONE)
    desk.clock.forward(90)
    now = values(desk)
    grown = {name: now[name] - before.get(name, 0) for name in now}
    assert grown["chartline_turn_seconds_count", "sms"] == 1 + MAX_TRIES
    assert grown["chartline_turns_failed_total", "sms"] == MAX_TRIES
    assert grown["chartline_provider_errors_total", "sms", "5xx", "Retryable"] == 1
    assert grown["chartline_provider_errors_total", "sms", "30xxx", "Undeliverable"] == 1
    assert now["chartline_queue_depth", "inbox"] == 1
    assert now["chartline_queue_oldest_seconds", "inbox"] == 90
    assert now["chartline_dead_letters", "sms", "inbox"] == now["chartline_dead_letters", "sms", "outbox"] == 1
    assert now[("chartline_database_up",)] == 1


async def test_what_an_opt_out_dropped_is_counted(desk_on_each: Desk) -> None:
    desk = desk_on_each
    desk.sender.errors = [Retryable("503"), OptedOut("21610")]
    await desk.put("first")
    await desk.put("second")
    await desk.work()
    desk.clock.forward(60)
    await desk.work()
    assert values(desk)["chartline_dropped_messages", "sms"] == 1


async def test_no_word_address_or_conversation_is_in_the_metrics(desk: Desk) -> None:
    await trouble(desk)
    text = metrics.exposition(desk.accounts.engine, desk.clock).decode()
    conversation = desk.rows(Inbox)[0].conversation
    assert "chartline_dead_letters" in text
    assert not [canary for canary in (WORDS, PHONE[1:], conversation, conversation[:8]) if canary in text]
    names = {label for family in parsed(text) for sample in family.samples for label in sample.labels}
    assert names <= {"channel", "queue", "kind", "code", "le"}


@pytest.mark.parametrize(
    ("code", "expected"),
    [("429", "429"), ("503", "5xx"), ("21610", "21xxx"), ("TimeoutError", "other"), (PHONE, "other"), ("", "other")],
)
def test_a_label_holds_only_a_class_of_codes(code: str, expected: str) -> None:
    assert metrics.code_class(code) == expected


def test_a_database_that_is_away_is_told_and_hides_nothing_else(desk: Desk) -> None:
    desk.accounts.engine.dispose()
    with desk.accounts.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE inbox RENAME TO gone")
    text = metrics.exposition(desk.accounts.engine, desk.clock).decode()
    assert "chartline_database_up 0.0" in text
    assert "chartline_turn_seconds" in text


@pytest.mark.parametrize(
    ("peer", "headers", "token", "allowed"),
    [
        ("127.0.0.1", {"host": "localhost:5005"}, "", True),
        ("::1", {"host": "[::1]:5005"}, "", True),
        ("127.0.0.1", {"host": "chat.clinic.example"}, "", False),
        ("127.0.0.1", {"host": "localhost", "x-forwarded-for": "203.0.113.9"}, "", False),
        ("203.0.113.9", {"host": "localhost"}, "", False),
        ("127.0.0.1", {}, "", False),
        ("127.0.0.1", {"host": "localhost"}, TOKEN, False),
        ("203.0.113.9", {"host": "chat.clinic.example", "authorization": f"Bearer {TOKEN}"}, TOKEN, True),
        ("127.0.0.1", {"host": "localhost", "authorization": f"Bearer {TOKEN}x"}, TOKEN, False),
        ("127.0.0.1", {"host": "localhost", "authorization": "Bearer é"}, TOKEN, False),
    ],
)
def test_metrics_are_read_from_this_machine_or_with_the_token(
    monkeypatch: pytest.MonkeyPatch, peer: str, headers: dict[str, str], token: str, allowed: bool
) -> None:
    monkeypatch.setenv(scrape.VARIABLE, token)
    assert scrape.may_read(peer, headers) is allowed


async def test_the_assistants_route_tells_nobody_who_comes_through_a_proxy(desk: Desk) -> None:
    def request(**headers: str) -> Any:
        app = SimpleNamespace(ctx=SimpleNamespace(delivery=desk.delivery))
        return SimpleNamespace(ip="127.0.0.1", headers={"host": "localhost:5005", **headers}, app=app)

    assert b"chartline_queue_depth" in (await server._metrics(request())).body
    refused = await server._metrics(request(**{"x-forwarded-for": "203.0.113.9"}))
    assert (refused.status, b"chartline" in refused.body) == (404, False)


@pytest.fixture
def portal_calls() -> list[httpx.Request]:
    return []


@pytest.fixture
def portal(portal_calls: list[httpx.Request]) -> PortalClient:
    """A portal that is out of order, and keeps what it was asked."""

    def answer(request: httpx.Request) -> httpx.Response:
        portal_calls.append(request)
        return httpx.Response(503)

    return PortalClient(httpx.AsyncClient(transport=httpx.MockTransport(answer)), "http://portal/fhir", "t")


async def test_each_call_that_the_portal_fails_is_counted_by_kind_alone(portal: PortalClient) -> None:
    def count() -> float:
        return scrape.REGISTRY.get_sample_value("chartline_portal_errors_total", {"kind": "PortalUnavailable"}) or 0

    before = count()
    with pytest.raises(PortalUnavailable):
        await portal.create({"resourceType": "Task", "description": WORDS})
    assert count() == before + 1
    assert WORDS not in generate_latest(scrape.REGISTRY).decode()


@pytest.mark.parametrize(("turn", "sent"), [("inbox-12", "inbox-12"), ("", None), (f"inbox-{WORDS}", None)])
async def test_the_portal_is_told_which_turn_asks(
    portal: PortalClient, portal_calls: list[httpx.Request], turn: str, sent: str | None
) -> None:
    with logs.about(turn), pytest.raises(PortalUnavailable):
        await portal.create({"resourceType": "Task"})
    assert [call.headers.get("x-request-id") for call in portal_calls] == [sent]


async def test_every_line_of_a_turn_carries_its_id_from_the_webhook_to_the_provider(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    lines: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(self.format(record))

    handler, delivery = Kept(), logging.getLogger("bot.delivery")
    handler.setFormatter(logs.Discreet())
    delivery.addHandler(handler)
    try:
        with caplog.at_level("INFO", "bot.delivery"):
            await desk.put(WORDS, PHONE)
            await desk.work()
    finally:
        delivery.removeHandler(handler)
    assert [line.partition(": ")[2] for line in lines] == [
        "stored on sms turn=inbox-1",
        "turn over on sms, try 1 turn=inbox-1",
        "sent on sms turn=inbox-1",
    ]
