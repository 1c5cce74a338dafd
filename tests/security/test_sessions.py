"""A sign-in that is over opens nothing: not by a reload, an old token or an old number, and not to somebody else."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from accounts.consent import DETAILS
from accounts.db import transaction
from accounts.tables import Grant
from accounts.tiers import Tier
from tests.system import Phone, System, TelegramChat, WebChat, browse, until

ASK = "show my latest labs"


def silent(system: System, key: str, **columns: timedelta) -> None:
    """So much time goes by for a sign-in, of which the processes read the times."""
    with transaction(system.accounts.engine) as session:
        row = session.get(Grant, key)
        values = {name: getattr(row, name) - by for name, by in columns.items()}
        session.execute(update(Grant).where(Grant.conversation == key).values(**values))


def signed_in(system: System, username: str = "rosa") -> WebChat:
    """A browser whose chat was signed in, and that has asked."""
    chat = WebChat(system)
    chat.say("hello")
    sign_in(system, chat, username)
    assert "/signin/" not in chat.say(ASK)
    return chat


def sign_in(system: System, person: Any, username: str) -> None:
    """Sign in, on a phone with a yes to details, and wait for the greeting, which is a turn of its own."""
    provider = {"sms": system.twilio, "telegram": system.telegram}.get(person.channel)
    seen = len(provider.calls) if provider else 0
    key = system.key(person.channel, person.address)
    browse(system, asyncio.run(system.accounts.sign_in_url(key, agreed=DETAILS if provider else None)), username)
    if provider:
        person.next(seen)
    else:
        until(lambda: True if "signed in" in everything(person) else None)


def chat_key(system: System, chat: WebChat) -> str:
    return system.key("web", chat.address)


def everything(chat: WebChat) -> str:
    """All that a page gets that was just loaded."""
    return json.dumps(chat.events())


def may_read(system: System, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{system.portal_url}/fhir/Patient/rosa", headers=headers).status_code


def test_after_fifteen_minutes_of_silence_only_a_sign_in_helps(system: System) -> None:
    chat = signed_in(system)
    before = everything(chat)
    assert ASK in before
    silent(system, chat_key(system, chat), used_at=timedelta(minutes=15))
    assert ASK not in everything(chat)
    assert "/signin/" in chat.say("what medicines am I on")
    assert ASK not in everything(chat)


@pytest.mark.parametrize("last", ["0", "1", "999999999"])
def test_an_old_number_of_an_event_brings_nothing_back(system: System, last: str) -> None:
    chat = signed_in(system)
    silent(system, chat_key(system, chat), used_at=timedelta(minutes=15))
    headers = {"Authorization": f"Bearer {chat.token}", "Last-Event-ID": last}
    got = ""
    with system.client() as client:
        quiet = httpx.Timeout(30, read=0.5)
        with (
            pytest.raises(httpx.ReadTimeout),
            client.stream("GET", "/webhooks/web/events", headers=headers, timeout=quiet) as stream,
        ):
            for line in stream.iter_lines():
                got += line
    assert ASK not in got
    assert ("lock" in got) == (last != "0")


def test_a_sign_out_ends_it_here_and_at_the_portal_and_clears_the_screen(system: System) -> None:
    chat = signed_in(system)
    token = system.token(chat_key(system, chat))
    assert may_read(system, token) == 200
    assert chat.post(id=str(uuid.uuid4()), text="sign out").status_code == 202
    until(lambda: True if "signed out" in everything(chat) else None)  # the words before it are closed, its own too
    assert may_read(system, token) == 401
    assert ASK not in everything(chat)
    assert "signed out" in everything(chat)
    assert "/signin/" in chat.say(ASK)


def test_somebody_else_in_the_same_browser_reads_nothing_of_who_was_there_before(system: System) -> None:
    chat = signed_in(system, "rosa")
    rosas = chat.events()
    system.sign_in(chat_key(system, chat), "james")
    until(lambda: True if "James" in everything(chat) else None)
    seen = chat.events()
    known = {event["message_id"] for event in rosas if event["type"] == "message"}
    assert not known & {event["message_id"] for event in seen if event["type"] == "message"}
    assert "Rosa" not in chat.say("say that again")


def test_the_day_ends_however_busy_the_chat_is(system: System) -> None:
    chat = signed_in(system)
    silent(system, chat_key(system, chat), signed_in_at=timedelta(hours=24))
    assert "/signin/" in chat.say(ASK)


def words(answer: str) -> Any:
    """What a person reads, without what differs from link to link and from message to message."""
    text = re.sub(r"/signin/[\w.-]+", "/signin/…", answer)
    text = re.sub(r'((?:"id"|callback_data\\?"): \\?")[\w-]+', r"\1…", text)  # of offered choices
    if not text.startswith(("[", "{")):
        return text
    found = json.loads(text)
    if isinstance(found, dict):  # Telegram
        return {**found, "chat_id": "…"}
    return [{**event, "at": "…", "message_id": "…"} for event in found]


def pair(system: System, channel: str) -> tuple[Any, Any]:
    """Somebody whose sign-in is over, and somebody who never had one."""
    if channel == "web":
        return WebChat(system), WebChat(system)
    if channel == "sms":
        return Phone(system, "+12025550181"), Phone(system, "+12025550182")
    return TelegramChat(system, 880001), TelegramChat(system, 880002)


@pytest.mark.parametrize("channel", ["sms", "telegram", "web"])
def test_whoever_writes_reads_the_same_words_before_signing_in(system: System, channel: str) -> None:
    known, unknown = pair(system, channel)
    for one in (known, unknown):
        one.say("hello")
    sign_in(system, known, "rosa")
    silent(system, system.key(channel, known.address), used_at=timedelta(days=31), signed_in_at=timedelta(days=31))
    for question in (ASK, "refill my lisinopril", "sign out", "sign in", "am i signed in", "hello"):
        assert words(known.say(question)) == words(unknown.say(question)), question


def test_a_silent_chat_is_ended_by_the_sweep_although_nobody_asks(system: System) -> None:
    chat = signed_in(system)
    key = chat_key(system, chat)
    token = system.token(key)
    silent(system, key, used_at=timedelta(minutes=15))
    until(lambda: True if may_read(system, token) == 401 else None, "the portal still accepts the token")
    with transaction(system.accounts.engine) as session:
        assert session.get(Grant, key).ended_at is not None
        assert system.accounts.tier_within(session, key) is Tier.NONE
