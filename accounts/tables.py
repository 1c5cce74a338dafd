"""Chartline's own state about people. Sealed columns are AES-GCM values of `accounts.crypto.Vault`."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, DateTime, ForeignKey, LargeBinary, String
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


class Grant(Base):
    """What a patient allowed this conversation at the portal."""

    __tablename__ = "grant"
    conversation = Column(ForeignKey("conversation.key", ondelete="CASCADE"), primary_key=True)
    sealed = Column(LargeBinary, nullable=False)  # tokens, patient id, name, scope
    expires_at = Column(DateTime, nullable=False)  # of the access token, UTC
    created_at = Column(DateTime, nullable=False)
    ended_at = Column(DateTime)


class SignInLink(Base):
    """A one-time link to the portal's sign-in, bound to one conversation. Only its hash is kept."""

    __tablename__ = "sign_in_link"
    hash = Column(String(64), primary_key=True)
    conversation = Column(ForeignKey("conversation.key", ondelete="CASCADE"), nullable=False, index=True)
    sealed = Column(LargeBinary, nullable=False)  # the waiting question, and the code verifier once opened
    state_hash = Column(String(64), unique=True)
    expires_at = Column(DateTime, nullable=False)
    used_at = Column(DateTime)
