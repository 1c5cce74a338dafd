"""The access log: each look into a chart, written before anything of it is told. Append-only and chained.

An entry's `link` is a keyed hash over the entry and the link before it, so that without the operator's key nobody can
change, remove, insert or swap entries unseen. What is cut off the end shows against a head that was noted elsewhere.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select, text
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from accounts.crypto import Vault
from accounts.db import transaction
from accounts.errors import StateError
from accounts.tables import AccessEntry

READ, SEARCH, CREATE, UPDATE = "read", "search", "create", "update"  # https://hl7.org/fhir/R4/http.html
DONE, FAILED = "done", "failed"

NEWEST = 100  # entries of one chart that are read at once
_PURPOSE = "access log"
_BATCH = 500  # rows of one read, so that nobody who writes waits for one who reads the whole log
_COLUMNS = (AccessEntry.seq, AccessEntry.at, AccessEntry.chart, AccessEntry.sealed, AccessEntry.link)


@dataclass(frozen=True)
class Access:
    """What one action did with a chart.

    `patient` is the id of the Patient, `who` the reference of the person who signed in, `purpose` the action's name,
    `accessed` the pairs of interaction and resource type, `tier` what could be told, `conversation` its opaque key.
    `outcome` is `failed` where the action broke off: then nothing was told, and a write may or may not have happened.
    """

    patient: str
    who: str
    purpose: str
    accessed: tuple[tuple[str, str], ...]
    channel: str
    tier: str
    conversation: str
    outcome: str = DONE


@dataclass(frozen=True)
class Entry:
    """An access as it is on record. `at` is naive UTC."""

    seq: int
    at: datetime
    access: Access


class Head(NamedTuple):
    """The end of the log at some moment, small enough to be noted where nobody of this machine can change it."""

    seq: int
    link: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.link}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """Read what `str` wrote; `ValueError` otherwise."""
        seq, _, link = text.strip().partition(":")
        return cls(int(seq), link)


START = Head(0, "")


class Fault(NamedTuple):
    """An entry that is not as it was written, and in which way."""

    seq: int
    what: str


@dataclass(frozen=True)
class Report:
    """What `verify` found: the head of the log now, and its faults in their order."""

    head: Head
    faults: tuple[Fault, ...]


def append(session: Session, vault: Vault, access: Access, now: datetime) -> Head:
    """Write an entry at the end of the log. Writers take turns until their transactions end."""
    if session.get_bind().dialect.name == "postgresql":  # SQLite has one writer at a time anyway
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('chartline.access_log'))"))
    before = head(session)
    seq, chart, content = before.seq + 1, vault.person_key(access.patient), _plain(asdict(access))
    link = _link(vault, seq, now, chart, content, before.link)
    session.add(AccessEntry(seq=seq, at=now, chart=chart, sealed=vault.seal(content, _context(seq)), link=link))
    session.flush()
    return Head(seq, link)


def head(session: Session) -> Head:
    """The last entry's number and link."""
    last = select(AccessEntry.seq, AccessEntry.link).order_by(AccessEntry.seq.desc()).limit(1)
    row = session.execute(last).first()
    return Head(row.seq, row.link) if row else START


def of_chart(session: Session, vault: Vault, patient: str, before: int | None = None) -> list[Entry]:
    """The newest entries about a patient's chart, the newest first; only older ones than entry `before`, if given."""
    query = select(*_COLUMNS).where(AccessEntry.chart == vault.person_key(patient))
    if before is not None:
        query = query.where(AccessEntry.seq < before)
    rows = session.execute(query.order_by(AccessEntry.seq.desc()).limit(NEWEST))
    return [_entry(vault, row) for row in rows]


def entries(engine: Engine, vault: Vault, patient: str | None = None, since: datetime | None = None) -> Iterator[Entry]:
    """All from the oldest on; of one patient, or from a moment (naive UTC) on. `StateError` where one is unreadable."""
    which = [] if patient is None else [AccessEntry.chart == vault.person_key(patient)]
    which += [] if since is None else [AccessEntry.at >= since]
    for row in _walk(engine, *which):
        yield _entry(vault, row)


def verify(engine: Engine, vault: Vault, remembered: Head = START) -> Report:
    """Check the whole chain. `remembered` is a head that was noted earlier: the log must still contain it."""
    faults: list[Fault] = []
    before = START
    for row in _walk(engine):
        if row.seq != before.seq + 1:
            faults.append(Fault(row.seq, f"what stood between {before.seq} and it is missing"))
        elif fault := _fault(vault, row, before.link):
            faults.append(Fault(row.seq, fault))
        if row.seq == remembered.seq and not _same(row.link, remembered.link):
            faults.append(Fault(row.seq, "it is not the one that was noted as the head"))
        before = Head(row.seq, row.link)
    if before.seq < remembered.seq:
        faults.append(Fault(remembered.seq, f"it and all after {before.seq} are cut off"))
    return Report(before, tuple(faults))


def _walk(engine: Engine, *which: Any) -> Iterator[Any]:
    last = 0
    while True:
        query = select(*_COLUMNS).where(AccessEntry.seq > last, *which).order_by(AccessEntry.seq).limit(_BATCH)
        with transaction(engine) as session:
            rows = session.execute(query).all()
        yield from rows
        if len(rows) < _BATCH:
            return
        last = rows[-1].seq


def _fault(vault: Vault, row: Any, before: str) -> str | None:
    try:
        content = vault.open(row.sealed, _context(row.seq))
    except StateError:
        return "its content cannot be opened: it was changed, or comes from another place"
    if not _same(row.link, _link(vault, row.seq, row.at, row.chart, content, before)):
        return "it is not what was written after the one before it: it or its time was changed, or one of them is new"
    return None


def _link(vault: Vault, seq: int, at: datetime, chart: str, content: Any, before: str) -> str:
    said = [seq, at.isoformat(timespec="microseconds"), chart, content, before]
    return vault.mac(_PURPOSE, json.dumps(said, sort_keys=True, separators=(",", ":")).encode())


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())


def _entry(vault: Vault, row: Any) -> Entry:
    content = vault.open(row.sealed, _context(row.seq))
    pairs = tuple((interaction, kind) for interaction, kind in content["accessed"])
    return Entry(row.seq, row.at, Access(**{**content, "accessed": pairs}))


def _plain(content: dict[str, Any]) -> Any:
    """As JSON gives it back: what is hashed now is what is hashed when it was read."""
    return json.loads(json.dumps(content))


def _context(seq: int) -> str:
    return f"access_entry.sealed:{seq}"
