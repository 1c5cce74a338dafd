"""Chartline's own state about people. Sealed columns are AES-GCM values of `accounts.crypto.Vault`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Boolean, Column, DateTime, ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import declarative_base

Base: Any = declarative_base()


class Conversation(Base):
    """One person's end of one channel. `key` is Rasa's sender id."""

    __tablename__ = "conversation"
    key = Column(String(32), primary_key=True)
    channel = Column(String(20), nullable=False)
    account = Column(String(64), nullable=False)
    address = Column(LargeBinary, nullable=False)  # sealed
    created_at = Column(DateTime, nullable=False)
    guesses = Column(Integer, nullable=False, default=0)  # wrong sign-in links since `guessed_at`
    guessed_at = Column(DateTime)


class Grant(Base):
    """What a patient allowed this conversation at the portal."""

    __tablename__ = "grant"
    conversation = Column(ForeignKey("conversation.key", ondelete="CASCADE"), primary_key=True)
    sealed = Column(LargeBinary, nullable=False)  # tokens, patient id, user, name, scope
    expires_at = Column(DateTime, nullable=False)  # of the access token, UTC
    signed_in_at = Column(DateTime, nullable=False)
    used_at = Column(DateTime, nullable=False)  # when the person last wrote
    ended_at = Column(DateTime)


class SignInLink(Base):
    """A one-time link to the portal's sign-in, bound to one conversation. Only its hash is kept."""

    __tablename__ = "sign_in_link"
    id = Column(String(16), primary_key=True)  # the link's first, public part
    hash = Column(String(64), nullable=False)  # of its second, secret part
    conversation = Column(ForeignKey("conversation.key", ondelete="CASCADE"), nullable=False, index=True)
    sealed = Column(LargeBinary, nullable=False)  # the waiting question, and the code verifier once opened
    state_hash = Column(String(64), unique=True)
    expires_at = Column(DateTime, nullable=False)
    used_at = Column(DateTime)


class Secret(Base):
    """A random key of our own, sealed with the operator's: it outlives a change of `CHARTLINE_SECRET_KEY`."""

    __tablename__ = "secret"
    name = Column(String(40), primary_key=True)
    sealed = Column(LargeBinary, nullable=False)


class ConsentEntry(Base):
    """One yes or no of a person about a topic on a channel. Append-only: the last one counts.

    `person` is a conversation's key (topic `texts`: being written to at all) or the keyed hash of who reads whose chart
    (`details`: health details there). `how` says what brought it about: `keyword`, `words`, `provider`, `sign-in`, ...
    """

    __tablename__ = "consent_entry"
    __table_args__ = (Index("ix_consent_entry", "person", "channel", "topic", "id"),)
    id = Column(Integer, primary_key=True, autoincrement=True)
    person = Column(String(32), nullable=False)
    channel = Column(String(20), nullable=False)
    topic = Column(String(20), nullable=False)
    given = Column(Boolean, nullable=False)
    how = Column(String(20), nullable=False)
    at = Column(DateTime, nullable=False)


class AccessEntry(Base):
    """One look into a chart, written before anything of it is told. Append-only and chained.

    `link` is a keyed hash over this entry's plain content and the link before it; `chart` one of the patient's id.
    """

    __tablename__ = "access_entry"
    seq = Column(Integer, primary_key=True, autoincrement=False)
    at = Column(DateTime, nullable=False)
    chart = Column(String(32), nullable=False, index=True)
    sealed = Column(LargeBinary, nullable=False)  # who, whose chart, what kinds of resource, which channel and tier
    link = Column(String(64), nullable=False)
