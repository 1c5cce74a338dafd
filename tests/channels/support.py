"""The channels in a real Sanic server, mounted by Rasa's own `register`, and requests as the providers make them."""

from __future__ import annotations

import base64
import hmac
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx
from rasa.core.channels.channel import InputChannel, UserMessage, register
from sanic import Sanic

from bot.channels.errors import DeliveryError
from bot.channels.message import Incoming
from bot.channels.sms import SmsInput
from bot.channels.telegram import TelegramInput
from tests.channels.providers import ACCOUNT_SID, AUTH_TOKEN, BOT_TOKEN

PUBLIC_URL = "https://chat.clinic.example/assistant"
SECRET = "a-secret_of-ours-2026"
TWILIO = {
    "account_sid": ACCOUNT_SID,
    "auth_token": AUTH_TOKEN,
    "from": "+15005550006",
    "public_url": PUBLIC_URL,
}
TELEGRAM = {"token": BOT_TOKEN, "secret": SECRET}
PAYLOADS = Path(__file__).with_name("payloads")


class Delivery:
    """Stands where the inbox stands: keeps what is new, or is out of order."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str, str], Incoming] = {}
        self.reports: list[tuple[str, str, str, str]] = []
        self.broken = False

    async def accept(self, incoming: Incoming) -> bool:
        self._check()
        key = (incoming.channel, incoming.account, incoming.message_id)
        return self.kept.setdefault(key, incoming) is incoming

    async def reconcile(self, channel: str, provider_id: str, status: str, error: DeliveryError | None) -> None:
        self._check()
        self.reports.append((channel, provider_id, status, error.code if error else ""))

    def _check(self) -> None:
        if self.broken:
            raise OSError("[parameters: ('sms', '+12025550143', 'my secret illness')]")

    @property
    def one(self) -> Incoming:
        (message,) = self.kept.values()
        return message


class Server:
    """A running server and what reached the assistant through it."""

    def __init__(
        self, client: httpx.AsyncClient, delivery: Delivery, turns: list[tuple[str, str]], channels: tuple[str, ...]
    ) -> None:
        self.client = client
        self.delivery = delivery
        self._turns = turns
        self._channels = channels

    @property
    def turns(self) -> list[tuple[str, str]]:
        """(sender, text) of each turn that Rasa ran, or that the inbox holds for it."""
        kept = self.delivery.kept.values()
        return self._turns + [(message.address, message.text) for message in kept]

    async def sms(self, body: bytes | str, signature: str | None = "", path: str = "webhook") -> httpx.Response:
        """As Twilio posts to the connector's webhook; `signature` "" signs it, None leaves it out."""
        url = f"/webhooks/{self._channels[0]}/{path}"
        headers = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
        if signature == "":
            signature = sign(f"{PUBLIC_URL}{url}", body if isinstance(body, str) else body.decode("latin-1"))
        if signature is not None:
            headers["X-Twilio-Signature"] = signature
        return await self.client.post(url, content=body, headers=headers)

    async def telegram(self, body: Any, secret: str | bytes | None = SECRET) -> httpx.Response:
        headers: dict[str, str | bytes] = {"Content-Type": "application/json"}
        if secret is not None:
            headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        content = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return await self.client.post("/webhooks/telegram/webhook", content=content, headers=list(headers.items()))


@asynccontextmanager
async def serving(*channels: InputChannel, delivery: Any = None) -> AsyncIterator[Server]:
    """The channels as Rasa mounts them, on a real socket; `delivery` is the real one where a test gives it."""
    turns: list[tuple[str, str]] = []

    async def handle_message(message: UserMessage) -> None:
        turns.append((message.sender_id, message.text))

    Sanic.test_mode = True
    app = Sanic("channels", configure_logging=False)
    app.ctx.delivery = delivery or Delivery()
    app.ctx.agent = SimpleNamespace(handle_message=handle_message)
    register(list(channels), app, route="/webhooks/")
    listener = socket.create_server(("127.0.0.1", 0))
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    address = f"http://127.0.0.1:{listener.getsockname()[1]}"
    try:
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            yield Server(client, app.ctx.delivery, turns, tuple(channel.name() for channel in channels))
    finally:
        await server.close()
        await server.after_stop()


def sign(url: str, body: str, token: str = AUTH_TOKEN) -> str:
    """Twilio's signature, written from its description: the URL, then each sorted name with its value, HMAC-SHA1."""
    signed = url + "".join(name + value for name, value in sorted(parse_qsl(body, keep_blank_values=True)))
    return base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()


def form(name: str, **changes: str) -> str:
    """A recorded form post of Twilio, `changes` put in."""
    recorded = (PAYLOADS / f"twilio_{name}.txt").read_text()
    return urlencode({**dict(parse_qsl(recorded, keep_blank_values=True)), **changes}) if changes else recorded


def update(name: str) -> dict[str, Any]:
    """A recorded update of Telegram."""
    return json.loads((PAYLOADS / f"telegram_{name}.json").read_text())


def sms_input() -> SmsInput:
    return SmsInput.from_credentials(TWILIO)


def telegram_input(base_url: str = "http://127.0.0.1:9") -> TelegramInput:
    return TelegramInput.from_credentials({**TELEGRAM, "base_url": base_url})
