"""The running system for tests: the real portal, the real action server, the trained model, and people who chat."""

from __future__ import annotations

import asyncio
import base64
import html
import os
import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import uvicorn
from sqlalchemy import select

from accounts.consent import DETAILS
from accounts.conversations import Place
from accounts.db import transaction
from accounts.service import Accounts
from bot.channels.message import Incoming, plain_text
from bot.channels.sms import SmsSender
from bot.channels.telegram import TelegramSender
from bot.channels.web import WebSender
from bot.delivery.service import Delivery
from bot.delivery.tables import DEAD, DONE, Inbox, Outbox
from portal.access import SYSTEM
from portal.app import create_app, make_store
from portal.seed import DEMO_PASSWORD, seed
from portal.settings import Settings
from portal.smart.users import Users
from tests.faults import Faulty

ROOT = Path(__file__).parent.parent


def free_port() -> int:
    """A port that nobody listens on."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class PortalServer:
    """The embedded portal, served by uvicorn in a thread, with the demo patients. `reset` brings them back."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        self.fhir_url = f"{self.url}/fhir"
        self._file, self._seeded = folder / "portal.db", folder / "seeded.db"
        settings = Settings(base_url=self.url, port=self.port, database_url=f"sqlite:///{self._file}")
        self.store = make_store(settings)
        seed(self.store, Users(self.store.engine))
        self.app = Faulty(create_app(settings, self.store))
        _copy(self._file, self._seeded)

    def start(self) -> None:
        """Serve, and return when it answers."""
        config = uvicorn.Config(
            self.app, host="127.0.0.1", port=self.port, log_config=None, access_log=False, ws="none"
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        wait_for(f"{self.url}/health")

    def stop(self) -> None:
        """End the server."""
        self._server.should_exit = True
        self._thread.join(10)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody listens at its port."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def reset(self) -> None:
        """The charts as they were seeded, nobody signed in, and no fault."""
        self.app.fault = None
        _copy(self._seeded, self._file)

    def search(self, kind: str, **params: Any) -> list[dict[str, Any]]:
        """What is on file, seen by the back office."""
        return list(self.store.search(kind, {name: str(value) for name, value in params.items()}, SYSTEM).matches)

    def change(self, resource: dict[str, Any], **fields: Any) -> None:
        """Change a resource on file, as the back office would."""
        self.store.update({**resource, **fields}, SYSTEM)


def _copy(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


@contextmanager
def process(module: str, env: dict[str, str], health: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`python -m <module> [arguments]` with `env`, from healthy until the end of the block. It writes to `log`."""
    with log.open("wb") as out:
        child = subprocess.Popen([sys.executable, "-m", *module.split()], env=env, cwd=ROOT, stdout=out, stderr=out)
        try:
            wait_for(health, child, log)
            yield child
        finally:
            child.terminate()
            child.wait(20)


def wait_for(url: str, child: subprocess.Popen[bytes] | None = None, log: Path | None = None) -> None:
    """Return when `url` answers 200; fail with what the process wrote where it does not."""
    for _ in range(900):
        if child is not None and child.poll() is not None:
            break
        try:
            if httpx.get(url, timeout=2).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    raise AssertionError(f"{url} does not answer. {log.read_text() if log else ''}")


def make_environment(folder: Path, portal: PortalServer, **more: str) -> dict[str, str]:
    """What the processes read, for a test run of their own."""
    actions = free_port()
    return {
        **os.environ,
        "CHARTLINE_VAR": str(folder),
        "CHARTLINE_SECRET_KEY": base64.b64encode(b"k" * 32).decode(),
        "CHARTLINE_ACTIONS_TOKEN": "token-of-the-tests",
        "CHARTLINE_ACTIONS_PORT": str(actions),
        "CHARTLINE_ACTIONS_URL": f"http://127.0.0.1:{actions}/webhook",
        "CHARTLINE_PUBLIC_URL": "http://localhost:5005",
        "CHARTLINE_FHIR_URL": portal.fhir_url,
        "RASA_TELEMETRY_ENABLED": "false",
        "PYTHONWARNINGS": "ignore::DeprecationWarning",
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
        **more,
    }


async def sign_in_at_portal(
    page_url: str, username: str, password: str = DEMO_PASSWORD, chart: str = ""
) -> dict[str, str]:
    """Drive the portal's page as a browser would; the parameters that it sends the browser back with.

    `chart` is the id of the Patient whose chart is picked, where it is not the person's own.
    """
    async with httpx.AsyncClient() as browser:
        page = await browser.get(page_url)
        token = re.search(r'name="form_token" value="([^"]+)"', page.text)
        assert token, page.text
        form = {"form_token": token[1], "username": username, "password": password, "decision": "allow"}
        form |= {"patient": chart} if chart else {}
        action = re.search(r'<form method="post" action="([^"]+)"', page.text)
        target = urljoin(page_url, html.unescape(action[1])) if action else page_url
        answer = await browser.post(target, data=form)
        assert answer.status_code == 303, answer.text
        return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


@dataclass
class Said:
    """What the assistant answered to one message."""

    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All of its words."""
        return "\n".join(m.get("text") or m.get("body") or m.get("caption") or "" for m in self.messages)

    @property
    def choices(self) -> list[str]:
        """The titles of the offered choices, on the web."""
        return [choice["title"] for message in self.messages for choice in message.get("choices", [])]

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """The keyboard, on Telegram."""
        keyboards = [message.get("reply_markup", {}).get("inline_keyboard", []) for message in self.messages]
        return [button for keyboard in keyboards for row in keyboard for button in row]

    @property
    def pictured(self) -> bool:
        """Whether a picture came along."""
        return any(message.get("image") or message.get("chart") for message in self.messages)

    @property
    def links(self) -> list[str]:
        """The offered links, on the web."""
        return [link["url"] for message in self.messages for link in message.get("links", [])]

    def __contains__(self, words: str) -> bool:
        return words.casefold() in self.text.casefold()

    def __str__(self) -> str:
        return self.text


class SignedIn(list[Said]):
    """What is said by itself after a sign-in; `chat` is where: the chat that asked, or a new one in the browser."""

    def __init__(self, said: list[Said], chat: Chat) -> None:
        super().__init__(said)
        self.chat = chat


class Chat:
    """One person on one channel."""

    def __init__(self, assistant: Assistant, channel: str, address: str) -> None:
        self.assistant, self.channel, self.address = assistant, channel, address

    @property
    def key(self) -> str:
        """Rasa's sender id of this conversation."""
        return self.assistant.accounts.vault.conversation_key(self.channel, self.address)

    async def say(self, text: str, **metadata: Any) -> Said:
        """Send a message, made plain text as every channel does, and wait for its answer."""
        said, truncated = plain_text(text)
        more = {"truncated": True} if truncated else {}
        message = Incoming(self.channel, "clinic", str(uuid.uuid4()), self.address, said, None, {**metadata, **more})
        return await self._send(message)

    async def tap(self, said: Said, title: str) -> Said:
        """Tap an offered choice of the web chat or of Telegram by its title."""
        ids = {choice["title"]: choice["id"] for message in said.messages for choice in message.get("choices", [])}
        ids |= {button["text"]: button["callback_data"] for button in said.buttons if "callback_data" in button}
        return await self._send(Incoming(self.channel, "clinic", str(uuid.uuid4()), self.address, choice=ids[title]))

    async def sign_in(self, link: str, username: str, chart: str = "") -> SignedIn:
        """Follow a sign-in link as `username`, for a `chart` that is not their own where one is named.

        What the assistant says by itself afterwards, here or on the page.
        """
        accounts, delivery = self.assistant.accounts, self.assistant.delivery
        url, state = await accounts.start_sign_in(link.rsplit("/", 1)[1])
        back = await sign_in_at_portal(url, username, chart=chart)
        assert back["state"] == state
        page = Chat(self.assistant, "web", uuid.uuid4().hex)

        async def new_page() -> str:
            await delivery.begin("web", "clinic", page.address)
            return page.key

        opened = await accounts.finish_sign_in(back["state"], back["code"], new_page)
        ids = [f"signed-in:{opened.id}"]
        await delivery.accept_event(opened.conversation, ids[0], "/signed_in")
        waiting = opened.waiting or {}
        if waiting:
            ids.append(f"waiting:{opened.id}")
            if "payload" in waiting:
                await delivery.accept_event(opened.conversation, ids[1], waiting["payload"])
            else:
                await delivery.accept_again(opened.conversation, ids[1], waiting["text"])
        said = [await self.assistant.answer_to(message_id) for message_id in ids]
        return SignedIn(said, self if opened.conversation == self.key else page)

    async def _send(self, incoming: Incoming) -> Said:
        assert await self.assistant.delivery.accept(incoming)
        return await self.assistant.answer_to(incoming.message_id)


class Assistant:
    """The agent with its inbox, worker and outbox. What goes to providers is kept instead of sent."""

    def __init__(self, accounts: Accounts, agent: Any) -> None:
        self.accounts = accounts
        self.sent: list[tuple[str, dict[str, Any]]] = []
        senders = {"web": WebSender(), "sms": _Kept(SmsSender, self.sent), "telegram": _Kept(TelegramSender, self.sent)}
        self.delivery = Delivery(accounts, agent, senders)

    async def chat(self, username: str | None = None, channel: str = "web", details: bool = True) -> Chat:
        """A new conversation, signed in as `username` where one is given, and agreed to `details` there."""
        chat = Chat(self, channel, uuid.uuid4().hex)
        if username:
            place = Place(channel, "clinic", chat.address)
            await self.delivery.begin(place.channel, place.account, place.address)
            agreed = DETAILS if details and channel != "web" else None
            await chat.sign_in(await self.accounts.sign_in_url(chat.key, agreed=agreed), username)
            if not details:  # they may have agreed in another conversation
                await self.accounts.agree(chat.key, DETAILS, False, "words")
        return chat

    async def answer_to(self, message_id: str) -> Said:
        """Wait until a message is answered for good, and give the answer."""
        for _ in range(3000):
            found = await asyncio.to_thread(self._answer, message_id)
            if found is not None:
                return found
            await asyncio.sleep(0.01)
        raise AssertionError("no answer after 30 s")

    def _answer(self, message_id: str) -> Said | None:
        with transaction(self.accounts.engine) as session:
            row = session.execute(select(Inbox).where(Inbox.message_id == message_id)).scalar_one()
            if row.state not in (DONE, DEAD):
                return None
            rows = session.execute(select(Outbox).where(Outbox.inbox_id == row.id).order_by(Outbox.id)).scalars()
            payloads = [
                self.accounts.vault.open(r.sealed, f"outbox.sealed:{r.id}") for r in rows if r.state != "scheduled"
            ]
        return Said([p for p in payloads if p.get("from") != "patient"])


class _Kept:
    """A channel's own rendering, with a provider that keeps what it is given."""

    def __init__(self, sender: Any, sent: list[tuple[str, dict[str, Any]]]) -> None:
        self.name, self._sent = sender.name, sent
        self._sender = object.__new__(sender)
        if sender is SmsSender:
            self._sender._more_hint = "Reply MORE for the rest."

    def render(self, replies: Any) -> Any:
        return self._sender.render(replies)

    def echo(self, message_id: str, text: str) -> None:
        return None

    async def send(self, address: str, payload: dict[str, Any]) -> str:
        self._sent.append((address, payload))
        return str(len(self._sent))

    async def typing(self, address: str) -> None:
        return None

    async def close(self) -> None:
        return None
