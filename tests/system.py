"""The running system as its operator starts it: portal, actions and assistant as processes, behind a proxy that ends
TLS, with stand-ins for Twilio and Telegram; and the people who use it: a phone, a Telegram chat, a web chat."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from subprocess import Popen
from types import SimpleNamespace
from typing import Any
from urllib.parse import urljoin

import httpx

from accounts.service import Accounts, bootstrap
from accounts.settings import AccountsSettings
from portal.app import make_store
from portal.seed import DEMO_PASSWORD, seed
from portal.settings import Settings
from portal.smart.users import Users
from portal.store import Store
from tests.channels.providers import ACCOUNT_SID, AUTH_TOKEN, BOT_TOKEN, Call, Provider, provider, telegram, twilio
from tests.channels.support import form, sign
from tests.harness import ROOT, free_port, make_environment, process

PUBLIC = "https://chat.clinic.example"  # what patients and providers see; no process listens there
SECRET = "a-secret_of-ours-2026"
NUMBER = "+15005550006"


class Proxy(httpx.BaseTransport):
    """Ends TLS for `PUBLIC` and passes requests on, path and Host unchanged, as nginx does."""

    def __init__(self, port: int) -> None:
        self._port, self._inner = port, httpx.HTTPTransport()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self._port)
        headers = [*request.headers.raw, (b"X-Forwarded-Proto", b"https"), (b"X-Forwarded-For", b"203.0.113.9")]
        inner = httpx.Request(request.method, url, headers=headers, stream=request.stream)
        inner.extensions = request.extensions
        return self._inner.handle_request(inner)

    def close(self) -> None:
        self._inner.close()


@dataclass
class System:
    """The three processes, what they wrote, what the providers were asked to send, and what is stored."""

    folder: Path
    env: dict[str, str]
    portal_url: str
    twilio: Provider
    telegram: Provider
    processes: dict[str, Popen[bytes]] = field(default_factory=dict)

    @property
    def port(self) -> int:
        return int(self.env["CHARTLINE_BOT_PORT"])

    @property
    def local(self) -> str:
        """The assistant itself, behind the proxy."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def actions_url(self) -> str:
        return f"http://127.0.0.1:{self.env['CHARTLINE_ACTIONS_PORT']}"

    def log(self, name: str) -> Path:
        """What one of the processes wrote to stdout and stderr."""
        return self.folder / f"{name}.log"

    def client(self, **options: Any) -> httpx.Client:
        """Somebody's HTTP client on the internet."""
        return httpx.Client(mounts={PUBLIC: Proxy(self.port)}, base_url=PUBLIC, timeout=30, **options)

    def rows(self) -> dict[str, int]:
        """How many rows there are of conversations, messages in, and messages out."""
        with closing(sqlite3.connect(self.folder / "chartline.db", timeout=30)) as database:
            tables = ("conversation", "inbox", "outbox")
            return {name: database.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables}  # noqa: S608

    @cached_property
    def accounts(self) -> Accounts:
        """The stored state about people, as the processes see it."""
        with self.environment():
            return bootstrap(AccountsSettings())

    @cached_property
    def charts(self) -> Store:
        """The portal's charts, seen by the back office."""
        return make_store(portal_settings(self.folder, self.portal_url))

    @contextmanager
    def environment(self) -> Iterator[None]:
        """The test's own process has the environment of the processes."""
        before = dict(os.environ)
        os.environ.update(self.env)
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def key(self, channel: str, address: str) -> str:
        """A conversation's opaque key."""
        return self.accounts.vault.conversation_key(channel, address)

    def sign_in(self, conversation: str, username: str, details: bool = False) -> None:
        """Connect a conversation as its person would, through the portal; with `details` they agree to them there."""
        browse(self, asyncio.run(self.accounts.sign_in_url(conversation)), username)
        if details:
            asyncio.run(self.accounts.agree(conversation, "details", True, "sign-in"))

    def token(self, conversation: str) -> str:
        """The access token that the assistant holds for a conversation."""
        return asyncio.run(self.accounts.grant(conversation)).access_token


def portal_settings(folder: Path, url: str) -> Settings:
    """The portal's settings for a run in `folder`."""
    return Settings(base_url=url, port=int(url.rpartition(":")[2]), database_url=f"sqlite:///{folder / 'portal.db'}")


@contextmanager
def running(folder: Path, prepare: Callable[[Store], None] | None = None, **more: str) -> Iterator[System]:
    """Everything, started as `make run` starts it. `prepare` adds to the seeded charts, `more` to the environment."""
    from scripts.train import train

    train(ROOT / "models")
    portal_url = f"http://localhost:{free_port()}"
    store = make_store(portal_settings(folder, portal_url))
    seed(store, Users(store.engine))
    if prepare:
        prepare(store)
    with ExitStack() as stack:
        sms, chats = stack.enter_context(provider(twilio)), stack.enter_context(provider(telegram))
        env = make_environment(
            folder,
            SimpleNamespace(fhir_url=f"{portal_url}/fhir"),  # type: ignore[arg-type]
            **{**_environment(portal_url, sms.url, chats.url), **more},
        )
        system = System(folder, env, portal_url, sms, chats)
        health = {
            "portal": f"{portal_url}/health",
            "actions": f"{system.actions_url}/health",
            "bot": f"{system.local}/ready",
        }
        for name, module in (("portal", "portal serve --verbose"), ("actions", "actions"), ("bot", "bot")):
            started = process(module, env, health[name], system.log(name))
            system.processes[name] = stack.enter_context(started)
        yield system


def _environment(portal_url: str, twilio_url: str, telegram_url: str) -> dict[str, str]:
    return {
        "CHARTLINE_PUBLIC_URL": PUBLIC,
        "CHARTLINE_BOT_PORT": str(free_port()),
        "CHARTLINE_PORTAL_PORT": portal_url.rpartition(":")[2],
        "CHARTLINE_PORTAL_BASE_URL": portal_url,
        "CHARTLINE_PORTAL_CLIENT_REDIRECT_URIS": f"{PUBLIC}/signin/callback",
        "CHARTLINE_LOG_LEVEL": "DEBUG",
        "CHARTLINE_TRUSTED_PROXIES": "1",
        "CHARTLINE_SESSIONS_PER_MINUTE": "1000",  # all tests come from one address
        "CHARTLINE_SIGN_INS_PER_MINUTE": "1000",
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_FROM": NUMBER,
        "TWILIO_BASE_URL": twilio_url,
        "TELEGRAM_BOT_TOKEN": BOT_TOKEN,
        "TELEGRAM_WEBHOOK_SECRET": SECRET,
        "TELEGRAM_BASE_URL": telegram_url,
    }


def browse(system: System, link: str, username: str, **more: str) -> httpx.Response:
    """Follow a sign-in link as a browser would, through the portal's page and back; `patient=` picks another chart."""
    with system.client(follow_redirects=True) as browser:
        page = browser.get(link)
        action = re.search(r'action="([^"]+)"', page.text)
        assert action, page.text
        portal = browser.post(urljoin(str(page.url), action[1]))
        token = re.search(r'name="form_token" value="([^"]+)"', portal.text)
        assert token, portal.text
        answers = {"form_token": token[1], "username": username, "password": DEMO_PASSWORD, "decision": "allow", **more}
        back = browser.post(portal.url, data=answers)
        assert back.status_code == 200, back.text
        return back


def until(found: Callable[[], Any], what: str = "it did not happen") -> Any:
    """What `found` returns, once that is something."""
    for _ in range(1200):
        if (result := found()) is not None:
            return result
        time.sleep(0.05)
    raise AssertionError(what)


class Phone:
    """A phone number, and what Twilio was asked to send to it."""

    channel = "sms"

    def __init__(self, system: System, number: str) -> None:
        self.system, self.address = system, number

    def body(self, text: str, **changes: str) -> str:
        """The form post of one message."""
        return form("text", **{"Body": text, "From": self.address, "MessageSid": f"SM{uuid.uuid4().hex}", **changes})

    def post(self, body: str | bytes, signature: str | None = "") -> httpx.Response:
        """As Twilio posts it to the public address; `signature` "" signs it, None leaves it out."""
        path = "/webhooks/sms/webhook"
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        if signature == "":
            signature = sign(f"{PUBLIC}{path}", body if isinstance(body, str) else body.decode("latin-1"))
        if signature is not None:
            headers["X-Twilio-Signature"] = signature
        with self.system.client() as client:
            return client.post(path, content=body, headers=headers)

    def say(self, text: str, **changes: str) -> str:
        """Send a message; the body of the SMS that answers it."""
        seen = len(self.system.twilio.calls)
        answer = self.post(self.body(text, **changes))
        assert answer.status_code == 200, answer.text
        return self.next(seen)

    def next(self, seen: int) -> str:
        """The next SMS to this number after so many calls."""
        return until(lambda: next(iter(self.received(seen)), None), "no SMS")

    def received(self, seen: int = 0) -> list[str]:
        """What was sent to this number."""
        return [c.fields["Body"] for c in self.system.twilio.calls[seen:] if c.fields.get("To") == self.address]


class TelegramChat:
    """A private Telegram chat."""

    channel = "telegram"

    def __init__(self, system: System, chat: int) -> None:
        self.system, self.id = system, chat

    @property
    def address(self) -> str:
        return str(self.id)

    def post(self, secret: str | None = SECRET, **content: Any) -> httpx.Response:
        """The webhook of one update."""
        update = {"update_id": uuid.uuid4().int % 10**9, **content}
        return self.post_raw(json.dumps(update).encode(), secret)

    def post_raw(self, body: bytes, secret: str | None = SECRET) -> httpx.Response:
        """Any body at the webhook."""
        headers = {"Content-Type": "application/json"}
        if secret is not None:
            headers["X-Telegram-Bot-Api-Secret-Token"] = secret
        with self.system.client() as client:
            return client.post("/webhooks/telegram/webhook", content=body, headers=headers)

    def message(self, text: str, **changes: Any) -> dict[str, Any]:
        """A message as Telegram sends it."""
        person = {"id": self.id, "first_name": "Test", "is_bot": False}
        chat = {"id": self.id, "type": "private", "first_name": "Test"}
        return {"message": {"message_id": 1, "date": 1767225600, "chat": chat, "from": person, "text": text, **changes}}

    def say(self, text: str, **changes: Any) -> str:
        """Send a message; all that the call which answers it carries."""
        seen = len(self.system.telegram.calls)
        answer = self.post(**self.message(text, **changes))
        assert answer.status_code == 200, answer.text
        return self.next(seen)

    def next(self, seen: int) -> str:
        """The next message to this chat after so many calls."""
        return until(lambda: next(iter(self.received(seen)), None), "no message on Telegram")

    def received(self, seen: int = 0) -> list[str]:
        """What was sent to this chat."""
        calls = [c for c in self.system.telegram.calls[seen:] if c.fields.get("chat_id") == self.address]
        return [_words(call) for call in calls if call.path.endswith(("sendMessage", "sendPhoto"))]


class WebChat:
    """A browser's chat: one session."""

    channel = "web"

    def __init__(self, system: System) -> None:
        self.system, self.last = system, 0
        with system.client() as client:
            answer = client.post("/webhooks/web/session")
            assert answer.status_code == 201, answer.text
        self.token = answer.json()["token"]

    @property
    def address(self) -> str:
        from bot.channels.web import address_of

        return address_of(self.token)

    def post(self, headers: dict[str, str] | None = None, **body: Any) -> httpx.Response:
        """A message as the widget posts it, or not quite."""
        with self.system.client() as client:
            return client.post("/webhooks/web/messages", json=body, headers={**self._bearer, **(headers or {})})

    def post_raw(self, body: Any, **headers: str) -> httpx.Response:
        """Any body at the address of messages."""
        with self.system.client() as client:
            return client.post("/webhooks/web/messages", content=body, headers={**self._bearer, **headers})

    def say(self, text: str, **more: Any) -> str:
        """Send a message; the words of its answer."""
        message_id = str(uuid.uuid4())
        answer = self.post(id=message_id, text=text, **more)
        assert answer.status_code == 202, answer.text
        return self.answer_to(message_id)

    def answer_to(self, message_id: str) -> str:
        """The words of the answer to the message of this id."""

        def answered() -> str | None:
            events = [e for e in self.events() if e["type"] == "message"]
            ids = [event["message_id"] for event in events]
            after = events[ids.index(message_id) + 1 :] if message_id in ids else []
            return json.dumps(after) if any(e["from"] == "assistant" for e in after) else None

        return until(answered, "no answer on the web")

    def events(self) -> list[dict[str, Any]]:
        """What the stream shows to a page that was just loaded."""
        found: list[dict[str, Any]] = []
        with self.system.client() as client:
            quiet = httpx.Timeout(30, read=0.25)
            try:
                with client.stream("GET", "/webhooks/web/events", headers=self._bearer, timeout=quiet) as stream:
                    assert stream.status_code == 200
                    found += (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data: "))
            except httpx.ReadTimeout:
                return found
        return found

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


def _words(call: Call) -> str:
    return json.dumps(call.fields, ensure_ascii=False)
