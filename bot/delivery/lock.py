"""The lock of a web chat after a silence: said two minutes before, said when it is there, and done for good.

What is said are rows of the outbox with a due time, replaced whenever the person writes. That the chat is locked does
not hang on them, nor on the sweep: `accounts.grants` compares the time each time that anybody reads or asks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, NamedTuple

from rasa.core.agent import Agent
from sqlalchemy.orm import Session

from accounts.service import Accounts
from accounts.tiers import Tier
from bot.delivery import outbox, turn
from bot.delivery.bell import Bell, wait
from bot.delivery.sender import Sender
from bot.delivery.tables import LOCK
from bot.logs import fault

log = logging.getLogger(__name__)

LOCKED = "/locked"  # of a message of our own: the chat has locked, and what Rasa remembers of it ends
WARNING = timedelta(minutes=2)
SWEEP = 30.0  # seconds between two looks for sign-ins that are over

Payloads = list[dict[str, Any]]


class Words(NamedTuple):
    """What is said about the lock, as the channel takes it."""

    soon: Payloads  # before a silence becomes too long
    over_soon: Payloads  # before the longest time is over, which writing does not move
    locked: Payloads


async def words(agent: Agent, sender: Sender) -> Words:
    """In the domain's words."""
    names = ("utter_lock_soon", "utter_session_over_soon", "utter_locked")
    return Words(*[sender.render([await turn.words(agent, sender.name, name)]).messages for name in names])


def plan(session: Session, accounts: Accounts, conversation: str, channel: str, said: Words) -> None:
    """Schedule what is to be said about the lock, in place of what was scheduled before."""
    outbox.unschedule(session, conversation, LOCK)
    end, now = accounts.chat_ends(session, conversation), accounts.clock()
    if end is None:
        return
    for at, payloads in ((end.at - WARNING, said.soon if end.by_silence else said.over_soon), (end.at, said.locked)):
        for payload in payloads if at > now else []:
            row = (conversation, channel, payload, now)
            outbox.add(session, accounts.vault, *row, due_at=at, tier=Tier.NONE.word, topic=LOCK)


class Sweep:
    """Ends what is over by time, every half a minute. Several processes may sweep: each sign-in is ended by one.

    `ended` is told each conversation whose sign-in was ended.
    """

    def __init__(self, accounts: Accounts, bell: Bell, ended: Callable[[str], Awaitable[None]]) -> None:
        self._accounts, self._bell, self._ended = accounts, bell, ended
        self._loop: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, with what came to its end while nobody looked."""
        self._loop = asyncio.create_task(self._work())

    async def stop(self) -> None:
        """Once the bell is closed: let the look that is going on come to its end."""
        if self._loop:
            await self._loop

    async def _work(self) -> None:
        with self._bell.listen("sweep") as rung:
            while not self._bell.closed:
                await self.once()
                await wait(rung, SWEEP)

    async def once(self) -> None:
        """One look."""
        try:
            for conversation in await self._accounts.end_overdue():
                await self._ended(conversation)
        except Exception as error:  # noqa: BLE001 - a database that is away is asked again at the next look
            fault(log, "sweep", error)
