"""The database of Chartline's own state: engine, sessions and migrations. SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DatabaseError, OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from accounts.errors import StateError

LOCK_SECONDS = 10  # how long SQLite waits for another's write


def make_engine(url: str) -> Engine:
    """An engine for `url`. SQLite gets a write-ahead log, and transactions that take the write lock at once."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return create_engine(url, future=True, pool_pre_ping=True)
    if parsed.database and parsed.database != ":memory:":
        _make_folder(Path(parsed.database).parent)
    # A pool, where SQLAlchemy 1.4 would open the file for each transaction, which costs several times the transaction.
    engine = create_engine(
        url, future=True, poolclass=QueuePool, connect_args={"check_same_thread": False, "timeout": LOCK_SECONDS}
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StateError(f"The folder {folder} cannot be made ({type(error).__name__}): see CHARTLINE_VAR") from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # pysqlite's own late BEGIN would allow two readers to become one writer too many
    _use_write_ahead_log(connection)
    for pragma in ("synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _use_write_ahead_log(connection: Any) -> None:
    """SQLite does not wait for a lock when a new file changes its journal: two processes that start at once collide."""
    for patience in range(LOCK_SECONDS * 10, -1, -1):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or not patience:
                raise
            time.sleep(0.1)


def _begin_immediate(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def migrate(engine: Engine) -> None:
    """Bring the database to this program's schema; `StateError` where it cannot be."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    where = engine.url.render_as_string(hide_password=True)
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":  # two processes that start at once: one waits for the other
                connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('chartline.migrate'))"))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    except OperationalError as error:
        raise StateError(
            f"The database {where} cannot be reached or written: check that it runs, that CHARTLINE_DATABASE_URL is "
            "right, and that the file may be written"
        ) from error
    except DatabaseError as error:
        raise StateError(
            f"The database {where} cannot be used ({type(error.orig).__name__}): restore it from a backup, or move "
            "the file away to start with an empty one"
        ) from error
    except CommandError as error:
        raise StateError(
            f"The database {where} is of a newer Chartline: update Chartline, or restore a backup"
        ) from error


@contextmanager
def transaction(engine: Engine) -> Iterator[Session]:
    """One session in one transaction: committed at the end, rolled back on an error."""
    with Session(engine, future=True, expire_on_commit=False) as session, session.begin():
        yield session
