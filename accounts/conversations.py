"""Conversations: the opaque key of one person's end of one channel, and the way back to its address."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts.crypto import Vault
from accounts.tables import Conversation


@dataclass(frozen=True)
class Place:
    """Where a conversation happens: the channel, our end of it, and the person's."""

    channel: str
    account: str
    address: str


def remember(session: Session, vault: Vault, place: Place, now: datetime) -> str:
    """The key of the conversation at `place`, which is stored where it is new."""
    key = vault.conversation_key(place.channel, place.address)
    if session.get(Conversation, key) is None:
        address = vault.seal(place.address, _context(key))
        row = Conversation(key=key, channel=place.channel, account=place.account, address=address, created_at=now)
        with suppress(IntegrityError), session.begin_nested():  # somebody else may store it at the same moment
            session.add(row)
    return key


def exists(session: Session, key: str) -> bool:
    """Whether this conversation was ever begun."""
    return session.get(Conversation, key) is not None


def channel_of(session: Session, key: str) -> str:
    """The channel of a conversation; an empty word where there is no such conversation."""
    row = session.get(Conversation, key)
    return str(row.channel) if row is not None else ""


def lock(session: Session, key: str) -> None:
    """Until the transaction ends, nobody else adds to this conversation: its rows' ids grow in the order of commit.

    For PostgreSQL; SQLite has one writer at a time anyway.
    """
    session.execute(select(Conversation.key).where(Conversation.key == key).with_for_update(key_share=True))


def place_of(session: Session, vault: Vault, key: str) -> Place:
    """Where the conversation `key` happens. It must exist."""
    row = session.get(Conversation, key)
    if row is None:
        raise LookupError("no such conversation")
    return Place(row.channel, row.account, vault.open(row.address, _context(key)))


def _context(key: str) -> str:
    return f"conversation.address:{key}"
