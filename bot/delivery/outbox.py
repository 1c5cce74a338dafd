"""The outbox: what goes to a person, in order for each conversation, tried again until the provider has it."""

from __future__ import annotations

import random
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session, aliased

from accounts import conversations
from accounts.crypto import Vault
from bot.channels.errors import DeliveryError, Retryable
from bot.delivery.tables import DEAD, DELIVERED, FAILED, LEASED, QUEUED, REPLY, SCHEDULED, SENT, Outbox

LEASE = timedelta(seconds=60)
MAX_TRIES = 8
LONGEST_WAIT = 900.0  # seconds


@dataclass(frozen=True)
class Parcel:
    """One native message on its way. `address` is the person's end."""

    id: int
    conversation: str
    channel: str
    address: str
    payload: dict[str, Any]
    tries: int


def add(
    session: Session,
    vault: Vault,
    conversation: str,
    channel: str,
    payload: dict[str, Any],
    now: datetime,
    inbox_id: int | None = None,
    due_at: datetime | None = None,
    state: str = QUEUED,
    tier: str = "full",
    topic: str = REPLY,
) -> int:
    """Store one native message; with `due_at` in the future it waits as `scheduled`."""
    conversations.lock(session, conversation)
    row = Outbox(
        conversation=conversation,
        inbox_id=inbox_id,
        channel=channel,
        sealed=b"",
        created_at=now,
        due_at=due_at or now,
        state=SCHEDULED if due_at and due_at > now else state,
        tier=tier,
        topic=topic,
    )
    session.add(row)
    session.flush()
    row.sealed = vault.seal(payload, _context(row.id))
    return int(row.id)


def release_due(session: Session, vault: Vault, now: datetime) -> list[str]:
    """Queue what was scheduled for now, with a new id, so that ids stay in the order of sending."""
    due = select(Outbox).where(Outbox.state == SCHEDULED, Outbox.due_at <= now)
    ordered = due.order_by(Outbox.conversation, Outbox.due_at, Outbox.id)  # all lock conversations in the same order
    rows = session.execute(ordered.with_for_update(skip_locked=True)).scalars().all()
    for row in rows:
        payload = vault.open(row.sealed, _context(row.id))
        about = {"tier": row.tier, "topic": row.topic}
        add(session, vault, row.conversation, row.channel, payload, now, row.inbox_id, **about)
        session.delete(row)
    return [row.conversation for row in rows]


def lease(session: Session, vault: Vault, now: datetime, limit: int, channels: Collection[str]) -> list[Parcel]:
    """Take the oldest unsent message of each conversation on one of `channels`, for at most a minute.

    A dead message holds up nobody: what comes after it is sent.
    """
    earlier = aliased(Outbox)
    blocked = (
        select(earlier.id)
        .where(earlier.conversation == Outbox.conversation, earlier.id < Outbox.id, earlier.state.in_((QUEUED, LEASED)))
        .exists()
    )
    query = (
        select(Outbox)
        .where(Outbox.state.in_((QUEUED, LEASED)), Outbox.due_at <= now, Outbox.channel.in_(tuple(channels)), ~blocked)
        .order_by(Outbox.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(query).scalars().all()
    for row in rows:
        row.state, row.due_at, row.tries = LEASED, now + LEASE, row.tries + 1
    return [_parcel(session, vault, row) for row in rows]


def sent(session: Session, parcel: Parcel, provider_id: str) -> None:
    """The provider took it."""
    session.execute(
        update(Outbox).where(Outbox.id == parcel.id).values(state=SENT, provider_id=provider_id[:100], error=None)
    )


def refused(session: Session, parcel: Parcel, error: DeliveryError, now: datetime) -> None:
    """The provider did not take it: again after a while with jitter, or never. Who comes late changes nothing."""
    final = not isinstance(error, Retryable) or parcel.tries >= MAX_TRIES
    wait = min(2.0**parcel.tries, LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
    if isinstance(error, Retryable) and error.retry_after is not None:
        wait = max(error.retry_after, 0.0)
    values = {"state": DEAD if final else QUEUED, "error": error.code[:100], "due_at": now + timedelta(seconds=wait)}
    mine = (Outbox.id == parcel.id, Outbox.state == LEASED, Outbox.tries == parcel.tries)
    session.execute(update(Outbox).where(*mine).values(**values))


def reconcile(session: Session, channel: str, provider_id: str, status: str, code: str | None) -> None:
    """What became of a sent message, by the provider's status callback. A late callback does not undo a later one."""
    state = {"delivered": DELIVERED, "read": DELIVERED, "undelivered": FAILED, "failed": FAILED}.get(status)
    if state is None:
        return
    which = (Outbox.channel == channel, Outbox.provider_id == provider_id, Outbox.state.in_((SENT, LEASED)))
    session.execute(update(Outbox).where(*which).values(state=state, error=code[:100] if code else None))


def history(session: Session, vault: Vault, conversation: str, after: int | None, limit: int) -> list[tuple[int, Any]]:
    """What was said in a conversation, in order: the messages after an id, or the last `limit`; `at` says when.

    What is queued counts as said: a reader that goes on after the last id would miss it, were it shown only later.
    """
    said = Outbox.state.in_((QUEUED, LEASED, SENT, DELIVERED))
    query = select(Outbox).where(Outbox.conversation == conversation, said)
    if after is None:
        rows = session.execute(query.order_by(Outbox.id.desc()).limit(limit)).scalars().all()[::-1]
    else:
        rows = session.execute(query.where(Outbox.id > after).order_by(Outbox.id).limit(limit)).scalars().all()
    return [(row.id, {**vault.open(row.sealed, _context(row.id)), "at": _iso(row.created_at)}) for row in rows]


def _parcel(session: Session, vault: Vault, row: Outbox) -> Parcel:
    place = conversations.place_of(session, vault, row.conversation)
    payload = vault.open(row.sealed, _context(row.id))
    return Parcel(row.id, row.conversation, row.channel, place.address, payload, row.tries)


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=timezone.utc).isoformat(timespec="seconds")


def _context(row_id: int) -> str:
    return f"outbox.sealed:{row_id}"
