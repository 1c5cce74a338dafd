"""`Delivery`: accepts messages for good, answers each conversation in order, and sends what was answered.

The order of things for one message: stored and acknowledged (`accept`) → leased → the agent's turn → replies, Rasa's
events and `done` in one transaction → sent. A crash between any two of them repeats the step, not the message.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import Any, TypeVar

from rasa.core.agent import Agent
from sqlalchemy import text
from sqlalchemy.orm import Session

from accounts import conversations
from accounts.conversations import Place
from accounts.db import transaction
from accounts.grants import FULL_CHANNEL, Audience
from accounts.links import HERE, PAGE
from accounts.logs import about
from accounts.service import Accounts
from accounts.tiers import Tier
from bot.channels.errors import AddressGone, DeliveryError, Retryable
from bot.channels.message import Choice, Incoming, Rendered, Reply
from bot.delivery import forget, inbox, lock, metrics, offers, opt_out, outbox, permission, tracker_store, turn
from bot.delivery.bell import Bell
from bot.delivery.heartbeat import kept
from bot.delivery.hours import SendingHours
from bot.delivery.inbox import Job
from bot.delivery.outbox import Parcel, View
from bot.delivery.permission import Spot
from bot.delivery.sender import Sender
from bot.delivery.tables import CONSENT, DROPPED, QUEUED, REPLY, SENT
from bot.delivery.tracker_store import Unsaved
from bot.delivery.worker import Worker
from bot.logs import fault
from bot.settings import read

log = logging.getLogger(__name__)

T = TypeVar("T")

TURN_LIMIT = 45.0  # seconds; its lease is kept as long
SIGNED_IN = "/signed_in"  # of a message of our own: somebody has just signed in
SEND_LIMIT = 45.0  # seconds; the same for a provider
ABOUT_TEXTS = {opt_out.STOP: "utter_opted_out", opt_out.START: "utter_opted_in", opt_out.HELP: "utter_texts_help"}


@dataclass(frozen=True)
class Answer:
    """What a turn says now, what it offers to choose from, and what it says later (naive UTC).

    `rest` is what MORE still brings, unless these replies are themselves too long. `reader` is who was signed in,
    `tier` what might be told.
    `topic` is what all replies are about; with `relinks` the ledger notes that a former person's things are forgotten.
    With `forgets` these are the last words of a conversation that is then deleted.
    """

    replies: list[Reply]
    choices: list[Choice] = field(default_factory=list)
    scheduled: list[tuple[datetime, Reply]] = field(default_factory=list)
    rest: str = ""
    reader: str | None = None
    tier: Tier = Tier.FULL
    forgets: bool = False
    topic: str = REPLY
    relinks: bool = False


class CrashedTooOften(Exception):
    """A message whose turns never came to an end: each time the process died."""


class Delivery:
    """One process's inbox, worker and outbox. `start` begins the work, `stop` ends it after the turns in flight."""

    def __init__(
        self, accounts: Accounts, agent: Agent, senders: dict[str, Sender], hours: SendingHours | None = None
    ) -> None:
        self.accounts, self.agent, self.senders = accounts, agent, senders
        self.hours = hours or read(SendingHours)
        self.bell = Bell()
        self._inbox = Worker("inbox", self.bell, self._lease_jobs, self._answer)
        self._outbox = Worker("outbox", self.bell, self._lease_parcels, self._hand_over)
        self._sweep = lock.Sweep(accounts, self.bell, self._locked)
        self._courtesies: set[asyncio.Task[None]] = set()
        self._jobs_in_hand: set[int] = set()
        self._parcels_in_hand: set[int] = set()
        accounts.when_somebody_else = self._close

    async def accept(self, incoming: Incoming) -> bool:
        """Keep a verified message for good. False where it is a repeat; an error means that it was not kept."""
        return await self._put(incoming, None)

    async def begin(self, channel: str, account: str, address: str) -> str:
        """Begin a conversation at an address of our own making (a web session); its key."""
        place = Place(channel, account, address)
        return await self._db(lambda s: conversations.remember(s, self.accounts.vault, place, self.accounts.clock()))

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

    async def reconcile(self, channel: str, provider_id: str, status: str, error: DeliveryError | None = None) -> None:
        """Note what a provider says became of a message that it took, and what that says about the person."""
        code, vault = error.code if error else None, self.accounts.vault

        def work(session: Session) -> str | None:
            failed = outbox.reconcile(session, channel, provider_id, status, code)
            if failed is not None and error is not None:
                permission.learn(session, vault, Spot(failed, channel, self.accounts.clock()), error)
            return failed

        await self._forget_person(await self._db(work), error)

    async def history(self, conversation: str, after: int | None, limit: int = 50) -> View:
        """What was said in a conversation and may be read by who is there now, with growing ids."""

        def work(session: Session) -> View:
            audience = self.accounts.audience(session, conversation)
            return outbox.history(session, self.accounts.vault, conversation, audience, after, limit)

        return await self._db(work)

    async def check(self) -> None:
        """Raises where the database cannot be used."""
        await self._db(lambda s: s.execute(text("SELECT 1")))

    def start(self) -> None:
        """Begin to work the queues off."""
        self._inbox.start()
        self._outbox.start()
        self._sweep.start()

    async def stop(self) -> None:
        """Let go of who listens, stop taking work, let the turns in flight end, and send what they said."""
        self.bell.close()
        await self._inbox.stop()
        await self._outbox.stop(drain=True)
        await self._sweep.stop()
        for courtesy in self._courtesies:
            courtesy.cancel()
        await asyncio.gather(*self._courtesies, return_exceptions=True)
        await asyncio.gather(*(sender.close() for sender in self.senders.values()), return_exceptions=True)

    async def _put(self, incoming: Incoming, payload: str | None) -> bool:
        sender, vault = self.senders[incoming.channel], self.accounts.vault
        words = await self._words(incoming.channel) if payload != lock.LOCKED else None

        def work(session: Session) -> str | None:
            now = self.accounts.clock()
            row = inbox.put(session, vault, incoming, now, payload)
            if row is None:
                return None
            key = vault.conversation_key(incoming.channel, incoming.address)
            permission.receive(session, vault, incoming, row, Spot(key, incoming.channel, now))
            said = incoming.text or _title(offers.load(session, vault, key)[0], incoming.choice)
            echo = sender.echo(incoming.message_id, said) if said and not incoming.metadata.get("again") else None
            by_person = payload is None and not incoming.metadata.get("again")
            tier = (self.accounts.used if by_person else self.accounts.tier_within)(session, key)
            if echo:
                outbox.add(session, vault, key, incoming.channel, echo, now, row, state=SENT, tier=tier.word)
            if words:
                lock.plan(session, self.accounts, key, incoming.channel, words)
            kept_as.append(row)
            return key

        kept_as: list[int] = []
        conversation = await self._db(work)
        if conversation is None:
            return False
        with about(inbox.turn_key(kept_as[-1])):
            log.info("stored on %s", incoming.channel)
        self.bell.ring("inbox")
        self.bell.ring(conversation)
        return True

    async def _lease_jobs(self, limit: int) -> list[Job]:
        vault, now, channels = self.accounts.vault, self.accounts.clock(), self.senders
        in_hand = frozenset(self._jobs_in_hand)
        jobs = await self._db(lambda s: inbox.lease(s, vault, now, limit, channels, in_hand))
        self._jobs_in_hand.update(job.id for job in jobs)
        return jobs

    async def _lease_parcels(self, limit: int) -> list[Parcel]:
        def work(session: Session) -> list[Parcel]:
            now, vault = self.accounts.clock(), self.accounts.vault
            tier_of, ring = self.accounts.tier_within, self.hours.include(now)
            released.extend(outbox.release_due(session, vault, now, tier_of, ring))
            return outbox.lease(session, vault, now, limit, self.senders, in_hand)

        released: list[str] = []
        in_hand = frozenset(self._parcels_in_hand)
        parcels = await self._db(work)
        self._parcels_in_hand.update(parcel.id for parcel in parcels)
        for conversation in released:
            self.bell.ring(conversation)
        return parcels

    async def _answer(self, job: Job) -> None:
        try:
            with about(inbox.turn_key(job.id)), metrics.TURN_SECONDS.labels(job.channel).time():
                async with kept(lambda: self._db(lambda s: inbox.extend(s, job, self.accounts.clock()))):
                    await self._answer_leased(job)
                log.info("turn over on %s, try %d", job.channel, job.tries)
        finally:
            self._jobs_in_hand.discard(job.id)

    async def _answer_leased(self, job: Job) -> None:
        try:
            if job.tries > inbox.MAX_TRIES:
                raise CrashedTooOften()
            with self.bell.typing(job.conversation), tracker_store.turn() as unsaved:
                await self._commit(job, await asyncio.wait_for(self._turn(job), TURN_LIMIT), unsaved)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the message is tried again or answered for
            fault(log, "turn", error)
            metrics.FAILED_TURNS.labels(job.channel).inc()
            await self._give_back(job, type(error).__name__)
        self.bell.ring("outbox")

    async def _turn(self, job: Job) -> Answer:
        cleared = await self._clear(job)
        answer = await (self._about_texts(job) if job.metadata.get("consent") else self._converse(job))
        return replace(answer, relinks=cleared)

    async def _clear(self, job: Job) -> bool:
        """Where the address was reported as another person's: forget all that was the former one's, before any word."""
        vault, spot = self.accounts.vault, Spot(job.conversation, job.channel, self.accounts.clock())
        if await self._db(lambda s: permission.linked(s, spot)):
            return False
        await self.accounts.unlink(job.conversation, "")  # the ledger says why already
        await self._db(lambda s: permission.forget_queue(s, vault, job.conversation))
        await turn.start_anew(self.agent, job.conversation)
        return True

    async def _about_texts(self, job: Job) -> Answer:
        """STOP, START and HELP: words of the domain alone. What was asked before is over: a YES answers nothing."""
        about = str(job.metadata["consent"])
        if about != opt_out.HELP:
            await turn.start_anew(self.agent, job.conversation)
        if about == permission.RESUMED:
            return await self._converse(job)
        silent = bool(job.metadata.get("silent"))
        return Answer([] if silent else [await turn.utter(self.agent, job, ABOUT_TEXTS[about])], topic=CONSENT)

    async def _converse(self, job: Job) -> Answer:
        def look(session: Session) -> tuple[Audience, list[Choice], str]:
            audience = self.accounts.audience(session, job.conversation)
            return audience, *offers.load(session, self.accounts.vault, job.conversation, audience.reader, tier)

        tier = await self.accounts.tier(job.conversation)
        audience, choices, rest = await self._db(look)
        if job.payload == lock.LOCKED or (job.payload == SIGNED_IN and audience.anew):
            await turn.start_anew(self.agent, job.conversation)
        if job.payload == lock.LOCKED:
            return Answer([])
        return replace(await self._respond(job, choices, rest, tier), reader=audience.reader, tier=tier)

    async def _respond(self, job: Job, choices: list[Choice], rest: str, tier: Tier) -> Answer:
        if job.metadata.get("notice"):
            return await self._aside(job, f"utter_{job.metadata['notice']}", choices, rest)
        if job.metadata.get("unsupported") and not job.text:
            return await self._aside(job, "utter_unsupported_message", choices, rest)
        if job.metadata.get("truncated"):  # part of it is gone: better no answer than one to half a question
            return await self._aside(job, "utter_too_long", choices, rest)
        if rest and job.payload is None and offers.MORE.fullmatch(job.text):
            return Answer([Reply(rest, tier=tier.word)], choices)
        payload = job.payload or offers.pick(choices, job.text, job.choice)
        if job.choice is not None and payload is None:
            return await self._aside(job, "utter_choice_gone", choices, rest)
        self._show_typing(job)
        said = await turn.run(self.agent, job, payload or job.text, tier)
        replies = await self._with_page(job, payload, said)
        replies = replies or [await turn.utter(self.agent, job, "utter_something_broke")]
        offered = [choice for reply in replies for choice in reply.choices]
        forgets = any(reply.topic == forget.FORGET for reply in said.replies)
        return Answer(replies, offered, [(_utc(due), reply) for due, reply in said.scheduled], forgets=forgets)

    async def _with_page(self, job: Job, payload: str | None, said: turn.Collector) -> list[Reply]:
        """The replies; where something was withheld, with a one-time link to a chat where it may be told.

        What was withheld as a whole is said once, without its choices, which can name what it hides.
        """
        replies = [Reply(reply.text) if reply.withheld and reply.tier == "none" else reply for reply in said.replies]
        if said.withheld:
            replies.append(await turn.utter(self.agent, job, "utter_withheld"))
        if not said.withheld and not any(reply.withheld for reply in said.replies):
            return replies
        waiting = {"payload": payload} if payload else {"text": job.text}
        to = HERE if job.channel == FULL_CHANNEL else PAGE
        url = await self.accounts.sign_in_url(job.conversation, waiting, to=to)
        page = await turn.utter(self.agent, job, "utter_withheld_page", link=url)
        replies = [reply for i, reply in enumerate(replies) if reply not in replies[:i]]
        asks = bool(replies) and bool(replies[-1].choices)
        return [*replies[:-1], page, replies[-1]] if asks else [*replies, page]

    async def _aside(self, job: Job, response: str, choices: list[Choice], rest: str) -> Answer:
        """Something said without the agent: what was offered before is still open."""
        return Answer([await turn.utter(self.agent, job, response)], choices, rest=rest)

    async def _commit(self, job: Job, answer: Answer, unsaved: Unsaved) -> None:
        sender, vault = self.senders[job.channel], self.accounts.vault
        # In a thread, and before the transaction: a chart takes half a second to draw.
        rendered = await asyncio.to_thread(sender.render, answer.replies)
        later = [(due, reply, await asyncio.to_thread(sender.render, [reply])) for due, reply in answer.scheduled]
        nudge = await self._nudge(job.channel) if later else None
        tier = max((Tier.named(reply.tier) for reply in answer.replies), default=Tier.NONE).word
        words = await self._words(job.channel) if job.payload != lock.LOCKED else None

        def work(session: Session) -> None:
            now = self.accounts.clock()
            if not inbox.finish(session, job):
                return
            unsaved.write(session, vault, now)
            if answer.relinks:
                permission.relink(session, Spot(job.conversation, job.channel, now))
            reader = self.accounts.audience(session, job.conversation).reader
            closed = tier != Tier.NONE.word and None not in (answer.reader, reader) and answer.reader != reader
            state = DROPPED if closed else QUEUED  # closed: somebody else signed in meanwhile
            at = (job.conversation, job.channel)
            for payload in rendered.messages:
                outbox.add(session, vault, *at, payload, now, job.id, state=state, tier=tier, topic=answer.topic)
            for due, reply, scheduled in later:
                about: dict[str, Any] = {"tier": reply.tier, "topic": reply.topic}
                for number, payload in enumerate(scheduled.messages):
                    about["instead"] = None if number else nudge
                    outbox.add(session, vault, *at, payload, now, job.id, due, **about)
            rest = rendered.rest or answer.rest
            offers.replace(session, vault, job.conversation, answer.choices, rest, answer.reader, answer.tier.word)
            if words:
                lock.plan(session, self.accounts, job.conversation, job.channel, words)
            if answer.forgets:
                forget.all_before(session, vault, job)

        await self._db(work)
        unsaved.publish()

    async def _give_back(self, job: Job, error: str) -> None:
        apology = await self._apology(job) if job.tries >= inbox.MAX_TRIES else Rendered([])

        def work(session: Session) -> None:
            now = self.accounts.clock()
            if inbox.give_back(session, job, now, error):
                at = (job.conversation, job.channel)
                for payload in apology.messages:
                    outbox.add(session, self.accounts.vault, *at, payload, now, job.id, tier=Tier.NONE.word)

        await self._db(work)

    async def _nudge(self, channel: str) -> dict[str, Any]:
        """What is sent in the place of a reminder that may no longer be told when it is due. It names nothing."""
        reply = await turn.words(self.agent, channel, "utter_reminder_private")
        return (await asyncio.to_thread(self.senders[channel].render, [reply])).messages[0]

    async def _words(self, channel: str) -> lock.Words | None:
        """What is said about the lock, where there is one."""
        return await lock.words(self.agent, self.senders[channel]) if channel == FULL_CHANNEL else None

    async def _locked(self, conversation: str) -> None:
        """A sign-in is over by time: what Rasa remembers of it ends in the order of messages."""
        place = await self._db(lambda s: conversations.place_of(s, self.accounts.vault, conversation))
        if place.channel in self.senders:
            await self.accept_event(conversation, f"locked:{secrets.token_hex(8)}", lock.LOCKED)

    def _close(self, session: Session, conversation: str, until: datetime) -> None:
        """Somebody else signed in: nothing told to who was there before is shown, offered or sent any more."""
        outbox.close(session, conversation, until)
        inbox.drop_dead(session, conversation)
        offers.replace(session, self.accounts.vault, conversation, [], "")

    async def _apology(self, job: Job) -> Rendered:
        try:
            reply = await turn.utter(self.agent, job, "utter_something_broke")
            return await asyncio.to_thread(self.senders[job.channel].render, [reply])
        except Exception as error:  # noqa: BLE001 - without words the message must still not be tried for ever
            fault(log, "apology", error)
            return Rendered([])

    def _show_typing(self, job: Job) -> None:
        """Beside the turn, which neither waits for it nor fails with it."""
        task = asyncio.create_task(self._typing(job))
        self._courtesies.add(task)
        task.add_done_callback(self._courtesies.discard)

    async def _typing(self, job: Job) -> None:
        try:
            place = await self._db(lambda s: conversations.place_of(s, self.accounts.vault, job.conversation))
            await self.senders[job.channel].typing(place.address)
        except Exception as error:  # noqa: BLE001 - a courtesy
            fault(log, "typing", error)

    async def _hand_over(self, parcel: Parcel) -> None:
        try:
            if self.accounts.clock() >= parcel.until:
                return  # this process stood still since it took the lease: whoever has the next one sends
            with about(parcel.turn):
                async with kept(lambda: self._db(lambda s: outbox.extend(s, parcel, self.accounts.clock()))):
                    await self._hand_over_leased(parcel)
        finally:
            self._parcels_in_hand.discard(parcel.id)

    async def _hand_over_leased(self, parcel: Parcel) -> None:
        try:
            provider_id = await asyncio.wait_for(
                self.senders[parcel.channel].send(parcel.address, parcel.payload), SEND_LIMIT
            )
        except Exception as error:  # noqa: BLE001 - a fault of ours is tried again like a fault of the provider
            failure = error if isinstance(error, DeliveryError) else Retryable(type(error).__name__)
            log.warning("outbox: not sent on %s: %s %s", parcel.channel, type(failure).__name__, failure.code)
            metrics.refused(parcel.channel, failure)
            await self._db(lambda s: self._refused(s, parcel, failure))
            await self._forget_person(parcel.conversation, failure)
        else:
            await self._db(lambda s: outbox.sent(s, parcel, provider_id))
            log.info("sent on %s", parcel.channel)

    def _refused(self, session: Session, parcel: Parcel, error: DeliveryError) -> None:
        now = self.accounts.clock()
        outbox.refused(session, parcel, error, now)
        permission.learn(session, self.accounts.vault, Spot(parcel.conversation, parcel.channel, now), error)

    async def _forget_person(self, conversation: str | None, error: DeliveryError | None) -> None:
        """After `permission.learn`: what is known of whom an address was. If this fails, the next message does it."""
        if conversation is not None and isinstance(error, AddressGone):
            await self.accounts.unlink(conversation, error.code)

    async def _db(self, work: Callable[[Session], T]) -> T:
        def run() -> T:
            with transaction(self.accounts.engine) as session:
                return work(session)

        return await asyncio.to_thread(run)


def _title(choices: list[Choice], choice_id: str | None) -> str:
    return next((c.title for c in choices if c.id == choice_id), "")


def _utc(iso: str) -> datetime:
    return datetime.fromisoformat(iso).astimezone(timezone.utc).replace(tzinfo=None)
