"""A message is stored once, answered in order, one turn at a time, and never lost."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from accounts.db import transaction
from bot.delivery import heartbeat, inbox, service
from bot.delivery.tables import DEAD, DONE, Inbox, Outbox
from bot.delivery.tracker_store import Unsaved
from tests.delivery.desk import Desk, make_desk


async def test_the_same_message_twice_is_one_row(desk_on_each: Desk) -> None:
    assert await desk_on_each.put("hi", message_id="SM1")
    assert not await desk_on_each.put("hi", message_id="SM1")
    assert len(desk_on_each.rows(Inbox)) == 1


async def test_the_same_message_twenty_times_at_once_is_one_turn(desk_on_each: Desk) -> None:
    async with desk_on_each.at_work():
        kept = await asyncio.gather(*(desk_on_each.put("hi", message_id="SM1") for _ in range(20)))
        await desk_on_each.settled()
    assert sorted(kept) == [False] * 19 + [True]
    assert desk_on_each.agent.texts == ["hi"]
    assert desk_on_each.said == ["You said hi"]


async def test_the_same_id_on_another_end_of_ours_is_another_message(desk: Desk) -> None:
    from bot.channels.message import Incoming

    assert await desk.delivery.accept(Incoming("sms", "clinic", "1", "+12025550143", "hi"))
    assert await desk.delivery.accept(Incoming("sms", "another clinic", "1", "+12025550143", "hi"))


async def test_ten_messages_of_one_person_are_answered_in_order_and_never_two_in_flight(desk_on_each: Desk) -> None:
    desk = desk_on_each

    async def slowly(message: Any) -> list[dict[str, Any]]:
        await asyncio.sleep(0.05 if message.text == "3" else 0)
        return [{"text": message.text}]

    desk.agent.answer = slowly
    async with desk.at_work():
        for i in range(10):
            await desk.put(str(i))
        await desk.settled()
    assert desk.said == [str(i) for i in range(10)]
    assert desk.agent.most_of_one == 1


async def test_many_people_are_answered_side_by_side(desk_on_each: Desk) -> None:
    desk, together = desk_on_each, asyncio.Event()

    async def together_or_never(_message: Any) -> list[dict[str, Any]]:
        if desk.agent.most_at_once >= 5:
            together.set()
        await asyncio.wait_for(together.wait(), 20)
        return [{"text": "ok"}]

    desk.agent.answer = together_or_never
    for i in range(5):
        await desk.put("hi", f"+1202555010{i}")
    await desk.work()
    assert desk.said == ["ok"] * 5


async def test_a_slow_provider_holds_up_no_turn(desk: Desk) -> None:
    desk.sender.hold = asyncio.Event()
    async with desk.at_work():
        for i in range(20):
            await desk.put("hi", f"+120255501{i:02}")
        for _ in range(1000):
            if len(desk.agent.turns) == 20:
                break
            await asyncio.sleep(0.01)
        assert (len(desk.agent.turns), desk.said) == (20, [])
        desk.sender.hold.set()


async def test_two_processes_on_one_database_share_the_work(database_url: str) -> None:
    one, two = make_desk(database_url), make_desk(database_url)
    async with one.at_work(), two.at_work():
        for i in range(30):
            await (one if i % 2 else two).put(str(i), f"+1202555010{i % 3}")
        await one.settled()
    turns = sorted(int(text) for text in one.agent.texts + two.agent.texts)
    assert turns == list(range(30))
    assert len(one.said + two.said) == 30
    for desk in (one, two):
        desk.accounts.engine.dispose()


def leased(desk: Desk) -> list[inbox.Job]:
    with transaction(desk.accounts.engine) as session:
        return inbox.lease(session, desk.accounts.vault, desk.clock(), 10, ["sms"])


async def test_a_lease_of_a_process_that_died_is_taken_up_again_when_it_is_over(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await desk.put("first")
    await desk.put("second")
    assert [job.text for job in leased(desk)] == ["first"]
    desk.clock.forward(19)
    assert leased(desk) == []
    desk.clock.forward(2)
    assert [job.text for job in leased(desk)] == ["first"]


async def test_what_a_late_finisher_says_is_dropped(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await desk.put("hi")
    (late,) = leased(desk)
    desk.clock.forward(61)
    await desk.work()
    await desk.delivery._commit(late, service.Answer([service.Reply("from the dead")]), Unsaved())
    await desk.delivery._give_back(late, "late")
    await desk.work()
    assert desk.said == ["You said hi"]
    assert desk.states(Inbox) == [DONE]


async def test_a_lease_is_extended_well_before_it_is_over() -> None:
    assert heartbeat.LEASE.total_seconds() >= 3 * heartbeat.BEAT + 5


async def test_a_failed_turn_is_tried_again_later_and_what_comes_after_it_waits(desk: Desk) -> None:
    faults = [OSError("my secret illness")]

    async def fail_once(message: Any) -> list[dict[str, Any]]:
        if faults:
            raise faults.pop()
        return [{"text": message.text}]

    desk.agent.answer = fail_once
    await desk.put("first")
    await desk.put("second")
    await desk.work()
    assert (desk.agent.texts, desk.said) == (["first"], [])
    assert desk.rows(Inbox)[0].error == "OSError"
    desk.clock.forward(2)
    await desk.work()
    assert desk.said == ["first", "second"]


async def test_each_try_of_a_message_is_the_same_turn_to_the_actions(desk: Desk) -> None:
    faults = [OSError()]

    async def fail_once(message: Any) -> list[dict[str, Any]]:
        if faults:
            raise faults.pop()
        return await_nothing

    await_nothing: list[dict[str, Any]] = [{"text": "ok"}]
    desk.agent.answer = fail_once
    await desk.put("hi")
    await desk.work()
    desk.clock.forward(2)
    await desk.work()
    first, second = desk.agent.turns
    assert first.metadata["turn"] == second.metadata["turn"]


async def fails(_message: Any) -> list[dict[str, Any]]:
    raise OSError("my secret illness")


async def test_a_message_that_always_fails_is_dead_after_five_tries_and_apologised_for(desk: Desk) -> None:
    desk.agent.answer = fails
    await desk.put("bad")
    await desk.put("good")
    for _ in range(4):
        await desk.work()
        assert desk.said == []
        desk.clock.forward(60)
    await desk.work()
    assert desk.said[0] == "Sorry, that broke."
    assert desk.states(Inbox)[0] == DEAD
    assert desk.agent.texts[:6] == ["bad"] * 5 + ["good"]


async def test_without_words_for_the_apology_the_message_is_dead_all_the_same(desk: Desk) -> None:
    desk.agent.answer = fails
    desk.agent.words = None  # type: ignore[assignment]
    await desk.put("bad")
    for _ in range(5):
        await desk.work()
        desk.clock.forward(60)
    assert (desk.states(Inbox), desk.states(Outbox)) == ([DEAD], [])


async def test_a_message_that_ends_the_process_each_time_is_given_up(desk: Desk) -> None:
    await desk.put("poison")
    for _ in range(inbox.MAX_TRIES):
        assert leased(desk)
        desk.clock.forward(61)
    await desk.work()
    assert desk.agent.turns == []
    assert desk.said == ["Sorry, that broke."]


async def test_a_turn_that_hangs_is_ended_and_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "TURN_LIMIT", 0.05)

    async def hang(_message: Any) -> list[dict[str, Any]]:
        await asyncio.Event().wait()
        return []

    desk.agent.answer = hang
    await desk.put("hi")
    await desk.work()
    assert desk.rows(Inbox)[0].error == "TimeoutError"
    desk.agent.answer = service_echo
    desk.clock.forward(2)
    await desk.work()
    assert desk.said == ["ok"]


async def service_echo(_message: Any) -> list[dict[str, Any]]:
    return [{"text": "ok"}]


async def test_a_turn_that_says_nothing_is_answered_for(desk: Desk) -> None:
    async def nothing(_message: Any) -> list[dict[str, Any]]:
        return []

    desk.agent.answer = nothing
    await desk.put("hi")
    await desk.work()
    assert desk.said == ["Sorry, that broke."]


async def test_a_channel_that_was_switched_off_waits_and_holds_up_nobody(desk: Desk) -> None:
    from bot.channels.message import Incoming

    desk.delivery.senders["telegram"] = desk.sender
    await desk.delivery.accept(Incoming("telegram", "bot", "1", "77", "hi"))
    del desk.delivery.senders["telegram"]
    await desk.put("hello")
    async with desk.at_work():
        for _ in range(500):
            if desk.said:
                break
            await asyncio.sleep(0.01)
    assert desk.said == ["You said hello"]
    assert [(row.channel, row.tries) for row in desk.rows(Inbox)] == [("telegram", 0), ("sms", 1)]


async def test_no_words_of_a_patient_stand_in_the_clear(desk: Desk) -> None:
    desk.agent.answer = fails
    await desk.put("my secret illness")
    await desk.work()
    stored = repr([vars(row) for row in desk.rows(Inbox) + desk.rows(Outbox)])
    assert "illness" not in stored
    assert "12025550143" not in stored


async def test_a_failing_courtesy_costs_no_answer(desk: Desk) -> None:
    desk.sender.typing_error = OSError("no typing today")
    await desk.put("hi")
    await desk.work()
    assert desk.said == ["You said hi"]
