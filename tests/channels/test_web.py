"""The web channel on a real server, with the real inbox and outbox behind it; and what is wrong with Rasa's own."""

from __future__ import annotations

import asyncio
import json
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from rasa.core.channels.channel import InputChannel, register
from rasa.core.channels.rest import RestInput
from rasa.core.channels.socketio import SocketIOInput
from sanic import Sanic
from sqlalchemy import event as sql_event

from bot.channels import web
from bot.channels.message import Choice, Reply
from bot.channels.web import WebInput, WebSender
from bot.delivery.service import SIGNED_IN, Delivery
from bot.delivery.tables import Inbox, Outbox
from bot.logs import ErrorPages
from bot.settings import BotSettings
from bot.throttle import Throttle
from tests.accounts import portal_away
from tests.accounts.portal_away import FakePortal
from tests.channels.support import serving
from tests.databases import Clock, make_accounts
from tests.delivery.desk import Desk

OWN, FOREIGN = "https://clinic.example", "https://evil.example"


class Page:
    """A page with the widget: one session."""

    def __init__(self, http: httpx.AsyncClient, token: str) -> None:
        self.http, self.headers = http, {"Authorization": f"Bearer {token}"}
        self.address = web.address_of(token)

    def key(self, site: Site) -> str:
        """Its conversation."""
        return site.desk.accounts.vault.conversation_key("web", self.address)

    async def post(self, **body: Any) -> httpx.Response:
        body = {"id": str(uuid.uuid4()), **body}
        return await self.http.post("/webhooks/web/messages", json=body, headers=self.headers)

    @asynccontextmanager
    async def events(self, last: str = "") -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """The stream: events with their `number`, comments as {"comment": …}."""
        headers = {**self.headers, **({"Last-Event-ID": last} if last else {})}
        async with self.http.stream("GET", "/webhooks/web/events", headers=headers, timeout=20) as response:
            assert response.status_code == 200
            assert response.headers["content-type"].startswith("text/event-stream")
            yield parsed(response)


async def parsed(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    number = ""
    async for line in response.aiter_lines():
        name, _, value = line.partition(": ")
        if line.startswith(":"):
            yield {"comment": line}
        elif name == "id":
            number = value
        elif name == "data":
            yield {**json.loads(value), "number": number}


async def messages(stream: AsyncIterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    async for event in stream:
        if event.get("type") == "message":
            found.append(event)
        if len(found) == count:
            break
    return found


class Site:
    """The assistant with its web channel."""

    def __init__(self, http: httpx.AsyncClient, desk: Desk, app: Sanic) -> None:
        self.http, self.desk, self.app = http, desk, app

    async def page(self) -> Page:
        response = await self.http.post("/webhooks/web/session")
        assert response.status_code == 201
        return Page(self.http, response.json()["token"])


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    clock = Clock()
    desk = Desk(make_accounts(f"sqlite:///{tmp_path / 'state.db'}", FakePortal(clock), clock), clock)
    desk.delivery = Delivery(desk.accounts, desk.agent, {"web": WebSender()})  # type: ignore[arg-type]
    channel: InputChannel = WebInput(frozenset({OWN}))
    Sanic.test_mode = True
    app = Sanic("web_site", configure_logging=False, error_handler=ErrorPages())
    app.ctx.delivery = desk.delivery
    app.ctx.throttle = Throttle(BotSettings(sessions_per_minute=20), str.upper)
    register([channel], app, route="/webhooks/")
    listener = socket.create_server(("127.0.0.1", 0))
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    desk.delivery.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False) as http:
        yield Site(http, desk, app)
    await desk.delivery.stop()
    await server.close()
    await server.after_stop()
    desk.accounts.engine.dispose()


# --- who may talk to it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method_path", [("POST", "session"), ("POST", "messages"), ("GET", "events")])
async def test_a_foreign_page_is_refused_everywhere(site: Site, method_path: tuple[str, str]) -> None:
    page = await site.page()
    method, path = method_path
    for origin in (FOREIGN, "null", f"{OWN}.evil.example"):
        headers = {**page.headers, "Origin": origin}
        response = await site.http.request(method, f"/webhooks/web/{path}", headers=headers)
        assert response.status_code == 403
        assert "access-control-allow-origin" not in response.headers


async def test_a_page_of_ours_may_read_the_answer_and_nobody_elses_cache_mixes_them_up(site: Site) -> None:
    response = await site.http.post("/webhooks/web/session", headers={"Origin": OWN})
    assert response.status_code == 201
    assert response.headers["access-control-allow-origin"] == OWN
    assert "Origin" in response.headers["vary"]
    assert "access-control-allow-credentials" not in response.headers


async def test_without_an_origin_the_token_is_the_proof(site: Site) -> None:
    page = await site.page()
    assert (await page.post(text="hi")).status_code == 202
    assert (await site.http.get("/webhooks/web/events")).status_code == 401


@pytest.mark.parametrize("path", ["session", "messages", "events"])
async def test_a_preflight_allows_what_the_widget_sends(site: Site, path: str) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    response = await site.http.options(f"/webhooks/web/{path}", headers={"Origin": OWN, **asked})
    assert response.status_code in (200, 204)
    assert response.headers["access-control-allow-origin"] == OWN
    for header in ("Authorization", "Content-Type", "Last-Event-ID"):
        assert header in response.headers["access-control-allow-headers"]


async def test_an_embedded_page_can_read_errors_too(site: Site) -> None:
    page = await site.page()
    own = {"Origin": OWN}
    url = "/webhooks/web/messages"
    answers = [
        (401, await site.http.post(url, json={}, headers=own)),
        (401, await site.http.get("/webhooks/web/events", headers=own)),
        (400, await site.http.post(url, content=b"{", headers={**own, **page.headers})),
        (413, await site.http.post(url, content=b" " * 100_000, headers={**own, **page.headers})),
    ]
    for status, response in answers:
        assert (response.status_code, response.headers.get("access-control-allow-origin")) == (status, OWN)


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer unknown", "Basic dTpw", "Bearer \u00e9"])
async def test_an_unknown_token_is_401(site: Site, authorization: str) -> None:
    headers = [(b"Authorization", authorization.encode("latin-1"))]
    response = await site.http.post("/webhooks/web/messages", json={"id": str(uuid.uuid4())}, headers=headers)
    assert response.status_code == 401


async def test_another_sessions_token_never_sees_a_byte_of_this_one(site: Site) -> None:
    mine, other = await site.page(), await site.page()
    shared_id = str(uuid.uuid4())
    await mine.post(id=shared_id, text="my secret illness")
    await other.post(id=shared_id, text="hello")
    async with other.events() as stream:
        seen = await messages(stream, 2)
    assert [event["text"] for event in seen] == ["hello", "You said hello"]


# --- what is refused --------------------------------------------------------------------------------------------

ID = str(uuid.uuid4())


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'"text"',
        b"{}",
        json.dumps({"id": "1", "text": "hi"}).encode(),
        json.dumps({"id": 5, "text": "hi"}).encode(),
        json.dumps({"id": ID}).encode(),
        json.dumps({"id": ID, "text": "   \u200b "}).encode(),
        json.dumps({"id": ID, "text": 5}).encode(),
        json.dumps({"id": ID, "text": ["hi"]}).encode(),
        json.dumps({"id": ID, "text": None}).encode(),
        json.dumps({"id": ID, "choice": {"payload": "/x"}}).encode(),
        b'{"id": "' + ID.encode() + b'", "text": ' + b"[" * 20_000,
        b'{"id": "' + ID.encode() + b'", "text": ' + b"9" * 20_000 + b"}",
        b" " * 100_000,
    ],
)
async def test_what_is_no_message_is_the_clients_fault_and_keeps_nothing(site: Site, body: bytes) -> None:
    page = await site.page()
    response = await site.http.post("/webhooks/web/messages", content=body, headers=page.headers)
    assert 400 <= response.status_code < 500
    assert site.desk.rows(Inbox) == []


@pytest.mark.parametrize("text", ['/intent{"slot":"x"}', "/restart", " //affirm", "\u200b/affirm"])
async def test_a_command_is_plain_text(site: Site, text: str) -> None:
    page = await site.page()
    assert (await page.post(text=text)).status_code == 202
    async with page.events() as stream:
        await messages(stream, 2)
    (turn,) = site.desk.agent.turns
    assert turn.text == text.lstrip(" /\u200b")


async def test_a_client_cannot_name_a_payload(site: Site) -> None:
    page = await site.page()
    assert (await page.post(choice="/affirm", payload="/affirm")).status_code == 202
    async with page.events() as stream:
        (answer,) = await messages(stream, 1)
    assert answer["text"] == "That is from earlier."
    assert site.desk.agent.turns == []


# --- sent again, resumed ----------------------------------------------------------------------------------------


async def test_the_same_id_again_is_accepted_and_is_one_turn(site: Site) -> None:
    page, message_id = await site.page(), str(uuid.uuid4())
    answers = await asyncio.gather(*(page.post(id=message_id, text="hi") for _ in range(5)))
    assert [(a.status_code, a.json()) for a in answers] == [(202, {"id": message_id})] * 5
    async with page.events() as stream:
        seen = await messages(stream, 2)
    assert [(e["from"], e["text"]) for e in seen] == [("patient", "hi"), ("assistant", "You said hi")]
    assert seen[0]["message_id"] == message_id
    assert site.desk.agent.texts == ["hi"]


async def test_a_stream_goes_on_where_it_stopped(site: Site) -> None:
    page = await site.page()
    await page.post(text="one")
    async with page.events() as stream:
        first = await messages(stream, 2)
    await page.post(text="two")
    async with page.events(last=first[-1]["number"]) as stream:
        rest = await messages(stream, 2)
    assert [event["text"] for event in rest] == ["two", "You said two"]
    numbers = [int(event["number"]) for event in first + rest]
    assert numbers == sorted(set(numbers))


async def test_a_long_absence_is_caught_up_with_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "PAGE", 3)
    page = await site.page()
    await page.post(text="0")
    async with page.events() as stream:
        first = await messages(stream, 2)
    for i in range(1, 5):
        await page.post(text=str(i))
    async with page.events(last=first[0]["number"]) as stream:
        seen = await messages(stream, 9)
    assert {event["text"] for event in seen} == {f"You said {i}" for i in range(5)} | {str(i) for i in range(1, 5)}


@pytest.mark.parametrize("last", ["nonsense", "-1", "9" * 30, "²", "1e3"])
async def test_a_strange_last_id_is_as_none(site: Site, last: str) -> None:
    page = await site.page()
    await page.post(text="hi")
    page.headers["Last-Event-ID"] = last  # type: ignore[assignment]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in page.headers.items()]
    async with site.http.stream("GET", "/webhooks/web/events", headers=raw) as response:
        assert response.status_code == 200
        assert len(await messages(parsed(response), 2)) == 2


async def test_a_quiet_stream_shows_signs_of_life(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "HEARTBEAT", 0.02)
    page = await site.page()
    seen = []
    async with page.events() as stream:
        async for event in stream:
            seen.append(event)
            if len(seen) == 4:
                break
    assert all("comment" in event for event in seen)


async def test_typing_is_shown_while_an_answer_is_made(site: Site) -> None:
    page, go_on = await site.page(), asyncio.Event()

    async def slowly(_message: Any) -> list[dict[str, Any]]:
        await go_on.wait()
        return [{"text": "done"}]

    site.desk.agent.answer = slowly
    async with page.events() as stream:
        await page.post(text="hi")
        shown = []
        async for event in stream:
            if "type" in event:
                shown.append((event["type"], event.get("on", event.get("text"))))
            if event.get("on") is True:
                go_on.set()
            if event.get("on") is False:
                break
    assert shown == [("message", "hi"), ("typing", True), ("message", "done"), ("typing", False)]


# --- the lock ---------------------------------------------------------------------------------------------------


async def secretly(message: Any) -> list[dict[str, Any]]:
    """Answers at the tier of the turn."""
    return [{"text": f"Answer to {message.text}", "custom": {"tier": message.metadata["tier"]}}]


async def sign_in(site: Site, page: Page, patient: str = "rosa") -> None:
    await portal_away.sign_in(site.desk.accounts, page.key(site), patient)
    await site.desk.delivery.accept_event(page.key(site), f"signed-in:{uuid.uuid4()}", SIGNED_IN)
    await site.desk.settled()


async def shown(page: Page, count: int, last: str = "") -> list[str]:
    """The first so many events of a stream: texts, and `[lock]`."""
    found: list[str] = []
    async with page.events(last) as stream:
        async for event in stream:
            if event.get("type") in ("message", "lock"):
                found.append(event.get("text", "[lock]"))
            if len(found) == count:
                return found
    return found


async def told(site: Site, page: Page, text: str) -> None:
    assert (await page.post(text=text)).status_code == 202
    await site.desk.settled()


async def lock(site: Site) -> None:
    """A silence that is too long."""
    site.desk.clock.forward(15 * 60)
    await due(site)


async def due(site: Site) -> None:
    """What is scheduled for now is said."""
    for _ in range(500):
        site.desk.delivery.bell.ring("outbox")
        rows = site.desk.rows(Outbox)
        if not any(row.state == "scheduled" and row.due_at <= site.desk.clock() for row in rows):
            return await site.desk.settled()
        await asyncio.sleep(0.01)
    raise AssertionError("still scheduled")


async def said(site: Site, page: Page) -> list[str]:
    """What a reload shows."""
    return [event["text"] for _, event in (await site.desk.delivery.history(page.key(site), None)).messages]


async def test_at_the_lock_what_was_told_leaves_the_screen_and_words_follow(site: Site) -> None:
    site.desk.agent.answer = secretly
    page = await site.page()
    await sign_in(site, page)
    await told(site, page, "my labs")
    seen: list[str] = []
    async with page.events() as stream:
        async for event in stream:
            seen += [event.get("text", "[lock]")] if event.get("type") in ("message", "lock") else []
            if seen[-1:] == ["Answer to my labs"]:
                await lock(site)
            if seen[-1:] == ["utter_locked"]:
                break
    assert seen == ["Answer to /signed_in", "my labs", "Answer to my labs", "[lock]", "utter_locked"]


@pytest.mark.parametrize("last", ["", "1", "2", "3", "99999"])
async def test_once_locked_no_reload_no_old_number_and_no_old_token_brings_it_back(site: Site, last: str) -> None:
    site.desk.agent.answer = secretly
    page = await site.page()
    await told(site, page, "before the sign-in")
    await sign_in(site, page)
    await told(site, page, "my labs")
    await lock(site)
    await told(site, page, "hello?")
    expected = ["utter_locked", "hello?", "Answer to hello?"]
    assert await shown(page, 4 if last else 3, last) == [*(["[lock]"] if last else []), *expected]
    assert site.desk.agent.turns[-1].metadata["tier"] == "none"


async def test_who_signs_in_again_reads_their_own_chat_again(site: Site) -> None:
    site.desk.agent.answer = secretly
    page = await site.page()
    await sign_in(site, page)
    await told(site, page, "my labs")
    await lock(site)
    await sign_in(site, page)
    assert "Answer to my labs" in await said(site, page)


async def test_somebody_else_who_signs_in_never_sees_what_was_told_before(site: Site) -> None:
    site.desk.agent.answer = secretly
    page = await site.page()
    await told(site, page, "rosa's question")
    await sign_in(site, page, "rosa")
    await told(site, page, "rosa's labs")
    await lock(site)
    await sign_in(site, page, "wei")
    await told(site, page, "wei's labs")
    everything = ["utter_locked", "Answer to /signed_in", "wei's labs", "Answer to wei's labs"]
    assert await shown(page, 4) == everything
    assert await shown(page, 5, "1") == ["[lock]", *everything]
    assert site.desk.agent.begun_anew == [page.key(site)]
    site.desk.clock.forward(1)
    await sign_in(site, page, "rosa")
    assert await said(site, page) == ["Answer to /signed_in"]


async def test_somebody_else_who_signs_in_before_the_lock_clears_the_screen_at_once(site: Site) -> None:
    site.desk.agent.answer = secretly
    page = await site.page()
    await sign_in(site, page, "rosa")
    await told(site, page, "rosa's labs")
    site.desk.clock.forward(60)
    seen: list[str] = []
    async with page.events() as stream:
        async for event in stream:
            seen += [event.get("text", "[lock]")] if event.get("type") in ("message", "lock") else []
            if seen[-1:] == ["Answer to rosa's labs"]:
                await sign_in(site, page, "wei")
            if seen[-2:] == ["[lock]", "Answer to /signed_in"]:
                break
    assert seen.count("[lock]") == 1


async def test_an_answer_that_comes_after_somebody_else_signed_in_is_never_shown(site: Site) -> None:
    page, begun, go_on = await site.page(), asyncio.Event(), asyncio.Event()
    await sign_in(site, page, "rosa")

    async def slowly(message: Any) -> list[dict[str, Any]]:
        if message.text == "rosa's labs":
            begun.set()
            await go_on.wait()
        return await secretly(message)

    site.desk.agent.answer = slowly
    assert (await page.post(text="rosa's labs")).status_code == 202
    await begun.wait()
    site.desk.clock.forward(1)
    await portal_away.sign_in(site.desk.accounts, page.key(site), "wei")
    go_on.set()
    await site.desk.settled()
    await told(site, page, "wei's labs")
    assert await said(site, page) == ["wei's labs", "Answer to wei's labs"]


async def test_what_was_offered_to_one_patient_is_not_taken_by_the_next(site: Site) -> None:
    async def offer(message: Any) -> list[dict[str, Any]]:
        return [{"text": message.text, "buttons": [{"title": "Yes", "payload": "/order_for_rosa"}]}]

    site.desk.agent.answer = offer
    page = await site.page()
    await sign_in(site, page)
    await told(site, page, "refill")
    await told(site, page, "1")
    assert site.desk.agent.texts[-1] == "/order_for_rosa"
    await lock(site)
    await told(site, page, "1")
    assert site.desk.agent.texts[-1] == "1"


async def test_a_warning_comes_two_minutes_before_the_lock_and_writing_moves_it(site: Site) -> None:
    page = await site.page()
    await sign_in(site, page)
    site.desk.clock.forward(10 * 60)
    await told(site, page, "still here")
    site.desk.clock.forward(12 * 60 + 59)
    await due(site)
    before = ["You said /signed_in", "still here", "You said still here"]
    assert await said(site, page) == before
    site.desk.clock.forward(1)
    await due(site)
    assert await said(site, page) == [*before, "utter_lock_soon"]


async def test_at_the_end_of_the_longest_time_nobody_is_told_that_writing_helps(site: Site) -> None:
    page = await site.page()
    await sign_in(site, page)
    for _ in range(23 * 60 // 12 + 4):
        site.desk.clock.forward(12 * 60)
        await told(site, page, "hi")
    site.desk.clock.forward(10 * 60)
    await due(site)
    texts = await said(site, page)
    assert texts[-1] == "utter_session_over_soon"
    assert "utter_lock_soon" not in texts


async def test_after_signing_out_nothing_more_is_said_about_the_lock(site: Site) -> None:
    page = await site.page()
    await sign_in(site, page)
    site.desk.clock.forward(1)
    await site.desk.accounts.sign_out(page.key(site))
    site.desk.clock.forward(1)
    await told(site, page, "bye")
    await lock(site)
    assert await said(site, page) == ["bye", "You said bye"]


async def test_a_lock_while_everything_was_down_is_said_once_and_without_a_late_warning(site: Site) -> None:
    page = await site.page()
    await sign_in(site, page)
    site.desk.clock.forward(24 * 3600)
    await due(site)
    assert await said(site, page) == ["utter_locked"]


async def test_the_sweep_ends_what_rasa_remembers_in_the_order_of_messages(site: Site) -> None:
    page = await site.page()
    await sign_in(site, page)
    await lock(site)
    await site.desk.delivery._sweep.once()
    await site.desk.settled()
    assert site.desk.agent.begun_anew == [page.key(site)]
    assert await said(site, page) == ["utter_locked"]


# --- too often --------------------------------------------------------------------------------------------------


async def test_who_begins_chats_without_end_is_asked_to_wait(site: Site) -> None:
    for _ in range(20):
        await site.page()
    refused = await site.http.post("/webhooks/web/session", headers={"Origin": OWN})
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert refused.headers["access-control-allow-origin"] == OWN
    assert "Retry-After" in refused.headers["access-control-expose-headers"]


@pytest.mark.parametrize("proxies", [0, 1])
async def test_only_what_our_own_proxy_says_counts_as_the_clients_address(site: Site, proxies: int) -> None:
    site.app.config.PROXIES_COUNT = proxies

    async def ask(forwarded: str) -> int:
        headers = {"X-Forwarded-For": forwarded}
        return (await site.http.post("/webhooks/web/session", headers=headers)).status_code

    different = [await ask(f"10.0.0.1, 203.0.113.{i}") for i in range(21)]
    assert different[-1] == (201 if proxies else 429)
    forged = [await ask(f"10.0.0.{i}, 198.51.100.7") for i in range(21)]
    assert forged[-1] == 429


# --- the end ----------------------------------------------------------------------------------------------------


async def listeners(site: Site, count: int) -> None:
    for _ in range(500):
        if (
            sum(len(events) for events in site.desk.delivery.bell._waiting.values()) == count + 3
        ):  # and two queues and the sweep
            return
        await asyncio.sleep(0.01)
    raise AssertionError("a stream is left over")


async def test_a_client_that_goes_leaves_nothing_behind(site: Site) -> None:
    page = await site.page()
    async with page.events():
        await listeners(site, 1)
    await listeners(site, 0)


async def test_streams_end_when_the_server_stops(site: Site) -> None:
    page = await site.page()
    async with page.events() as stream:
        await listeners(site, 1)
        await site.desk.delivery.stop()
        assert [event async for event in stream if event != {"comment": ": hello"}] == []


async def test_while_the_database_is_away_nothing_is_acknowledged_and_no_session_ends(site: Site) -> None:
    page = await site.page()

    def refuse(_connection: Any) -> None:
        raise OSError("disk full: my secret illness")

    sql_event.listen(site.desk.accounts.engine, "begin", refuse)
    try:
        assert (await page.post(text="hi")).status_code == 503
        assert (await site.http.post("/webhooks/web/session")).status_code == 503
        events = await site.http.get("/webhooks/web/events", headers=page.headers)
        assert events.status_code == 503
        assert "illness" not in events.text
    finally:
        sql_event.remove(site.desk.accounts.engine, "begin", refuse)


# --- rendering --------------------------------------------------------------------------------------------------


def test_a_choice_goes_out_without_its_payload() -> None:
    (event,) = WebSender().render([Reply("Which?", (Choice("a1", "Yes", "/affirm"),))]).messages
    assert event["choices"] == [{"id": "a1", "title": "Yes"}]
    assert "affirm" not in json.dumps(event)


def test_a_chart_is_a_picture_and_one_that_cannot_be_drawn_costs_no_words() -> None:
    good = {"title": "A1c", "points": [["2026-01-01", 6.9], ["2026-02-01", 7]], "alt": "A1c rose"}
    drawn, plain = WebSender().render([Reply("Trend", chart=good), Reply("Trend", chart={"points": []})]).messages
    assert drawn["image"]["src"].startswith("data:image/png;base64,iVBOR")
    assert drawn["image"]["alt"] == "A1c rose"
    assert (plain["text"], plain["image"]) == ("Trend", None)


# --- Rasa's own connectors ---------------------------------------------------------------------------------------


async def test_the_stock_rest_connector_takes_the_clients_word_for_who_it_is_and_for_commands() -> None:
    """What the tests above refuse: if this fails, Rasa has mended it."""
    async with serving(RestInput()) as server:
        body = {"sender": "somebody else", "message": '/intent{"slot": "x"}'}
        await server.client.post("/webhooks/rest/webhook", json=body, headers={"Origin": FOREIGN})
        assert server.turns == [("somebody else", '/intent{"slot": "x"}')]
        await server.client.post("/webhooks/rest/webhook", json=body)
        assert len(server.turns) == 2


async def test_the_stock_socketio_connector_serves_any_page_and_takes_the_clients_word_for_its_session() -> None:
    """The faults that our origins and tokens mend; the same page and the same claim are refused above."""
    async with serving(SocketIOInput(session_persistence=True)) as server:
        path, page = "/socket.io/?EIO=4&transport=polling", {"Origin": "https://evil.example"}
        opened = await server.client.get(path, headers=page)
        assert opened.status_code == 200
        session = f"{path}&sid={json.loads(opened.text[1:])['sid']}"
        claim = json.dumps(["user_uttered", {"message": '/tell{"all": "1"}', "session_id": "somebody-else"}])
        for packet in ("40", f"42{claim}"):
            sent = await server.client.post(session, content=packet, headers={**page, "Content-Type": "text/plain"})
            assert sent.status_code == 200
        for _ in range(100):
            if server.turns:
                break
            await asyncio.sleep(0.02)
        assert server.turns == [("somebody-else", '/tell{"all": "1"}')]
