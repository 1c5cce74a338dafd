"""Works one queue off: leases what is due, handles some of it side by side, sleeps until the bell rings."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

from bot.delivery.bell import Bell, wait
from bot.logs import fault

log = logging.getLogger(__name__)

T = TypeVar("T")

AT_ONCE = 16  # items of one queue in flight in this process
IDLE = 2.0  # seconds until a queue is looked at again without a ring; also the pause while the database is away
DRAIN = 5.0  # seconds that a stop may go on handling what is due already


class Worker(Generic[T]):
    """One queue. `lease` takes at most so many items, `handle` deals with one and keeps its own errors."""

    def __init__(
        self,
        queue: str,
        bell: Bell,
        lease: Callable[[int], Awaitable[list[T]]],
        handle: Callable[[T], Coroutine[Any, Any, None]],
        at_once: int = AT_ONCE,
    ) -> None:
        self._queue, self._bell, self._lease, self._handle, self._at_once = queue, bell, lease, handle, at_once
        self._running: set[asyncio.Task[None]] = set()
        self._loop: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to work."""
        self._loop = asyncio.create_task(self._work())

    async def stop(self, drain: bool = False) -> None:
        """Take nothing more and let what is in flight end; with `drain` first take what is due, for a few seconds.

        A lease that is being taken is not cut off: what it took would wait for its lease to run out.
        """
        self._stopping = True
        self._bell.ring(self._queue)
        if self._loop:
            await self._loop
        await self._settle()
        end = asyncio.get_running_loop().time() + DRAIN
        while drain and asyncio.get_running_loop().time() < end and await self._take():
            await self._settle()

    async def _work(self) -> None:
        with self._bell.listen(self._queue) as rung:
            while not self._stopping:
                if not await self._take():
                    await wait(rung, IDLE)

    async def _take(self) -> bool:
        """Lease what fits and begin with it; whether there was anything. A full queue is rung when an item is over."""
        free = self._at_once - len(self._running)
        if free <= 0:
            return False
        try:
            taken = await self._lease(free)
        except Exception as error:  # noqa: BLE001 - the queue outlives a database that is away for a while
            fault(log, self._queue, error)
            return False
        for item in taken:
            task = asyncio.create_task(self._handle(item))
            self._running.add(task)
            task.add_done_callback(self._over)
        return bool(taken)

    def _over(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._bell.ring(self._queue)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            fault(log, self._queue, error)

    async def _settle(self) -> None:
        await asyncio.gather(*self._running, return_exceptions=True)
