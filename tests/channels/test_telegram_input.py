"""Telegram's updates: what is refused, what is taken, and as what."""

from __future__ import annotations

from typing import Any

import pytest

from bot.channels.credentials import MissingSetting
from bot.channels.message import Incoming
from bot.channels.telegram import TelegramInput, TelegramSender
from tests.channels.providers import BOT_TOKEN, Answer, Provider
from tests.channels.support import SECRET, TELEGRAM, serving, telegram_input, update


async def kept(name: str) -> Incoming | None:
    """What the recorded update becomes."""
    async with serving(telegram_input()) as server:
        assert (await server.telegram(update(name))).status_code == 200
    return next(iter(server.delivery.kept.values()), None)


async def words(name: str) -> tuple[str, dict[str, Any]]:
    message = await kept(name)
    assert message is not None
    return message.text, message.metadata


async def test_a_private_message_is_taken() -> None:
    assert await kept("text") == Incoming(
        channel="telegram",
        account="110201543",
        message_id="10000",
        address="700000001",
        text="Show my latest labs",
    )


@pytest.mark.parametrize("secret", [None, "", "wrong", SECRET[:-1], SECRET + "x", "é".encode()])
async def test_an_update_without_our_secret_is_refused(secret: str | bytes | None) -> None:
    async with serving(telegram_input()) as server:
        answer = await server.telegram(update("text"), secret)
    assert answer.status_code == 403
    assert not server.delivery.kept


async def test_a_repeated_update_is_kept_once() -> None:
    async with serving(telegram_input()) as server:
        assert [(await server.telegram(update("text"))).status_code for _ in range(2)] == [200, 200]
    assert len(server.delivery.kept) == 1


@pytest.mark.parametrize("name", ["edited", "channel_post", "blocked", "pinned"])
async def test_what_is_no_new_message_of_a_person_is_acknowledged_and_left(name: str) -> None:
    assert await kept(name) is None


@pytest.mark.parametrize(
    ("name", "text", "metadata"),
    [("start", "hi", {"restart": True}), ("start_payload", "hi", {"restart": True}), ("help", "help", {})],
)
async def test_telegrams_own_commands_are_words(name: str, text: str, metadata: dict[str, Any]) -> None:
    assert await words(name) == (text, metadata)


@pytest.mark.parametrize("name", ["text", "tap"])
@pytest.mark.parametrize("sender", [{"id": 700000002}, {"is_bot": True}, None])
async def test_what_somebody_else_than_the_chats_person_sends_is_not_read(name: str, sender: Any) -> None:
    sent = update(name)
    outer = sent.get("callback_query") or sent["message"]
    if sender is None and name == "tap":
        pytest.skip("a tap always has a sender")
    outer["from"] = sender and {**outer["from"], **sender}
    async with serving(telegram_input()) as server:
        assert (await server.telegram(sent)).status_code == 200
    message = server.delivery.one
    assert (message.address, message.text, message.choice) == ("700000001", "", None)
    assert message.metadata == {"stranger": True}


async def test_any_other_command_is_plain_text() -> None:
    assert await words("command") == ('refill_medication{"medication": "oxycodone"}', {})


async def test_a_caption_is_the_message() -> None:
    assert await words("photo_caption") == ("is this rash from the new pill", {"attachment": "photo"})


@pytest.mark.parametrize("kind", ["photo", "voice", "sticker", "contact", "location"])
async def test_what_comes_without_words_says_its_kind(kind: str) -> None:
    assert await words(kind) == ("", {"unsupported": kind})


async def test_a_group_is_told_once_and_nothing_of_it_is_kept() -> None:
    async with serving(telegram_input()) as server:
        for name in ("group", "group_other", "group"):
            assert (await server.telegram(update(name))).status_code == 200
    notice = server.delivery.one
    assert notice.metadata == {"notice": "group_chat"}
    assert (notice.text, notice.address) == ("", "-1000000000042")


@pytest.mark.parametrize(("name", "choice"), [("tap", "c-17-1"), ("tap_old", "c-2-1")])
async def test_a_tapped_button_is_a_choice(name: str, choice: str) -> None:
    message = await kept(name)
    assert message is not None
    assert (message.choice, message.text, message.address) == (choice, "", "700000001")


async def test_a_tap_is_acknowledged_while_telegram_is_still_being_told_to_stop_waiting(telegram: Provider) -> None:
    async with serving(telegram_input(telegram.url)) as server:
        telegram.script.append(Answer(200, {"ok": True, "result": True}, held=True))
        assert (await server.telegram(update("tap"))).status_code == 200
        telegram.release.set()
    (call,) = telegram.calls  # leaving the server waits for it
    assert call.path == f"/bot{BOT_TOKEN}/answerCallbackQuery"
    assert call.fields["callback_query_id"] == "4382bfdwdsb323b2d9"


async def test_a_tap_outside_a_private_chat_is_left() -> None:
    tap = update("tap")
    tap["callback_query"]["message"]["chat"] = update("group")["message"]["chat"]
    inline = update("tap")
    del inline["callback_query"]["message"]
    async with serving(telegram_input()) as server:
        assert [(await server.telegram(each)).status_code for each in (tap, inline)] == [200, 200]
    assert not server.delivery.kept


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"null",
        b"[]",
        b'"text"',
        b"{}",
        b'{"update_id": 1, "message": 7}',
        b'{"update_id": 1, "message": {"text": "hi"}}',
        b'{"update_id": 1, "callback_query": {"id": "1"}}',
        b"[" * 60_000,
    ],
)
async def test_what_is_no_update_is_a_bad_request(body: bytes) -> None:
    async with serving(telegram_input()) as server:
        assert (await server.telegram(body)).status_code == 400


async def test_a_body_that_is_too_large_is_refused() -> None:
    async with serving(telegram_input()) as server:
        assert (await server.telegram(b" " * 70_000)).status_code == 413


async def test_telegram_is_told_to_try_again_when_nothing_was_kept(caplog: pytest.LogCaptureFixture) -> None:
    async with serving(telegram_input()) as server:
        server.delivery.broken = True
        answer = await server.telegram(update("text"))
    assert answer.status_code == 503
    assert "illness" not in answer.text + caplog.text


async def test_half_a_surrogate_pair_and_zero_width_characters_are_taken_out() -> None:
    message = update("text")
    message["message"]["text"] = "\u200b/labs \ud83d now"
    async with serving(telegram_input()) as server:
        assert (await server.telegram(message)).status_code == 200
    assert server.delivery.one.text == "labs  now"


async def test_the_channel_says_that_it_is_there() -> None:
    async with serving(telegram_input()) as server:
        assert (await server.client.get("/webhooks/telegram/")).json() == {"status": "ok"}


@pytest.mark.parametrize(("key", "variable"), [("token", "TELEGRAM_BOT_TOKEN"), ("secret", "TELEGRAM_WEBHOOK_SECRET")])
@pytest.mark.parametrize("build", [TelegramInput.from_credentials, TelegramSender.from_credentials])
def test_a_missing_setting_is_named(build, key: str, variable: str) -> None:
    with pytest.raises(MissingSetting, match=variable):
        build({**TELEGRAM, key: f"${{{variable}}}"})


def test_a_token_that_is_none_is_named_and_not_shown() -> None:
    with pytest.raises(MissingSetting) as caught:
        TelegramInput.from_credentials({**TELEGRAM, "token": "hunter2"})
    assert "TELEGRAM_BOT_TOKEN" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_a_channel_without_secrets_is_not_wanted_and_one_with_some_is() -> None:
    assert not TelegramInput.configured({"token": "${TELEGRAM_BOT_TOKEN}", "secret": ""})
    assert TelegramInput.configured({"token": BOT_TOKEN, "secret": ""})


def test_secrets_do_not_show() -> None:
    from bot.channels.telegram_bot import TelegramSettings

    shown = repr(TelegramSettings.from_credentials(TELEGRAM))
    assert SECRET not in shown and BOT_TOKEN not in shown
