"""How often one client address may begin what costs us something, before anybody knows who it is.

Counted in the memory of this process: with several, the limits add up. An address is kept as its keyed hash, for as
long as it counts. Many patients share one address (a clinic's waiting room, a phone company's gateway), so the limits
are generous, and short.
"""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable
from typing import cast

from pyrate_limiter import InMemoryBucket, Rate, RateItem
from sanic.request import Request

from bot.settings import BotSettings

MINUTE = 60_000  # milliseconds
SWEEP_ABOVE = 1_000  # addresses; beyond it those that count no more are let go


class Throttle:
    """One allowance a minute for each client address and kind of request."""

    def __init__(self, settings: BotSettings, hashed: Callable[[str], str]) -> None:
        """`hashed` gives a keyed hash of an address."""
        self._limits = {"session": settings.sessions_per_minute, "sign-in": settings.sign_ins_per_minute}
        self._hashed = hashed
        self._buckets: dict[str, InMemoryBucket] = {}

    def wait(self, request: Request, kind: str) -> int:
        """Seconds until this client may do this again; 0 where it may now, which is counted."""
        key = self._hashed(f"{kind} {network_of(client_address(request))}")
        bucket = self._buckets.setdefault(key, InMemoryBucket([Rate(self._limits[kind], MINUTE)]))
        item = RateItem(key, bucket.now())
        bucket.leak(item.timestamp)
        if bucket.put(item):
            self._let_go(item.timestamp)
            return 0
        return max(1, math.ceil(cast(int, bucket.waiting(item)) / 1000))  # in memory nothing is awaited

    def _let_go(self, now: int) -> None:
        if len(self._buckets) <= SWEEP_ABOVE:
            return
        for key, bucket in list(self._buckets.items()):
            bucket.leak(now)
            if not bucket.count():
                del self._buckets[key]


def client_address(request: Request) -> str:
    """Who asks: the peer, or behind proxies of ours the address that the outermost of them saw.

    Sanic counts `PROXIES_COUNT` entries of `X-Forwarded-For` from its end; what a client wrote before them is ignored.
    """
    return request.remote_addr or request.ip


def network_of(address: str) -> str:
    """What one subscriber has: an IPv4 address, or the /64 of an IPv6 address (RFC 6177)."""
    try:
        found = ipaddress.ip_address(address.strip("[]"))
    except ValueError:
        return "unknown"
    return str(found) if found.version == 4 else str(ipaddress.ip_network((found, 64), strict=False))
