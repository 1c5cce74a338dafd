"""Dead letters: messages that were given up after too many tries, as an operator may see them, and what can be done.

Nothing here opens a sealed column: an operator sees ids, times, channels and kinds of errors, and no word of anybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from accounts.service import Accounts
from accounts.tiers import Tier
from bot.delivery.tables import DEAD, DROPPED, LEASED, NEW, QUEUED, Inbox, Outbox

OPERATOR = "operator: "  # in front of the error of what an operator dropped
_TABLES: dict[str, Any] = {"inbox": Inbox, "outbox": Outbox}
_PREFIX = 8  # characters of a conversation's key: enough to see which letters belong together


class LetterError(Exception):
    """What was asked for cannot be done. The text says why, and names nobody."""


@dataclass(frozen=True)
class Letter:
    """One dead letter. `name` is its queue and id (`inbox-12`), `at` naive UTC, `error` a kind or a provider's code."""

    name: str
    channel: str
    at: datetime
    tries: int
    error: str
    conversation: str


def dead(session: Session) -> list[Letter]:
    """All of them, the oldest first."""
    found = [
        _letter(row)
        for kind in _TABLES.values()
        for row in session.execute(select(kind).where(kind.state == DEAD)).scalars()
    ]
    return sorted(found, key=lambda letter: (letter.at, letter.name))


def show(session: Session, name: str) -> Letter:
    """One of them; `LetterError` where there is none of this name."""
    return _letter(_dead_row(session, name))


def retry(session: Session, accounts: Accounts, name: str) -> Letter:
    """Put it back in its conversation's order, before what came later and still waits, with all its tries.

    An inbox row keeps its id, from which the keys of what it wrote to the portal are made: nothing is written twice.
    """
    _alone(session)
    row = _dead_row(session, name)
    _refuse_if_busy(session, row)
    if isinstance(row, Outbox) and Tier.named(row.tier) > accounts.tier_within(session, row.conversation):
        raise LetterError(f"{name}: may no longer be told there. Drop it")
    row.state = QUEUED if isinstance(row, Outbox) else NEW
    row.tries, row.error, row.due_at = 0, None, accounts.clock()
    return _letter(row)


def drop(session: Session, name: str) -> Letter:
    """Give it up for good. The row stays, so that a provider that delivers the message again starts nothing."""
    row = _dead_row(session, name)
    row.state, row.error = DROPPED, f"{OPERATOR}{row.error or ''}"[:100]
    return _letter(row)


def _dead_row(session: Session, name: str) -> Any:
    parts = re.fullmatch(r"(inbox|outbox)-(\d{1,18})", name)
    if parts is None:
        raise LetterError("A letter's id is inbox-<number> or outbox-<number>: see `letters list`")
    row = session.get(_TABLES[parts[1]], int(parts[2]), with_for_update=True)
    if row is None or row.state != DEAD:
        raise LetterError(f"{name}: is no dead letter")
    return row


def _alone(session: Session) -> None:
    """Until the transaction ends nobody leases: a later message could otherwise be taken while this one is put back.

    On SQLite a transaction is alone anyway. Readers go on; others wait for the few milliseconds that it takes.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL lock_timeout = '5s'"))
        session.execute(text("LOCK TABLE inbox, outbox IN EXCLUSIVE MODE"))


def _refuse_if_busy(session: Session, row: Any) -> None:
    kind = type(row)
    in_hand = select(kind.id).where(kind.conversation == row.conversation, kind.state == LEASED)
    if session.execute(in_hand).first() is not None:
        raise LetterError("A message of this conversation is in hand just now: try again in a minute")


def _letter(row: Any) -> Letter:
    queue = "outbox" if isinstance(row, Outbox) else "inbox"
    at = row.created_at if isinstance(row, Outbox) else row.received_at
    return Letter(f"{queue}-{row.id}", row.channel, at, row.tries, row.error or "", row.conversation[:_PREFIX])
