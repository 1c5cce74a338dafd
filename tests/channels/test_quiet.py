"""No token and no number in the logs, whatever the libraries write."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from bot.channels.errors import DeliveryError
from bot.channels.message import Reply
from bot.channels.quiet import quiet_libraries, redact
from bot.channels.sms import SmsSender
from bot.channels.telegram import TelegramSender
from tests.channels.providers import AUTH_TOKEN, BOT_TOKEN, Provider, refused
from tests.channels.support import SECRET, TELEGRAM, TWILIO, form, serving, sms_input, telegram_input, update

LIBRARIES = ("aiohttp", "httpcore", "httpx", "telegram", "twilio", "urllib3")
PRIVATE = (BOT_TOKEN, AUTH_TOKEN, SECRET, "12025550143", "700000001", "lisinopril", "latest labs")


@pytest.fixture()
def log() -> Iterator[io.StringIO]:
    """All that a handler at DEBUG level writes."""
    root, written = logging.getLogger(), io.StringIO()
    handler, level = logging.StreamHandler(written), root.level
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    for name in LIBRARIES:  # another test may have made them quiet
        logging.getLogger(name).setLevel(logging.NOTSET)
    for other in root.handlers:
        other.filters.clear()
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    for name, former in levels.items():
        logging.getLogger(name).setLevel(former)
    for other in root.handlers:
        other.filters.clear()


async def everything(twilio: Provider, telegram: Provider) -> None:
    """A message each way on both channels, and a refusal."""
    async with serving(sms_input(), telegram_input(telegram.url)) as server:
        await server.sms(form("text"))
        await server.telegram(update("text"))
        await server.telegram(update("tap"))
        server.delivery.broken = True
        await server.sms(form("text"))
    senders = (
        (SmsSender.from_credentials({**TWILIO, "base_url": twilio.url}), "+12025550143"),
        (TelegramSender.from_credentials({**TELEGRAM, "base_url": telegram.url}), "700000001"),
    )
    for provider, (sender, address) in zip((twilio, telegram), senders, strict=True):
        (message,) = sender.render([Reply("Your lisinopril is ready")]).messages
        await sender.send(address, message)
        provider.script.append(refused(400, f"Bad Request: {address} {BOT_TOKEN}"))
        with pytest.raises(DeliveryError):
            await sender.send(address, message)
        await sender.close()


async def test_without_it_the_libraries_tell_the_token(log: io.StringIO, twilio: Provider, telegram: Provider) -> None:
    await everything(twilio, telegram)
    assert BOT_TOKEN in log.getvalue()


async def test_nothing_private_is_written_even_at_debug_level(
    log: io.StringIO, twilio: Provider, telegram: Provider
) -> None:
    quiet_libraries()
    await everything(twilio, telegram)
    assert "The inbox did not keep a message: OSError" in log.getvalue()
    assert [secret for secret in PRIVATE if secret in log.getvalue()] == []


async def test_the_libraries_say_nothing_of_it_to_a_handler_that_came_later_either(
    log: io.StringIO, twilio: Provider, telegram: Provider
) -> None:
    quiet_libraries()
    for handler in logging.getLogger().handlers:
        handler.filters.clear()
    await everything(twilio, telegram)
    assert [secret for secret in PRIVATE if secret in log.getvalue()] == []


def test_what_still_comes_through_is_redacted_in_message_arguments_and_traceback(log: io.StringIO) -> None:
    quiet_libraries()
    quiet_libraries()
    try:
        raise ValueError(f"https://api.telegram.org/bot{BOT_TOKEN}/sendMessage for +12025550143")
    except ValueError:
        logging.getLogger("httpx").exception("POST %s from %s", f"/bot{BOT_TOKEN}/x", "+12025550143")
    assert "POST /bot<token>/x from +<number>" in log.getvalue()
    assert BOT_TOKEN not in log.getvalue()
    assert "12025550143" not in log.getvalue()


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (f"token {BOT_TOKEN}.", "token <token>."),
        ("To=%2B12025550143&Body", "To=+<number>&Body"),
        ("at 12:30:15 on 2026-03-01, 120/80", "at 12:30:15 on 2026-03-01, 120/80"),
    ],
)
def test_only_tokens_and_numbers_are_taken_out(text: str, clean: str) -> None:
    assert redact(text) == clean
