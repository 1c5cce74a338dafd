"""`python -m tests.faults.assistant`: the assistant, whose model is loaded once and which is then started many times.

Each line on stdin is a JSON object of variables, and starts a process with them; its process id is printed. It is the
assistant of `python -m bot`, except that it can be killed at the points of `tests.faults.points`, and that what takes
seconds between two tries takes less. At the end of stdin all of them are killed.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from datetime import timedelta
from typing import Any

from accounts.service import Accounts, bootstrap
from bot import logs, server
from bot.delivery import heartbeat, inbox, outbox, worker
from bot.settings import BotSettings, read
from tests.faults import points

LEASE, BEAT, IDLE = timedelta(seconds=1), 0.2, 0.2


def main() -> None:
    """Load, then start a process for each line."""
    logs.configure()
    accounts = bootstrap()
    agent = asyncio.run(server.load(read(BotSettings), accounts))
    accounts.engine.dispose()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    started = []
    print("ready", flush=True)  # noqa: T201 - the protocol
    for line in sys.stdin:
        process = os.fork()
        if not process:
            serve(agent, json.loads(line))
        started.append(process)
        print(process, flush=True)  # noqa: T201
    for process in started:
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            continue


def serve(agent: Any, variables: dict[str, str]) -> None:
    """Be the assistant until killed or stopped."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.environ.update(variables)
    inbox.LEASE = outbox.LEASE = LEASE
    heartbeat.BEAT, worker.IDLE = BEAT, IDLE
    points.install()

    async def loaded(_settings: BotSettings, accounts: Accounts) -> Any:
        agent.tracker_store._accounts = accounts
        agent.processor.action_endpoint.url = os.environ["CHARTLINE_ACTIONS_URL"]
        return agent

    server.load = loaded
    settings = read(BotSettings)
    try:
        server.create_app(settings).run(settings.host, settings.port, access_log=False)
    finally:
        os._exit(0)


if __name__ == "__main__":
    main()
