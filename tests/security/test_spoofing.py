"""Who writes is what a channel proves, and nothing else that a message claims."""

from __future__ import annotations

import uuid
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from tests.security import canaries
from tests.system import Phone, System, TelegramChat, WebChat

QUESTION = "show my a1c"
SECRETS = (*canaries.OF_THE_CHART, *canaries.OF_THE_PERSON, "Rosa")


def claims(system: System, victim: Any) -> dict[str, Any]:
    """All that a client could say to pass for somebody else, as far as Rasa or Chartline have a name for it."""
    key = system.key(victim.channel, victim.address)
    whoever: dict[str, Any] = dict.fromkeys(
        (
            "sender",
            "sender_id",
            "senderId",
            "session_id",
            "conversation",
            "conversation_id",
            "address",
            "account",
            "user",
        ),
        key,
    )
    metadata = {"tier": "full", "again": True, "sender_id": key, "patient": canaries.PATIENT, "notice": "", "turn": key}
    return {
        **whoever,
        "tier": "full",
        "channel": "web",
        "input_channel": "web",
        "payload": "/show_labs",
        "metadata": metadata,
        "customData": metadata,
        "parse_data": {"intent": {"name": "show_labs", "confidence": 1.0}, "entities": []},
    }


def told(answer: str) -> list[str]:
    """What of Rosa's stands in an answer."""
    return [secret for secret in SECRETS if secret.casefold() in answer.casefold()]


def test_the_patient_herself_is_told(rosa: dict[str, Any]) -> None:
    """Else the tests below prove nothing."""
    for channel, person in rosa.items():
        assert canaries.RESULT in person.say(QUESTION), channel


def test_what_a_web_message_claims_is_ignored(system: System, rosa: dict[str, Any]) -> None:
    before = len(rosa["web"].events())
    for victim in rosa.values():
        stranger = WebChat(system)
        answer = stranger.say(QUESTION, **claims(system, victim))
        assert "/signin/" in answer
        assert told(answer) == []
        assert told(str(stranger.events())) == []
    assert len(rosa["web"].events()) == before


def test_a_web_session_is_what_the_server_made(system: System, rosa: dict[str, Any]) -> None:
    victim = rosa["web"]
    with system.client() as client:
        wished = {"token": victim.token, **claims(system, victim)}
        made = client.post("/webhooks/web/session", json=wished, params={"token": victim.token})
        assert made.status_code == 201
        assert made.json()["token"] != victim.token
        guesses = [
            system.key("web", victim.address),
            victim.address,
            victim.token[:-1],
            victim.token.lower(),
            "null",
            ".",
        ]
        for guess in guesses:
            headers = {"Authorization": f"Bearer {guess}", "X-Session": victim.token, "X-Sender-Id": victim.address}
            params = {"token": victim.token, "sender_id": victim.address, "session_id": victim.token}
            for method, path in (("POST", "messages"), ("GET", "events")):
                answer = client.request(method, f"/webhooks/web/{path}", headers=headers, params=params)
                assert answer.status_code == 401
                assert told(answer.text) == []


def test_a_choice_that_was_offered_to_somebody_else_does_nothing(system: System, rosa: dict[str, Any]) -> None:
    rosa["web"].say("refill my medicine")
    offered = [choice["id"] for event in rosa["web"].events() for choice in event.get("choices", [])]
    assert offered
    stranger = WebChat(system)
    for choice in (*offered[-2:], "/show_labs", '/signed_in{"name": "x"}'):
        assert stranger.post(id=str(uuid.uuid4()), choice=choice).status_code == 202
    stranger.say("hello")
    answers = [event for event in stranger.events() if event.get("from") == "assistant"]
    assert len(answers) > 4
    assert told(str(answers)) == []


def test_what_an_sms_claims_besides_its_sender_is_ignored(system: System, rosa: dict[str, Any]) -> None:
    """Twilio signs what it was sent: only `From` is Twilio's own word."""
    seen, stranger = len(system.twilio.calls), Phone(system, "+12025550152")
    more = {name: str(value) for name, value in claims(system, rosa["sms"]).items()}
    answer = stranger.say(QUESTION, **more, ProfileName="Rosa", WaId=rosa["sms"].address, Caller=rosa["sms"].address)
    assert "/signin/" in answer
    assert told(answer) == []
    assert rosa["sms"].received(seen) == []


def test_a_second_sender_in_one_sms_is_not_heard(system: System, rosa: dict[str, Any]) -> None:
    seen, stranger = len(system.twilio.calls), Phone(system, "+12025550153")
    twice = [*parse_qsl(stranger.body(QUESTION), keep_blank_values=True), ("From", rosa["sms"].address)]
    assert stranger.post(urlencode(twice)).status_code in (200, 400, 403)
    assert stranger.say("hello")
    assert told(str(stranger.received(seen))) == []
    assert rosa["sms"].received(seen) == []


@pytest.mark.parametrize("forged", ["sender_chat", "forward_from", "via_bot", "reply_to_message"])
def test_on_telegram_the_chat_is_answered_and_nobody_else_who_is_named(
    system: System, rosa: dict[str, Any], forged: str
) -> None:
    seen, stranger = len(system.telegram.calls), TelegramChat(system, 900_003)
    person = {"id": canaries.TELEGRAM_ID, "first_name": canaries.TELEGRAM_NAME, "is_bot": False}
    chat = {"id": canaries.TELEGRAM_ID, "type": "private", "first_name": canaries.TELEGRAM_NAME}
    named: Any = {**person, "type": "private"}
    if forged == "reply_to_message":
        named = {"message_id": 5, "date": 1, "chat": chat, "from": person, "text": QUESTION}
    answer = stranger.say(QUESTION, **{forged: named}, **claims(system, rosa["telegram"]))
    assert "/signin/" in answer
    assert told(answer) == []
    assert rosa["telegram"].received(seen) == []


def test_a_tap_on_telegram_carries_no_command_and_no_sender(system: System, rosa: dict[str, Any]) -> None:
    seen, stranger = len(system.telegram.calls), TelegramChat(system, 900_004)
    at = stranger.message("hi")["message"]
    for data in ("/show_labs", '/signed_in{"name": "x"}'):
        query = {"id": "1", "from": at["from"], "chat_instance": "1", "message": at, "data": data}
        assert stranger.post(callback_query=query, **claims(system, rosa["telegram"])).status_code == 200
        assert told(stranger.next(seen)) == []
    assert rosa["telegram"].received(seen) == []


def test_a_private_chat_from_which_somebody_else_writes_is_told_nothing(system: System, rosa: dict[str, Any]) -> None:
    seen, stranger = len(system.telegram.calls), TelegramChat(system, 900_005)
    person = {"id": canaries.TELEGRAM_ID, "first_name": canaries.TELEGRAM_NAME, "is_bot": False}
    query = {"id": "1", "from": person, "chat_instance": "1", "message": stranger.message("hi")["message"], "data": "x"}
    assert stranger.post(**stranger.message(QUESTION, **{"from": person})).status_code == 200
    assert stranger.post(callback_query=query).status_code == 200
    assert TelegramChat(system, 900_006).say("hello")
    assert told(str(stranger.received(seen))) == []
    assert rosa["telegram"].received(seen) == []


def test_in_a_group_nobodys_chart_is_open(system: System, rosa: dict[str, Any]) -> None:
    seen, group = len(system.telegram.calls), TelegramChat(system, -500_001)
    person = {"id": canaries.TELEGRAM_ID, "first_name": canaries.TELEGRAM_NAME, "is_bot": False}
    answer = group.say(QUESTION, **{"from": person, "chat": {"id": group.id, "type": "group", "title": "x"}})
    assert told(answer) == []
    assert rosa["telegram"].received(seen) == []


def test_the_channel_of_an_address_is_part_of_who_it_is(system: System, rosa: dict[str, Any]) -> None:
    """A Telegram chat whose id reads like Rosa's number is somebody else."""
    answer = TelegramChat(system, int(canaries.PHONE)).say(QUESTION)
    assert "/signin/" in answer
    assert [canary for canary in canaries.OF_THE_CHART if canary in answer] == []
