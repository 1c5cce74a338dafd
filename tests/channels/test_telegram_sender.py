"""Replies on Telegram, through python-telegram-bot against a local server that speaks the Bot API."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels.errors import AddressGone, DeliveryError, OptedOut, Retryable, Undeliverable
from bot.channels.message import Choice, Link, Rendered, Reply
from bot.channels.telegram import TelegramSender
from bot.channels.telegram_bot import TelegramSettings
from tests.channels.providers import BOT_TOKEN, Answer, Provider, refused
from tests.channels.support import SECRET

YES_NO = (Choice("c-1", "Yes", "/affirm"), Choice("c-2", "No", "/deny"))
CHART = {"title": "A1c", "unit": "%", "low": 4, "high": 5.6, "points": [["2026-03-01", 6.9]], "alt": "A1c: 6.9 %."}


def sender(url: str, timeout: float = 10.0) -> TelegramSender:
    return TelegramSender(TelegramSettings(BOT_TOKEN, SECRET, url), timeout)


@pytest.fixture()
async def bot(telegram: Provider) -> AsyncIterator[TelegramSender]:
    opened = sender(telegram.url)
    yield opened
    await opened.close()


def messages(*replies: Reply) -> list[dict[str, Any]]:
    rendered = sender("http://127.0.0.1:9").render(list(replies))
    assert rendered.rest == ""
    assert json.loads(json.dumps(rendered.messages)) == rendered.messages
    return rendered.messages


def keyboard(message: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return message["reply_markup"]["inline_keyboard"]


def test_each_reply_is_a_message() -> None:
    assert messages(Reply("One."), Reply("Two.")) == [{"text": "One."}, {"text": "Two."}]
    assert sender("http://127.0.0.1:9").render([]) == Rendered([])
    assert messages(Reply(" ")) == []


def test_choices_are_buttons_that_carry_their_id_and_not_their_payload() -> None:
    (message,) = messages(Reply("Refill lisinopril?", YES_NO))
    assert message["text"] == "Refill lisinopril?"
    assert keyboard(message) == [[{"text": "Yes", "callback_data": "c-1"}, {"text": "No", "callback_data": "c-2"}]]
    assert "/affirm" not in json.dumps(message)


def test_long_choices_have_a_row_each() -> None:
    titles = ("Lisinopril 10 mg tablet", "Metformin 500 mg tablet")
    (message,) = messages(Reply("Which one?", tuple(Choice(f"c-{i}", t, "/x") for i, t in enumerate(titles))))
    assert [[button["text"] for button in row] for row in keyboard(message)] == [[title] for title in titles]


def test_a_choice_id_that_telegram_would_refuse_is_an_error_of_ours() -> None:
    with pytest.raises(ValueError, match="64"):
        messages(Reply("Which?", (Choice("c" * 65, "Yes", "/affirm"),)))


def test_a_link_is_a_button_where_telegram_takes_it_and_words_where_not() -> None:
    (message,) = messages(
        Reply("Sign in.", links=(Link("Open", "https://c.example/1"), Link("Here", "http://localhost:5005/2")))
    )
    assert message["text"] == "Sign in.\nHere: http://localhost:5005/2"
    assert keyboard(message) == [[{"text": "Open", "url": "https://c.example/1"}]]


def test_a_keyboard_without_words_gets_its_titles_as_words() -> None:
    (message,) = messages(Reply("", YES_NO))
    assert message["text"] == "Yes\nNo"


def test_a_long_text_is_split_at_lines_and_its_keyboard_is_at_the_end() -> None:
    text = "\n".join(f"Test {i}: in range 😀" for i in range(400))
    first, *others = messages(Reply(text, YES_NO))
    assert len(others) >= 1
    assert "\n".join(m["text"] for m in (first, *others)) == text
    assert all(len(m["text"].encode("utf-16-le")) <= 2 * 4096 for m in (first, *others))
    assert [("reply_markup" in m) for m in (first, *others)] == [False] * len(others) + [True]


def test_a_chart_has_the_text_as_its_caption() -> None:
    (message,) = messages(Reply("Your A1c over time", YES_NO, chart=CHART))
    assert (message["caption"], message["chart"]) == ("Your A1c over time", CHART)
    assert keyboard(message)


def test_a_text_too_long_for_a_caption_goes_before_and_the_description_with_the_picture() -> None:
    text, picture = messages(Reply("x " * 600, chart=CHART))
    assert text["text"].startswith("x x")
    assert picture["caption"] == "A1c: 6.9 %."


@pytest.mark.parametrize("chart", [{"points": []}, {"points": [["soon", 1]]}, {"title": "A1c"}, {"points": 7}])
def test_a_chart_that_cannot_be_drawn_leaves_the_text(chart: dict[str, Any]) -> None:
    assert messages(Reply("Your A1c is 6.9 %", chart=chart)) == [{"text": "Your A1c is 6.9 %"}]


async def test_a_message_is_sent_as_telegram_wants_it(bot: TelegramSender, telegram: Provider) -> None:
    (message,) = bot.render([Reply("<b>Refill</b> *it*?", YES_NO, (Link("Open", "https://c.example/1"),))]).messages
    assert await bot.send("700000001", message) == "1"
    (call,) = telegram.calls
    assert call.path == f"/bot{BOT_TOKEN}/sendMessage"
    assert (call.fields["chat_id"], call.fields["text"]) == ("700000001", "<b>Refill</b> *it*?")
    assert "parse_mode" not in call.fields
    assert json.loads(call.fields["link_preview_options"]) == {"is_disabled": True}
    rows = json.loads(call.fields["reply_markup"])["inline_keyboard"]
    assert rows[0][0] == {"text": "Yes", "callback_data": "c-1"}
    assert rows[1] == [{"text": "Open", "url": "https://c.example/1"}]


async def test_a_chart_is_sent_as_a_picture(bot: TelegramSender, telegram: Provider) -> None:
    (message,) = bot.render([Reply("Your A1c", chart=CHART)]).messages
    await bot.send("700000001", message)
    (call,) = telegram.calls
    assert call.path == f"/bot{BOT_TOKEN}/sendPhoto"
    assert call.fields["caption"] == "Your A1c"
    assert any(content.startswith(b"\x89PNG") for content in call.files.values())


@pytest.mark.parametrize(
    ("answer", "kind", "code", "wait"),
    [
        (refused(403, "Forbidden: bot was blocked by the user"), OptedOut, "blocked", None),
        (refused(403, "Forbidden: user is deactivated"), AddressGone, "deactivated", None),
        (refused(403, "Forbidden: bot can't initiate conversation with a user"), Undeliverable, "refused", None),
        (refused(400, "Bad Request: chat not found"), AddressGone, "chat_not_found", None),
        (refused(400, "Bad Request: message is too long"), Undeliverable, "refused", None),
        (refused(400, "Bad Request: migrated", migrate_to_chat_id=-100), Undeliverable, "chat_migrated", None),
        (refused(429, "Too Many Requests: retry after 9", retry_after=9), Retryable, "429", 9.0),
        (refused(500, "Internal Server Error"), Retryable, "NetworkError", None),
        (refused(401, "Unauthorized"), Retryable, "InvalidToken", None),
        (Answer(502, "<html>Bad gateway</html>"), Retryable, "NetworkError", None),
    ],
)
async def test_each_refusal_says_what_to_do_and_nothing_about_the_person(
    bot: TelegramSender, telegram: Provider, answer: Answer, kind: type[DeliveryError], code: str, wait: float | None
) -> None:
    telegram.script.append(answer)
    with pytest.raises(DeliveryError) as caught:
        await bot.send("700000001", {"text": "hi"})
    assert type(caught.value) is kind
    assert (caught.value.code, getattr(caught.value, "retry_after", None)) == (code, wait)
    assert caught.value.__suppress_context__
    assert "700000001" not in str(caught.value)


async def test_a_silent_telegram_is_tried_again_later(telegram: Provider) -> None:
    opened = sender(telegram.url, timeout=0.05)
    telegram.script.append(Answer(200, {}, held=True))
    with pytest.raises(Retryable, match="TimedOut"):
        await opened.send("700000001", {"text": "hi"})
    telegram.release.set()
    await opened.close()


async def test_typing_shows_and_its_failure_hurts_nobody(bot: TelegramSender, telegram: Provider) -> None:
    await bot.typing("700000001")
    telegram.script.append(refused(403, "Forbidden: bot was blocked by the user"))
    await bot.typing("700000001")
    assert [call.path.rpartition("/")[2] for call in telegram.calls] == ["sendChatAction"] * 2
    assert telegram.calls[0].fields["action"] == "typing"
