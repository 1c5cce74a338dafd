"""Rasa's tracker store on Chartline's own database: every event is kept, and none can be read from a copied file.

Within a turn of `Delivery` nothing is written: what Rasa saves is gathered, and stored in the transaction that also
stores the replies and the message's `done`. So a turn is remembered if and only if it was answered. Everywhere else
(`rasa shell`) a save is written at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar

from rasa.core.brokers.broker import EventBroker
from rasa.core.tracker_store import TrackerStore
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker
from sqlalchemy.orm import Session

from accounts.crypto import Vault
from accounts.db import transaction
from accounts.service import Accounts, bootstrap
from bot.delivery import tracker_events
from bot.delivery.tracker_events import Events

T = TypeVar("T")


class Unsaved:
    """What Rasa saved in the turn in hand: each conversation's new events, until `write` stores them."""

    def __init__(self) -> None:
        self._saves: list[tuple[EncryptedTrackerStore, str, Events]] = []
        self._written = False

    def add(self, store: EncryptedTrackerStore, conversation: str, events: Events) -> None:
        """Gather one save."""
        self._saves.append((store, conversation, events))

    def of(self, conversation: str) -> Events:
        """What was gathered of a conversation, in its order."""
        return [event for _, whose, events in self._saves if whose == conversation for event in events]

    def write(self, session: Session, vault: Vault, now: datetime) -> None:
        """Store what was gathered, as part of the transaction of `session`."""
        for _, conversation, events in self._saves:
            tracker_events.add(session, vault, conversation, events, now)
        self._written = True

    def publish(self) -> None:
        """After the commit, tell Rasa's event broker, where one is configured: what was not kept did not happen."""
        for store, conversation, events in self._saves if self._written else ():
            store.publish(conversation, events)


_turn: ContextVar[Unsaved | None] = ContextVar("turn", default=None)


@contextmanager
def turn() -> Iterator[Unsaved]:
    """Until the end of the block, what Rasa saves here is gathered and not written."""
    unsaved = Unsaved()
    token = _turn.set(unsaved)
    try:
        yield unsaved
    finally:
        _turn.reset(token)


class Tracker(DialogueStateTracker):
    """A tracker that knows how many of its events are stored already."""

    stored = 0


class EncryptedTrackerStore(TrackerStore):
    """Named in `endpoints.yml`. Rasa makes it, with this process's `accounts` or those of the environment."""

    def __init__(
        self,
        domain: Domain | None = None,
        event_broker: EventBroker | None = None,
        host: str | None = None,
        accounts: Accounts | None = None,
        **kwargs: Any,
    ) -> None:
        """`host` and `kwargs` are what else stands in `endpoints.yml`, and mean nothing here."""
        super().__init__(domain, event_broker, **kwargs)
        self._accounts = accounts or bootstrap()

    def init_tracker(self, sender_id: str) -> Tracker:
        """An empty tracker."""
        return Tracker(sender_id, self.domain.slots)

    async def retrieve(self, sender_id: str) -> Tracker | None:
        """The conversation since its last session began, with what the turn in hand has added; None: there is none."""
        return await self._retrieve(sender_id, whole=False)

    async def retrieve_full_tracker(self, conversation_id: str) -> Tracker | None:
        """All of the conversation, over all sessions."""
        return await self._retrieve(conversation_id, whole=True)

    async def save(self, tracker: DialogueStateTracker) -> None:
        """Keep the events that the tracker has more than what is stored."""
        stored = tracker.stored if isinstance(tracker, Tracker) else await self._count(tracker.sender_id)
        events = [event.as_dict() for event in islice(tracker.events, stored, None)]
        if not events:
            return
        unsaved = _turn.get()
        if unsaved is not None:
            unsaved.add(self, tracker.sender_id, events)
        else:
            now = self._accounts.clock()
            await self._db(lambda s: tracker_events.add(s, self._vault, tracker.sender_id, events, now))
            self.publish(tracker.sender_id, events)
        if isinstance(tracker, Tracker):
            tracker.stored = len(tracker.events)

    async def keys(self) -> Iterable[str]:
        """The conversations that are stored."""
        return await self._db(tracker_events.conversations)

    async def delete(self, conversation_id: str) -> None:
        """Forget a conversation for good."""
        await self._db(lambda s: tracker_events.forget(s, conversation_id))

    def publish(self, conversation: str, events: Events) -> None:
        """Hand events to the broker that the operator configured."""
        if self.event_broker is not None:
            for event in events:
                self.event_broker.publish({"sender_id": conversation, **event})

    async def _retrieve(self, conversation: str, whole: bool) -> Tracker | None:
        gathered = (unsaved := _turn.get()) and unsaved.of(conversation)

        def work(session: Session) -> Tracker | None:
            events = tracker_events.load(session, self._vault, conversation, whole) + (gathered or [])
            events = events if whole else tracker_events.since_session_start(events)
            return self._tracker(conversation, events) if events else None

        return await self._db(work)

    def _tracker(self, conversation: str, events: Events) -> Tracker:
        tracker: Tracker = Tracker.from_dict(conversation, events, self.domain.slots)
        tracker.stored = len(tracker.events)
        return tracker

    async def _count(self, conversation: str) -> int:
        """How many events of a tracker that we did not make are stored: those of the last session, as `retrieve`'s."""
        tracker = await self.retrieve(conversation)
        return len(tracker.events) if tracker else 0

    @property
    def _vault(self) -> Vault:
        return self._accounts.vault

    async def _db(self, work: Callable[[Session], T]) -> T:
        def run() -> T:
            with transaction(self._accounts.engine) as session:
                return work(session)

        return await asyncio.to_thread(run)
