"""Who copies the assistant's database reads nothing of a patient in it: no address, name, token, question or answer."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import SessionStarted, UserUttered
from sqlalchemy import MetaData, select

from accounts import grants
from accounts.db import transaction
from accounts.grants import Grant
from bot.delivery.tracker_store import EncryptedTrackerStore
from tests.databases import START, database_url
from tests.delivery.desk import Desk, make_desk
from tests.security import canaries
from tests.security.canaries import DRUG, NAME, OF_THE_CHART, OF_THE_PERSON, PHONE, RESULT, WORDS
from tests.system import System

__all__ = ["database_url"]

TOKEN = "Zk9-access-token-of-rosa"


def wide(text: str) -> list[bytes]:
    """As two-byte characters, which no reading as UTF-8 finds."""
    return [text.encode("utf-16-le"), text.encode("utf-16-be")]


def found(data: bytes, canary: str) -> list[str]:
    """The forms in which a canary stands in a file."""
    return canaries.found_in(data, canary) + ["utf-16" for form in wide(canary) if form in data]


@pytest.fixture(scope="module")
def copied(system: System, rosa: dict[str, Any]) -> bytes:
    """The files of the database, its write-ahead log included, after Rosa asked for her chart on each channel."""
    for person in rosa.values():
        person.say(f"show my latest a1c, {WORDS}")
        person.say("list my medicines")
    files = [system.folder / f"chartline.db{end}" for end in ("", "-wal", "-shm")]
    return b"".join(path.read_bytes() for path in files if path.exists())


@pytest.mark.parametrize("canary", [*OF_THE_CHART, *OF_THE_PERSON, "latest a1c", "list my medicines", "Patient/rosa"])
def test_a_copied_file_shows_nothing_of_a_patient(copied: bytes, canary: str) -> None:
    assert found(copied, canary) == []


def test_a_copied_file_shows_no_token(copied: bytes, system: System, rosa: dict[str, Any]) -> None:
    grant = asyncio.run(system.accounts.grant(system.key("web", rosa["web"].address)))
    secrets = [grant.access_token, str(grant.refresh_token), rosa["web"].token, system.env["CHARTLINE_SECRET_KEY"]]
    assert [len(secret) > 20 for secret in secrets] == [True] * 4
    assert [place for place, secret in enumerate(secrets) if found(copied, secret)] == []


def test_all_was_stored_that_the_file_does_not_show(copied: bytes, system: System, rosa: dict[str, Any]) -> None:
    """Otherwise an empty file would pass: with the key, Rosa's words and result are there."""
    store = EncryptedTrackerStore(Domain.empty(), accounts=system.accounts)
    for channel, person in rosa.items():
        tracker = asyncio.run(store.retrieve_full_tracker(system.key(channel, person.address)))
        events = str([event.as_dict() for event in tracker.events])
        assert WORDS in events
        assert RESULT in events
    assert b"tracker_events" in copied


def test_the_search_finds_what_lies_open(system: System) -> None:
    """The portal's database is not encrypted by Chartline: there the same search finds the canaries."""
    with closing(sqlite3.connect(system.folder / "portal.db")) as database:
        database.execute("PRAGMA wal_checkpoint(FULL)")
    data = (system.folder / "portal.db").read_bytes()
    assert all(found(data, canary) for canary in (NAME, DRUG))
    assert found(f"x{WORDS}".encode("utf-16-le"), WORDS)


def test_no_other_file_of_the_assistant_holds_the_conversations(system: System, copied: bytes) -> None:
    databases = {path.name for path in Path(system.folder).rglob("*.db")}
    assert databases == {"chartline.db", "portal.db"}


# --- Column by column, on each kind of database ----------------------------------------------------------------


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    """An agent that remembers what Rosa wrote and tells her result."""
    desk = make_desk(database_url)
    store = EncryptedTrackerStore(Domain.empty(), accounts=desk.accounts)

    async def answer(message: Any) -> list[dict[str, Any]]:
        tracker = await store.get_or_create_tracker(message.sender_id, append_action_listen=False)
        tracker.update_with_events([SessionStarted(), UserUttered(message.text)], None)
        await store.save(tracker)
        return [{"text": f"{NAME}: {RESULT}", "buttons": [{"title": DRUG, "payload": f"/refill {DRUG}"}]}]

    desk.agent.answer = answer
    yield desk
    desk.accounts.engine.dispose()


def everything(desk: Desk) -> bytes:
    """Every value of every column of every table, as a dump holds it."""
    metadata = MetaData()
    metadata.reflect(desk.accounts.engine)
    values: list[bytes] = []
    with transaction(desk.accounts.engine) as session:
        for table in metadata.sorted_tables:
            for row in session.execute(select(table)):
                values += [bytes(v) if isinstance(v, bytes | memoryview) else str(v).encode() for v in row]
    return b"\n".join(values) + b"\n" + b"\n".join(v.hex().encode() for v in values)


async def test_no_column_shows_anything_of_a_patient(desk: Desk) -> None:
    await desk.put(f"my {WORDS}", PHONE)
    await desk.work()
    accounts, key = desk.accounts, desk.accounts.vault.conversation_key("sms", PHONE)
    with transaction(accounts.engine) as session:
        grant = Grant("rosa", f"Rosa {NAME}", TOKEN, f"refresh-{TOKEN}", "", START + timedelta(minutes=5))
        grants.save(session, accounts.vault, key, grant, accounts.policy, START)
    await accounts.sign_in_url(key, {"text": f"the {WORDS}"})
    assert desk.said == [f"{NAME}: {RESULT}"]
    dump = everything(desk)
    assert key.encode() in dump
    shown = {canary: found(dump, canary) for canary in (NAME, RESULT, DRUG, WORDS, PHONE.removeprefix("+"), TOKEN)}
    assert {canary: forms for canary, forms in shown.items() if forms} == {}
