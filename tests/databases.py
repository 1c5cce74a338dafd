"""Chartline's own state on a database of a test's own, with a clock that can be moved."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2.extensions import ISOLATION_LEVEL_AUTOCOMMIT
from pydantic import SecretStr

from accounts.db import make_engine, migrate
from accounts.keys import open_vault
from accounts.service import Accounts
from accounts.settings import AccountsSettings

POSTGRES = "postgresql://postgres@127.0.0.1:5432"
KEY = base64.b64encode(b"k" * 32).decode()
START = datetime(2026, 3, 1, 12, 0, 0)


class Clock:
    """Naive UTC that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty PostgreSQL database that is dropped at the end; skips the test where there is none."""
    name = f"chartline_{uuid.uuid4().hex}"
    try:
        admin = psycopg2.connect(f"{POSTGRES}/postgres", connect_timeout=3)
    except psycopg2.OperationalError:
        pytest.skip("no PostgreSQL at 127.0.0.1:5432 that lets the user postgres in")
    with closing(admin):
        admin.set_isolation_level(ISOLATION_LEVEL_AUTOCOMMIT)
        admin.cursor().execute(f"CREATE DATABASE {name}")
        try:
            yield f"{POSTGRES}/{name}"
        finally:
            admin.cursor().execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'a folder' / 'state.db'}"
    else:
        with postgres() as url:
            yield url


def make_accounts(url: str, smart: Any = None, clock: Clock | None = None, **settings: Any) -> Accounts:
    """`Accounts` on a migrated database."""
    read = AccountsSettings(secret_key=SecretStr(KEY), database_url=SecretStr(url), **settings)
    engine = make_engine(read.database)
    migrate(engine)
    return Accounts(read, engine, open_vault(engine, read.keys), smart, clock or Clock())
