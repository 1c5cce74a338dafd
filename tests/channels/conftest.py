from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.channels import providers
from tests.channels.providers import Provider


@pytest.fixture()
def twilio() -> Iterator[Provider]:
    with providers.provider(providers.twilio) as server:
        yield server


@pytest.fixture()
def telegram() -> Iterator[Provider]:
    with providers.provider(providers.telegram) as server:
        yield server
