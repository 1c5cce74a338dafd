"""ORM sessions on the portal's transactions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from portal import db


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session that only reads; never waits for a writer on SQLite."""
    with db.reading(engine) as connection, _session(connection) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session whose changes are committed at the end, and rolled back if the block raises."""
    with db.writing(engine) as connection, _session(connection) as session, session.begin():
        yield session


def _session(connection: db.Connection) -> Session:
    return Session(connection, future=True, expire_on_commit=False)
