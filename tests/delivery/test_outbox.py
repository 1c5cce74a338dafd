"""What was answered reaches the person: in order, once, when it is due, or is given up for a reason."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from accounts.db import transaction
from accounts.tiers import Tier
from bot.channels.errors import DeliveryError, Retryable, Undeliverable
from bot.delivery import outbox
from bot.delivery.hours import SendingHours
from bot.delivery.tables import DEAD, DELIVERED, FAILED, QUEUED, SENT, Outbox
from tests.databases import START
from tests.delivery.desk import Desk


async def test_replies_wait_behind_one_that_is_tried_again(desk_on_each: Desk) -> None:
    desk = desk_on_each
    desk.sender.errors = [Retryable("503")]
    await desk.put("first")
    await desk.put("second")
    await desk.work()
    assert (desk.said, desk.states(Outbox)) == ([], [QUEUED, QUEUED])
    desk.clock.forward(2)
    await desk.work()
    assert desk.said == ["You said first", "You said second"]
    assert desk.states(Outbox) == [SENT, SENT]


async def test_a_provider_that_names_a_time_is_not_asked_before(desk: Desk) -> None:
    desk.sender.errors = [Retryable("429", retry_after=120)]
    await desk.put("hi")
    await desk.work()
    desk.clock.forward(119)
    await desk.work()
    assert (desk.said, desk.sender.calls) == ([], 1)
    desk.clock.forward(1)
    await desk.work()
    assert desk.said == ["You said hi"]


@pytest.mark.parametrize("error", [Undeliverable("30006"), DeliveryError("odd")])
async def test_what_can_never_be_delivered_is_dead_and_holds_up_nothing(desk: Desk, error: Exception) -> None:
    desk.sender.errors = [error]
    await desk.put("first")
    await desk.put("second")
    await desk.work()
    assert desk.said == ["You said second"]
    assert desk.states(Outbox) == [DEAD, SENT]


async def test_a_provider_that_never_takes_it_is_given_up_after_eight_tries(desk: Desk) -> None:
    desk.sender.errors = [Retryable("503")] * 20
    await desk.put("hi")
    for _ in range(12):
        await desk.work()
        desk.clock.forward(outbox.LONGEST_WAIT)
    assert (desk.sender.calls, desk.states(Outbox)) == (outbox.MAX_TRIES, [DEAD])


async def test_a_fault_of_our_own_is_tried_again_and_kept_by_its_kind_alone(desk: Desk) -> None:
    desk.sender.errors = [KeyError("my secret illness")]
    await desk.put("hi")
    await desk.work()
    assert desk.rows(Outbox)[0].error == "KeyError"
    desk.clock.forward(2)
    await desk.work()
    assert desk.said == ["You said hi"]


async def test_a_provider_that_hangs_is_tried_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.delivery.service.SEND_LIMIT", 0.05)
    desk.sender.hold = asyncio.Event()
    await desk.put("hi")
    await desk.work()
    assert (desk.states(Outbox), desk.rows(Outbox)[0].error) == ([QUEUED], "TimeoutError")


def leased(desk: Desk) -> list[outbox.Parcel]:
    with transaction(desk.accounts.engine) as session:
        return outbox.lease(session, desk.accounts.vault, desk.clock(), 10, ["sms"])


async def queue(desk: Desk, text: str, **more: Any) -> int:
    await desk.delivery.begin("sms", "clinic", "+12025550143")
    key = desk.accounts.vault.conversation_key("sms", "+12025550143")
    with transaction(desk.accounts.engine) as session:
        more = {"tier": "none", **more}
        return outbox.add(session, desk.accounts.vault, key, "sms", {"body": text}, desk.clock(), **more)


async def test_a_parcel_of_a_process_that_died_is_sent_by_another_after_a_minute(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await queue(desk, "one")
    assert len(leased(desk)) == 1
    assert leased(desk) == []
    desk.clock.forward(61)
    await desk.work()
    assert desk.said == ["one"]


async def test_a_late_failure_does_not_send_again_what_another_has_sent(desk: Desk) -> None:
    await queue(desk, "one")
    (late,) = leased(desk)
    desk.clock.forward(61)
    await desk.work()
    with transaction(desk.accounts.engine) as session:
        outbox.refused(session, late, Retryable("timeout"), desk.clock())
    desk.clock.forward(3600)
    await desk.work()
    assert desk.said == ["one"]


async def test_what_is_scheduled_is_sent_when_due_once_and_in_order_of_time(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await queue(desk, "at two hours", due_at=START + timedelta(hours=2))
    await queue(desk, "at one hour", due_at=START + timedelta(hours=1))
    await queue(desk, "now")
    await desk.work()
    assert desk.said == ["now"]
    desk.clock.forward(3 * 3600)
    await desk.work()
    await desk.work()
    assert desk.said == ["now", "at one hour", "at two hours"]
    assert [row.id for row in desk.rows(Outbox)] == sorted(row.id for row in desk.rows(Outbox))


async def test_a_reminder_of_a_turn_is_kept_with_it_and_sent_later(desk: Desk) -> None:
    due = (START + timedelta(days=3)).replace(tzinfo=timezone(timedelta(0))).astimezone(timezone(timedelta(hours=-5)))

    async def remind(_message: Any) -> list[dict[str, Any]]:
        return [{"text": "I'll remind you."}, {"text": "It is time.", "custom": {"due": due.isoformat()}}]

    desk.agent.answer = remind
    await desk.put("remind me")
    await desk.work()
    desk.clock.forward(3 * 86400 - 1)
    await desk.work()
    assert desk.said == ["I'll remind you."]
    desk.clock.forward(1)
    await desk.work()
    assert desk.said == ["I'll remind you.", "It is time."]


@pytest.mark.parametrize(
    ("reports", "state"),
    [
        (["queued", "sent"], SENT),
        (["delivered"], DELIVERED),
        (["read"], DELIVERED),
        (["undelivered"], FAILED),
        (["delivered", "sent", "failed"], DELIVERED),
        (["failed", "delivered"], FAILED),
        (["nonsense"], SENT),
    ],
)
async def test_the_providers_last_word_is_kept(desk: Desk, reports: list[str], state: str) -> None:
    await queue(desk, "one")
    await desk.work()
    for report in reports:
        await desk.delivery.reconcile("sms", "SM1", report, Undeliverable("30006") if report == "undelivered" else None)
    await desk.delivery.reconcile("telegram", "SM1", "failed")
    assert desk.states(Outbox) == [state]


async def test_the_history_misses_nothing_that_is_sent_out_of_turn(desk_on_each: Desk) -> None:
    """A reader asks for what comes after the last id that it saw: no smaller id may turn up later."""
    desk = desk_on_each
    key = desk.accounts.vault.conversation_key("sms", "+12025550143")
    await queue(desk, "the answer to the first")
    await queue(desk, "the person's second", state=SENT)
    seen = (await desk.delivery.history(key, None)).messages
    await desk.work()
    seen += (await desk.delivery.history(key, seen[-1][0])).messages
    assert [event["body"] for _, event in seen] == ["the answer to the first", "the person's second"]


async def test_the_history_begins_with_the_last_fifty_and_goes_on_after_an_id(desk: Desk) -> None:
    key = desk.accounts.vault.conversation_key("sms", "+12025550143")
    ids = [await queue(desk, str(i), state=SENT) for i in range(60)]
    shown = (await desk.delivery.history(key, None, 50)).messages
    assert [event["body"] for _, event in shown] == [str(i) for i in range(10, 60)]
    assert [number for number, _ in (await desk.delivery.history(key, ids[57])).messages] == ids[58:]


async def test_the_history_says_when_it_was_sent_and_not_when_it_was_planned(desk: Desk) -> None:
    key = desk.accounts.vault.conversation_key("sms", "+12025550143")
    await queue(desk, "later", due_at=START + timedelta(hours=1))
    assert (await desk.delivery.history(key, None)).messages == []
    desk.clock.forward(3600)
    await desk.work()
    ((_, event),) = (await desk.delivery.history(key, None)).messages
    assert event["at"] == "2026-03-01T13:00:00+00:00"


@pytest.mark.parametrize("tier", ["consented", "full"])
async def test_a_reminder_that_may_no_longer_be_told_says_only_that_there_is_one(desk: Desk, tier: str) -> None:
    due = (START + timedelta(hours=1)).replace(tzinfo=timezone.utc).isoformat()

    async def remind(_message: Any) -> list[dict[str, Any]]:
        return [{"text": "Lisinopril is due.", "custom": {"due": due, "tier": tier, "topic": "reminder"}}]

    desk.agent.answer = remind
    desk.accounts.tier_within = lambda *_: Tier.FULL  # type: ignore[method-assign]
    await desk.put("remind me")
    await desk.work()
    desk.accounts.tier_within = lambda *_: Tier.NONE  # type: ignore[method-assign]
    desk.clock.forward(3600)
    await desk.work()
    assert desk.said[-1] == "utter_reminder_private"
    assert not any("Lisinopril" in said for said in desk.said)


async def test_reminders_wait_for_the_day_and_answers_do_not(desk: Desk) -> None:
    await queue(desk, "a reminder", due_at=START + timedelta(hours=9))  # 21:00
    desk.clock.forward(9 * 3600)
    await desk.put("hi")
    await desk.work()
    desk.clock.forward(11 * 3600 - 1)  # 7:59:59
    await desk.work()
    assert desk.said == ["You said hi"]
    desk.clock.forward(1)
    await desk.work()
    assert desk.said == ["You said hi", "a reminder"]


@pytest.mark.parametrize(("hour", "open_"), [(12, False), (13, True), (2, False), (1, True)])
def test_the_hours_are_those_of_the_clinics_zone(hour: int, open_: bool) -> None:
    """New York in winter is five hours behind: 8:00 is 13:00 UTC, and 21:00 is 2:00 of the next day."""
    hours = SendingHours(time_zone="America/New_York")
    assert hours.include(datetime(2026, 1, 15, hour)) is open_
