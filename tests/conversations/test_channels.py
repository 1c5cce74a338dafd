"""The same conversation on SMS, Telegram and the web: what differs is the form, not the facts."""

from __future__ import annotations

import pytest

from bot.channels.segments import is_gsm, segments
from tests.harness import Assistant, Chat

CHANNELS = ["web", "sms", "telegram"]
TALK = [
    "hi",
    "help",
    "show my latest labs",
    "kidney numbers",
    "graph my a1c",
    "what does that mean?",
    "what medicines am I on",
    "refill my lisinopril",
    "never mind",
    "is this private?",
    "goodbye",
]


async def whole(chat: Chat, text: str) -> str:
    """An answer with all that MORE brings of it."""
    said = await chat.say(text)
    parts = [said.text]
    while parts[-1].endswith("Reply MORE for the rest."):
        parts[-1] = parts[-1].removesuffix("Reply MORE for the rest.").rstrip()
        parts.append((await chat.say("MORE")).text)
    return "\n".join(parts)


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("my a1c please", ["6.9 %", "HIGH", "4.0 to 5.6"]),
        ("graph my a1c", ["8 results", "8.4 %", "6.9 %"]),
        ("what does LDL mean", ["MedlinePlus", "91 mg/dL", "555-0100"]),
        ("what medicines am I on", ["lisinopril 10 mg", "metformin 500 mg"]),
        ("refill my lisinopril", ["lisinopril 10 mg at Corner Pharmacy"]),
    ],
)
async def test_every_channel_tells_the_same_facts(
    assistant: Assistant, channel: str, text: str, facts: list[str]
) -> None:
    chat = await assistant.chat("rosa", channel)
    answer = " ".join((await whole(chat, text)).split())
    assert [fact for fact in facts if fact not in answer] == []


async def test_an_sms_is_one_message_of_at_most_two_segments_in_the_cheap_alphabet(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms")
    for text in TALK:
        said = await chat.say(text)
        assert len(said.messages) == 1, text
        assert segments(said.text) <= 2, text
        assert is_gsm(said.text), text


async def test_more_by_sms_gives_the_rest_and_then_the_next_results(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms")
    first = await chat.say("show my latest labs")
    assert first.text.endswith("Reply MORE for the rest.") and "Calcium" not in first
    said = first
    while said.text.endswith("Reply MORE for the rest."):
        said = await chat.say("more")
    assert "Hemoglobin A1c" in said and said.text.endswith("1 More")
    assert "Complete blood count" in await chat.say("1")


async def test_a_number_picks_a_choice_by_sms(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms")
    said = await chat.say("hello")
    assert "1 Lab results\n2 My medicines" in said.text
    assert "Here is what you take" in await chat.say("2")


async def test_a_trend_by_sms_is_text_alone(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms")
    said = await chat.say("graph my a1c")
    assert "8 results" in said and not said.pictured


async def test_a_sign_in_link_by_sms_stands_bare(assistant: Assistant) -> None:
    chat = await assistant.chat(channel="sms")
    link = (await chat.say("show my labs")).text.splitlines()[-1]
    assert link.startswith("http")
    _, answer = await chat.sign_in(link, "linda")
    assert "INR" in answer


async def test_telegram_has_a_keyboard_that_can_be_tapped(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "telegram")
    said = await chat.say("hello")
    assert [button["text"] for button in said.buttons][:2] == ["Lab results", "My medicines"]
    assert "A1c" in await chat.tap(said, "Lab results")


@pytest.mark.parametrize("channel", ["telegram", "web"])
async def test_a_trend_is_a_picture_with_its_text(assistant: Assistant, channel: str) -> None:
    chat = await assistant.chat("rosa", channel)
    said = await chat.say("graph my a1c")
    assert said.pictured and "8 results" in said


@pytest.mark.parametrize("channel", ["telegram", "web"])
async def test_a_choice_of_an_earlier_message_is_refused_kindly(assistant: Assistant, channel: str) -> None:
    chat = await assistant.chat("rosa", channel)
    old = await chat.say("hello")
    await chat.say("refill my lisinopril")
    said = await chat.tap(old, "Lab results")
    assert "from earlier in our chat" in said
    assert "SENT: lisinopril" in await chat.say("yes")


@pytest.mark.parametrize("channel", ["telegram", "web"])
async def test_a_choice_tapped_twice_acts_once(assistant: Assistant, channel: str) -> None:
    chat = await assistant.chat("rosa", channel)
    asked = await chat.say("refill my lisinopril")
    sent = await chat.say("yes")
    assert "SENT" in sent
    again = await chat.tap(asked, next(title for title in titles(asked) if title.lower().startswith("yes")))
    assert "SENT" not in again.text


def titles(said) -> list[str]:
    """What can be tapped."""
    return said.choices or [button["text"] for button in said.buttons]


async def test_a_title_can_be_typed_instead_of_tapped(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("hello")
    assert "A1c" in await chat.say("lab results")
