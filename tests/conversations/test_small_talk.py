"""The conversation itself: greeting, help, not understood, repeat, sign in and out."""

from __future__ import annotations

from tests.harness import Assistant


async def test_a_greeting_is_answered_with_what_is_possible(assistant: Assistant) -> None:
    chat = await assistant.chat()
    said = await chat.say("hi there")
    assert "lab results" in said
    assert "Refill a medicine" in said.choices


async def test_two_misses_bring_a_menu_and_a_third_a_persons_number(assistant: Assistant) -> None:
    chat = await assistant.chat()
    assert "other words" in await chat.say("xqzv wlorp")
    assert (await chat.say("blorf qwpx")).choices
    assert "555-0100" in await chat.say("zzkw pfft grb")


async def test_asking_for_health_data_offers_a_link_and_the_question_is_answered_after_sign_in(
    assistant: Assistant,
) -> None:
    chat = await assistant.chat()
    said = await chat.say("show my latest labs")
    assert len(said.links) == 1
    hello, answer = await chat.sign_in(said.links[0], "rosa")
    assert "Rosa" in hello
    assert "A1c" in answer
