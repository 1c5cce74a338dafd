"""Telegram: updates of private chats become `Incoming`, replies become messages with keyboards and pictures.

https://core.telegram.org/bots/api, through python-telegram-bot's objects.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from typing import Any

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Sanic, response
from sanic.exceptions import Forbidden, InvalidUsage
from sanic.request import Request
from sanic.response import HTTPResponse
from telegram import (
    Bot,
    CallbackQuery,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    LinkPreviewOptions,
    Message,
    Update,
    User,
)
from telegram.constants import (
    ChatAction,
    ChatType,
    InlineKeyboardButtonLimit,
    MessageAttachmentType,
    MessageLimit,
)
from telegram.error import TelegramError

from bot.channels import chart, segments, telegram_bot
from bot.channels import credentials as settings
from bot.channels.message import Incoming, Rendered, Reply, is_public, plain_text
from bot.channels.telegram_bot import TelegramSettings, failure
from bot.channels.webhook import hand_over, read_body

logger = logging.getLogger(__name__)

NAME = "telegram"
TIMEOUT = 10.0  # seconds for one call
# Telegram's own commands, as the words that a patient would use.
_COMMANDS = {"/start": "hi", "/help": "help"}
_ROW = 24  # characters that short choices may take together in one row of a phone's keyboard
# Telegram fetches a page to preview it, which would use up a one-time link.
_NO_PREVIEW = LinkPreviewOptions(is_disabled=True)


class TelegramInput(InputChannel):
    """`POST webhook` takes updates that carry our secret token; 403 for all others."""

    def __init__(self, config: TelegramSettings) -> None:
        self._config = config
        self._bot: Bot | None = None
        self._running: set[asyncio.Task[None]] = set()

    @classmethod
    def name(cls) -> str:
        return NAME

    @classmethod
    def configured(cls, credentials: settings.Credentials) -> bool:
        """Whether the operator wants this channel; `from_credentials` then says what is still missing."""
        return settings.is_set(credentials, "token", "secret")

    @classmethod
    def from_credentials(cls, credentials: settings.Credentials) -> TelegramInput:
        return cls(TelegramSettings.from_credentials(credentials))

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """`on_new_message` is not called: the inbox takes the message, and a worker does the turn."""
        webhook = Blueprint("telegram_webhook")

        @webhook.get("/")
        async def health(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @webhook.post("/webhook", stream=True)
        async def receive(request: Request) -> HTTPResponse:
            self._verify(request)
            update = _update(await read_body(request))
            message = incoming(update, self._config.account)
            if message:
                await hand_over(request, message)
            if update.callback_query:
                self._later(self._answer(update.callback_query.id))
            return response.empty(status=200)

        @webhook.listener("after_server_stop")
        async def close(_: Sanic, __: asyncio.AbstractEventLoop) -> None:
            await asyncio.gather(*self._running)
            if self._bot is not None:
                await telegram_bot.close(self._bot)

        return webhook

    def _verify(self, request: Request) -> None:
        token = request.headers.get("X-Telegram-Bot-Api-Secret-Token", "")
        if not hmac.compare_digest(token.encode(errors="replace"), self._config.secret.encode()):
            raise Forbidden("Not from Telegram.")

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)  # the event loop itself keeps only a weak reference
        task.add_done_callback(self._running.discard)

    async def _answer(self, query_id: str) -> None:
        """Stop the waiting sign on the tapped button, after the acknowledgement and outside the turn."""
        if self._bot is None:
            self._bot = telegram_bot.bot(self._config, TIMEOUT)
        try:
            await self._bot.answer_callback_query(query_id)
        except TelegramError as error:  # it stops by itself after a while
            logger.info("A tapped button was not answered: %s", type(error).__name__)


def _update(body: bytes) -> Update:
    try:
        return Update.de_json(json.loads(body), None)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise InvalidUsage("Not an update.") from None


def incoming(update: Update, account: str) -> Incoming | None:
    """An update as `Incoming`; None for what is no new message of a person: edits, channel posts, memberships.

    Metadata: `unsupported` the kind of what came without words, `attachment` the kind of what came with words,
    `truncated`, `restart` where the person pressed Start, `stranger` where somebody else than the chat's person wrote,
    and `notice: group_chat` once for each group, where one chart would be open to all.
    """
    message_id = str(update.update_id)
    if update.callback_query:
        return _tap(update.callback_query, account, message_id)
    message = update.message
    if message is None:
        return None
    address = str(message.chat.id)
    if message.chat.type != ChatType.PRIVATE:
        # The same id for every message of a group, so that the inbox keeps the first and drops the others.
        return Incoming(NAME, account, f"group:{address}", address, metadata={"notice": "group_chat"})
    if _is_stranger(message.from_user, message.chat.id):
        return Incoming(NAME, account, message_id, address, metadata={"stranger": True})
    text, truncated = plain_text(_words(message))
    metadata = _metadata(message, text, truncated)
    if not text and not metadata:
        return None  # a service message: something was pinned, a timer was set
    return Incoming(NAME, account, message_id, address, text, metadata=metadata)


def _tap(query: CallbackQuery, account: str, message_id: str) -> Incoming | None:
    chat = query.message.chat if query.message else None
    if chat is None or chat.type != ChatType.PRIVATE or not query.data:
        return None
    if _is_stranger(query.from_user, chat.id):
        return Incoming(NAME, account, message_id, str(chat.id), metadata={"stranger": True})
    return Incoming(NAME, account, message_id, str(chat.id), choice=query.data)


def _is_stranger(user: User | None, chat_id: int) -> bool:
    """Whether the account is not the one that a private chat is with, whose id is the chat's, or is a program."""
    return user is None or user.id != chat_id or user.is_bot


def _words(message: Message) -> str:
    text = message.text or message.caption or ""
    return _COMMANDS.get(_command(text), text)


def _command(text: str) -> str:
    return text.split(maxsplit=1)[0].partition("@")[0] if text.strip() else ""


def _metadata(message: Message, text: str, truncated: bool) -> dict[str, Any]:
    kind = next((str(k.value) for k in MessageAttachmentType if getattr(message, k.value, None)), "")
    restart = _command(message.text or "") == "/start"  # the one button that Telegram shows after a block is lifted
    found = {"attachment" if text else "unsupported": kind, "truncated": truncated, "restart": restart}
    return {key: value for key, value in found.items() if value}


class TelegramSender:
    """Renders a turn as Telegram messages and sends them."""

    name = NAME

    def __init__(self, config: TelegramSettings, timeout: float = TIMEOUT) -> None:
        self._bot = telegram_bot.bot(config, timeout)

    @classmethod
    def from_credentials(cls, credentials: settings.Credentials) -> TelegramSender:
        return cls(TelegramSettings.from_credentials(credentials))

    def render(self, replies: list[Reply]) -> Rendered:
        """A message for each reply, several where it is long; the keyboard is at its last one."""
        return Rendered([message for reply in replies for message in _messages(reply)])

    def echo(self, message_id: str, text: str) -> dict[str, Any] | None:
        """The person's own device shows what it sent."""
        return None

    async def send(self, address: str, payload: dict[str, Any]) -> str:
        """Send one rendered message; Telegram's id for it within the chat. Raises a `DeliveryError`."""
        keyboard = InlineKeyboardMarkup.de_json(payload["reply_markup"]) if "reply_markup" in payload else None
        try:
            if "chart" in payload:
                picture = await asyncio.to_thread(chart.png, payload["chart"])
                sent = await self._bot.send_photo(
                    address, picture, caption=payload["caption"], reply_markup=keyboard, filename="chart.png"
                )
            else:
                sent = await self._bot.send_message(
                    address, payload["text"], reply_markup=keyboard, link_preview_options=_NO_PREVIEW
                )
        except TelegramError as error:
            raise failure(error) from None  # without the cause, whose text can hold an address or the token
        return str(sent.message_id)

    async def typing(self, address: str) -> None:
        """Show "typing" for five seconds. A hint: where it fails, the reply meets the same error and reports it."""
        with suppress(TelegramError):
            await self._bot.send_chat_action(address, ChatAction.TYPING)

    async def close(self) -> None:
        await telegram_bot.close(self._bot)


def _messages(reply: Reply) -> list[dict[str, Any]]:
    buttons = [link for link in reply.links if is_public(link.url)]
    written = [f"{link.title}: {link.url}" for link in reply.links if link not in buttons]
    text = "\n".join(line for line in (reply.text, *written) if line).strip()
    messages = _pictured(text, reply.chart) if chart.drawable(reply.chart) else _split(text)
    keyboard = _keyboard(reply, [(link.title, link.url) for link in buttons])
    if keyboard:
        if not messages:  # Telegram shows no keyboard without words
            messages = [{"text": "\n".join(title for row in keyboard for title in (b.text for b in row))}]
        messages[-1]["reply_markup"] = InlineKeyboardMarkup(keyboard).to_dict()
    return messages


def _pictured(text: str, drawing: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The text as the picture's caption; a longer text before it, and then the picture's own description as caption."""
    description = str((drawing or {}).get("alt") or "")
    if text and _units(text) <= MessageLimit.CAPTION_LENGTH:
        return [{"chart": drawing, "caption": text}]
    caption, _ = segments.cut(description, lambda part: _units(part) <= MessageLimit.CAPTION_LENGTH)
    return [*_split(text), {"chart": drawing, "caption": caption}]


def _split(text: str) -> list[dict[str, Any]]:
    messages = []
    while text:
        part, text = segments.cut(text, lambda part: _units(part) <= MessageLimit.MAX_TEXT_LENGTH)
        messages.append({"text": part})
    return messages


def _units(text: str) -> int:
    """Telegram counts UTF-16 code units."""
    return len(text.encode("utf-16-le")) // 2


def _keyboard(reply: Reply, links: list[tuple[str, str]]) -> list[list[InlineKeyboardButton]]:
    choices = []
    for choice in reply.choices:
        if len(choice.id.encode()) > InlineKeyboardButtonLimit.MAX_CALLBACK_DATA:
            raise ValueError("The id of a choice is longer than Telegram's 64 bytes.")
        choices.append(InlineKeyboardButton(choice.title, callback_data=choice.id))
    short = sum(len(button.text) for button in choices) <= _ROW
    rows = ([choices] if short else [[button] for button in choices]) if choices else []
    return [*rows, *([InlineKeyboardButton(title, url=url)] for title, url in links)]
