"""How much the queues carry: `python -m bench.delivery_queue [SQLAlchemy URL of an empty database]`.

Messages of many people go through inbox, worker, turn and outbox of one process, with an agent that answers at once and
a provider that takes everything. So what is measured is everything but Rasa, the portal and the network.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from statistics import quantiles

from rasa.core.agent import Agent  # noqa: F401 - its import is not to be a part of what is measured

from accounts.service import utc_now
from tests.databases import make_accounts
from tests.delivery.desk import Desk

PEOPLE, EACH = 200, 5


async def measure(url: str) -> None:
    """Print the times of acknowledgement, and how many messages a second were answered."""
    desk = Desk(make_accounts(url, clock=utc_now), utc_now)  # type: ignore[arg-type]
    times: list[float] = []

    async def one(person: int) -> None:
        for number in range(EACH):
            began = time.perf_counter()
            await desk.put(f"message {number}", f"+1202555{person:04}")
            times.append(1000 * (time.perf_counter() - began))

    async with desk.at_work():
        began = time.perf_counter()
        for first in range(0, PEOPLE, 10):
            await asyncio.gather(*(one(person) for person in range(first, first + 10)))
        stored = time.perf_counter() - began
        while len(desk.said) < PEOPLE * EACH:  # noqa: ASYNC110 - what is measured is not to know of it
            await asyncio.sleep(0.05)
        answered = time.perf_counter() - began
    cuts = quantiles(times, n=100)
    sys.stdout.write(f"stored: {len(times) / stored:.0f}/s, 10 at once; p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms\n")
    sys.stdout.write(f"answered: {len(times) / answered:.0f} a second\n")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(sys.argv[1] if sys.argv[1:] else f"sqlite:///{folder}/state.db"))
