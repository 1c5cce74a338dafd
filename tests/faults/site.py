"""A clinic whose assistant is killed and started again: portal, actions, stand-ins for the providers, and people."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import select

from accounts import conversations
from accounts.consent import DETAILS
from accounts.conversations import Place
from accounts.db import transaction
from bot.delivery.tables import Inbox, Outbox
from portal.access import SYSTEM
from tests.channels.providers import provider, telegram, twilio
from tests.harness import ROOT, PortalServer, free_port, make_environment, process, sign_in_at_portal, wait_for
from tests.system import NUMBER, PUBLIC, Phone, System, _environment

SOAK = bool(os.environ.get("CHARTLINE_SOAK"))


class Zygote:
    """The loaded assistant of `tests.faults.assistant`, which starts as many processes as it is told."""

    def __init__(self, env: dict[str, str], log: Path) -> None:
        self._log = log.open("wb")
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.assistant"],
            env=env,
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        while (line := self._line()) != "ready":  # libraries greet on stdout
            assert line or self._child.poll() is None, log.read_text()

    def start(self, env: dict[str, str]) -> int:
        """A new process with these variables; its id."""
        assert self._child.stdin
        self._child.stdin.write(json.dumps(env) + "\n")
        self._child.stdin.flush()
        while not (line := self._line()).isdigit():
            assert self._child.poll() is None
        return int(line)

    def close(self) -> None:
        """Kill all that it started, and end."""
        assert self._child.stdin
        self._child.stdin.close()
        self._child.wait(20)
        self._log.close()

    def _line(self) -> str:
        assert self._child.stdout
        return self._child.stdout.readline().strip()


@dataclass
class Site(System):
    """The running system, with the assistant as processes that may die."""

    zygote: Zygote = field(kw_only=True)
    portal: PortalServer = field(kw_only=True)
    pids: dict[int, int] = field(default_factory=dict)  # of each port

    @property
    def crash(self) -> Path:
        """The file that says at which point the assistant dies."""
        return Path(self.env["CHARTLINE_CRASH"])

    def start(self, port: int | None = None) -> None:
        """Start the assistant, and return when it is ready."""
        port = port or self.port
        self.pids[port] = self.zygote.start({**self.variables, "CHARTLINE_BOT_PORT": str(port)})
        wait_for(f"http://127.0.0.1:{port}/ready")

    @property
    def variables(self) -> dict[str, str]:
        """What differs from one site to another."""
        names = ("CHARTLINE_VAR", "CHARTLINE_DATABASE_URL", "CHARTLINE_ACTIONS_URL", "CHARTLINE_CRASH")
        return {name: self.env[name] for name in names if name in self.env}

    def alive(self, port: int | None = None) -> bool:
        """Whether the assistant's process is there."""
        try:
            os.kill(self.pids[port or self.port], 0)
        except ProcessLookupError:
            return False
        return True

    def kill(self, port: int | None = None) -> None:
        """`kill -9`."""
        os.kill(self.pids[port or self.port], signal.SIGKILL)
        until(lambda: not self.alive(port), "the process does not die")

    def signed_in(self, number: str, username: str = "rosa") -> Phone:
        """A phone that is signed in, and whose person agreed to read details there."""
        place = Place("sms", NUMBER, number)
        with transaction(self.accounts.engine) as session:
            key = conversations.remember(session, self.accounts.vault, place, self.accounts.clock())
        asyncio.run(self._sign_in(key, username))
        return Phone(self, number)

    async def _sign_in(self, conversation: str, username: str) -> None:
        link = await self.accounts.sign_in_url(conversation, agreed=DETAILS)
        url, _ = await self.accounts.start_sign_in(link.rsplit("/", 1)[1])
        back = await sign_in_at_portal(url, username)
        await self.accounts.finish_sign_in(back["state"], back["code"])

    def stored(self, kind: Any) -> list[Any]:
        """The rows of a table, in their order."""
        with transaction(self.accounts.engine) as session:
            return list(session.execute(select(kind).order_by(kind.id)).scalars())

    def settled(self) -> None:
        """Until nothing waits for an answer or to be sent."""
        open_states = ("new", "leased", "queued")
        rows = lambda: [r for kind in (Inbox, Outbox) for r in self.stored(kind) if r.state in open_states]  # noqa: E731
        until(lambda: not rows(), "not settled")

    def requests(self) -> list[dict[str, Any]]:
        """The refills that the portal was asked for and that are open."""
        found = self.portal.search("Task", patient="Patient/rosa", _count=100)
        return [t for t in found if not t["identifier"][0]["value"].startswith("demo-") and t["status"] == "requested"]

    def clear_requests(self) -> None:
        """The back office has dealt with them, so that the same medicine can be asked for again."""
        for task in self.requests():
            self.portal.store.update({**task, "status": "cancelled"}, SYSTEM)


class Sent:
    """One message of a provider's, which it sends until it is acknowledged."""

    def __init__(self, phone: Phone, text: str) -> None:
        self.phone, self.body = phone, phone.body(text, MessageSid=f"SM{uuid.uuid4().hex}")

    def acknowledged(self) -> bool:
        """Send it; whether that was acknowledged."""
        try:
            return self.phone.post(self.body).is_success
        except httpx.HTTPError:
            return False


def until(holds: Callable[[], bool], what: str) -> None:
    """Return as soon as something holds."""
    for _ in range(1200):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError(what)


@contextmanager
def actions(folder: Path, portal: PortalServer, sms: str, chats: str, **more: str) -> Iterator[dict[str, str]]:
    """The environment of a site, and its action server at work."""
    mine = {"CHARTLINE_CRASH": str(folder / "crash"), "CHARTLINE_LOG_LEVEL": "INFO"}
    variables = {**_environment(portal.url, sms, chats), **mine, **more}
    env = make_environment(folder, portal, **variables)
    health = f"http://127.0.0.1:{env['CHARTLINE_ACTIONS_PORT']}/health"
    with process("actions", env, health, folder / "actions.log"):
        yield env


@contextmanager
def opened(folder: Path) -> Iterator[Site]:
    """A site on SQLite, whose assistant is not started yet."""
    from scripts.train import train

    train(ROOT / "models")
    os.environ["CHARTLINE_PORTAL_CLIENT_REDIRECT_URIS"] = f"{PUBLIC}/signin/callback"
    portal = PortalServer(folder)
    del os.environ["CHARTLINE_PORTAL_CLIENT_REDIRECT_URIS"]
    portal.start()
    with ExitStack() as stack:
        stack.callback(portal.stop)
        sms, chats = stack.enter_context(provider(twilio)), stack.enter_context(provider(telegram))
        env = stack.enter_context(actions(folder, portal, sms.url, chats.url))
        zygote = Zygote(env, folder / "bot.log")
        stack.callback(zygote.close)
        yield Site(folder, env, portal.url, sms, chats, zygote=zygote, portal=portal)


def port() -> int:
    """Where another process of the assistant can listen."""
    return free_port()
