"""`Delivery`: accepts messages for good, answers each conversation in order, and sends what was answered.

The order of things for one message: stored and acknowledged (`accept`) → leased → the agent's turn → replies and
`done` in one transaction → sent. A crash between any two of them repeats the step, not the message.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, TypeVar

from rasa.core.agent import Agent
from sqlalchemy import text
from sqlalchemy.orm import Session

from accounts import conversations
from accounts.conversations import Place
from accounts.db import transaction
from accounts.service import Accounts
from bot.channels.errors import DeliveryError, Retryable
from bot.channels.message import Choice, Incoming, Reply
from bot.delivery import inbox, offers, outbox, turn
from bot.delivery.bell import Bell, wait
from bot.delivery.inbox import Job
from bot.delivery.outbox import Parcel
from bot.delivery.sender import Sender
from bot.delivery.tables import SENT
from bot.logs import fault

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 16  # conversations answered side by side
IDLE = 5.0  # seconds until the queues are looked at again without a ring
TURN_LIMIT = 45.0  # seconds; shorter than a lease, so that a stuck turn never overlaps its second try


@dataclass(frozen=True)
class Answer:
    """What a turn says now, what it offers to choose from, and what it says later (naive UTC)."""

    replies: list[Reply]
    choices: list[Choice] = field(default_factory=list)
    scheduled: list[tuple[datetime, Reply]] = field(default_factory=list)


class Delivery:
    """One process's inbox, worker and outbox. `start` begins the work, `stop` ends it after the turns in flight."""

    def __init__(self, accounts: Accounts, agent: Agent, senders: dict[str, Sender]) -> None:
        self.accounts, self.agent, self.senders = accounts, agent, senders
        self.bell = Bell()
        self._loops: list[asyncio.Task[None]] = []
        self._running: set[asyncio.Task[None]] = set()

    async def accept(self, incoming: Incoming) -> bool:
        """Keep a verified message for good. False where it is a repeat; an error means that it was not kept."""
        return await self._put(incoming, None)

    async def begin(self, channel: str, account: str, address: str) -> None:
        """Begin a conversation at an address of our own making (a web session)."""
        place = Place(channel, account, address)
        await self._db(lambda s: conversations.remember(s, self.accounts.vault, place, self.accounts.clock()))

    async def find(self, channel: str, address: str) -> str | None:
        """The conversation at an address, where there is one."""
        key = self.accounts.vault.conversation_key(channel, address)
        return key if await self._db(lambda s: conversations.exists(s, key)) else None

    async def accept_event(self, conversation: str, message_id: str, payload: str) -> bool:
        """Let something that happened outside the chat (a sign-in) start a turn, once for its `message_id`."""
        place = await self._db(lambda s: conversations.place_of(s, self.accounts.vault, conversation))
        return await self._put(Incoming(place.channel, place.account, message_id, place.address), payload)

    async def accept_again(self, conversation: str, message_id: str, text: str) -> bool:
        """Take up a question again that waited for a sign-in."""
        place = await self._db(lambda s: conversations.place_of(s, self.accounts.vault, conversation))
        incoming = Incoming(place.channel, place.account, message_id, place.address, text, metadata={"again": True})
        return await self._put(incoming, None)

    async def reconcile(self, channel: str, provider_id: str, status: str, code: str | None = None) -> None:
        """Note what a provider says became of a message that it took."""
        await self._db(lambda s: outbox.reconcile(s, channel, provider_id, status, code))

    async def history(self, conversation: str, after: int | None, limit: int = 50) -> list[tuple[int, Any]]:
        """What was sent to a conversation, with growing ids."""
        return await self._db(lambda s: outbox.history(s, self.accounts.vault, conversation, after, limit))

    async def check(self) -> None:
        """Raises where the database cannot be used."""
        await self._db(lambda s: s.execute(text("SELECT 1")))

    def start(self) -> None:
        """Begin to work the queues off."""
        self._loops = [asyncio.create_task(self._work()), asyncio.create_task(self._send())]

    async def stop(self) -> None:
        """Stop taking work, and let the turns in flight end."""
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await asyncio.gather(*self._running, return_exceptions=True)
        for sender in self.senders.values():
            await sender.close()

    async def _put(self, incoming: Incoming, payload: str | None) -> bool:
        sender, vault = self.senders[incoming.channel], self.accounts.vault

        def work(session: Session) -> str | None:
            now = self.accounts.clock()
            row = inbox.put(session, vault, incoming, now, payload)
            if row is None:
                return None
            key = vault.conversation_key(incoming.channel, incoming.address)
            said = incoming.text or _title(offers.load(session, vault, key)[0], incoming.choice)
            echo = sender.echo(incoming.message_id, said) if said and not incoming.metadata.get("again") else None
            if echo:
                outbox.add(session, vault, key, incoming.channel, echo, now, row, state=SENT)
            return key

        conversation = await self._db(work)
        if conversation is None:
            return False
        self.bell.ring("inbox")
        self.bell.ring(conversation)
        return True

    async def _work(self) -> None:
        await self._loop("inbox", self._lease_jobs, self._answer)

    async def _send(self) -> None:
        await self._loop("outbox", self._lease_parcels, self._hand_over)

    async def _loop(
        self,
        queue: str,
        lease: Callable[[], Awaitable[list[T]]],
        handle: Callable[[T], Coroutine[Any, Any, None]],
    ) -> None:
        with self.bell.listen(queue) as rung:
            while True:
                try:
                    taken = await lease() if len(self._running) < AT_ONCE else []
                except Exception as error:  # noqa: BLE001 - the queue outlives a database that is away for a while
                    fault(log, queue, error)
                    taken = []
                for item in taken:
                    self._spawn(queue, handle(item))
                if not taken:
                    await wait(rung, IDLE if len(self._running) < AT_ONCE else 0.05)

    def _spawn(self, queue: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)

        def over(done: asyncio.Task[None]) -> None:
            self._running.discard(done)
            self.bell.ring(queue)
            error = None if done.cancelled() else done.exception()
            if error is not None:
                fault(log, queue, error)

        task.add_done_callback(over)

    async def _lease_jobs(self) -> list[Job]:
        return await self._db(lambda s: inbox.lease(s, self.accounts.vault, self.accounts.clock(), AT_ONCE))

    async def _lease_parcels(self) -> list[Parcel]:
        def work(session: Session) -> tuple[list[str], list[Parcel]]:
            now, vault = self.accounts.clock(), self.accounts.vault
            return outbox.release_due(session, vault, now), outbox.lease(session, vault, now, AT_ONCE)

        _, parcels = await self._db(work)
        return parcels

    async def _answer(self, job: Job) -> None:
        try:
            with self.bell.typing(job.conversation):
                await self._commit(job, await asyncio.wait_for(self._turn(job), TURN_LIMIT))
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the message is tried again or answered for
            fault(log, "turn", error)
            await self._give_back(job, type(error).__name__)
        self.bell.ring("outbox")

    async def _turn(self, job: Job) -> Answer:
        if job.metadata.get("notice"):
            return Answer([await turn.utter(self.agent, job, f"utter_{job.metadata['notice']}")])
        if job.metadata.get("unsupported") and not job.text:
            return Answer([await turn.utter(self.agent, job, "utter_unsupported_message")])
        choices, rest = await self._db(lambda s: offers.load(s, self.accounts.vault, job.conversation))
        if rest and job.payload is None and offers.MORE.fullmatch(job.text):
            return Answer([Reply(rest)], choices)
        payload = job.payload or offers.pick(choices, job.text, job.choice)
        if job.choice is not None and payload is None:
            return Answer([await turn.utter(self.agent, job, "utter_choice_gone")], choices)
        await self._show_typing(job)
        said = await turn.run(self.agent, job, payload or job.text)
        replies = said.replies or [await turn.utter(self.agent, job, "utter_something_broke")]
        offered = [choice for reply in replies for choice in reply.choices]
        return Answer(replies, offered, [(_utc(due), reply) for due, reply in said.scheduled])

    async def _commit(self, job: Job, answer: Answer) -> None:
        sender, vault = self.senders[job.channel], self.accounts.vault
        rendered = sender.render(answer.replies)

        def work(session: Session) -> None:
            now = self.accounts.clock()
            if not inbox.finish(session, job):
                return
            for payload in rendered.messages:
                outbox.add(session, vault, job.conversation, job.channel, payload, now, job.id)
            for due, reply in answer.scheduled:
                for payload in sender.render([reply]).messages:
                    outbox.add(session, vault, job.conversation, job.channel, payload, now, job.id, due)
            offers.replace(session, vault, job.conversation, answer.choices, rendered.rest)

        await self._db(work)

    async def _give_back(self, job: Job, error: str) -> None:
        sender, vault = self.senders[job.channel], self.accounts.vault
        apology = sender.render([await turn.utter(self.agent, job, "utter_something_broke")])

        def work(session: Session) -> None:
            now = self.accounts.clock()
            if inbox.give_back(session, job, now, error):
                for payload in apology.messages:
                    outbox.add(session, vault, job.conversation, job.channel, payload, now, job.id)

        await self._db(work)

    async def _show_typing(self, job: Job) -> None:
        place = await self._db(lambda s: conversations.place_of(s, self.accounts.vault, job.conversation))
        self._spawn("outbox", self.senders[job.channel].typing(place.address))

    async def _hand_over(self, parcel: Parcel) -> None:
        try:
            provider_id = await self.senders[parcel.channel].send(parcel.address, parcel.payload)
        except DeliveryError as error:
            failure = error
            await self._db(lambda s: outbox.refused(s, parcel, failure, self.accounts.clock()))
        except Exception as error:  # noqa: BLE001 - a fault of ours is tried again like a fault of the provider
            failure = Retryable(type(error).__name__)
            await self._db(lambda s: outbox.refused(s, parcel, failure, self.accounts.clock()))
        else:
            await self._db(lambda s: outbox.sent(s, parcel, provider_id))
            self.bell.ring(parcel.conversation)

    async def _db(self, work: Callable[[Session], T]) -> T:
        def run() -> T:
            with transaction(self.accounts.engine) as session:
                return work(session)

        return await asyncio.to_thread(run)


def _title(choices: list[Choice], choice_id: str | None) -> str:
    return next((c.title for c in choices if c.id == choice_id), "")


def _utc(iso: str) -> datetime:
    return datetime.fromisoformat(iso).astimezone(timezone.utc).replace(tzinfo=None)
