"""The inbox: a message is stored once, or it was not acknowledged. Leases give each conversation one turn at a time."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from accounts import conversations
from accounts.conversations import Place
from accounts.crypto import Vault
from bot.channels.message import Incoming
from bot.delivery.heartbeat import LEASE
from bot.delivery.tables import DEAD, DONE, DROPPED, LEASED, NEW, Inbox

MAX_TRIES = 5
VOID = "opted_out"  # why a message is answered by nothing


@dataclass(frozen=True)
class Job:
    """One message to answer. `payload` was made by us, and is the only text that Rasa may take as a command."""

    id: int
    conversation: str
    channel: str
    text: str
    choice: str | None
    payload: str | None
    metadata: dict[str, Any]
    tries: int


def turn_key(row_id: int) -> str:
    """What a message is called from the webhook to the portal: in logs, in requests, and in the keys of effects."""
    return f"inbox-{row_id}"


def put(session: Session, vault: Vault, incoming: Incoming, now: datetime, payload: str | None = None) -> int | None:
    """Store a message; its row's id, or None where the same one is there already."""
    place = Place(incoming.channel, incoming.account, incoming.address)
    conversation = conversations.remember(session, vault, place, now)
    conversations.lock(session, conversation)
    row = Inbox(
        channel=incoming.channel,
        account=incoming.account,
        message_id=incoming.message_id,
        conversation=conversation,
        sealed=b"",
        received_at=now,
        due_at=now,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        if not _is_kept(session, incoming):
            raise
        return None
    content = {
        "text": incoming.text,
        "choice": incoming.choice,
        "payload": payload,
        "metadata": incoming.metadata,
    }
    row.sealed = vault.seal(content, _context(row.id))
    return int(row.id)


def empty(vault: Vault, row: Inbox) -> None:
    """Forget what a message said. That it came stays known, so that it is not taken for a new one."""
    row.state = DROPPED if row.state == DEAD else row.state  # nothing is left to try again
    row.sealed = vault.seal({"text": "", "choice": None, "payload": None, "metadata": {}}, _context(row.id))


def lease(
    session: Session,
    vault: Vault,
    now: datetime,
    limit: int,
    channels: Collection[str],
    in_hand: Collection[int] = (),
) -> list[Job]:
    """Take the oldest open message of each conversation that has none in flight, for the length of a lease.

    Messages of a channel that is not among `channels` (switched off since) wait. What this process has `in_hand`
    is never taken again, whatever the clock says.
    """
    earlier = aliased(Inbox)
    blocked = (
        select(earlier.id)
        .where(earlier.conversation == Inbox.conversation, earlier.id < Inbox.id, earlier.state.in_((NEW, LEASED)))
        .exists()
    )
    query = (
        select(Inbox)
        .where(Inbox.state.in_((NEW, LEASED)), Inbox.due_at <= now, Inbox.channel.in_(tuple(channels)), ~blocked)
        .where(Inbox.id.not_in(tuple(in_hand)))
        .order_by(Inbox.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(query).scalars().all()
    for row in rows:
        row.state, row.due_at, row.tries = LEASED, now + LEASE, row.tries + 1
        if row.error == VOID:  # its process died in the turn that a STOP made void
            row.state = DONE
    return [_job(vault, row) for row in rows if row.state == LEASED]


def extend(session: Session, job: Job, now: datetime) -> None:
    """The job is still being answered: nobody else may take it for another lease."""
    mine = (Inbox.id == job.id, Inbox.state == LEASED, Inbox.tries == job.tries)
    session.execute(update(Inbox).where(*mine).values(due_at=now + LEASE))


def annotate(session: Session, vault: Vault, row_id: int, metadata: dict[str, Any]) -> None:
    """Add to the metadata of a message that was just stored."""
    row = session.get(Inbox, row_id)
    content = vault.open(row.sealed, _context(row_id))
    row.sealed = vault.seal({**content, "metadata": {**content["metadata"], **metadata}}, _context(row_id))


def void(session: Session, row_id: int) -> None:
    """A stored message is answered by nothing."""
    row = session.get(Inbox, row_id)
    row.state, row.error = DONE, VOID


def void_open(session: Session, conversation: str, before: int | None) -> None:
    """Nothing that waits for an answer, or is being answered, is answered any more; `before` limits it to older rows.

    The caller holds the conversation's lock.
    """
    which = [Inbox.conversation == conversation, *([] if before is None else [Inbox.id < before])]
    session.execute(update(Inbox).where(*which, Inbox.state.in_((NEW, LEASED))).values(error=VOID))
    session.execute(update(Inbox).where(*which, Inbox.state == NEW).values(state=DONE))


def drop_dead(session: Session, conversation: str) -> None:
    """Somebody else writes from there now: what was given up before is never tried again."""
    dead = (Inbox.conversation == conversation, Inbox.state == DEAD)
    session.execute(update(Inbox).where(*dead).values(state=DROPPED))


def finish(session: Session, job: Job) -> bool:
    """Mark a job done. False where nothing of this turn may be kept: it is void, or somebody else took it over."""
    row = _mine(session, job)
    if row is None:
        return False
    row.state = DONE
    return bool(row.error != VOID)


def give_back(session: Session, job: Job, now: datetime, error: str) -> bool:
    """Try again later, each time later than before; True where that was the last try and the message is dead."""
    row = _mine(session, job)
    if row is None:
        return False
    if row.error == VOID:
        row.state = DONE
        return False
    row.error = error[:100]
    row.state = DEAD if row.tries >= MAX_TRIES else NEW
    row.due_at = now + timedelta(seconds=2**row.tries)
    return bool(row.state == DEAD)


def _mine(session: Session, job: Job) -> Any:
    """The row of a job, locked, while it is still this one's. The conversation's lock comes first, as in `put`."""
    conversations.lock(session, job.conversation)
    row = session.get(Inbox, job.id, with_for_update=True)
    return row if row is not None and row.state == LEASED and row.tries == job.tries else None


def _is_kept(session: Session, incoming: Incoming) -> bool:
    which = (
        (Inbox.channel, incoming.channel),
        (Inbox.account, incoming.account),
        (Inbox.message_id, incoming.message_id),
    )
    return session.execute(select(Inbox.id).where(*(column == value for column, value in which))).first() is not None


def _job(vault: Vault, row: Inbox) -> Job:
    content = vault.open(row.sealed, _context(row.id))
    return Job(id=row.id, conversation=row.conversation, channel=row.channel, tries=row.tries, **content)


def _context(row_id: int) -> str:
    return f"inbox.sealed:{row_id}"
