"""May this person be written to? What a message changes about that at the moment it is accepted, and what may be sent.

All of it happens in the transaction that stores the message, so that a STOP holds from its acknowledgement on. The
confirmation itself is a job like any other (`metadata["consent"]`), after the turn in flight, which is void.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from accounts import consent
from accounts.crypto import Vault
from accounts.grants import FULL_CHANNEL
from bot.channels.errors import AddressGone, DeliveryError, OptedOut
from bot.channels.message import Incoming
from bot.delivery import inbox, offers, opt_out, outbox
from bot.delivery.opt_out import HELP, START, STOP, WRONG_NUMBER

STRANGER = "stranger"  # metadata: what arrived at a conversation is not from the person it is with
BLOCKED = "blocked"  # the person blocked our end at the provider, and undoes it there
RESUMED = "resumed"  # ... and undid it


@dataclass(frozen=True)
class Spot:
    """One message's place: the conversation, its channel, and the moment (naive UTC)."""

    conversation: str
    channel: str
    now: datetime


def receive(session: Session, vault: Vault, incoming: Incoming, row: int, spot: Spot) -> None:
    """Honour what a stored message says about being written to, and keep it from the agent where nothing is answered.

    On the web nobody is written to: there these words are conversation.
    """
    if spot.channel == FULL_CHANNEL:
        return
    closed = _closed(session, spot)
    wish, how = _wish(incoming, closed)
    by_provider = how == "provider"
    if incoming.metadata.get(STRANGER):
        _doubt(session, spot, STRANGER)
        _plan(session, vault, row, consent=STOP, silent=True)
    elif wish in (STOP, WRONG_NUMBER):
        if wish == WRONG_NUMBER:
            _doubt(session, spot, WRONG_NUMBER)
        _stop(session, vault, row, spot, how, again=closed is not None)
    elif wish == START and closed:
        consent.record(session, spot.conversation, spot.channel, consent.TEXTS, True, how, spot.now)
        _plan(session, vault, row, consent=RESUMED if how == RESUMED else START, silent=by_provider)
    elif wish == HELP and closed and not by_provider:
        _plan(session, vault, row, consent=HELP)
    elif closed or by_provider:
        inbox.void(session, row)


def _stop(session: Session, vault: Vault, row: int, spot: Spot, how: str, again: bool) -> None:
    """Close the ledger. One confirmation, and none where the provider gave it: Twilio's `OptOutType`."""
    if again:
        consent.record(session, spot.conversation, spot.channel, consent.TEXTS, False, how, spot.now)
        inbox.void(session, row)
    else:
        close(session, vault, spot, how, before=row)
        _plan(session, vault, row, consent=STOP, silent=how == "provider")


def close(session: Session, vault: Vault, spot: Spot, how: str, before: int | None = None) -> None:
    """Write the no down, drop what waits to be sent, and void what waits to be answered (`before` an inbox row)."""
    consent.record(session, spot.conversation, spot.channel, consent.TEXTS, False, how, spot.now)
    forget_queue(session, vault, spot.conversation)
    inbox.void_open(session, spot.conversation, before)


def learn(session: Session, vault: Vault, spot: Spot, error: DeliveryError) -> None:
    """What a provider's refusal says about the person, in the transaction that notes it: nothing more may be sent."""
    if isinstance(error, OptedOut) and _closed(session, spot) is None:  # it is said again with each message
        close(session, vault, spot, BLOCKED if error.by_blocking else "provider")
    elif isinstance(error, AddressGone):
        _doubt(session, spot, error.code)
        forget_queue(session, vault, spot.conversation)


def forget_queue(session: Session, vault: Vault, conversation: str) -> None:
    """Drop what waits to be sent, what could be tried again, and what the last reply offered."""
    outbox.drop(session, conversation)
    inbox.drop_dead(session, conversation)
    offers.replace(session, vault, conversation, [], "")


def linked(session: Session, spot: Spot) -> bool:
    """Whether the address is still its person's, as far as anybody told."""
    return consent.stands(session, spot.conversation, spot.channel, consent.LINK)


def relink(session: Session, spot: Spot) -> None:
    """All that was the former person's is forgotten: whoever writes from here now may be answered."""
    consent.record(session, spot.conversation, spot.channel, consent.LINK, True, "cleared", spot.now)


def _wish(incoming: Incoming, closed: str | None) -> tuple[str | None, str]:
    """What the message wants, and what made that known (the ledger's `how`)."""
    if incoming.metadata.get("again"):  # a question that waited for a sign-in: it was read already
        return None, ""
    by_provider = str(incoming.metadata.get("opt_out") or "").lower()
    if by_provider in (STOP, START, HELP):
        return by_provider, "provider"
    wish = opt_out.wish(incoming.text)
    if closed == BLOCKED and wish not in (STOP, WRONG_NUMBER):  # it could be written: the block was lifted
        return START, RESUMED
    if incoming.metadata.get("restart"):
        return START, "command"
    return wish, wish if wish == WRONG_NUMBER else "words"


def _closed(session: Session, spot: Spot) -> str | None:
    """How this person's texts were closed, where they are."""
    entry = consent.last(session, spot.conversation, spot.channel, consent.TEXTS)
    return str(entry.how) if entry is not None and not entry.given else None


def _doubt(session: Session, spot: Spot, how: str) -> None:
    """From now on nothing is sent there. Before its next message is answered, `Delivery` forgets whose it was."""
    if linked(session, spot):
        consent.record(session, spot.conversation, spot.channel, consent.LINK, False, how, spot.now)


def _plan(session: Session, vault: Vault, row: int, **metadata: Any) -> None:
    """What the worker is to do about the message: `Delivery` reads it as the job's metadata."""
    inbox.annotate(session, vault, row, metadata)
