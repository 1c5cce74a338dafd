"""The migration job: `python -m accounts migrate` makes an empty database ready, and says in one line what is wrong."""

from __future__ import annotations

import os
import subprocess
import sys

from sqlalchemy import inspect

from accounts.db import make_engine
from tests.databases import KEY, database_url
from tests.harness import ROOT

__all__ = ["database_url"]


def migrate(url: str, key: str = KEY) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "CHARTLINE_DATABASE_URL": url, "CHARTLINE_SECRET_KEY": key}
    command = [sys.executable, "-m", "accounts", "migrate"]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_an_empty_database_is_made_ready_and_a_ready_one_left_as_it_is(database_url: str) -> None:
    for _ in range(2):
        done = migrate(database_url)
        assert (done.returncode, done.stdout) == (0, "The database is up to date.\n"), done.stderr
    engine = make_engine(database_url)
    assert {"inbox", "outbox", "conversation"} <= set(inspect(engine).get_table_names())
    engine.dispose()
    other = migrate(database_url, KEY.replace("a", "b", 1))
    assert other.returncode == 1
    assert "CHARTLINE_SECRET_KEY" in other.stderr.splitlines()[-1]
