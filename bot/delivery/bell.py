"""Wakes who waits in this process: the worker, the outbox, and web pages that follow a conversation."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager


class Bell:
    """`ring` wakes every waiter of a name. Missing a ring only means to look again at the next time-out."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = defaultdict(set)
        self._typing: set[str] = set()
        self.closed = False

    def ring(self, name: str) -> None:
        """Wake everybody who waits for `name`."""
        for event in self._waiting.get(name, ()):
            event.set()

    def close(self) -> None:
        """The process ends: wake everybody, for good. Who listens looks at `closed` and goes."""
        self.closed = True
        for name in list(self._waiting):
            self.ring(name)

    @contextmanager
    def listen(self, name: str) -> Iterator[asyncio.Event]:
        """An event that rings for `name` sets; the caller clears it."""
        event = asyncio.Event()
        self._waiting[name].add(event)
        try:
            yield event
        finally:
            self._waiting[name].discard(event)
            if not self._waiting[name]:
                del self._waiting[name]

    @contextmanager
    def typing(self, conversation: str) -> Iterator[None]:
        """While an answer to this conversation is being made."""
        self._typing.add(conversation)
        self.ring(conversation)
        try:
            yield
        finally:
            self._typing.discard(conversation)
            self.ring(conversation)

    def is_typing(self, conversation: str) -> bool:
        """Whether an answer is being made right now."""
        return conversation in self._typing


async def wait(event: asyncio.Event, seconds: float) -> None:
    """Wait for a ring, at most so long, and clear it."""
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except asyncio.TimeoutError:
        return
    finally:
        event.clear()
