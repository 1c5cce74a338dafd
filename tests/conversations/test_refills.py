"""Refills with the trained model, the real action server and the real portal: one test a behaviour of the dialogue."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness import Assistant, PortalServer


def new_tasks(portal: PortalServer) -> list[dict[str, Any]]:
    """What was asked for since the seed."""
    tasks = portal.store.search("Task", {"patient": "Patient/rosa", "_count": "100"}).matches
    return [t for t in tasks if not t["identifier"][0]["value"].startswith("demo-")]


async def test_a_refill_ends_in_a_receipt_that_the_portal_has_on_file(
    assistant: Assistant, portal: PortalServer
) -> None:
    chat = await assistant.chat("rosa")
    assert "lisinopril 10 mg at Corner Pharmacy" in await chat.say("refill my lisinoprel")
    said = await chat.say("yes please")
    (task,) = new_tasks(portal)
    assert "SENT: lisinopril 10 mg" in said
    assert task["description"].split("Reference ")[1].rstrip(".") in said


async def test_a_lone_yes_orders_nothing(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    assert "Okay! What else" in await chat.say("yes")
    await chat.say("refill my lisinopril")
    await chat.say("yes")
    assert "Okay! What else" in await chat.say("yes")
    assert len(new_tasks(portal)) == 1


async def test_a_choice_is_tapped_or_said(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("refill my metoprolol")
    assert said.choices == ["metoprolol succinate ER 25 mg", "metoprolol tartrate 50 mg"]
    assert "metoprolol tartrate 50 mg at" in await chat.tap(said, "metoprolol tartrate 50 mg")
    assert "metoprolol succinate ER 25 mg at" in await chat.say("no, the 25 mg one")


async def test_a_renewal_asks_for_the_days_left(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    assert "no refills left" in await chat.say("I need more of my cholesterol pills")
    assert "How many days" in await chat.say("yes")
    assert "urgent" in await chat.say("2")
    assert new_tasks(portal)[0]["priority"] == "urgent"


async def test_a_digression_is_answered_and_the_question_asked_again(
    assistant: Assistant, portal: PortalServer
) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("refill my lisinopril")
    said = await chat.say("what medicines am I on?")
    assert "metformin 500 mg" in said and "Shall I send it?" in said
    assert "SENT: lisinopril" in await chat.say("yes")


async def test_never_mind_sends_nothing(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("refill my lisinopril")
    assert "NOT SENT" in await chat.say("never mind")
    assert "Okay! What else" in await chat.say("yes")
    assert new_tasks(portal) == []


async def test_an_emergency_in_the_middle_is_answered_first_and_a_later_yes_sends_nothing(
    assistant: Assistant, portal: PortalServer
) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("refill my lisinopril")
    assert "911" in await chat.say("I have crushing chest pain")
    assert "safety" in await chat.say("yes")
    assert new_tasks(portal) == []


async def test_two_misses_in_a_refill_bring_help(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("refill my lisinopril")
    await chat.say("xqzv wlorp")
    said = await chat.say("blorf qwpx")
    assert "never mind" in said and "Shall I send it?" in said


async def test_a_reminder_that_was_agreed_on_is_scheduled(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    assert "early for metformin" in await chat.say("refill metformin")
    assert "I'll remind you" in await chat.say("sure")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("can u refill my oxy", "By law"),
        ("refill zoloft", "was stopped by Dr. Priya Shah"),
        ("I need my blood thinner refilled", "on hold"),
        ("refill hydroxyzine", "Did you mean hydralazine"),
        ("is my amlodipine ready", "In progress"),
        ("how many refills do I have left on lisinopril", "Refills left: 3"),
    ],
)
async def test_each_question_gets_its_own_answer(assistant: Assistant, text: str, words: str) -> None:
    chat = await assistant.chat("rosa")
    assert words in await chat.say(text)
