"""The durable queues. `sealed` columns are AES-GCM values; `state` is one of the constants here."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint

from accounts.tables import Base

NEW, LEASED, DONE, DEAD = "new", "leased", "done", "dead"
SCHEDULED, QUEUED, SENT, DELIVERED, FAILED = "scheduled", "queued", "sent", "delivered", "failed"
DROPPED = "dropped"  # never to be sent: the person asked for no more messages, or an operator gave it up
REPLY, REMINDER, CONSENT, LOCK = "reply", "reminder", "consent", "lock"  # what a row of the outbox is about


class Inbox(Base):
    """A message that was acknowledged: `new`, `leased` until `due_at`, `done`, or `dead` after too many tries.

    An operator may give up a dead one, which is then `dropped`.
    """

    __tablename__ = "inbox"
    __table_args__ = (
        UniqueConstraint("channel", "account", "message_id", name="uq_inbox_message"),
        Index("ix_inbox_open", "state", "due_at"),
        Index("ix_inbox_conversation", "conversation", "id"),
    )
    id = Column(Integer, primary_key=True, autoincrement=True)
    channel = Column(String(20), nullable=False)
    account = Column(String(64), nullable=False)
    message_id = Column(String(100), nullable=False)
    conversation = Column(ForeignKey("conversation.key", ondelete="CASCADE"), nullable=False)
    sealed = Column(LargeBinary, nullable=False)
    received_at = Column(DateTime, nullable=False)
    due_at = Column(DateTime, nullable=False)
    tries = Column(Integer, nullable=False, default=0)
    state = Column(String(10), nullable=False, default=NEW)
    error = Column(String(100))


class Outbox(Base):
    """A message: `scheduled` until due, `queued`, `sent`, then `delivered` or `failed`; or `dead`, or `dropped`.

    `tier` is the least that its reader must be allowed to read (`accounts.tiers`), `topic` what it is about.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_open", "state", "due_at"),
        Index("ix_outbox_conversation", "conversation", "id"),
        Index("ix_outbox_provider", "channel", "provider_id"),
    )
    id = Column(Integer, primary_key=True, autoincrement=True)
    conversation = Column(ForeignKey("conversation.key", ondelete="CASCADE"), nullable=False)
    inbox_id = Column(ForeignKey("inbox.id", ondelete="SET NULL"))
    channel = Column(String(20), nullable=False)
    sealed = Column(LargeBinary, nullable=False)
    created_at = Column(DateTime, nullable=False)
    due_at = Column(DateTime, nullable=False)
    tries = Column(Integer, nullable=False, default=0)
    state = Column(String(10), nullable=False, default=QUEUED)
    tier = Column(String(10), nullable=False, default="none")
    topic = Column(String(10), nullable=False, default=REPLY)
    provider_id = Column(String(100))
    error = Column(String(100))


class Offer(Base):
    """What the last reply offered: the choices, and on SMS the rest of a text that was too long."""

    __tablename__ = "offer"
    conversation = Column(ForeignKey("conversation.key", ondelete="CASCADE"), primary_key=True)
    sealed = Column(LargeBinary, nullable=False)


class TrackerEvents(Base):
    """The events that one turn added to a conversation of Rasa's, in their order. `id` grows with time.

    `starts_session` where a session begins among them: an answer needs nothing from before.
    """

    __tablename__ = "tracker_events"
    __table_args__ = (Index("ix_tracker_events", "conversation", "id"),)
    id = Column(Integer, primary_key=True, autoincrement=True)
    conversation = Column(String(255), nullable=False)
    sealed = Column(LargeBinary, nullable=False)
    starts_session = Column(Boolean, nullable=False, default=False)
    at = Column(DateTime, nullable=False)
