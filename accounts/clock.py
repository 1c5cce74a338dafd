"""The time that Chartline goes by: it never jumps, whatever is done to the machine's clock.

A clock that is set back an hour would let a link live for an hour longer, and leave messages waiting; one that is set
forward would take away leases, chats and links at once. So a process takes the time when it starts, and goes on by what
really passed since. Where the machine's clock says something else, it follows slowly; a restart takes the new time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from threading import Lock

PACE = 0.01  # by how much it runs faster or slower until it agrees with the machine's clock


def _wall() -> datetime:
    return datetime.now(timezone.utc).replace(tzinfo=None)


def _passed() -> float:
    """Seconds that nobody can set; those that a machine slept count where the system tells them."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class SteadyClock:
    """Naive UTC, as the database keeps it. Threads may share one."""

    def __init__(self, wall: Callable[[], datetime] = _wall, passed: Callable[[], float] = _passed) -> None:
        self._wall, self._passed = wall, passed
        self._lock = Lock()
        self._now, self._at = wall(), passed()

    def __call__(self) -> datetime:
        """Now."""
        with self._lock:
            at = self._passed()
            seconds, self._at = at - self._at, at
            steady, most = self._now + timedelta(seconds=seconds), timedelta(seconds=seconds * PACE)
            self._now = steady + max(-most, min(self._wall() - steady, most))
            return self._now


utc_now = SteadyClock()
