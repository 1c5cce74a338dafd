"""A patient chooses what text messages to them may say: details only after a warning and a plain yes."""

from __future__ import annotations

import pytest

from tests.end_to_end.people import link_in
from tests.harness import Assistant

WARNING = "not fully private"


@pytest.mark.parametrize("channel", ["sms", "telegram"])
async def test_a_yes_after_the_warning_brings_a_link_and_with_the_sign_in_the_answer(
    assistant: Assistant, channel: str
) -> None:
    chat = await assistant.chat(channel=channel)
    assert "safe page" in await chat.say("whats my a1c")
    assert WARNING in await chat.say("text me details")
    agreed = await chat.say("yes")
    assert "One more step" in agreed
    hello, answer = await chat.sign_in(link_in(str(agreed.messages)), "rosa")
    assert "Rosa" in hello
    assert "Hemoglobin A1c" in answer


async def test_a_hedged_yes_is_no_yes(assistant: Assistant) -> None:
    chat = await assistant.chat(channel="sms")
    await chat.say("text me details")
    assert "One more step" not in await chat.say("yes but not the private ones")


async def test_a_question_in_between_is_answered_and_then_a_yes_counts(assistant: Assistant) -> None:
    chat = await assistant.chat(channel="sms")
    await chat.say("text me details")
    aside = await chat.say("can i talk to a person")
    assert "To talk to a person, call" in aside
    assert WARNING in aside
    assert "One more step" in await chat.say("yes")


async def test_a_yes_after_an_emergency_agrees_to_nothing(assistant: Assistant) -> None:
    chat = await assistant.chat(channel="sms")
    await chat.say("text me details")
    assert "911" in await chat.say("i have crushing chest pain and cant breathe")
    assert "One more step" not in await chat.say("yes")


async def test_a_no_keeps_details_out(assistant: Assistant) -> None:
    chat = await assistant.chat(channel="sms")
    await chat.say("text me details")
    assert "keep details out" in await chat.say("no thanks")
    assert "safe page" in await chat.say("whats my a1c")
