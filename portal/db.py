"""The portal's database: one declarative base, the engine, its transactions and its migrations.

SQLite runs in WAL mode and takes the write lock when a writing transaction begins, so that two writers wait
for one another instead of failing half-way. PostgreSQL needs nothing special.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import DatabaseError as SQLDatabaseError
from sqlalchemy.orm import declarative_base
from sqlalchemy.pool import QueuePool, StaticPool

MIGRATIONS = Path(__file__).parent / "migrations"
#: Serialises migrations when several processes start at once on one PostgreSQL database.
MIGRATION_LOCK = 727_001

#: As many connections as Starlette has threads that could want one.
POOL = {"pool_size": 10, "max_overflow": 30}

Base: Any = declarative_base()


class StorageError(Exception):
    """The database cannot be used. The message is one line, free of data and of passwords."""


class DatabaseUnavailable(StorageError):
    """It cannot be opened or reached."""


class DatabaseCorrupt(StorageError):
    """The file is damaged, or is no SQLite database."""


class UnknownRevision(StorageError):
    """A newer or foreign program has migrated it."""


def make_engine(url: str) -> Engine:
    """An engine for a ``sqlite:///`` or ``postgresql://`` URL. Makes the folder of a SQLite file."""
    address = make_url(url)
    if address.get_backend_name() != "sqlite":
        return create_engine(address, future=True, hide_parameters=True, pool_pre_ping=True, **POOL)
    in_memory = address.database in (None, "", ":memory:")
    if not in_memory:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        address,
        future=True,
        hide_parameters=True,
        **({"poolclass": StaticPool} if in_memory else {"poolclass": QueuePool, **POOL}),
        connect_args={"timeout": 20, "check_same_thread": False},
    )
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves: pysqlite's own begins too late
    for pragma in ("busy_timeout=20000", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    reads = connection.get_execution_options().get("chartline_reads", False)
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view of the data; never waits for a writer on SQLite."""
    with engine.connect().execution_options(chartline_reads=True) as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that is committed at the end, and rolled back if the block raises."""
    with engine.begin() as connection:
        yield connection


def migrate(engine: Engine) -> None:
    """Bring the database to the newest revision; an empty one gets all its tables.

    Raises DatabaseUnavailable, DatabaseCorrupt or UnknownRevision.
    """
    with _storage_errors(engine), engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, ScriptDirectory.from_config(config).get_heads()[0])


@contextmanager
def _storage_errors(engine: Engine) -> Iterator[None]:
    name = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except CommandError as error:
        raise UnknownRevision(f"{name} was made by another version of the portal ({error})") from error
    except SQLDatabaseError as error:
        reason = str(error.orig).splitlines()[0] if error.orig else type(error).__name__
        if "malformed" in reason or "not a database" in reason:
            raise DatabaseCorrupt(f"{name} is damaged ({reason}); restore it from a backup or move it away") from error
        raise DatabaseUnavailable(f"{name} cannot be opened ({reason})") from error


def is_healthy(engine: Engine) -> bool:
    """Whether the database answers."""
    try:
        with reading(engine) as connection:
            return connection.execute(text("SELECT 1")).scalar_one() == 1
    except SQLDatabaseError:
        return False
