"""The real system, started once for a test run; each test finds the charts as they were seeded."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # importing them for real costs seconds, which tests that need none of this do not pay
    from accounts.service import Accounts
    from tests.harness import Assistant, PortalServer


@pytest.fixture(scope="session")
def portal_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalServer]:
    """The embedded portal with the demo patients."""
    from tests.harness import PortalServer

    server = PortalServer(tmp_path_factory.mktemp("portal"))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def portal(portal_server: PortalServer) -> PortalServer:
    """The portal, with every chart as it was seeded."""
    portal_server.reset()
    return portal_server


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory, portal_server: PortalServer) -> Iterator[dict[str, str]]:
    """The environment of the processes of this test run, which the test's own process shares."""
    from tests.harness import make_environment

    env = make_environment(tmp_path_factory.mktemp("var"), portal_server)
    before = dict(os.environ)
    os.environ.update(env)
    yield env
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="session")
def action_server(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The action server, a process of its own; its address."""
    from tests.harness import process

    url = f"http://127.0.0.1:{environment['CHARTLINE_ACTIONS_PORT']}"
    with process("actions", environment, f"{url}/health", tmp_path_factory.mktemp("log") / "actions.log"):
        yield url


@pytest.fixture(scope="session")
def accounts(environment: dict[str, str]) -> Accounts:
    """Chartline's own state of this test run."""
    from accounts.service import bootstrap

    return bootstrap()


@pytest.fixture(scope="session")
def load_agent(accounts: Accounts) -> Callable[[], Any]:
    """Loads the trained model, once."""
    kept: list[Any] = []

    async def load() -> Any:
        if not kept:
            from bot import logs
            from bot.server import load as load_model
            from bot.settings import BotSettings, read
            from scripts.train import train

            logs.configure()
            train(Path(__file__).parent.parent / "models")
            kept.append(await load_model(read(BotSettings), accounts))
        return kept[0]

    return load


@pytest.fixture
async def assistant(
    portal: PortalServer, action_server: str, accounts: Accounts, load_agent: Callable[[], Any]
) -> AsyncIterator[Assistant]:
    """The assistant at work: `chat = await assistant.chat("rosa")`, `await chat.say("show my labs")`."""
    from tests.harness import Assistant

    assistant = Assistant(accounts, await load_agent())
    assistant.delivery.start()
    yield assistant
    await assistant.delivery.stop()
