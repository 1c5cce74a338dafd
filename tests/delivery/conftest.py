from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import database_url
from tests.delivery.desk import Desk, make_desk

__all__ = ["database_url"]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """On SQLite."""
    desk = make_desk(f"sqlite:///{tmp_path / 'state.db'}")
    yield desk
    desk.accounts.engine.dispose()


@pytest.fixture
def desk_on_each(database_url: str) -> Iterator[Desk]:
    """On SQLite and on PostgreSQL."""
    desk = make_desk(database_url)
    yield desk
    desk.accounts.engine.dispose()
