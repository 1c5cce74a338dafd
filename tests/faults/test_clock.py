"""The machine's clock is set back and forward an hour: nothing is sent twice, and no link lives longer."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts import conversations
from accounts.clock import SteadyClock
from accounts.conversations import Place
from accounts.db import transaction
from accounts.errors import LinkInvalid
from accounts.service import Accounts
from bot.delivery import heartbeat
from bot.delivery.tables import DONE, SENT, Inbox, Outbox
from tests.databases import START, make_accounts
from tests.delivery.desk import Desk, make_desk

HOUR = 3600.0


class Machine:
    """A machine whose clock can be set while time goes on."""

    def __init__(self) -> None:
        self.passed = self.wrong = 0.0

    def wall(self) -> datetime:
        return START + timedelta(seconds=self.passed + self.wrong)

    def clock(self) -> SteadyClock:
        return SteadyClock(self.wall, lambda: self.passed)


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def desk(tmp_path: Path, machine: Machine) -> Desk:
    return make_desk(f"sqlite:///{tmp_path / 'state.db'}", machine.clock())  # type: ignore[arg-type]


async def link(accounts: Accounts) -> str:
    with transaction(accounts.engine) as session:
        key = conversations.remember(session, accounts.vault, Place("web", "clinic", "a"), accounts.clock())
    return (await accounts.sign_in_url(key)).rsplit("/", 1)[1]


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_the_time_goes_on_by_what_passed_and_follows_a_clock_that_was_set_slowly(machine: Machine, jump: float) -> None:
    clock = machine.clock()
    machine.wrong, before = jump, clock()
    for _ in range(600):
        machine.passed += 1
        now = clock()
        assert timedelta(seconds=0.98) < now - before < timedelta(seconds=1.02)
        before = now
    machine.passed += 200 * HOUR
    assert abs(clock() - machine.wall()) < timedelta(seconds=1)


def test_a_machine_that_slept_slept(machine: Machine) -> None:
    clock = machine.clock()
    machine.passed += 8 * HOUR
    assert clock() == machine.wall()


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
async def test_a_link_lives_as_long_as_it_would(tmp_path: Path, machine: Machine, jump: float) -> None:
    accounts = make_accounts(f"sqlite:///{tmp_path / 'state.db'}", clock=machine.clock())  # type: ignore[arg-type]
    token = await link(accounts)
    machine.wrong = jump
    machine.passed += 580
    assert (await accounts.link_purpose(token)).to == "here"
    machine.passed += 30
    with pytest.raises(LinkInvalid):
        await accounts.link_purpose(token)


@pytest.mark.parametrize("jumps", [(HOUR, 0.0), (-HOUR, 0.0)], ids=["forward and back", "back and forward"])
async def test_what_is_in_hand_is_neither_answered_nor_sent_twice(
    desk: Desk, machine: Machine, jumps: tuple[float, ...]
) -> None:
    desk.sender.hold = asyncio.Event()
    async with desk.at_work():
        for text in "ab":
            await desk.put(text)
        for jump in jumps:
            machine.wrong = jump
            await desk.put(f"after {jump}")
            for _ in range(20):
                desk.delivery.bell.ring("inbox")
                desk.delivery.bell.ring("outbox")
                await asyncio.sleep(0.01)
        desk.sender.hold.set()
        await desk.settled()
    assert desk.said == [f"You said {text}" for text in ("a", "b", *(f"after {jump}" for jump in jumps))]
    assert (set(desk.states(Inbox)), set(desk.states(Outbox))) == ({DONE}, {SENT})


async def test_what_a_process_has_in_hand_it_never_takes_again_even_when_its_lease_is_over(tmp_path: Path) -> None:
    """As after a machine that stood still: the clock is right, and all leases are over."""
    desk = make_desk(f"sqlite:///{tmp_path / 'other.db'}")
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(message: Any) -> list[dict[str, Any]]:
        begun.set()
        await go_on.wait()
        return [{"text": message.text}]

    desk.agent.answer = slowly
    async with desk.at_work():
        await desk.put("a")
        await begun.wait()
        desk.clock.forward(HOUR)
        for _ in range(20):
            desk.delivery.bell.ring("inbox")
            await asyncio.sleep(0.01)
        assert len(desk.agent.turns) == 1
        go_on.set()
        await desk.settled()
    assert (desk.agent.texts, desk.said) == (["a"], ["a"])


async def test_a_slow_turn_is_not_taken_over_by_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat, "BEAT", 0.01)
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    slow = make_desk(url)
    other = make_desk(url, slow.clock)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(message: Any) -> list[dict[str, Any]]:
        begun.set()
        await go_on.wait()
        return [{"text": message.text}]

    slow.agent.answer = slowly
    async with slow.at_work():
        await slow.put("a")
        await begun.wait()
        for _ in range(10):  # 150 seconds in steps that are shorter than a lease
            slow.clock.forward(15)
            due = slow.clock() + timedelta(seconds=16)
            for _ in range(300):
                if slow.rows(Inbox)[0].due_at >= due:
                    break
                await asyncio.sleep(0.01)
            assert slow.rows(Inbox)[0].due_at >= due, "no heartbeat"
            assert await other.delivery._lease_jobs(9) == []
        go_on.set()
        await slow.settled()
    assert (slow.said, other.said) == (["a"], [])


async def test_a_process_that_stood_still_sends_nothing_that_another_has_sent_meanwhile(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    still = make_desk(url)
    other = make_desk(url, still.clock)
    await still.put("a")
    (job,) = await still.delivery._lease_jobs(1)
    await still.delivery._answer(job)
    (parcel,) = await still.delivery._lease_parcels(1)
    still.clock.forward(21)
    await other.work()
    await still.delivery._hand_over(parcel)
    assert (still.said, other.said) == ([], ["You said a"])
