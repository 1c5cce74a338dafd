"""Portal, action server and assistant as processes; Twilio and Telegram as local servers that speak their protocol."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.channels.providers import ACCOUNT_SID, AUTH_TOKEN, BOT_TOKEN, Provider, provider, telegram, twilio

if TYPE_CHECKING:
    from tests.harness import PortalServer

SECRET = "a-secret_of-ours-2026"
NUMBER = "+15005550006"


@dataclass
class Whole:
    """The running system and what its providers were asked to send."""

    url: str
    portal: PortalServer
    twilio: Provider
    telegram: Provider


@pytest.fixture(scope="module")
def whole(portal_server: PortalServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """Everything, started as `make run` starts it."""
    from scripts.train import train
    from tests.harness import free_port, make_environment, process

    train(Path(__file__).parent.parent.parent / "models")
    port, folder = free_port(), tmp_path_factory.mktemp("whole")
    url = f"http://localhost:{port}"
    portal_server.reset()
    with ExitStack() as stack:
        sms, chats = stack.enter_context(provider(twilio)), stack.enter_context(provider(telegram))
        env = make_environment(
            folder,
            portal_server,
            CHARTLINE_PUBLIC_URL=url,
            CHARTLINE_BOT_PORT=str(port),
            TWILIO_ACCOUNT_SID=ACCOUNT_SID,
            TWILIO_AUTH_TOKEN=AUTH_TOKEN,
            TWILIO_FROM=NUMBER,
            TWILIO_BASE_URL=sms.url,
            TELEGRAM_BOT_TOKEN=BOT_TOKEN,
            TELEGRAM_WEBHOOK_SECRET=SECRET,
            TELEGRAM_BASE_URL=chats.url,
        )
        actions = f"http://127.0.0.1:{env['CHARTLINE_ACTIONS_PORT']}/health"
        stack.enter_context(process("actions", env, actions, folder / "actions.log"))
        stack.enter_context(process("bot", env, f"http://127.0.0.1:{port}/ready", folder / "bot.log"))
        yield Whole(url, portal_server, sms, chats)
