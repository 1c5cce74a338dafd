"""An address that was reported as another person's is forgotten before anything is said there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from accounts import consent, grants
from accounts.db import transaction
from accounts.errors import LinkInvalid, SignInFailed
from accounts.grants import Grant
from accounts.tiers import Tier
from accounts.unlink_command import Count, unlink
from bot.channels.errors import AddressGone
from bot.channels.message import Incoming
from bot.delivery.tables import DROPPED, Outbox
from tests.channels.support import form, serving, sms_input, telegram_input
from tests.channels.support import update as telegram_update
from tests.databases import database_url
from tests.delivery.desk import Desk, make_desk
from tests.security.test_opt_out import NUMBER, key, ledger, queue

__all__ = ["database_url"]


class FakePortal:
    """Stands where the portal's revocation endpoint stands."""

    def __init__(self) -> None:
        self.revoked: list[str] = []
        self.away = False

    async def revoke(self, grant: Grant) -> None:
        if self.away:
            raise SignInFailed("unreachable")
        self.revoked.append(grant.patient)


@pytest.fixture
def desk(database_url: str) -> Iterator[Desk]:
    made = make_desk(database_url)
    made.accounts.smart = FakePortal()  # type: ignore[assignment]
    made.delivery.senders["telegram"] = made.sender
    yield made
    made.accounts.engine.dispose()


async def sign_in(desk: Desk, channel: str = "sms", address: str = NUMBER) -> str:
    """Somebody signed in there, agreed to details, and has messages waiting."""
    conversation = await desk.delivery.begin(channel, "clinic", address)
    now = desk.clock()
    grant = Grant("rosa", "Rosa", "a", "r", "s", now + timedelta(hours=1), "Patient/rosa")
    with transaction(desk.accounts.engine) as session:
        grants.save(session, desk.accounts.vault, conversation, grant, desk.accounts.policy, now)
    await desk.accounts.agree(conversation, consent.DETAILS, True, "words")
    await queue(desk, "her result", channel, address, tier="consented", due_at=now + timedelta(hours=1))
    assert await desk.accounts.tier(conversation) is Tier.CONSENTED
    return conversation


async def forgotten(desk: Desk, conversation: str, how: str) -> None:
    """Nothing is known, planned or offered there; the next message is answered as a stranger's."""
    portal: Any = desk.accounts.smart
    assert await desk.accounts.tier(conversation) is Tier.NONE
    assert portal.revoked == ["rosa"]
    assert ("details", False, "unlinked") in ledger(desk) and ("link", False, how) in ledger(desk)
    desk.clock.forward(3 * 3600)
    await desk.work()
    assert "her result" not in desk.said
    assert DROPPED in desk.states(Outbox) or not desk.rows(Outbox)


async def is_answered_as_anybody(desk: Desk, conversation: str) -> None:
    before = len(desk.agent.turns)
    await desk.put("hi")
    await desk.work()
    assert desk.agent.begun_anew[-1] == conversation
    assert desk.agent.turns[before].metadata["tier"] == "none"
    assert desk.said[-1] == "You said hi"
    assert ledger(desk)[-1] == ("link", True, "cleared")


async def test_a_number_that_is_gone_when_something_is_sent(desk: Desk) -> None:
    conversation = await sign_in(desk)
    desk.sender.errors = [AddressGone("30005")]
    await queue(desk, "first")
    await queue(desk, "second")
    await desk.work()
    assert desk.said == []
    await forgotten(desk, conversation, "30005")
    await is_answered_as_anybody(desk, conversation)


async def test_a_number_that_is_gone_by_a_delivery_report(desk: Desk) -> None:
    conversation = await sign_in(desk)
    await queue(desk, "first")
    await desk.work()
    async with serving(sms_input(), delivery=desk.delivery) as server:
        body = form("status_undelivered", MessageSid="SM1", ErrorCode="30005")
        assert (await server.sms(body, path="status")).status_code == 204
    await forgotten(desk, conversation, "30005")
    await is_answered_as_anybody(desk, conversation)


async def test_a_phone_that_is_only_off_stays_linked(desk: Desk) -> None:
    conversation = await sign_in(desk)
    await queue(desk, "first")
    await desk.work()
    async with serving(sms_input(), delivery=desk.delivery) as server:
        await server.sms(form("status_undelivered", MessageSid="SM1"), path="status")  # 30003
    assert await desk.accounts.tier(conversation) is Tier.CONSENTED


async def test_who_says_wrong_number_is_told_once_that_nothing_more_comes(desk: Desk) -> None:
    conversation = await sign_in(desk)
    await desk.put("You have the wrong number")
    await desk.work()
    assert desk.said == ["utter_opted_out"]
    await forgotten(desk, conversation, "wrong_number")
    assert ("texts", False, "wrong_number") in ledger(desk)


@pytest.mark.parametrize("sender", [{"id": 700000002}, {"is_bot": True}])
async def test_a_telegram_account_that_changed(desk: Desk, sender: dict[str, Any]) -> None:
    conversation = await sign_in(desk, "telegram", "700000001")
    sent = telegram_update("text")
    sent["message"]["from"] |= sender
    await queue(desk, "waiting", "telegram", "700000001")
    async with serving(telegram_input(), delivery=desk.delivery) as server:
        assert (await server.telegram(sent)).status_code == 200
    await desk.work()
    assert (desk.said, desk.agent.texts) == ([], [])
    await forgotten(desk, conversation, "stranger")


async def test_the_report_of_reassigned_numbers_is_worked_off_and_counted(desk: Desk, tmp_path: Path) -> None:
    conversation = await sign_in(desk)
    report = ["(202) 555-0143", "+12025550199", "", "not a number", "12025550143"]
    assert await unlink(desk.accounts, "sms", report) == Count(read=4, unlinked=2, unreadable=1)
    await forgotten(desk, conversation, "reassigned")
    await is_answered_as_anybody(desk, conversation)


async def test_a_portal_that_is_away_keeps_nobody_linked(desk: Desk) -> None:
    portal: Any = desk.accounts.smart
    portal.away = True
    conversation = await sign_in(desk)
    await desk.accounts.unlink(conversation, "30005")
    assert await desk.accounts.tier(conversation) is Tier.NONE


async def test_a_link_that_went_there_opens_nothing_any_more(desk: Desk) -> None:
    conversation = await sign_in(desk)
    token = (await desk.accounts.sign_in_url(conversation)).rsplit("/", 1)[1]
    await desk.accounts.unlink(conversation, "30005")
    with pytest.raises(LinkInvalid):
        await desk.accounts.start_sign_in(token)


async def test_an_answer_to_what_was_asked_before_is_answered_to_nobody_known(desk: Desk) -> None:
    """A message of the same minute as the report: it may be the former person's, it is treated as anybody's."""
    conversation = await sign_in(desk)
    await desk.delivery.accept(Incoming("sms", "clinic", "1", NUMBER, "1"))
    await desk.accounts.unlink(conversation, "30005")
    await desk.work()
    assert desk.agent.turns[0].metadata["tier"] == "none"
    assert conversation == key(desk)
