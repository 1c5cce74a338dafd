from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.faults.site import Site, opened


@pytest.fixture(scope="session")
def opened_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Started once: the model takes seconds to load, a new process of it a moment."""
    with opened(tmp_path_factory.mktemp("faults")) as site:
        yield site


@pytest.fixture
def site(opened_site: Site) -> Iterator[Site]:
    """With its assistant at work, nothing open, and no fault."""
    site = opened_site
    site.crash.unlink(missing_ok=True)
    site.portal.app.fault = None
    site.clear_requests()
    if site.port not in site.pids or not site.alive():
        site.start()
    yield site
    site.portal.app.fault = None
