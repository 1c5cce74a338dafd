"""The durable queues. `sealed` columns are AES-GCM values; `state` is one of the constants here."""

from __future__ import annotations

from sqlalchemy import Column, DateTime, ForeignKey, Index, Integer, LargeBinary, String, UniqueConstraint

from accounts.tables import Base

NEW, LEASED, DONE, DEAD = "new", "leased", "done", "dead"
SCHEDULED, QUEUED, SENT, DELIVERED, FAILED = "scheduled", "queued", "sent", "delivered", "failed"


class Inbox(Base):
    """A message that was acknowledged: `new`, `leased` until `due_at`, `done`, or `dead` after too many tries."""

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
    """A provider's message: `scheduled` until due, `queued`, `sent`, then `delivered` or `failed`, or `dead`."""

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
    provider_id = Column(String(100))
    error = Column(String(100))


class Offer(Base):
    """What the last reply offered: the choices, and on SMS the rest of a text that was too long."""

    __tablename__ = "offer"
    conversation = Column(ForeignKey("conversation.key", ondelete="CASCADE"), primary_key=True)
    sealed = Column(LargeBinary, nullable=False)
