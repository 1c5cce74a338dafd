"""What is wrong with Rasa's own Twilio and Telegram connectors, and right with ours.

Each check describes how a channel must behave. It runs on both: ours must pass it and the stock connector must fail
it, so that a check that cannot fail, or a stock connector that was mended, shows.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from aiogram.bot.api import TelegramAPIServer
from rasa.core.channels.telegram import TelegramInput as StockTelegramInput
from rasa.core.channels.telegram import TelegramOutput
from rasa.core.channels.twilio import TwilioInput as StockTwilioInput
from rasa.core.channels.twilio import TwilioOutput

from bot.channels.message import Choice, Reply
from bot.channels.sms import SmsSender
from tests.channels.providers import ACCOUNT_SID, AUTH_TOKEN, BOT_TOKEN, Answer, Provider
from tests.channels.support import TWILIO, Server, form, serving, sms_input, telegram_input, update

Check = Callable[[Any], Awaitable[None]]


async def fails(check: Check, subject: Any) -> None:
    """`check` must find fault with `subject`."""
    with pytest.raises(AssertionError):
        await check(subject)


# --- Twilio, what arrives ---------------------------------------------------------------------------------------


async def a_message_without_a_signature_is_not_taken(server: Server) -> None:
    await server.sms(form("text"), signature=None)
    assert server.turns == []


async def a_message_with_a_wrong_signature_is_not_taken(server: Server) -> None:
    await server.sms(form("text"), signature="bm90IHR3aWxpbw==")
    assert server.turns == []


async def a_repeated_message_is_one_turn(server: Server) -> None:
    await server.sms(form("text"))
    await server.sms(form("text"))
    assert len(server.turns) == 1


async def a_picture_without_words_is_no_server_error(server: Server) -> None:
    assert (await server.sms(form("mms"))).status_code < 500


async def a_slash_makes_no_command(server: Server) -> None:
    await server.sms(form("command"))
    ((_, text),) = server.turns
    assert not text.startswith("/")


async def spanish_punctuation_stays(server: Server) -> None:
    await server.sms(form("spanish"))
    ((_, text),) = server.turns
    assert text.startswith("¡Hola!")


SMS_IN: list[Check] = [
    a_message_without_a_signature_is_not_taken,
    a_message_with_a_wrong_signature_is_not_taken,
    a_repeated_message_is_one_turn,
    a_picture_without_words_is_no_server_error,
    a_slash_makes_no_command,
    spanish_punctuation_stays,
]


@pytest.mark.parametrize("check", SMS_IN, ids=lambda check: check.__name__)
async def test_sms_in_is_right_in_ours_and_wrong_in_the_stock_connector(check: Check) -> None:
    async with serving(sms_input()) as server:
        await check(server)
    async with serving(StockTwilioInput(ACCOUNT_SID, AUTH_TOKEN, "+15005550006")) as server:
        await fails(check, server)


# --- Twilio, what is sent ---------------------------------------------------------------------------------------


@dataclass
class Sms:
    """One way to send an SMS, and the provider that it reaches."""

    say: Callable[[str, list[str]], Awaitable[None]]
    provider: Provider


@asynccontextmanager
async def our_sms(provider: Provider) -> AsyncIterator[Sms]:
    sender = SmsSender.from_credentials({**TWILIO, "base_url": provider.url})

    async def say(text: str, titles: list[str]) -> None:
        choices = tuple(Choice(f"c-{i}", title, "/x") for i, title in enumerate(titles))
        for message in sender.render([Reply(text, choices)]).messages:
            await sender.send("+12025550143", message)

    yield Sms(say, provider)
    await sender.close()


@asynccontextmanager
async def stock_sms(provider: Provider) -> AsyncIterator[Sms]:
    output = TwilioOutput(ACCOUNT_SID, AUTH_TOKEN, "+15005550006")
    output.api.base_url = provider.url

    async def say(text: str, titles: list[str]) -> None:
        buttons = [{"title": title, "payload": "/x"} for title in titles]
        if buttons:
            await output.send_text_with_buttons("+12025550143", text, buttons)
        else:
            await output.send_text_message("+12025550143", text)

    yield Sms(say, provider)


async def a_question_and_its_choices_are_one_message(sms: Sms) -> None:
    await sms.say("Refill lisinopril?", ["Yes", "No"])
    assert len(sms.provider.calls) == 1


async def a_blank_line_starts_no_new_message(sms: Sms) -> None:
    await sms.say("Your A1c is 6.9 %.\n\nAnything else?", [])
    assert len(sms.provider.calls) == 1


async def a_refusal_by_twilio_is_reported(sms: Sms) -> None:
    sms.provider.script.append(Answer(400, {"code": 21610, "message": "unsubscribed", "status": 400}))
    try:
        await sms.say("hi", [])
    except Exception:  # noqa: BLE001 - any report will do
        return
    raise AssertionError("nobody was told that it was not sent")


async def others_are_served_while_twilio_takes_its_time(sms: Sms) -> None:
    """The event loop itself lets the answer go; where it is blocked, nobody does, and the provider gives up."""
    sms.provider.script.append(Answer(201, {"sid": "SM1"}, held=True))
    sending = asyncio.ensure_future(sms.say("hi", []))
    try:
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the first step of sending is over: a blocking client is done by now
        assert not sending.done()
        sms.provider.release.set()
        await sending
    finally:
        sms.provider.release.set()
        await asyncio.gather(sending, return_exceptions=True)


SMS_OUT: list[Check] = [
    a_question_and_its_choices_are_one_message,
    a_blank_line_starts_no_new_message,
    a_refusal_by_twilio_is_reported,
    others_are_served_while_twilio_takes_its_time,
]


@pytest.mark.parametrize("check", SMS_OUT, ids=lambda check: check.__name__)
async def test_sms_out_is_right_in_ours(check: Check, twilio: Provider) -> None:
    async with our_sms(twilio) as sms:
        await check(sms)


@pytest.mark.parametrize("check", SMS_OUT, ids=lambda check: check.__name__)
async def test_sms_out_is_wrong_in_the_stock_connector(check: Check, twilio: Provider) -> None:
    async with stock_sms(twilio) as sms:
        await fails(check, sms)


# --- Telegram ---------------------------------------------------------------------------------------------------


async def an_update_without_our_secret_is_not_taken(server: Server) -> None:
    await server.telegram(update("text"), secret=None)
    assert server.turns == []


async def an_edited_message_is_no_new_turn(server: Server) -> None:
    await server.telegram(update("text"))
    await server.telegram(update("edited"))
    assert len(server.turns) == 1


async def a_channel_post_is_no_server_error(server: Server) -> None:
    assert (await server.telegram(update("channel_post"))).status_code < 500


async def two_people_in_a_group_do_not_share_a_conversation(server: Server) -> None:
    await server.telegram(update("group"))
    await server.telegram(update("group_other"))
    assert [text for _, text in server.turns if text] == []


async def a_repeated_update_is_one_turn(server: Server) -> None:
    await server.telegram(update("text"))
    await server.telegram(update("text"))
    assert len(server.turns) == 1


async def a_slash_on_telegram_makes_no_command(server: Server) -> None:
    await server.telegram(update("command"))
    ((_, text),) = server.turns
    assert not text.startswith("/")


async def a_button_carries_no_command(server: Server) -> None:
    crafted = update("tap")
    crafted["callback_query"]["data"] = "/restart"
    await server.telegram(crafted)
    assert not any(text.startswith("/") for _, text in server.turns)


async def broken_json_is_no_server_error(server: Server) -> None:
    assert (await server.telegram(b'{"update_id": 1, "message": 7}')).status_code < 500


TELEGRAM: list[Check] = [
    an_update_without_our_secret_is_not_taken,
    an_edited_message_is_no_new_turn,
    a_channel_post_is_no_server_error,
    two_people_in_a_group_do_not_share_a_conversation,
    a_repeated_update_is_one_turn,
    a_slash_on_telegram_makes_no_command,
    a_button_carries_no_command,
    broken_json_is_no_server_error,
]


class StockTelegram(StockTelegramInput):
    """The stock connector, its API calls sent to a local server. (It sets its webhook when it starts: left out.)"""

    def __init__(self, provider: Provider) -> None:
        super().__init__(BOT_TOKEN, "chartline_bot", "https://chat.clinic.example/webhooks/telegram/webhook")
        self.output = TelegramOutput(BOT_TOKEN)
        self.output.server = TelegramAPIServer.from_base(provider.url)

    def get_output_channel(self) -> TelegramOutput:
        return self.output


@pytest.mark.parametrize("check", TELEGRAM, ids=lambda check: check.__name__)
async def test_telegram_is_right_in_ours_and_wrong_in_the_stock_connector(check: Check, telegram: Provider) -> None:
    async with serving(telegram_input(telegram.url)) as server:
        await check(server)
    stock = StockTelegram(telegram)
    async with serving(stock) as server:
        await fails(check, server)
    session = await stock.output.get_session()
    if session:
        await session.close()
