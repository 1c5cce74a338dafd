"""The canary grep: words that only one patient's data holds are in nothing that any process wrote.

The processes write at DEBUG, of which the default level's lines are a part. Everything that the other modules of this
folder made them write is searched, too (`conftest.py` puts this one last).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.channels.providers import AUTH_TOKEN, BOT_TOKEN
from tests.security import canaries, provocations
from tests.system import SECRET, System

DATABASES = (".db", ".db-wal", ".db-shm")
PAGES = ("/health", "/ready", "/metrics")
SENTENCES = ("show my a1c", "latest labs")


@pytest.fixture(scope="module")
def links(system: System, rosa: dict[str, Any]) -> list[str]:
    """Everything was provoked; the secret halves of the one-time links that were said meanwhile."""
    said = provocations.talk(system, rosa)
    provocations.providers_fail(system, rosa)
    provocations.portal_fails(system, rosa)
    provocations.own_database_fails(system, rosa)
    provocations.actions_raise(system)
    targets = provocations.targets(system, rosa)
    with provocations.own_database_locked(system, rosa):
        provocations.sign_ins_fail(system)
    for base, headers in targets.items():
        provocations.nonsense(base, headers)
    provocations.broken_messages(rosa)
    return said


@pytest.fixture(scope="module")
def written(system: System, links: list[str]) -> bytes:
    """All that the processes wrote: to stdout and stderr, to files that are no database, to who asks how they are."""
    files = [path for path in system.folder.rglob("*") if path.is_file() and not path.name.endswith(DATABASES)]
    assert {"bot.log", "actions.log", "portal.log"} <= {path.name for path in files}
    answers = [httpx.get(base + page).content for base in addresses(system) for page in PAGES]
    return b"\n".join([*(path.read_bytes() for path in files), *answers])


def addresses(system: System) -> tuple[str, ...]:
    return (system.local, system.actions_url, system.portal_url)


@pytest.fixture(scope="module")
def secrets(system: System, rosa: dict[str, Any], links: list[str]) -> dict[str, str]:
    """Keys and tokens of this run, by what they are."""
    grant = asyncio.run(system.accounts.grant(system.key("web", rosa["web"].address)))
    return {
        "access token": grant.access_token,
        "refresh token": str(grant.refresh_token),
        "web session": rosa["web"].token,
        "link": links[0],
        "secret of a link": links[0].rpartition(".")[2],
        "Twilio's auth token": AUTH_TOKEN,
        "Telegram's bot token": BOT_TOKEN,
        "secret of the Telegram webhook": SECRET,
        "secret key": system.env["CHARTLINE_SECRET_KEY"],
        "token of the action server": system.env["CHARTLINE_ACTIONS_TOKEN"],
        "password": provocations.DEMO_PASSWORD,
    }


@pytest.mark.parametrize("canary", [*canaries.OF_THE_CHART, *canaries.OF_THE_PERSON, *SENTENCES, "Patient/rosa"])
def test_nothing_of_a_patient_is_in_what_was_written(written: bytes, canary: str) -> None:
    assert lines_with(written, canary) == []


def test_no_key_and_no_token_is_in_what_was_written(written: bytes, secrets: dict[str, str]) -> None:
    assert {name: lines_with(written, secret) for name, secret in secrets.items() if lines_with(written, secret)} == {}


def test_what_went_wrong_was_written_all_the_same(written: bytes) -> None:
    """Else the grep has nothing to find: the faults left their kind and place."""
    text = written.decode(errors="replace")
    assert "OperationalError at" in text  # the databases
    assert "outbox: not sent on sms" in text  # Twilio
    assert "outbox: not sent on telegram" in text
    assert "action_show_labs failed" in text  # an exception inside an action
    assert '"event": "processor.message.parse"' in text  # Rasa at DEBUG
    assert "GET /fhir/{type}" in text  # the portal's requests, by the route


@pytest.mark.parametrize("canary", [*canaries.OF_THE_CHART, *canaries.OF_THE_PERSON])
def test_the_grep_finds_every_form_of_a_canary(canary: str) -> None:
    for name, form in canaries.forms(canary):
        line = f"2026-03-01 12:00:00 ERROR sanic.error: GET /a?b={form}&c".encode()
        assert canaries.found_in(line, canary), name
    assert canaries.found_in(b"nothing of anybody", canary) == []


def test_the_grep_finds_what_a_careless_line_wrote(system: System, written: bytes, tmp_path: Path) -> None:
    """A log of this run with one such line more."""
    careless = system.log("bot").read_bytes() + f"\nINFO bot: {canaries.NAME.upper()} wrote\n".encode()
    assert len(lines_with(careless, canaries.NAME)) == 1


def lines_with(written: bytes, canary: str) -> list[bytes]:
    """The lines that a person would have to look at."""
    if not canaries.found_in(written, canary):
        return []
    return [line[:300] for line in written.splitlines() if canaries.found_in(line, canary)]
