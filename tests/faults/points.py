"""Where a process of the assistant can be killed, from the webhook to the receipt. Only the tests know these points.

The file that `CHARTLINE_CRASH` names holds the point at which the process is to end itself by SIGKILL, once.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rasa.core.actions.action import RemoteAction
from rasa.utils.endpoints import EndpointConfig

from bot.channels.sms import SmsSender
from bot.delivery import inbox, offers, outbox, turn
from bot.delivery.service import Delivery
from bot.delivery.tracker_store import Unsaved

POINTS = (
    "accept: in the transaction",
    "accept: stored, not acknowledged",
    "turn: leased",
    "turn: begun",
    "turn: action not asked yet",
    "turn: action in the middle",
    "turn: action done",
    "turn: answer made",
    "commit: in the transaction",
    "commit: done",
    "send: leased",
    "send: before the provider",
    "send: the provider has it",
    "send: noting it, in the transaction",
    "send: noted",
)
# Here nobody but the provider knows that it has the message, so that it gets it once more.
AMBIGUOUS = ("send: the provider has it", "send: noting it, in the transaction")
IN_THE_MIDDLE = 0.05  # seconds after the action server was asked


def install() -> None:
    """Patch every point."""
    _sync(inbox, "put", after=POINTS[0])
    _wrap(Delivery, "_put", after=POINTS[1])
    _wrap(Delivery, "_lease_jobs", after=POINTS[2])
    _wrap(turn, "run", before=POINTS[3], after=POINTS[7])
    _wrap(RemoteAction, "run", before=POINTS[4], after=POINTS[6])
    _cut_off(POINTS[5])
    _sync(offers, "replace", after=POINTS[8])
    _sync(Unsaved, "publish", before=POINTS[9])
    _wrap(Delivery, "_lease_parcels", after=POINTS[10])
    _wrap(SmsSender, "send", before=POINTS[11], after=POINTS[12])
    _sync(outbox, "sent", after=POINTS[13])
    _wrap(Delivery, "_hand_over", after=POINTS[14])


def reached(point: str) -> None:
    """End this process as `kill -9` does, where this is the armed point."""
    armed = Path(os.environ["CHARTLINE_CRASH"])
    if armed.exists() and armed.read_text() == point:
        armed.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def _wrap(owner: Any, name: str, before: str = "", after: str = "") -> None:
    original: Callable[..., Any] = getattr(owner, name)

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        reached(before)
        result = await original(*args, **kwargs)
        if result != []:  # a lease that took nothing is not the point
            reached(after)
        return result

    setattr(owner, name, wrapped)


def _sync(owner: Any, name: str, before: str = "", after: str = "") -> None:
    original: Callable[..., Any] = getattr(owner, name)

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        reached(before)
        result = original(*args, **kwargs)
        reached(after)
        return result

    setattr(owner, name, wrapped)


def _cut_off(point: str) -> None:
    original = EndpointConfig.request

    async def request(self: EndpointConfig, *args: Any, **kwargs: Any) -> Any:
        asked = asyncio.create_task(original(self, *args, **kwargs))
        await asyncio.wait([asked], timeout=IN_THE_MIDDLE)
        reached(point)
        return await asked

    EndpointConfig.request = request
