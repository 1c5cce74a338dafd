"""The queues outlive a database that is away, and a stop loses nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from bot.channels.message import Rendered, Reply
from bot.delivery.bell import Bell, wait
from bot.delivery.tables import DONE, SENT, Inbox, Outbox
from bot.delivery.worker import Worker
from tests.delivery.desk import Desk


async def test_a_database_that_is_away_is_asked_calmly_and_work_goes_on_afterwards(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.delivery.worker.IDLE", 0.05)
    asked: list[str] = []

    def refuse(_connection: Any) -> None:
        asked.append("begin")
        raise OperationalError("BEGIN", {}, Exception("database is locked"))

    await desk.put("hi")
    event.listen(desk.accounts.engine, "begin", refuse)
    async with desk.at_work():
        await asyncio.sleep(0.5)
        assert 2 <= len(asked) <= 40, "two queues, each twenty times a second at most"
        event.remove(desk.accounts.engine, "begin", refuse)
        await desk.settled()
    assert desk.said == ["You said hi"]


async def test_a_message_is_not_acknowledged_while_the_database_is_away(desk: Desk) -> None:
    def refuse(_connection: Any) -> None:
        raise OperationalError("BEGIN", {}, Exception("database is locked"))

    event.listen(desk.accounts.engine, "begin", refuse)
    with pytest.raises(OperationalError):
        await desk.put("hi")
    event.remove(desk.accounts.engine, "begin", refuse)
    assert desk.rows(Inbox) == []


async def test_a_stop_lets_the_turn_in_flight_end_and_sends_what_it_said(desk: Desk) -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(message: Any) -> list[dict[str, Any]]:
        begun.set()
        await go_on.wait()
        return [{"text": message.text}]

    desk.agent.answer = slowly
    desk.delivery.start()
    await desk.put("first")
    await begun.wait()
    stopping = asyncio.create_task(desk.delivery.stop())
    await asyncio.sleep(0.05)
    assert not stopping.done()
    assert not desk.sender.closed
    go_on.set()
    await stopping
    assert desk.said == ["first"]
    assert desk.sender.closed
    assert (desk.states(Inbox), desk.states(Outbox)) == ([DONE], [SENT])


async def test_after_a_stop_nothing_new_is_taken(desk: Desk) -> None:
    async with desk.at_work():
        pass
    await desk.put("hi")
    await asyncio.sleep(0.05)
    assert (desk.agent.turns, desk.rows(Inbox)[0].state) == ([], "new")


async def test_a_lease_that_is_being_taken_when_the_stop_comes_is_worked_off() -> None:
    bell, done = Bell(), []
    leasing, go_on = asyncio.Event(), asyncio.Event()

    async def lease(_limit: int) -> list[int]:
        leasing.set()
        await go_on.wait()
        return [1]

    async def handle(item: int) -> None:
        done.append(item)

    worker = Worker("q", bell, lease, handle)
    worker.start()
    await leasing.wait()
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0)
    go_on.set()
    await stopping
    assert done == [1]


async def test_never_more_than_agreed_are_in_flight() -> None:
    bell, waiting, running, most = Bell(), list(range(20)), 0, 0

    async def lease(limit: int) -> list[int]:
        taken, waiting[:] = waiting[:limit], waiting[limit:]
        return taken

    async def handle(_item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1

    worker = Worker("q", bell, lease, handle, at_once=3)
    worker.start()
    await worker.stop(drain=True)
    assert waiting == []
    assert most == 3


async def test_a_picture_is_drawn_beside_the_event_loop(desk: Desk) -> None:
    import threading

    threads: list[int] = []

    def render(replies: list[Reply]) -> Rendered:
        threads.append(threading.get_ident())
        return Rendered([{"body": replies[0].text}])

    desk.sender.render = render  # type: ignore[method-assign]
    await desk.put("hi")
    await desk.work()
    assert threads
    assert threading.get_ident() not in threads


async def test_a_bell_wakes_those_who_listen_to_its_name() -> None:
    bell = Bell()
    with bell.listen("a") as a, bell.listen("a") as also_a, bell.listen("b") as b:
        bell.ring("a")
        assert (a.is_set(), also_a.is_set(), b.is_set()) == (True, True, False)
        await wait(a, 10)
        assert not a.is_set()
        await wait(a, 0.001)
    bell.ring("a")
    assert not a.is_set()


async def test_a_closed_bell_wakes_everybody() -> None:
    bell = Bell()
    with bell.listen("a") as a, bell.listen("b") as b:
        bell.close()
        assert (a.is_set(), b.is_set(), bell.closed) == (True, True, True)


async def test_typing_shows_while_an_answer_is_made_even_if_that_fails() -> None:
    bell = Bell()
    with bell.listen("someone") as rung:
        with pytest.raises(OSError), bell.typing("someone"):
            assert bell.is_typing("someone")
            assert rung.is_set()
            raise OSError
        assert not bell.is_typing("someone")
