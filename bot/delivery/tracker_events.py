"""The events of Rasa's conversations in the database: sealed rows, one for each save, in their order."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rasa.shared.core.events import SessionStarted
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from accounts.crypto import Vault
from bot.delivery.tables import TrackerEvents

Events = list[dict[str, Any]]  # as Rasa's `Event.as_dict` gives them


def add(session: Session, vault: Vault, conversation: str, events: Events, now: datetime) -> None:
    """Store the events that a save adds to a conversation."""
    starts = any(_starts_session(event) for event in events)
    row = TrackerEvents(conversation=conversation, sealed=b"", starts_session=starts, at=now)
    session.add(row)
    session.flush()
    row.sealed = vault.seal(events, _context(row.id))


def load(session: Session, vault: Vault, conversation: str, whole: bool = False) -> Events:
    """The events of a conversation since its last session began, or of the `whole` of it."""
    mine = TrackerEvents.conversation == conversation
    query = select(TrackerEvents.id, TrackerEvents.sealed).where(mine).order_by(TrackerEvents.id)
    if not whole:
        began = select(func.max(TrackerEvents.id)).where(mine, TrackerEvents.starts_session)
        query = query.where(TrackerEvents.id >= func.coalesce(began.scalar_subquery(), 0))
    return [event for row_id, sealed in session.execute(query) for event in vault.open(sealed, _context(row_id))]


def since_session_start(events: Events) -> Events:
    """The events from the last session's start on; all of them where there is none."""
    starts = [place for place, event in enumerate(events) if _starts_session(event)]
    return events[starts[-1] :] if starts else events


def conversations(session: Session) -> list[str]:
    """The conversations that have events."""
    return list(session.execute(select(TrackerEvents.conversation).distinct()).scalars())


def forget(session: Session, conversation: str) -> None:
    """Delete all events of a conversation for good."""
    session.execute(delete(TrackerEvents).where(TrackerEvents.conversation == conversation))


def _starts_session(event: dict[str, Any]) -> bool:
    return bool(event["event"] == SessionStarted.type_name)


def _context(row_id: int) -> str:
    return f"tracker_events.sealed:{row_id}"
