"""The outbox: what goes to a person, in order for each conversation, tried again until the provider has it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session, aliased

from accounts import conversations
from accounts.crypto import Vault
from accounts.grants import FULL_CHANNEL, Audience
from accounts.tiers import Tier
from bot.channels.errors import DeliveryError, Retryable
from bot.delivery import gate
from bot.delivery.heartbeat import LEASE
from bot.delivery.inbox import turn_key
from bot.delivery.tables import DEAD, DELIVERED, DROPPED, FAILED, LEASED, LOCK, QUEUED, REPLY, SCHEDULED, SENT, Outbox

MAX_TRIES = 8
LONGEST_WAIT = 900.0  # seconds
_SAID = (QUEUED, LEASED, SENT, DELIVERED)


@dataclass(frozen=True)
class Parcel:
    """One native message on its way. `address` is the person's end; `until` is the end of the lease (naive UTC).

    `turn` is the correlation id: that of the message which it answers, or its own.
    """

    id: int
    conversation: str
    channel: str
    address: str
    payload: dict[str, Any]
    tries: int
    until: datetime
    turn: str


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
    instead: dict[str, Any] | None = None,
) -> int:
    """Store one native message; with `due_at` in the future it waits as `scheduled`.

    `instead` is what is said then where `tier` is more than may be told by that time.
    """
    conversations.lock(session, conversation)
    waits = bool(due_at and due_at > now)
    row = Outbox(
        conversation=conversation,
        inbox_id=inbox_id,
        channel=channel,
        sealed=b"",
        created_at=now,
        due_at=due_at or now,
        state=SCHEDULED if waits else state,
        tier=tier,
        topic=topic,
    )
    session.add(row)
    session.flush()
    row.sealed = vault.seal({"message": payload, "instead": instead} if waits else payload, _context(row.id))
    return int(row.id)


def release_due(
    session: Session, vault: Vault, now: datetime, tier_of: Callable[[Session, str], Tier], phones_may_ring: bool
) -> list[str]:
    """Queue what was scheduled for now, with a new id, so that ids stay in the order of sending.

    `tier_of` is what may be told in a conversation now: above that goes what was planned instead, if anything was.
    Where no phone may ring at this hour, only the web chat's are released. Of several words about the lock of one
    chat that are due, only the last is still true.
    """
    due = select(Outbox).where(Outbox.state == SCHEDULED, Outbox.due_at <= now)
    if not phones_may_ring:
        due = due.where(Outbox.channel == FULL_CHANNEL)
    ordered = due.order_by(Outbox.conversation, Outbox.due_at, Outbox.id)  # all lock conversations in the same order
    rows = session.execute(ordered.with_for_update(skip_locked=True)).scalars().all()
    last = {row.conversation: row.id for row in rows if row.topic == LOCK}
    for row in rows:
        if row.topic != LOCK or row.id == last[row.conversation]:
            _release(session, vault, row, now, tier_of(session, row.conversation))
        session.delete(row)
    return [row.conversation for row in rows]


def _release(session: Session, vault: Vault, row: Outbox, now: datetime, allowed: Tier) -> None:
    planned = vault.open(row.sealed, _context(row.id))
    payload, tier = planned.get("message", planned), row.tier  # planned before there was a second one: it stands alone
    if Tier.named(tier) > allowed:
        payload, tier = planned.get("instead"), Tier.NONE.word
    if payload is not None:
        add(session, vault, row.conversation, row.channel, payload, now, row.inbox_id, tier=tier, topic=row.topic)


def drop(session: Session, conversation: str) -> None:
    """What is not on its way yet is never sent."""
    waiting = (Outbox.conversation == conversation, Outbox.state.in_((SCHEDULED, QUEUED, LEASED)))
    session.execute(update(Outbox).where(*waiting).values(state=DROPPED))


def unschedule(session: Session, conversation: str, topic: str) -> None:
    """Take back what was to be said later about a topic."""
    which = (Outbox.conversation == conversation, Outbox.state == SCHEDULED, Outbox.topic == topic)
    session.execute(delete(Outbox).where(*which))


def close(session: Session, conversation: str, until: datetime) -> None:
    """Somebody else reads from now on: what was told before is never sent (nor tried again), and never shown again.

    In the web chat, which is shown from here, that is all that was said before `until`, the person's words included.
    """
    private = Outbox.tier != Tier.NONE.word
    unsent = and_(Outbox.state.in_((SCHEDULED, QUEUED, DEAD)), private)
    shown = and_(Outbox.state.in_(_SAID), Outbox.channel == FULL_CHANNEL, or_(private, Outbox.created_at < until))
    which = (Outbox.conversation == conversation, or_(unsent, shown))
    session.execute(update(Outbox).where(*which).values(state=DROPPED))


def lease(
    session: Session,
    vault: Vault,
    now: datetime,
    limit: int,
    channels: Collection[str],
    in_hand: Collection[int] = (),
) -> list[Parcel]:
    """Take the oldest unsent message of each conversation on one of `channels`, for the length of a lease.

    A dead message holds up nobody: what comes after it is sent. What may no longer be sent is dropped here. What this
    process has `in_hand` is never taken again, whatever the clock says.
    """
    while rows := _next(session, now, limit, channels, in_hand):
        taken = [row for row in rows if _take(session, row, now)]
        if taken:
            return [_parcel(session, vault, row) for row in taken]
    return []


def _next(
    session: Session, now: datetime, limit: int, channels: Collection[str], in_hand: Collection[int]
) -> list[Any]:
    earlier = aliased(Outbox)
    blocked = (
        select(earlier.id)
        .where(earlier.conversation == Outbox.conversation, earlier.id < Outbox.id, earlier.state.in_((QUEUED, LEASED)))
        .exists()
    )
    query = (
        select(Outbox)
        .where(Outbox.state.in_((QUEUED, LEASED)), Outbox.due_at <= now, Outbox.channel.in_(tuple(channels)), ~blocked)
        .where(Outbox.id.not_in(tuple(in_hand)))
        .order_by(Outbox.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return list(session.execute(query).scalars().all())


def _take(session: Session, row: Any, now: datetime) -> bool:
    if not gate.may_go(session, row):
        row.state = DROPPED
        return False
    row.state, row.due_at, row.tries = LEASED, now + LEASE, row.tries + 1
    return True


def extend(session: Session, parcel: Parcel, now: datetime) -> None:
    """The parcel is still being handed over: nobody else may take it for another lease."""
    mine = (Outbox.id == parcel.id, Outbox.state == LEASED, Outbox.tries == parcel.tries)
    session.execute(update(Outbox).where(*mine).values(due_at=now + LEASE))


def sent(session: Session, parcel: Parcel, provider_id: str) -> None:
    """The provider took it. What was closed meanwhile stays closed."""
    which = (Outbox.id == parcel.id, Outbox.state != DROPPED)
    session.execute(update(Outbox).where(*which).values(state=SENT, provider_id=provider_id[:100], error=None))


def refused(session: Session, parcel: Parcel, error: DeliveryError, now: datetime) -> None:
    """The provider did not take it: again after a while with jitter, or never. Who comes late changes nothing."""
    final = not isinstance(error, Retryable) or parcel.tries >= MAX_TRIES
    wait = min(2.0**parcel.tries, LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter, not a secret
    if isinstance(error, Retryable) and error.retry_after is not None:
        wait = max(error.retry_after, 0.0)
    values = {"state": DEAD if final else QUEUED, "error": error.code[:100], "due_at": now + timedelta(seconds=wait)}
    mine = (Outbox.id == parcel.id, Outbox.state == LEASED, Outbox.tries == parcel.tries)
    session.execute(update(Outbox).where(*mine).values(**values))


def reconcile(session: Session, channel: str, provider_id: str, status: str, code: str | None) -> str | None:
    """What became of a sent message, by the provider's status callback. A late callback does not undo a later one.

    The conversation, where the message is now known to have failed.
    """
    state = {"delivered": DELIVERED, "read": DELIVERED, "undelivered": FAILED, "failed": FAILED}.get(status)
    if state is None:
        return None
    which = (Outbox.channel == channel, Outbox.provider_id == provider_id, Outbox.state.in_((SENT, LEASED)))
    row = session.execute(select(Outbox).where(*which).with_for_update()).scalars().first()
    if row is None:
        return None
    row.state, row.error = state, code[:100] if code else None
    return str(row.conversation) if state == FAILED else None


@dataclass(frozen=True)
class View:
    """A piece of a conversation, in order, by growing ids; `at` of each message says when.

    `closed`: what the reader saw up to now is not for who reads now. It is to disappear, and these are in its place.
    """

    messages: list[tuple[int, dict[str, Any]]]
    closed: bool = False


def history(
    session: Session, vault: Vault, conversation: str, audience: Audience, after: int | None, limit: int
) -> View:
    """What `audience` may read of a conversation: the messages after an id, or the last `limit`.

    What is queued counts as said: a reader that goes on after the last id would miss it, were it shown only later.
    """
    readable = (Outbox.conversation == conversation, Outbox.state.in_(_SAID), *_open_to(audience))
    closed = bool(after) and session.execute(select(Outbox.id).where(Outbox.id == after, *readable)).first() is None
    query = select(Outbox).where(*readable)
    if after is None or closed:
        rows = session.execute(query.order_by(Outbox.id.desc()).limit(limit)).scalars().all()[::-1]
    else:
        rows = session.execute(query.where(Outbox.id > after).order_by(Outbox.id).limit(limit)).scalars().all()
    said = [(int(row.id), vault.open(row.sealed, _context(row.id)), _iso(row.created_at)) for row in rows]
    return View([(number, {**message, "at": at}) for number, message, at in said], closed)


def _open_to(audience: Audience) -> list[Any]:
    if audience.reader is not None:
        return []
    since = [] if audience.since is None else [Outbox.created_at >= audience.since]
    return [Outbox.tier == Tier.NONE.word, *since]


def _parcel(session: Session, vault: Vault, row: Outbox) -> Parcel:
    place = conversations.place_of(session, vault, row.conversation)
    payload = vault.open(row.sealed, _context(row.id))
    turn = f"outbox-{row.id}" if row.inbox_id is None else turn_key(row.inbox_id)
    return Parcel(row.id, row.conversation, row.channel, place.address, payload, row.tries, row.due_at, turn)


def _iso(moment: datetime) -> str:
    return moment.replace(tzinfo=timezone.utc).isoformat(timespec="seconds")


def _context(row_id: int) -> str:
    return f"outbox.sealed:{row_id}"
