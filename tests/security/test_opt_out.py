"""STOP is honoured at once and for good, whatever waits to be sent, until START: on SMS and Telegram."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import delete, select, update
from sqlalchemy.exc import DatabaseError

from accounts import consent
from accounts.db import transaction
from accounts.tables import ConsentEntry
from bot.channels.errors import OptedOut, Retryable
from bot.channels.message import Incoming
from bot.channels.web import WebSender
from bot.delivery import offers, outbox
from bot.delivery.opt_out import HELP, START, STOP, WRONG_NUMBER, wish
from bot.delivery.tables import DROPPED, Inbox, Outbox
from tests.channels.support import form, serving, sms_input, telegram_input
from tests.channels.support import update as telegram_update
from tests.databases import database_url
from tests.delivery.desk import Desk, FakeSender, make_desk

__all__ = ["database_url"]
ROOT = Path(__file__).parents[2]
NUMBER = "+12025550143"

STOPS = [
    "STOP", "stop.", "  Stop!! ", '"stop"', "STOPALL", "stop all", "UNSUBSCRIBE", "Cancel", "END", "quit", "Revoke",
    "OPTOUT", "opt-out", "please stop texting me", "opt out", "opt me out", "Don’t text me anymore",
    "don't text me", "take me off this list", "no more messages", "Remove my number",
    "I want to opt out of these messages", "STOP STOP STOP", "please stop", "stop please!",
    "can you stop texting me?", "stop sending me texts", "I don't want any more texts from you",
    "unsubscribe me please", "i revoke my consent", "leave me alone", "STOP\n\nSent from my iPhone", "🛑 STOP 🛑",
    "ＳＴＯＰ", "ALTO", "parar", "¡Pare!", "no me mande mensajes", "no me mande más mensajes",
    "no más mensajes por favor", "Deje de escribirme", "quiero darme de baja",
]  # fmt: skip
CONVERSATION = [
    "stop taking my lisinopril?", "cancel my appointment", "I quit smoking", "end of month refill",
    "should I stop my metformin", "can I stop now?", "the pain won't stop", "cancel that",
    "please cancel the refill", "no messages", "stop the refill", "do I have no more messages", "stop reminders",
    "text me my results", "stop sending me refill reminders", "yes", "1", "",
]  # fmt: skip


@pytest.mark.parametrize("said", STOPS)
def test_a_stop_is_heard_however_it_is_written(said: str) -> None:
    assert wish(said) == STOP


@pytest.mark.parametrize("said", CONVERSATION)
def test_what_says_more_than_that_is_conversation(said: str) -> None:
    assert wish(said) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [("START", START), ("unstop.", START), ("start texting me again", START),
     ("Help", HELP), ("INFO", HELP), ("Ayuda", HELP),
     ("wrong number", WRONG_NUMBER), ("You have the wrong number!", WRONG_NUMBER)],
)  # fmt: skip
def test_start_help_and_a_wrong_number_are_heard(said: str, meant: str) -> None:
    assert wish(said) == meant


def test_a_long_message_costs_no_time_to_tell() -> None:
    for said in ("please " * 570 + "x", "stop " * 790 + "x", "stop sending " + "all the " * 490 + "x"):
        assert wish(said) is None


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    yield from _desk(f"sqlite:///{tmp_path / 'state.db'}")


@pytest.fixture
def desk_on_each(database_url: str) -> Iterator[Desk]:
    yield from _desk(database_url)


def _desk(url: str) -> Iterator[Desk]:
    made = make_desk(url)
    telegram = FakeSender()
    telegram.sent = made.sender.sent
    made.delivery.senders |= {"telegram": telegram}
    yield made
    made.accounts.engine.dispose()


def key(desk: Desk, channel: str = "sms", address: str = NUMBER) -> str:
    return desk.accounts.vault.conversation_key(channel, address)


async def queue(desk: Desk, text: str, channel: str = "sms", address: str = NUMBER, **more: Any) -> None:
    """Something that anybody wrote to the outbox."""
    conversation = await desk.delivery.begin(channel, "clinic", address)
    with transaction(desk.accounts.engine) as session:
        payload = {"body": text}
        outbox.add(
            session, desk.accounts.vault, conversation, channel, payload, desk.clock(), **{"tier": "none", **more}
        )


def ledger(desk: Desk) -> list[tuple[str, bool, str]]:
    with transaction(desk.accounts.engine) as session:
        rows = session.execute(select(ConsentEntry).order_by(ConsentEntry.id)).scalars()
        return [(row.topic, row.given, row.how) for row in rows]


async def test_every_word_over_signed_webhooks_with_messages_in_the_queue(desk_on_each: Desk) -> None:
    """Line 8 of what must hold: queued, scheduled and being sent again, for many people at once."""
    desk = desk_on_each
    async with serving(sms_input(), delivery=desk.delivery) as server:
        for number, said in enumerate(STOPS):
            address = f"+1202555{1000 + number}"
            await queue(desk, "queued", address=address)
            await queue(desk, "scheduled", address=address, due_at=desk.clock() + timedelta(hours=1))
            body = form("text", Body=said, From=address, MessageSid=f"SM{number}")
            assert (await server.sms(body)).status_code == 200
            assert (await server.sms(body)).status_code == 200  # and its repetition
    assert set(desk.states(Outbox)) == {DROPPED}  # before any worker has looked
    await desk.work()
    desk.clock.forward(2 * 3600)
    await desk.work()
    assert desk.said == ["utter_opted_out"] * len(STOPS)
    assert ledger(desk) == [("texts", False, "words")] * len(STOPS)
    assert desk.agent.texts == []


async def test_every_word_on_telegram(desk: Desk) -> None:
    async with serving(telegram_input(), delivery=desk.delivery) as server:
        for number, said in enumerate(["/stop", *STOPS]):
            message = telegram_update("text")
            message["update_id"] = number
            message["message"] |= {"text": said}
            for who in ("chat", "from"):
                message["message"][who]["id"] = 7000 + number
            await queue(desk, "queued", "telegram", str(7000 + number))
            assert (await server.telegram(message)).status_code == 200
    await desk.work()
    assert desk.said == ["utter_opted_out"] * (len(STOPS) + 1)
    assert desk.agent.texts == []


async def test_on_the_web_these_words_are_conversation(desk: Desk) -> None:
    desk.delivery.senders["web"] = WebSender()
    words = ["STOP", "cancel", "END", "quit", "opt out", "help", "start"]
    for said in words:
        await desk.delivery.accept(Incoming("web", "clinic", uuid.uuid4().hex, "session", said))
    await desk.work()
    assert desk.agent.texts == words
    assert ledger(desk) == []


async def test_what_twilio_answered_already_is_not_answered_again(desk: Desk) -> None:
    async with serving(sms_input(), delivery=desk.delivery) as server:
        await server.sms(form("opt_out"))
        await desk.work()
        assert (desk.said, ledger(desk)) == ([], [("texts", False, "provider")])
        assert desk.agent.begun_anew == [key(desk)]
        await server.sms(form("opt_out", Body="YES", OptOutType="START", MessageSid="SM3"))
        await server.sms(form("opt_out", Body="HELP", OptOutType="HELP", MessageSid="SM4"))
    await desk.work()
    assert (desk.said, desk.agent.texts) == ([], [])
    await desk.put("hi")
    await desk.work()
    assert desk.said == ["You said hi"]


async def test_the_turn_in_flight_says_offers_and_plans_nothing(desk_on_each: Desk) -> None:
    desk, started, go_on = desk_on_each, asyncio.Event(), asyncio.Event()

    async def slowly(_message: Any) -> list[dict[str, Any]]:
        started.set()
        await go_on.wait()
        later = {"due": "2026-03-02T12:00:00+00:00", "topic": "reminder"}
        return [
            {"text": "Refill it?", "buttons": [{"title": "Yes", "payload": "/affirm"}]},
            {"text": "x", "custom": later},
        ]

    desk.agent.answer = slowly
    async with desk.at_work():
        await desk.put("refill lisinopril")
        await started.wait()
        await desk.put("and my labs")
        await desk.put("STOP")
        await desk.put("START")  # even so: what was asked before the STOP is over
        go_on.set()
        await desk.settled()
    assert desk.said == ["utter_opted_out", "utter_opted_in"]
    assert desk.agent.texts == ["refill lisinopril"]
    with transaction(desk.accounts.engine) as session:
        assert offers.load(session, desk.accounts.vault, key(desk)) == ([], "")


async def test_a_turn_whose_process_died_is_not_taken_again_after_a_stop(desk: Desk) -> None:
    await desk.put("refill lisinopril")
    assert await desk.delivery._lease_jobs(5)
    await desk.put("STOP")
    desk.clock.forward(61)
    await desk.work()
    assert (desk.agent.texts, desk.said) == ([], ["utter_opted_out"])


async def test_a_message_that_is_tried_again_is_not_sent_after_a_stop(desk: Desk) -> None:
    desk.sender.errors = [Retryable("503")]
    await desk.put("hi")
    await desk.work()
    await desk.put("STOP")
    desk.clock.forward(60)
    await desk.work()
    assert desk.said == ["utter_opted_out"]


async def test_whoever_writes_to_the_outbox_after_it_nothing_is_sent(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await desk.put("STOP")
    await queue(desk, "an answer")
    await queue(desk, "a reminder", topic="reminder", due_at=desk.clock() + timedelta(hours=1))
    await queue(desk, "to another person", address="+12025550199")
    await desk.work()
    desk.clock.forward(3600)
    await desk.work()
    assert sorted(desk.said) == ["to another person", "utter_opted_out"]


async def test_what_is_written_while_opted_out_is_kept_and_answered_by_nothing(desk: Desk) -> None:
    await desk.put("STOP")
    for said in ("YES", "refill lisinopril", "1", "stop", "QUIT"):
        await desk.put(said)
    await desk.delivery.accept_event(key(desk), "signed-in:1", "/signed_in")
    await desk.delivery.accept_again(key(desk), "waiting:1", "show my labs")
    await desk.work()
    assert (desk.agent.texts, desk.said) == ([], ["utter_opted_out"])
    assert len(desk.rows(Inbox)) == 8 and {row.state for row in desk.rows(Inbox)} == {"done"}


async def test_help_is_answered_while_opted_out_and_is_conversation_otherwise(desk: Desk) -> None:
    await desk.put("help")
    await desk.put("STOP")
    await desk.work()
    await desk.put("HELP")
    await desk.put("info")
    await desk.work()
    assert desk.agent.texts == []
    assert desk.said == ["utter_opted_out", "utter_texts_help", "utter_texts_help"]
    await desk.put("START")
    await desk.put("help")
    await desk.work()
    assert (desk.agent.texts, desk.said[-1]) == (["help"], "You said help")


@pytest.mark.parametrize("said", ["START", "unstop", "Start!"])
async def test_start_restores_and_what_was_offered_before_is_gone(desk_on_each: Desk, said: str) -> None:
    desk = desk_on_each

    async def offer(message: Any) -> list[dict[str, Any]]:
        return [{"text": message.text, "buttons": [{"title": "Yes", "payload": "/affirm"}]}]

    desk.agent.answer = offer
    await desk.put("refill lisinopril")
    await desk.work()
    for each in ("STOP", said, "YES"):
        await desk.put(each)
    await desk.work()
    assert desk.said[1:] == ["utter_opted_out", "utter_opted_in", "YES"]
    assert desk.agent.texts[1:] == ["YES"]  # the words, not the payload that was offered
    assert desk.agent.begun_anew == [key(desk)] * 2
    assert [given for _, given, _ in ledger(desk)] == [False, True]


async def test_start_without_an_opt_out_is_conversation(desk: Desk) -> None:
    await desk.put("start")
    await desk.work()
    assert (desk.agent.texts, ledger(desk)) == (["start"], [])


async def test_an_old_stop_that_comes_again_after_start_changes_nothing(desk: Desk) -> None:
    await desk.put("STOP", message_id="SM1")
    await desk.put("START")
    await desk.put("STOP", message_id="SM1")
    await desk.put("hi")
    await desk.work()
    assert desk.said[-1] == "You said hi"


async def test_error_21610_closes_the_ledger_and_drops_the_queue_once(desk_on_each: Desk) -> None:
    desk = desk_on_each
    desk.sender.errors = [OptedOut("21610")]
    await queue(desk, "first")
    await queue(desk, "second")
    await queue(desk, "later", due_at=desk.clock() + timedelta(hours=1))
    await desk.work()
    desk.clock.forward(3600)
    await desk.work()
    assert desk.said == []
    assert ledger(desk) == [("texts", False, "provider")]
    assert desk.states(Outbox).count(DROPPED) == 2
    await desk.put("START")
    await desk.work()
    assert desk.said == ["utter_opted_in"]


async def test_21610_in_a_delivery_report_closes_the_ledger_too(desk: Desk) -> None:
    await queue(desk, "first")
    await desk.work()
    async with serving(sms_input(), delivery=desk.delivery) as server:
        for _ in range(2):
            body = form("status_undelivered", MessageSid="SM1", ErrorCode="21610")
            assert (await server.sms(body, path="status")).status_code == 204
    await queue(desk, "second")
    await desk.work()
    assert desk.said == ["first"]
    assert ledger(desk) == [("texts", False, "provider")]


async def test_who_blocked_the_bot_and_lifts_it_again_is_answered_from_the_beginning(desk: Desk) -> None:
    telegram: Any = desk.delivery.senders["telegram"]
    telegram.errors = [OptedOut("blocked", by_blocking=True)]
    await queue(desk, "first", "telegram", "77")
    await queue(desk, "second", "telegram", "77")
    await desk.work()
    assert (desk.said, ledger(desk)) == ([], [("texts", False, "blocked")])
    await desk.delivery.accept(Incoming("telegram", "bot", "1", "77", "hi", metadata={"restart": True}))
    await desk.work()
    assert desk.said == ["You said hi"]
    assert ledger(desk)[-1] == ("texts", True, "resumed")
    assert desk.agent.begun_anew == [key(desk, "telegram", "77")]


async def test_a_stop_after_a_lifted_block_is_a_stop(desk: Desk) -> None:
    telegram: Any = desk.delivery.senders["telegram"]
    telegram.errors = [OptedOut("blocked", by_blocking=True)]
    await queue(desk, "first", "telegram", "77")
    await desk.work()
    await desk.delivery.accept(Incoming("telegram", "bot", "1", "77", "stop"))
    await desk.delivery.accept(Incoming("telegram", "bot", "2", "77", "hi"))
    await desk.work()
    assert (desk.said, desk.agent.texts) == ([], [])


async def test_after_a_stop_on_telegram_only_start_restores(desk: Desk) -> None:
    for number, (said, more) in enumerate([("STOP", {}), ("hi", {}), ("hi", {"restart": True})]):
        await desk.delivery.accept(Incoming("telegram", "bot", str(number), "77", said, metadata=more))
    await desk.work()
    assert (desk.said, desk.agent.texts) == (["utter_opted_out", "utter_opted_in"], [])


async def test_no_more_reminders_is_not_no_more_texts(desk: Desk) -> None:
    await desk.delivery.begin("sms", "clinic", NUMBER)
    await desk.accounts.agree(key(desk), consent.REMINDERS, False, "words")
    await queue(desk, "a reminder", topic="reminder", due_at=desk.clock() + timedelta(hours=1))
    await queue(desk, "an answer")
    await desk.work()
    desk.clock.forward(3600)
    await desk.work()
    assert desk.said == ["an answer"]


@pytest.mark.parametrize("change", [update(ConsentEntry).values(given=True), delete(ConsentEntry)])
async def test_the_ledger_can_only_be_added_to(desk_on_each: Desk, change: Any) -> None:
    await desk_on_each.put("STOP")
    with pytest.raises(DatabaseError, match="append-only"), transaction(desk_on_each.accounts.engine) as session:
        session.execute(change)
    assert ledger(desk_on_each) == [("texts", False, "words")]


async def test_the_ledger_is_kept_for_each_person_and_channel(desk: Desk) -> None:
    await desk.put("STOP")
    await desk.put("hi", "+12025550199")
    await desk.delivery.accept(Incoming("telegram", "bot", "1", NUMBER, "hi"))
    await desk.work()
    assert sorted(desk.said) == ["You said hi", "You said hi", "utter_opted_out"]


def responses() -> list[tuple[str, str]]:
    """Each text and button of the domain, by its response."""
    found = []
    for path in [ROOT / "domain.yml", *sorted((ROOT / "domain").rglob("*.yml"))]:
        for name, variations in (yaml.safe_load(path.read_text()).get("responses") or {}).items():
            for variation in variations:
                titles = [button.get("title", "") for button in variation.get("buttons") or []]
                found += [(name, text) for text in [variation.get("text", ""), *titles] if text]
    return found


ASKS_FOR_A_STOP = re.compile(
    r"\b(?:reply|text|send|say|answer|type|write|respond|responda|envíe|escriba|diga)"
    r"(?:\s(?:us|me|back|just|with|the word|la palabra))*\s[\"'“]?"
    r"(?:stop|stopall|unsubscribe|cancel|end|quit|revoke|optout|opt-out)\b",
    re.IGNORECASE,
)


def test_no_response_asks_a_patient_to_reply_with_a_word_that_ends_the_messages() -> None:
    asking = [(name, text) for name, text in responses() if ASKS_FOR_A_STOP.search(text)]
    offered = [(name, text) for name, text in responses() if wish(text) == STOP]
    assert (asking, offered) == ([], [])
    assert ASKS_FOR_A_STOP.search("Reply STOP to end") and ASKS_FOR_A_STOP.search('say "cancel"')


@pytest.mark.parametrize("name", ["utter_opted_out", "utter_opted_in", "utter_texts_help"])
def test_the_words_say_who_speaks_and_fit_one_text_message(name: str) -> None:
    from bot.channels.segments import segments
    from bot.settings import ClinicSettings

    (text,) = [text for each, text in responses() if each == name]
    facts = ClinicSettings().dict()
    said = text.format(**facts)
    assert facts["clinic_name"] in said and facts["emergency_number"] in said
    assert segments(said) == 1
    assert name != "utter_opted_out" or ("START" in said and facts["clinic_phone"] in said)
