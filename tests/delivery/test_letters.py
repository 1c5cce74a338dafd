"""What was given up is visible to the operator without a word of anybody, and can be tried again or dropped."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from accounts.db import transaction
from accounts.tiers import Tier
from bot import letters_command
from bot.channels.errors import Retryable, Undeliverable
from bot.delivery import letters
from bot.delivery.inbox import MAX_TRIES
from bot.delivery.tables import DEAD, DONE, DROPPED, LEASED, NEW, QUEUED, SENT, Inbox, Outbox
from tests.delivery.desk import Desk, echo

PHONE, WORDS = "+12025550143", "marzipanitis"


async def broken(_message: Any) -> list[dict[str, Any]]:
    raise RuntimeError(WORDS)


async def give_up(desk: Desk, text: str = WORDS) -> None:
    """A message whose turns all fail; its person is told."""
    desk.agent.answer = broken
    await desk.put(text)
    for _ in range(MAX_TRIES):
        await desk.work()
        desk.clock.forward(60)
    desk.agent.answer = echo


def command(desk: Desk, *arguments: str) -> int:
    return letters_command.main(list(arguments), desk.accounts)


async def test_dead_letters_of_both_queues_are_listed_without_words_or_addresses(
    desk_on_each: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_on_each
    await give_up(desk)
    desk.sender.errors = [Undeliverable("30006")]
    await desk.put("hi")
    await desk.work()
    desk.clock.forward(3 * 86400 + 7200)
    assert command(desk, "list") == 0
    said = capsys.readouterr().out
    head, first, second = said.splitlines()
    assert head.split()[0] == "ID"
    assert re.fullmatch(r"inbox-1 +sms +2026-03-01 12:00:00 +3d 2h +5 +RuntimeError +\w{8}", first)
    assert re.fullmatch(r"outbox-2 +sms +2026-03-01 12:05:00 +3d 2h +1 +30006 +\w{8}", second)
    key = desk.rows(Inbox)[0].conversation
    assert first.split()[-1] == key[:8] and key not in said
    assert WORDS not in said and PHONE[1:] not in said
    assert command(desk, "show", "outbox-2") == 0
    assert second.split()[:2] == capsys.readouterr().out.splitlines()[1].split()[:2]


def test_no_dead_letters_are_said_to_be_none(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(desk, "list") == 0
    assert capsys.readouterr().out == "No dead letters.\n"


async def test_a_dead_message_is_tried_again_before_those_that_wait_and_with_the_same_turn(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await give_up(desk, "first")
    turn = desk.agent.turns[0].metadata["turn"]
    await desk.put("second")
    assert command(desk, "retry", "inbox-1") == 0
    assert [(row.state, row.tries, row.error) for row in desk.rows(Inbox)] == [(NEW, 0, None), (NEW, 0, None)]
    await desk.work()
    assert desk.said == ["Sorry, that broke.", "You said first", "You said second"]
    assert desk.states(Inbox) == [DONE, DONE]
    assert desk.agent.turns[-2].metadata["turn"] == turn
    assert desk.agent.most_of_one == 1


async def test_a_dead_reply_goes_before_those_that_wait(desk_on_each: Desk) -> None:
    desk = desk_on_each
    desk.sender.errors = [Undeliverable("30006"), Retryable("503")]
    await desk.put("first")
    await desk.put("second")
    await desk.work()
    assert desk.states(Outbox) == [DEAD, QUEUED]
    desk.clock.forward(60)
    assert command(desk, "retry", "outbox-1") == 0
    await desk.work()
    assert desk.said == ["You said first", "You said second"]


async def test_nothing_is_put_back_beside_a_message_in_hand(
    desk_on_each: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    desk = desk_on_each
    await give_up(desk)
    await desk.put("second")
    _set(desk, Inbox, 2, state=LEASED)
    assert command(desk, "retry", "inbox-1") == 1
    assert "try again in a minute" in capsys.readouterr().err
    assert desk.states(Inbox) == [DEAD, LEASED]


async def test_what_may_no_longer_be_told_there_is_not_sent(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.sender.errors = [Undeliverable("30006")]
    await desk.put("hi")
    await desk.work()
    _set(desk, Outbox, 1, tier=Tier.CONSENTED.word)  # and nobody is signed in any more
    assert command(desk, "retry", "outbox-1") == 1
    assert "may no longer be told" in capsys.readouterr().err
    assert desk.states(Outbox) == [DEAD]


@pytest.mark.parametrize("name", ["inbox-99", "outbox-1", "inbox", "grant-1", "inbox-1; drop", "inbox--1"])
@pytest.mark.parametrize("what", ["show", "retry", "drop"])
async def test_what_is_no_dead_letter_is_left_alone(desk: Desk, name: str, what: str) -> None:
    await desk.put("hi")
    await desk.work()
    assert command(desk, what, name) == 1
    assert (desk.states(Inbox), desk.states(Outbox)) == ([DONE], [SENT])


async def test_a_dropped_letter_is_listed_no_more_and_a_repeat_of_it_starts_nothing(desk_on_each: Desk) -> None:
    desk = desk_on_each
    await give_up(desk)
    repeated = desk.rows(Inbox)[0].message_id
    assert command(desk, "drop", "inbox-1") == 0
    with transaction(desk.accounts.engine) as session:
        assert letters.dead(session) == []
    assert [(row.state, row.error) for row in desk.rows(Inbox)] == [(DROPPED, "operator: RuntimeError")]
    assert not await desk.put("again", message_id=repeated)
    assert command(desk, "retry", "inbox-1") == 1


async def test_after_somebody_else_signed_in_a_former_persons_letters_are_not_tried_again(desk: Desk) -> None:
    await give_up(desk)
    _set(desk, Outbox, 1, state=DEAD, tier=Tier.CONSENTED.word)
    key, until = desk.rows(Inbox)[0].conversation, desk.clock() + timedelta(seconds=1)
    with transaction(desk.accounts.engine) as session:
        desk.accounts.when_somebody_else(session, key, until)
        assert letters.dead(session) == []
    assert command(desk, "retry", "inbox-1") == 1


def _set(desk: Desk, kind: Any, row_id: int, **values: Any) -> None:
    with transaction(desk.accounts.engine) as session:
        for name, value in values.items():
            setattr(session.get(kind, row_id), name, value)
