from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.service import Accounts
from tests.accounts.portal_away import FakePortal
from tests.databases import Clock, database_url, make_accounts

__all__ = ["database_url"]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake_portal(clock: Clock) -> FakePortal:
    return FakePortal(clock)


@pytest.fixture
def state(database_url: str, clock: Clock, fake_portal: FakePortal) -> Iterator[Accounts]:
    """Accounts on each kind of database, with a portal that does what a test tells it."""
    accounts = make_accounts(database_url, fake_portal, clock)
    yield accounts
    accounts.engine.dispose()
