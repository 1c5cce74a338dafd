"""Leases, and the heartbeat that extends one while its work is going on.

A lease is short, so that what a process that died had in hand is taken up soon; work that takes longer than a lease
keeps it. Only a process that is gone, or whose database is, loses what it has in hand.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from bot.logs import fault

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=20)
BEAT = 5.0  # seconds between two extensions: three may fail before the lease is lost


@asynccontextmanager
async def kept(extend: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Call `extend` again and again until the end of the block. That it fails now and then ends nothing."""
    beating = asyncio.create_task(_beat(extend))
    try:
        yield
    finally:
        beating.cancel()
        with suppress(asyncio.CancelledError):
            await beating


async def _beat(extend: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(BEAT)
        try:
            await extend()
        except Exception as error:  # noqa: BLE001 - a database that is away is asked again at the next beat
            fault(log, "heartbeat", error)
