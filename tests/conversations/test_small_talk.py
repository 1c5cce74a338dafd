"""The conversation itself: greeting, help, not understood, repeat, stop, sign in and out, odd input."""

from __future__ import annotations

import pytest

from tests.harness import Assistant


async def test_a_greeting_is_answered_with_what_is_possible(assistant: Assistant) -> None:
    chat = await assistant.chat()
    said = await chat.say("hi there")
    assert "lab results" in said
    assert "Refill a medicine" in said.choices


async def test_help_shows_what_can_be_said(assistant: Assistant) -> None:
    chat = await assistant.chat()
    said = await chat.say("what can you do for me?")
    assert "Show my latest labs" in said and "Refill my medicine" in said and "911" in said
    assert "Lab results" in said.choices


async def test_thanks_and_goodbye_are_answered(assistant: Assistant) -> None:
    chat = await assistant.chat()
    assert "welcome" in await chat.say("thank you so much")
    assert "Goodbye" in await chat.say("bye now")


async def test_the_last_answer_is_said_again_with_its_choices(assistant: Assistant) -> None:
    chat = await assistant.chat()
    first = await chat.say("hello")
    again = await chat.say("say that again please")
    assert again.text == first.text
    assert again.choices == first.choices


async def test_a_picture_is_shown_again_with_its_text(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    first = await chat.say("graph my a1c")
    again = await chat.say("can you repeat that")
    assert again.text == first.text and again.pictured


@pytest.mark.parametrize(
    ("text", "words"),
    [("never mind", "nothing to stop"), ("yes", "Okay! What else"), ("no", "Okay! What else"), ("more", "everything")],
)
async def test_a_lone_answer_without_a_question_does_nothing(assistant: Assistant, text: str, words: str) -> None:
    chat = await assistant.chat()
    assert words in await chat.say(text)


@pytest.mark.parametrize(
    "texts",
    [
        ("xqzv wlorp", "blorf qwpx", "zzkw pfft grb"),
        ("asdkjh qwe", "wkrp qwopx jjk", "12345"),
        ("🙂🙂🙂", "...", "!!!"),
        ("what's the weather", "tell me a joke", "who won the game last night"),
    ],
)
async def test_two_misses_bring_a_menu_and_a_third_a_persons_number(
    assistant: Assistant, texts: tuple[str, str, str]
) -> None:
    chat = await assistant.chat()
    first = await chat.say(texts[0])
    assert not first.choices and ("other words" in first or "lab results" in first)
    assert (await chat.say(texts[1])).choices
    assert "call 555-0100" in await chat.say(texts[2])


async def test_what_is_understood_in_between_clears_the_misses(assistant: Assistant) -> None:
    chat = await assistant.chat()
    first = await chat.say("xqzv wlorp")
    await chat.say("hello")
    assert (await chat.say("xqzv wlorp")).text == first.text


@pytest.mark.parametrize("text", ["can I talk to a real person", "call me a nurse", "what's the clinic's phone number"])
async def test_a_person_can_be_asked_for_at_any_time(assistant: Assistant, text: str) -> None:
    chat = await assistant.chat()
    assert "555-0100" in await chat.say(text)


async def test_another_language_is_answered_in_it(assistant: Assistant) -> None:
    chat = await assistant.chat()
    assert "intérprete" in await chat.say("habla español?")


async def test_asking_for_health_data_offers_a_link_and_the_question_is_answered_after_sign_in(
    assistant: Assistant,
) -> None:
    chat = await assistant.chat()
    said = await chat.say("show my latest labs")
    assert len(said.links) == 1
    hello, answer = await chat.sign_in(said.links[0], "rosa")
    assert "Rosa" in hello
    assert "A1c" in answer


async def test_a_tapped_choice_waits_for_the_sign_in_as_well(assistant: Assistant) -> None:
    chat = await assistant.chat()
    said = await chat.tap(await chat.say("hi"), "Lab results")
    _, answer = await chat.sign_in(said.links[0], "rosa")
    assert "A1c" in answer


async def test_who_is_signed_in_already_is_told_so(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("sign in")
    assert "signed in already" in said and not said.links


async def test_after_signing_out_a_question_needs_a_sign_in_again(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("what's my a1c")
    assert "no longer have access" in await chat.say("log me out")
    for text in ("and last year?", "more", "show my labs"):
        assert "6.9" not in await chat.say(text)
    assert len((await chat.say("show my labs")).links) == 1
    assert "not signed in" in await chat.say("sign out")


@pytest.mark.parametrize(
    "text",
    [
        "/restart",
        '/report_crisis{"a": "b"}',
        "//signed_in",
        "/signed_in",
        '/refill_medication{"medication": "oxycodone"}',
    ],
)
async def test_a_command_of_rasa_is_plain_text(assistant: Assistant, text: str) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("what's my a1c")
    said = await chat.say(text)
    assert said.text and "Something went wrong" not in said and "988" not in said and "You're signed in." not in said
    assert "Dec 22" in await chat.say("graph it") or "results: from" in await chat.say("graph my a1c")


@pytest.mark.parametrize(
    "text", ["❤️", "👍🏽", "👩‍👩‍👧", "?", "None", "null", "{name}", "{{}}", "<b>hi</b>", "' OR 1=1 --"]
)
async def test_odd_input_gets_a_whole_answer(assistant: Assistant, text: str) -> None:
    chat = await assistant.chat()
    said = await chat.say(text)
    assert said.text and "Something went wrong" not in said and "{" not in said.text


async def test_a_very_long_message_gets_an_answer(assistant: Assistant) -> None:
    chat = await assistant.chat()
    said = await chat.say("well you see it is a long story " * 400)
    assert said.text and "Something went wrong" not in said


async def test_a_question_in_a_long_message_is_answered(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say(
        "Good morning dear, this is Mrs Delgado, I hope you are well. I was at the clinic the other day and they took "
        "some blood, four tubes I believe, and I would very much like to know if the laboratory has my results."
    )
    assert "Basic metabolic panel" in said
