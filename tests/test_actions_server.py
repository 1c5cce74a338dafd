"""The action server answers whoever knows the secret, and repeats no patient's words, whatever goes wrong."""

from __future__ import annotations

import json
import logging
import socket
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from rasa_sdk import Action
from rasa_sdk.interfaces import ActionExecutionRejection
from sanic import Sanic

from accounts import logs
from actions.server import MAX_BODY, create_app

WORDS = "my secret illness"
TRACKER = {"sender_id": "k", "slots": {}, "latest_message": {"text": WORDS}, "events": [], "paused": False}
AUTHORIZED = {"Authorization": "Bearer the-secret"}


class Broken(Action):
    def name(self) -> str:
        return "action_of_the_test"

    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ValueError(tracker.latest_message["text"])


class Rejecting(Broken):
    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        raise ActionExecutionRejection(self.name(), "not now")


class Asking(Broken):
    """Says which turn it works under."""

    def run(self, dispatcher: Any, tracker: Any, domain: Any) -> Any:
        dispatcher.utter_message(text=f"turn {logs.turn()}")
        return []


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    """The server, with `action_of_the_test` as the test's parameter has it."""
    from rasa_sdk.executor import ActionExecutor

    kind = getattr(request, "param", Broken)
    monkeypatch.setattr(ActionExecutor, "register_package", lambda self, _package: self.register_action(kind))
    Sanic.test_mode = True
    listener = socket.create_server(("127.0.0.1", 0))
    running = await create_app("the-secret", "actions_of_the_test").create_server(
        sock=listener, return_asyncio_server=True, access_log=False
    )
    assert running is not None
    await running.startup()
    await running.before_start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", trust_env=False) as client:
        yield client
    await running.close()
    await running.after_stop()


def call(action: str = "action_of_the_test") -> dict[str, Any]:
    return {"next_action": action, "sender_id": "k", "tracker": TRACKER, "domain": {}}


@pytest.mark.parametrize(
    "header", [None, b"", b"the-secret", b"Bearer ", b"Bearer wrong", "Bearer é".encode("latin-1")]
)
async def test_without_the_secret_nothing_runs(server: httpx.AsyncClient, header: bytes | None) -> None:
    headers = [(b"Authorization", header.strip())] if header is not None else []
    response = await server.post("/webhook", json=call(), headers=headers)
    assert (response.status_code, response.json()) == (401, {"error": "unauthorized"})


async def test_health_needs_no_secret_and_a_list_of_actions_is_not_given(server: httpx.AsyncClient) -> None:
    assert (await server.get("/health")).json() == {"status": "ok", "actions": 1}
    assert (await server.get("/actions")).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"[" * 50_000,
        b"{}",
        json.dumps({"next_action": 5, "tracker": {}}).encode(),
        json.dumps({"next_action": "action_of_the_test"}).encode(),
    ],
)
async def test_what_is_no_call_is_a_bad_request(server: httpx.AsyncClient, body: bytes) -> None:
    response = await server.post("/webhook", content=body, headers=AUTHORIZED)
    assert (response.status_code, response.json()) == (400, {"error": "bad request"})


async def test_a_compressed_call_is_unpacked_and_a_bomb_is_not(server: httpx.AsyncClient) -> None:
    deflated = {**AUTHORIZED, "Content-Encoding": "deflate"}
    packed = zlib.compress(json.dumps(call("nobody")).encode())
    assert (await server.post("/webhook", content=packed, headers=deflated)).status_code == 404
    bomb = zlib.compress(b" " * (MAX_BODY * 10))
    assert (await server.post("/webhook", content=bomb, headers=deflated)).status_code == 400
    assert (await server.post("/webhook", content=b"not packed", headers=deflated)).status_code == 400


async def test_an_unknown_action_is_404(server: httpx.AsyncClient) -> None:
    response = await server.post("/webhook", json=call("action_nobody_wrote"), headers=AUTHORIZED)
    assert response.status_code == 404
    assert response.json()["action_name"] == "action_nobody_wrote"


@pytest.mark.parametrize("server", [Rejecting], indirect=True)
async def test_a_rejection_is_400_as_rasa_expects_it(server: httpx.AsyncClient) -> None:
    response = await server.post("/webhook", json=call(), headers=AUTHORIZED)
    assert (response.status_code, response.json()["action_name"]) == (400, "action_of_the_test")


async def test_a_failing_action_is_500_without_the_patients_words_in_answer_or_log(
    server: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        response = await server.post("/webhook", json=call(), headers=AUTHORIZED)
    assert response.status_code == 500
    assert response.json() == {"error": "ValueError", "action_name": "action_of_the_test"}
    assert "ValueError" in caplog.text
    assert "test_actions_server.py" in caplog.text
    assert WORDS not in caplog.text


@pytest.mark.parametrize("server", [Asking], indirect=True)
@pytest.mark.parametrize(
    ("message", "said"),
    [({"metadata": {"turn": "inbox-7"}}, "turn inbox-7"), ({"metadata": {"turn": WORDS}}, "turn "), ({}, "turn ")],
)
async def test_an_action_works_under_the_turn_of_its_message(
    server: httpx.AsyncClient, message: dict[str, Any], said: str
) -> None:
    body = {"next_action": "action_of_the_test", "tracker": {**TRACKER, "latest_message": message}, "domain": {}}
    answer = await server.post("/webhook", json=body, headers=AUTHORIZED)
    assert [response["text"] for response in answer.json()["responses"]] == [said]


async def test_metrics_are_not_for_who_comes_through_a_proxy(server: httpx.AsyncClient) -> None:
    assert (await server.get("/metrics", headers={"X-Forwarded-For": "203.0.113.9"})).status_code == 404
    assert "chartline_portal_errors_total" in (await server.get("/metrics")).text
