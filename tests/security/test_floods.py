"""What is too much is refused at little cost, and meanwhile everybody else is answered."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.security import floods
from tests.system import Phone, System, TelegramChat, WebChat

MOST = 50 * 1024 * 1024  # bytes that a process may grow by
REFUSED = {floods.CLOSED, *range(400, 500)}


def meanwhile(system: System, attack: Callable[[], Any]) -> None:
    """Attack again and again until another patient has an answer: no process grows, and nobody waits for the end."""
    over, faults, rounds = threading.Event(), [], []

    def work() -> None:
        try:
            while not over.is_set() or not rounds:
                attack()
                rounds.append(1)
        except BaseException as error:  # noqa: BLE001 - it is raised again below, in the test's own thread
            faults.append(error)

    WebChat(system).say("hello")
    memory = floods.Memory(system.processes)
    attacker = threading.Thread(target=work)
    attacker.start()
    try:
        answer = WebChat(system).say("hello")
        assert attacker.is_alive() or faults
    finally:
        over.set()
        attacker.join()
    assert faults == []
    assert "assistant" in answer
    assert {name: grown for name, grown in memory.growth().items() if grown > MOST} == {}


@pytest.fixture(scope="module")
def targets(system: System) -> list[floods.Target]:
    return floods.targets(system, WebChat(system))


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_of_100_megabytes(system: System, targets: list[floods.Target], chunked: bool) -> None:
    def attack() -> None:
        statuses = {target[:2]: floods.pour(target, chunked) for target in targets}
        assert {key: found for key, found in statuses.items() if found not in REFUSED} == {}

    meanwhile(system, attack)


def test_bombs_deep_nesting_and_broken_text(system: System, targets: list[floods.Target]) -> None:
    def attack() -> None:
        statuses = {target[:2]: list(floods.bombs(target)) for target in targets}
        assert {key: found for key, found in statuses.items() if not set(found) <= REFUSED} == {}

    meanwhile(system, attack)


def test_a_flood_of_headers(system: System) -> None:
    def attack() -> None:
        for base in (system.local, system.actions_url, system.portal_url):
            assert floods.flood_of_headers(base) in REFUSED

    meanwhile(system, attack)


def test_requests_that_never_end_stop_nobody_else(system: System) -> None:
    with (
        floods.half_open(system.local, 200),
        floods.half_open(system.actions_url, 100),
        floods.half_open(system.portal_url, 100),
    ):
        assert "assistant" in WebChat(system).say("hello")


def people(system: System, number: int) -> list[Any]:
    return [Phone(system, f"+120255503{number:02d}"), TelegramChat(system, 920_000 + number), WebChat(system)]


def test_a_message_of_50000_characters_is_answered_in_plain_text(system: System) -> None:
    memory = floods.Memory(system.processes)
    for person in people(system, 1):
        assert "too long" in person.say("long " * 10_000).lower()
    assert max(memory.growth().values()) < MOST


@pytest.mark.parametrize(
    "text",
    [
        "\u202eshow my labs\u202c",
        "sh\u200bow\u200d my\ufeff labs\u2060",
        "\u2067\u05d4\u05e8\u05d0\u05d4 show my labs",
        "show my labs" + "\u0301" * 500,
        "\x00\x07\x1b[31mshow my labs\x1b[0m",
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 show my labs",
    ],
)
def test_characters_that_nobody_sees_or_that_turn_the_line_are_harmless(system: System, text: str) -> None:
    for person in people(system, 2):
        assert person.say(text)
        if isinstance(person, WebChat):
            shown = "".join(event.get("text", "") for event in person.events())
            assert not set(shown) & set("\u202e\u202c\u200b\u200d\ufeff\u2060\u2067\x00\x07\x1b")


def test_a_message_that_is_not_utf8_is_refused_by_a_channel_that_proved_its_sender(system: System) -> None:
    before = system.rows()["inbox"]
    phone, chat, page = people(system, 3)
    assert phone.post(phone.body("x").replace("Body=x", "Body=%FF%FE").encode()).status_code == 400
    assert chat.post_raw(b'{"update_id": 1, "message": "\xff"}').status_code == 400
    assert page.post_raw(floods.INVALID).status_code == 400
    assert system.rows()["inbox"] == before
