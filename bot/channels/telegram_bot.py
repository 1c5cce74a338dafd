"""The Telegram bot as the channel uses it: its settings, its time limits, and what its errors mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta

from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot.channels import credentials as settings
from bot.channels.errors import AddressGone, DeliveryError, OptedOut, Retryable, Undeliverable

_TOKEN = re.compile(r"\d+:[\w-]+")


@dataclass(frozen=True)
class TelegramSettings:
    """`token` comes from BotFather, `secret` is what we gave to `setWebhook` as `secret_token`."""

    token: str = field(repr=False)
    secret: str = field(repr=False)
    base_url: str = "https://api.telegram.org"

    @classmethod
    def from_credentials(cls, credentials: settings.Credentials) -> TelegramSettings:
        """Raises `MissingSetting` with the name of the variable that has no value, or not the right one."""
        token = settings.required(credentials, "token", "TELEGRAM_BOT_TOKEN")
        if not _TOKEN.fullmatch(token):
            raise settings.MissingSetting("TELEGRAM_BOT_TOKEN is not a bot's token (<number>:<letters>).")
        return cls(
            token=token,
            secret=settings.required(credentials, "secret", "TELEGRAM_WEBHOOK_SECRET"),
            base_url=settings.optional(credentials, "base_url", cls.base_url).rstrip("/"),
        )

    @property
    def account(self) -> str:
        """The bot's id, which is the public half of its token."""
        return self.token.partition(":")[0]


def bot(config: TelegramSettings, timeout: float) -> Bot:
    """The bot, each step of a call at most `timeout` seconds."""
    request = HTTPXRequest(
        connection_pool_size=32,
        read_timeout=timeout,
        write_timeout=timeout,
        connect_timeout=timeout,
        pool_timeout=timeout,
        media_write_timeout=timeout,
    )
    # One pool: the second is for polling, which a webhook does not do.
    return Bot(config.token, base_url=f"{config.base_url}/bot", request=request, get_updates_request=request)


async def close(opened: Bot) -> None:
    """Close its connections. `Bot.shutdown` leaves those of a bot open that never called `getMe`."""
    await opened.request.shutdown()


def failure(error: TelegramError) -> DeliveryError:
    """What to do about `error`. Its text stays behind: it can hold an address or the token."""
    if isinstance(error, RetryAfter):
        wait = error.retry_after
        return Retryable("429", wait.total_seconds() if isinstance(wait, timedelta) else float(wait))
    if isinstance(error, (Forbidden, BadRequest)):
        return _final(error.message.lower())
    if isinstance(error, ChatMigrated):
        return Undeliverable("chat_migrated")
    return Retryable(type(error).__name__)


def _final(said: str) -> DeliveryError:
    """The Bot API has no codes of its own for these: its words are all there is (https://core.telegram.org/bots/api)."""
    if "blocked by the user" in said:
        return OptedOut("blocked", by_blocking=True)
    if "user is deactivated" in said:
        return AddressGone("deactivated")
    if "chat not found" in said:
        return AddressGone("chat_not_found")
    return Undeliverable("refused")
