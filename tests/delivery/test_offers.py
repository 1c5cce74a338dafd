"""Choices are answered by number, title or tap, and only those that are on offer; MORE brings the rest."""

from __future__ import annotations

from typing import Any

import pytest

from bot.channels.message import Choice
from bot.delivery import offers
from bot.delivery.tables import Offer
from tests.delivery.desk import Desk

CHOICES = [Choice("a1", "Lisinopril 10 mg", '/pick{"n":1}'), Choice("b2", "Yes", "/affirm")]


@pytest.mark.parametrize("text", ["2", " 2 ", "2.", "2)", "(2)", "#2", "yes", " YES "])
def test_a_choice_is_known_by_its_number_and_its_title(text: str) -> None:
    assert offers.pick(CHOICES, text, None) == "/affirm"


@pytest.mark.parametrize("text", ["0", "3", "22", "2 pills", "yes please", "", "/affirm", "-2", "٢٢٢"])
def test_anything_else_is_no_choice(text: str) -> None:
    assert offers.pick(CHOICES, text, None) is None


def test_a_tap_is_known_by_its_id_alone() -> None:
    assert offers.pick(CHOICES, "", "a1") == CHOICES[0].payload
    assert offers.pick(CHOICES, "2", "gone") is None


async def offer(_message: Any) -> list[dict[str, Any]]:
    buttons = [{"title": c.title, "payload": c.payload} for c in CHOICES]
    return [{"text": "Which one?", "buttons": buttons}]


async def test_the_stored_payload_is_what_the_agent_gets(desk: Desk) -> None:
    desk.agent.answer = offer
    await desk.put("refill")
    await desk.put("2")
    await desk.work()
    assert desk.agent.texts == ["refill", "/affirm"]


async def test_a_number_without_an_offer_is_a_number(desk: Desk) -> None:
    await desk.put("2")
    await desk.work()
    assert desk.agent.texts == ["2"]


async def test_an_offer_ends_with_the_next_turn(desk: Desk) -> None:
    desk.agent.answer = offer
    await desk.put("refill")
    await desk.work()
    from tests.delivery.desk import echo

    desk.agent.answer = echo
    await desk.put("what are my labs")
    await desk.put("2")
    await desk.work()
    assert desk.agent.texts[-1] == "2"


async def test_a_stale_tap_runs_nothing_and_keeps_what_is_on_offer(desk: Desk) -> None:
    desk.agent.answer = offer
    await desk.put("refill")
    await desk.put("", choice="of-an-earlier-offer")
    await desk.put("yes")
    await desk.work()
    assert desk.said[1] == "That is from earlier."
    assert desk.agent.texts == ["refill", "/affirm"]


@pytest.mark.parametrize("metadata", [{"unsupported": "media"}, {"notice": "group_chat"}])
async def test_a_picture_in_between_keeps_what_is_on_offer(desk: Desk, metadata: dict[str, str]) -> None:
    desk.agent.answer = offer
    await desk.put("refill")
    await desk.put("", metadata=metadata)
    await desk.put("1")
    await desk.work()
    assert desk.agent.texts == ["refill", CHOICES[0].payload]


@pytest.mark.parametrize("word", ["more", "MORE", " More! "])
async def test_more_brings_the_rest_page_by_page_and_the_choices_stay(desk: Desk, word: str) -> None:
    desk.sender.page = 5
    desk.agent.answer = offer
    await desk.put("refill")
    await desk.put(word)
    await desk.put("2")
    await desk.work()
    assert desk.said[:2] == ["Which", " one?"]
    assert desk.agent.texts == ["refill", "/affirm"]


async def test_more_is_for_the_agent_where_nothing_is_left(desk: Desk) -> None:
    await desk.put("more")
    await desk.work()
    assert desk.agent.texts == ["more"]


async def test_payloads_do_not_stand_in_the_clear(desk: Desk) -> None:
    desk.agent.answer = offer
    await desk.put("refill")
    await desk.work()
    from accounts.db import transaction

    with transaction(desk.accounts.engine) as session:
        row = session.get(Offer, desk.accounts.vault.conversation_key("sms", "+12025550143"))
        assert b"affirm" not in row.sealed
