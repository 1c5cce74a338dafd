"""What a person agreed to: being written to at all, and reading health details there. The last word counts.

Append-only, for each person, topic and channel: the database itself refuses to change or delete an entry.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.tables import ConsentEntry

TEXTS = "texts"  # being written to on this channel at all; open until somebody says no
DETAILS = "details"  # health details on this channel; closed until the patient says yes
REMINDERS = "reminders"  # being reminded on this channel; open until the patient says no
LINK = "link"  # the address is its person's; a no: it may be another's now, and what was theirs is not yet forgotten

_OPEN_BY_DEFAULT = frozenset({TEXTS, REMINDERS, LINK})


def record(session: Session, person: str, channel: str, topic: str, given: bool, how: str, now: datetime) -> None:
    """Write down a yes or a no. Saying the same again is written down again: it proves that it was meant."""
    session.add(ConsentEntry(person=person, channel=channel, topic=topic, given=given, how=how, at=now))
    session.flush()


def last(session: Session, person: str, channel: str, topic: str) -> ConsentEntry | None:
    """This person's last word about the topic, where there is one."""
    return _last(session, (person,), channel, topic)


def _last(session: Session, people: Sequence[str], channel: str, topic: str) -> ConsentEntry | None:
    which = (ConsentEntry.person.in_(people), ConsentEntry.channel == channel, ConsentEntry.topic == topic)
    query = select(ConsentEntry).where(*which).order_by(ConsentEntry.id.desc()).limit(1)
    return session.execute(query).scalar_one_or_none()


def stands(session: Session, person: str, channel: str, topic: str) -> bool:
    """Whether this person's last word about the topic is a yes."""
    return stands_for(session, (person,), channel, topic)


def stands_for(session: Session, people: Sequence[str], channel: str, topic: str) -> bool:
    """The same of several names of one person: the patient's, and the conversation's where nobody was signed in."""
    entry = _last(session, people, channel, topic)
    return topic in _OPEN_BY_DEFAULT if entry is None else bool(entry.given)
