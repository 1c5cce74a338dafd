"""Sealing everything anew with the current key, so that the earlier ones can be thrown away.

Every binary column of Chartline's database is sealed, for the context `<table>.<column>:<primary key>`. So the tables
are read from the database itself, whoever declares them. A row is replaced only while it still holds what was read:
the assistant may go on meanwhile, and what was done is not done again by a second run.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from sqlalchemy import LargeBinary, MetaData, and_, func, literal, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session
from sqlalchemy.schema import Column
from sqlalchemy.sql import Select

from accounts.crypto import HEADER, Keyring
from accounts.db import transaction
from accounts.errors import StateError
from accounts.tables import Secret

BATCH = 200  # rows of one transaction: SQLite's other writers wait a few milliseconds
PASSES = 10  # over a column; more, and somebody keeps on writing with an earlier key
PAUSE = 0.5  # seconds between two passes

Progress = Callable[[str, int], None]


class SealedColumn(NamedTuple):
    """A column of sealed values, and the primary key of its table."""

    column: Column
    key: Column

    @property
    def name(self) -> str:
        """How its contexts begin."""
        return f"{self.column.table.name}.{self.column.name}"


def rotate(engine: Engine, ring: Keyring, progress: Progress = lambda *_: None) -> int:
    """Seal anew what the current key did not seal; how many values that were. `progress` hears of each column's.

    `StateError` where a value cannot be opened, or where somebody goes on writing with an earlier key.
    """
    total = 0
    for sealed in sealed_columns(engine):
        count = _settle(engine, ring, sealed)
        progress(sealed.name, count)
        total += count
    return total


def sealed_columns(engine: Engine) -> list[SealedColumn]:
    """All sealed columns. The key of our own comes last: it proves at each start that nothing needs an earlier one."""
    metadata = MetaData()
    metadata.reflect(engine)
    found = []
    for table in metadata.sorted_tables:
        for column in table.columns:
            if isinstance(column.type, LargeBinary):
                (key,) = table.primary_key.columns
                found.append(SealedColumn(column, key))
    return sorted(found, key=lambda sealed: sealed.column.table.name == Secret.__tablename__)


def _settle(engine: Engine, ring: Keyring, sealed: SealedColumn) -> int:
    """Go over a column until nothing is left: a row may have been in use, or have been written meanwhile."""
    count = 0
    for _ in range(PASSES):
        count += _pass(engine, ring, sealed)
        with transaction(engine) as session:
            if session.execute(_stale(ring, sealed).limit(1)).first() is None:
                return count
        time.sleep(PAUSE)
    raise StateError(
        f"{sealed.name}: some process still writes with an earlier key. Start all of them with the new "
        "CHARTLINE_SECRET_KEY, then do this again"
    )


def _stale(ring: Keyring, sealed: SealedColumn) -> Select:
    """The rows that hold a value of another key. An empty one is none: a grant that has ended keeps no tokens."""
    begins = func.substr(sealed.column, 1, HEADER, type_=LargeBinary)
    is_stale = and_(func.length(sealed.column) > 0, begins != literal(ring.header, LargeBinary))
    return select(sealed.key, sealed.column).where(is_stale).order_by(sealed.key)


def _pass(engine: Engine, ring: Keyring, sealed: SealedColumn) -> int:
    count, after = 0, None
    while True:
        with transaction(engine) as session:
            keys = _batch(session, ring, sealed, after)
        if not keys:
            return count
        count, after = count + len(keys), keys[-1]


def _batch(session: Session, ring: Keyring, sealed: SealedColumn, after: object) -> list[object]:
    column, key = sealed
    query = _stale(ring, sealed).limit(BATCH)
    query = query if after is None else query.where(key > after)
    # Waits for nobody, so that nobody who locks rows in another order can wait for this in a circle.
    rows = session.execute(query.with_for_update(key_share=True, skip_locked=True)).all()
    for row_key, old in rows:
        context = f"{sealed.name}:{row_key}"
        new = ring.seal(ring.open(old, context), context)
        session.execute(update(column.table).where(key == row_key, column == old).values({column: new}))
    return [row_key for row_key, _ in rows]
