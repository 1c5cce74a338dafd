"""Nothing of a chart is told before it is written down that it was opened, whatever way it is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select, text

from accounts import access_log
from accounts.access_log import Entry
from accounts.db import transaction
from accounts.service import Accounts
from accounts.tables import AccessEntry
from tests.faults import Fault
from tests.harness import Assistant, PortalServer

QUESTIONS = [
    "show my latest labs",
    "what medicines am I on?",
    "how has my a1c changed",
    "what happened to my refill",
    "refill my lisinopril",
]


@contextmanager
def unwritable(accounts: Accounts) -> Iterator[None]:
    """The database refuses every new entry of the access log, and works otherwise."""
    with accounts.engine.begin() as connection:
        connection.execute(
            text(
                "CREATE TRIGGER full_disk BEFORE INSERT ON access_entry "
                "BEGIN SELECT RAISE(ABORT, 'access_entry cannot be written'); END"
            )
        )
    try:
        yield
    finally:
        with accounts.engine.begin() as connection:
            connection.execute(text("DROP TRIGGER full_disk"))


def count(accounts: Accounts) -> int:
    with transaction(accounts.engine) as session:
        return int(session.execute(select(func.count()).select_from(AccessEntry)).scalar_one())


def newest(accounts: Accounts, number: int = 1) -> list[Entry]:
    return list(access_log.entries(accounts.engine, accounts.vault))[-number:]


@pytest.mark.parametrize("question", QUESTIONS)
async def test_an_action_whose_look_cannot_be_written_down_tells_nothing(assistant: Assistant, question: str) -> None:
    chat = await assistant.chat("rosa")
    before = count(assistant.accounts)
    with unwritable(assistant.accounts):
        said = await chat.say(question)
    assert [message["text"].startswith("I write down each time") for message in said.messages[:1]] == [True]
    for word in ("lisinopril", "glucose", "a1c", "mg", "requested", "Rosa"):
        assert word.casefold() not in said.text.casefold()
    assert not said.pictured and not said.links
    assert count(assistant.accounts) == before


async def test_what_was_not_told_is_not_remembered_either(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    with unwritable(assistant.accounts):
        await chat.say("show my latest labs")
    assert "everything" in await chat.say("more")  # nothing to go on with


async def test_once_it_can_be_written_again_the_question_is_answered(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    with unwritable(assistant.accounts):
        await chat.say("what medicines am I on?")
    assert "lisinopril" in await chat.say("what medicines am I on?")


@pytest.mark.parametrize("channel", ["web", "sms", "telegram"])
async def test_each_look_is_on_record_with_who_where_and_what(assistant: Assistant, channel: str) -> None:
    chat = await assistant.chat("rosa", channel)
    grant = await assistant.accounts.grant(chat.key)
    before = count(assistant.accounts)
    await chat.say("what medicines am I on?")
    assert count(assistant.accounts) == before + 1
    (entry,) = newest(assistant.accounts)
    access = entry.access
    assert (access.patient, access.who) == (grant.patient, f"Patient/{grant.patient}")
    assert (access.purpose, access.channel, access.conversation) == ("action_list_medications", channel, chat.key)
    assert access.tier == ("full" if channel == "web" else "consented")
    assert ("search", "MedicationRequest") in access.accessed
    assert access.outcome == "done"


async def test_a_refill_is_on_record_as_a_write(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("refill my lisinopril")
    await chat.say("yes")
    assert any(("create", "Task") in entry.access.accessed for entry in newest(assistant.accounts, 3))


async def test_where_nothing_may_be_told_nothing_is_read_or_logged(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms", details=False)
    before = count(assistant.accounts)
    await chat.say("show my latest labs")
    assert count(assistant.accounts) == before


async def test_a_look_that_broke_off_is_on_record_as_failed(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    portal.app.fault = Fault(500, "{}", seconds=1, path="/fhir/MedicationDispense")  # the other searches are through
    said = await chat.say("what medicines am I on?")
    assert "lisinopril" not in said
    (entry,) = newest(assistant.accounts)
    assert entry.access.outcome == "failed" and entry.access.conversation == chat.key


async def test_the_log_of_the_running_system_is_whole(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    for question in QUESTIONS:
        await chat.say(question)
    assert access_log.verify(assistant.accounts.engine, assistant.accounts.vault).faults == ()
