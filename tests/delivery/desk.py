"""Delivery with an agent and a provider that do what a test tells them."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from rasa.shared.core.events import SessionStarted
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy import select

from accounts.db import transaction
from accounts.service import Accounts
from bot.channels.message import Incoming, Rendered, Reply
from bot.delivery.hours import SendingHours
from bot.delivery.service import Delivery
from bot.delivery.tables import Inbox, Outbox
from tests.databases import Clock, make_accounts

Answering = Callable[[Any], Awaitable[list[dict[str, Any]]]]


async def echo(message: Any) -> list[dict[str, Any]]:
    return [{"text": f"You said {message.text}"}]


class FakeAgent:
    """Stands where Rasa's agent stands. Keeps each turn, and how many of one conversation were in flight at once."""

    def __init__(self) -> None:
        self.turns: list[Any] = []
        self.answer: Answering = echo
        self.most_at_once = self.most_of_one = 0
        self._running: list[str] = []
        self.words = {"utter_something_broke": "Sorry, that broke.", "utter_choice_gone": "That is from earlier."}
        nlg = SimpleNamespace(generate=self._generate)
        self.processor = SimpleNamespace(nlg=nlg, get_tracker=self._tracker, save_tracker=self._save)
        self.begun_anew: list[str] = []  # conversations in which nothing of before is known any more

    @property
    def texts(self) -> list[str]:
        return [turn.text for turn in self.turns]

    async def handle_message(self, message: Any) -> None:
        self.turns.append(message)
        self._running.append(message.sender_id)
        self.most_at_once = max(self.most_at_once, len(self._running))
        self.most_of_one = max(self.most_of_one, self._running.count(message.sender_id))
        try:
            for said in await self.answer(message):
                custom = {"tier": "none", **(said.get("custom") or {})}  # as the generator notes it
                await message.output_channel.send_response(message.sender_id, {**said, "custom": custom})
        finally:
            self._running.remove(message.sender_id)

    async def _generate(self, response: str, _tracker: Any, _channel: str, **values: Any) -> dict[str, Any]:
        return {"text": self.words.get(response, response).format(**values), "custom": {"tier": "none"}}

    async def _tracker(self, conversation: str) -> DialogueStateTracker:
        return DialogueStateTracker(conversation, slots=[])

    async def _save(self, tracker: DialogueStateTracker) -> None:
        if any(isinstance(event, SessionStarted) for event in tracker.events):
            self.begun_anew.append(tracker.sender_id)


class FakeSender:
    """Stands where a provider's client stands. `errors` are raised first, one a call."""

    name = "sms"

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.errors: list[Exception] = []
        self.calls = self.typed = 0
        self.page = 1000
        self.typing_error: Exception | None = None
        self.closed = False
        self.hold: asyncio.Event | None = None

    def render(self, replies: list[Reply]) -> Rendered:
        text = "\n".join(reply.text for reply in replies)
        return Rendered([{"body": text[: self.page]}] if text else [], text[self.page :])

    def echo(self, message_id: str, text: str) -> dict[str, Any] | None:
        return None

    async def send(self, address: str, payload: dict[str, Any]) -> str:
        self.calls += 1
        if self.hold:
            await self.hold.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.sent.append((address, payload["body"]))
        return f"SM{len(self.sent)}"

    async def typing(self, address: str) -> None:
        self.typed += 1
        if self.typing_error:
            raise self.typing_error

    async def close(self) -> None:
        self.closed = True


class Desk:
    """One process: its delivery, agent, provider and clock, on a database that others may share."""

    def __init__(self, accounts: Accounts, clock: Clock) -> None:
        self.accounts, self.clock = accounts, clock
        self.agent, self.sender = FakeAgent(), FakeSender()
        self.hours = SendingHours(time_zone="UTC")  # the clock begins at noon
        self.delivery = Delivery(accounts, self.agent, {"sms": self.sender}, self.hours)  # type: ignore[arg-type]

    async def put(self, text: str, address: str = "+12025550143", message_id: str = "", **more: Any) -> bool:
        message_id = message_id or uuid.uuid4().hex
        return await self.delivery.accept(Incoming("sms", "clinic", message_id, address, text, **more))

    async def settled(self) -> None:
        """Until nothing is due any more in the database, and nothing is in flight."""
        for _ in range(1000):
            if not await asyncio.to_thread(self._due):
                return
            await asyncio.sleep(0.01)
        raise AssertionError("still not settled")

    def _due(self) -> bool:
        return any(self._has_due(self.rows(kind)) for kind in (Inbox, Outbox))

    def _has_due(self, rows: list[Any]) -> bool:
        first: dict[str, Any] = {}  # open row of each conversation; the others wait for it
        for row in rows:
            if row.state in ("new", "queued", "leased"):
                first.setdefault(row.conversation, row)
        return any(row.due_at <= self.clock() or row.state == "leased" for row in first.values())

    def rows(self, kind: Any) -> list[Any]:
        with transaction(self.accounts.engine) as session:
            return list(session.execute(select(kind).order_by(kind.id)).scalars())

    def states(self, kind: Any) -> list[str]:
        return [row.state for row in self.rows(kind)]

    @property
    def said(self) -> list[str]:
        """What the provider took, in order."""
        return [body for _, body in self.sender.sent]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[Desk]:
        self.delivery.start()
        try:
            yield self
        finally:
            await self.delivery.stop()

    async def work(self) -> None:
        """Work off what is due now."""
        fresh = Delivery(self.accounts, self.agent, self.delivery.senders, self.hours)  # type: ignore[arg-type]
        fresh.start()
        await self.settled()
        await fresh.stop()


def make_desk(url: str, clock: Clock | None = None) -> Desk:
    clock = clock or Clock()
    return Desk(make_accounts(url, clock=clock), clock)
