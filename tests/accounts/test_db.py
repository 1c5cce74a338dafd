from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import event, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import bot.delivery.tables  # noqa: F401 - its tables belong to the schema
from accounts.db import make_engine, migrate, transaction
from accounts.errors import StateError
from accounts.tables import Base
from tests.databases import START, postgres

INSERT = "INSERT INTO conversation (key, channel, account, address, created_at)"


def differences(engine: Engine) -> list[object]:
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), Base.metadata))


def test_the_migrated_schema_is_that_of_the_models(database_url: str) -> None:
    engine = make_engine(database_url)
    migrate(engine)
    assert differences(engine) == []
    with engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_outbox_open"))
    assert differences(engine) != []
    engine.dispose()


def test_migrating_again_changes_nothing(database_url: str) -> None:
    engine = make_engine(database_url)
    migrate(engine)
    with engine.begin() as connection:
        row = {"key": "k", "channel": "sms", "account": "a", "address": b"x", "now": START}
        connection.execute(text(f"{INSERT} VALUES (:key, :channel, :account, :address, :now)"), row)
    migrate(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM conversation")).scalar_one() == 1
    engine.dispose()


def test_processes_that_start_at_once_all_find_the_schema(database_url: str) -> None:
    code = "import sys; from accounts.db import *; migrate(make_engine(sys.argv[1]))"
    running = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, database_url], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    assert [process.communicate()[1] for process in running] == [b""] * 3
    assert [process.returncode for process in running] == [0] * 3


def test_a_database_of_a_newer_program_is_told_in_one_line(database_url: str) -> None:
    engine = make_engine(database_url)
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StateError, match="newer Chartline") as raised:
        migrate(engine)
    assert "\n" not in str(raised.value)
    engine.dispose()


def test_a_corrupt_file_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    file.write_bytes(b"this is no database" * 1000)
    with pytest.raises(StateError, match="cannot be used") as raised:
        migrate(make_engine(f"sqlite:///{file}"))
    assert "\n" not in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file, no folder")
    with pytest.raises(StateError, match="CHARTLINE_VAR"):
        make_engine(f"sqlite:///{tmp_path / 'var' / 'state.db'}")


def test_a_server_that_is_away_is_told_without_its_password() -> None:
    with pytest.raises(StateError, match="cannot be reached") as raised:
        migrate(make_engine("postgresql://me:hunter2@127.0.0.1:1/x"))
    assert "hunter2" not in str(raised.value)


def test_a_path_may_hold_spaces_and_percent_signs(tmp_path: Path) -> None:
    file = tmp_path / "my clinic 100%" / "state.db"
    migrate(make_engine(f"sqlite:///{file}"))
    assert file.exists()


def test_an_error_undoes_the_whole_transaction(database_url: str) -> None:
    engine = make_engine(database_url)
    migrate(engine)
    with pytest.raises(IntegrityError), transaction(engine) as session:
        for _ in range(2):
            session.execute(text(f"{INSERT} VALUES ('k', 'sms', 'a', 'x', '2026-01-01')"))
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM conversation")).scalar_one() == 0
    engine.dispose()


def test_sqlite_begins_once_with_the_write_lock_and_savepoints_are_no_new_beginning(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'state.db'}")
    said: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cursor, statement, *_: said.append(statement))
    with transaction(engine) as session:
        session.execute(text("SELECT 1"))
        with session.begin_nested():
            session.execute(text("SELECT 2"))
    assert [s for s in said if s.startswith("BEGIN")] == ["BEGIN IMMEDIATE"]
    assert any(s.startswith("SAVEPOINT") for s in said)


def test_postgresql_is_not_told_sqlites_words() -> None:
    with postgres() as url:
        engine = make_engine(url)
        with Session(engine, future=True) as session, session.begin():
            assert session.execute(text("SELECT 1")).scalar_one() == 1
        engine.dispose()
