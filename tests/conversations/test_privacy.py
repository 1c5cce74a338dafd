"""Privacy in the chat: how things are kept, who looked at the chart, and forgetting the chat on the running system."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import inspect, text

from accounts import conversations
from accounts.conversations import Place
from accounts.db import transaction
from accounts.errors import NotSignedIn
from accounts.service import Accounts
from bot.channels.message import Incoming
from tests.harness import Assistant, PortalServer


@pytest.mark.parametrize("channel", ["web", "sms", "telegram"])
async def test_how_things_are_kept_is_told_to_anybody(assistant: Assistant, channel: str) -> None:
    chat = await assistant.chat(channel=channel)
    said = await chat.say("who can see this?")
    assert "I open your chart only after you sign in" in said
    assert "sign in with this link" not in said


# who looked


async def test_who_looked_names_what_was_opened(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("show my latest labs")
    await chat.say("what medicines am I on?")
    said = await chat.say("who looked at my record?")
    line = next(line for line in said.text.splitlines() if line.startswith("- "))
    assert ": you, in the web chat: " in line
    assert "test results" in line and "medicines" in line
    assert "only what was opened through this assistant" in said


async def test_on_sms_the_list_is_told_where_details_may_be(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms")
    await chat.say("show my latest labs")
    said = await chat.say("who looked at my chart?")
    assert "you, by text message: test results" in said


async def test_each_sees_the_looks_at_their_own_chart_only(assistant: Assistant) -> None:
    rosa = await assistant.chat("rosa", "telegram")
    await rosa.say("what medicines am I on?")
    james = await assistant.chat("james", "telegram")
    before = (await james.say("who looked at my chart?")).text
    await rosa.say("what medicines am I on?")
    assert (await james.say("who looked at my chart?")).text == before
    await james.say("what medicines am I on?")
    assert (await james.say("who looked at my chart?")).text != before


async def test_a_list_of_many_days_goes_on_with_more(assistant: Assistant) -> None:
    chats = [await assistant.chat("james", channel) for channel in ("web", "sms") * 4]
    for chat in chats:
        await chat.say("show my latest labs")
    first = await chats[0].say("who looked at my record?")
    assert first.text.count("\n- ") == 5 and 'Say "more"' in first
    rest = await chats[0].say("more")
    assert rest.text.count("\n- ") >= 3
    rows = [line for line in (first.text + rest.text).splitlines() if line.startswith("- ")]
    assert all("text message" in a and "web chat" in b for a, b in zip(rows[:8:2], rows[1:8:2], strict=True))


async def test_who_looked_needs_a_sign_in_and_is_answered_after_it(assistant: Assistant) -> None:
    chat = await assistant.chat()
    said = await chat.say("who looked at my record?")
    assert "test results" not in said and said.links
    after = await chat.sign_in(said.links[0], "rosa")
    assert "through me" in after[-1]


# forgetting


async def test_forgetting_is_asked_once_and_a_no_keeps_all(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    asked = await chat.say("forget this chat")
    assert "Shall I delete our chat?" in asked and asked.choices == ["Yes, delete it", "No, keep it"]
    assert "I kept our chat" in await chat.say("no")
    assert "Okay! What else" in await chat.say("yes")
    assert "Shall I delete" in contents(assistant.accounts, chat.key)
    assert (await assistant.accounts.grant(chat.key)).patient


async def test_a_yes_to_something_else_deletes_nothing(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("delete our conversation")
    await chat.say("show my latest labs")
    assert "I kept our chat" in await chat.say("yes")
    assert (await assistant.accounts.grant(chat.key)).patient


@pytest.mark.parametrize("answer", ["yes", "yes please", "yes delete it", "Yes, delete it"])
@pytest.mark.parametrize("channel", ["web", "sms", "telegram"])
async def test_after_a_yes_nothing_of_the_words_is_left_and_the_proof_is(
    assistant: Assistant, channel: str, answer: str
) -> None:
    chat = await assistant.chat("rosa", channel)
    await chat.say("show my latest labs for zebrafinch please")
    await chat.say("remind me of the word quokka")
    await assistant.accounts.sign_in_url(chat.key, {"text": "platypus"})
    before = await entries(assistant)
    await chat.say("forget this chat")
    told = contents(assistant.accounts, chat.key)
    assert all(word in told for word in ("zebrafinch", "quokka", "platypus", "forget this chat"))
    said = await chat.say(answer)
    assert "Our chat is deleted" in said
    left = contents(assistant.accounts, chat.key)
    for word in ("zebrafinch", "quokka", "platypus", "forget this chat", "Shall I delete", "Rosa"):
        assert word.casefold() not in left.casefold()
    assert "Our chat is deleted" in left
    assert await entries(assistant) == before
    with pytest.raises(NotSignedIn):
        await assistant.accounts.grant(chat.key)


async def test_the_page_has_only_the_last_message_and_goes_on_from_it(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("show my latest labs")
    seen = (await assistant.delivery.history(chat.key, None)).messages[-1][0]
    await chat.say("forget this chat")
    await chat.say("yes")
    for after in (None, seen):
        view = await assistant.delivery.history(chat.key, after)
        assert ["Our chat is deleted" in message["text"] for _, message in view.messages] == [True]
        assert view.messages[0][0] > seen  # a page that has seen it all still gets this one
    assert (await assistant.delivery.history(chat.key, seen)).closed


async def test_the_portal_is_told_that_access_ends(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    token = (await assistant.accounts.grant(chat.key)).access_token
    assert await works(assistant, token)
    await chat.say("forget this chat")
    await chat.say("yes")
    assert not await works(assistant, token)


async def test_a_portal_that_is_away_does_not_keep_the_chat(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("erase what I wrote")
    with portal.away():
        said = await chat.say("yes")
    assert "Our chat is deleted" in said and "ends there by itself" in said
    assert "erase what" not in contents(assistant.accounts, chat.key)


async def test_an_open_refill_is_stopped_so_that_a_yes_has_one_meaning(
    assistant: Assistant, portal: PortalServer
) -> None:
    chat = await assistant.chat("rosa")
    before = len(portal.search("Task"))
    await chat.say("refill my lisinopril")
    assert "I stopped what we were doing" in await chat.say("delete this conversation")
    assert "Our chat is deleted" in await chat.say("yes")
    assert len(portal.search("Task")) == before


async def test_a_message_that_is_delivered_again_starts_no_turn(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms")
    message = Incoming("sms", "clinic", uuid.uuid4().hex, chat.address, "show my latest labs")
    assert await assistant.delivery.accept(message)
    await assistant.answer_to(message.message_id)
    await chat.say("forget this chat")
    await chat.say("yes")
    assert not await assistant.delivery.accept(message)


async def test_what_comes_after_is_a_new_conversation(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("show my latest labs")
    await chat.say("forget this chat")
    await chat.say("yes")
    assert "Hi! I'm the assistant" in await chat.say("hello")
    assert "sign in" in await chat.say("show my labs")


async def test_another_conversation_of_the_same_patient_stays(assistant: Assistant) -> None:
    phone, page = await assistant.chat("rosa", "sms"), await assistant.chat("rosa")
    await phone.say("show my latest labs, wombat")
    await page.say("forget this chat")
    await page.say("yes")
    assert "wombat" in contents(assistant.accounts, phone.key)
    assert (await assistant.accounts.grant(phone.key)).patient


async def entries(assistant: Assistant) -> list[tuple[Any, ...]]:
    with transaction(assistant.accounts.engine) as session:
        return [tuple(row) for row in session.execute(text("SELECT * FROM access_entry ORDER BY seq"))]


async def works(assistant: Assistant, token: str) -> bool:
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        found = await client.get(f"{assistant.accounts.settings.fhir_url}/Observation")
        return found.status_code == 200


def contents(accounts: Accounts, conversation: str | None = None) -> str:
    """All that Chartline's database says, with every sealed column opened, of one conversation where it is given."""
    return "\n".join(_cells(accounts, conversation))


def _cells(accounts: Accounts, conversation: str | None) -> Iterator[str]:
    with accounts.engine.connect() as connection:
        tables = inspect(connection)
        for table in tables.get_table_names():
            columns = [column["name"] for column in tables.get_columns(table)]
            whose = {"conversation": "key"}.get(table, "conversation")
            if conversation and whose not in columns:
                continue
            only = f' WHERE "{whose}" = :key' if conversation else ""
            (identity,) = tables.get_pk_constraint(table)["constrained_columns"] or ["version_num"]
            rows = connection.execute(text(f'SELECT * FROM "{table}"{only}'), {"key": conversation} if only else {})  # noqa: S608
            for row in rows.mappings():
                for name, value in row.items():
                    yield str(_opened(accounts, f"{table}.{name}:{row[identity]}", value))


def _opened(accounts: Accounts, context: str, value: Any) -> Any:
    return accounts.vault.open(value, context) if isinstance(value, bytes) and value else value


def test_every_sealed_column_is_opened(accounts: Accounts) -> None:
    """The search above is worth something only where it reads what is sealed."""
    place = Place("sms", "clinic", "+12025550199")
    with transaction(accounts.engine) as session:
        key = conversations.remember(session, accounts.vault, place, accounts.clock())
    assert "+12025550199" in contents(accounts, key)
