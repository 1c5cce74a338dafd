from __future__ import annotations

import pytest

from accounts.db import transaction
from accounts.errors import GrantEnded, NotSignedIn, SignInFailed
from accounts.grants import Audience
from accounts.service import Accounts
from accounts.tables import Grant as Row
from accounts.tiers import Tier
from tests.accounts.portal_away import FakePortal, conversation, sign_in
from tests.databases import Clock


def kept(state: Accounts, row: Row) -> set[str]:
    """What of a grant is still here."""
    return set(state.vault.open(row.sealed, f"grant.sealed:{row.conversation}"))


def audience(state: Accounts, key: str) -> Audience:
    with transaction(state.engine) as session:
        return state.audience(session, key)


def write(state: Accounts, key: str) -> Tier:
    """The person writes a message."""
    with transaction(state.engine) as session:
        return state.used(session, key)


async def test_a_conversation_without_a_sign_in_has_no_grant(state: Accounts) -> None:
    with pytest.raises(NotSignedIn) as raised:
        await state.grant(conversation(state))
    assert not isinstance(raised.value, GrantEnded)


async def test_a_fresh_grant_is_given_as_it_is(state: Accounts, fake_portal: FakePortal) -> None:
    key = conversation(state)
    first = await sign_in(state, key)
    assert await state.grant(key) == first
    assert fake_portal.given == 1


async def test_a_grant_about_to_expire_is_renewed_unseen_and_kept(
    state: Accounts, fake_portal: FakePortal, clock: Clock
) -> None:
    key = conversation(state)
    await sign_in(state, key)
    clock.forward(280)  # of 300: not enough for a turn
    assert (await state.grant(key)).access_token == "access-2"
    assert (await state.grant(key)).access_token == "access-2"
    assert fake_portal.given == 2


async def test_a_refused_renewal_ends_the_grant_and_forgets_its_tokens(
    state: Accounts, fake_portal: FakePortal, clock: Clock
) -> None:
    key = conversation(state)
    await sign_in(state, key)
    clock.forward(3600)
    fake_portal.error = GrantEnded()
    with pytest.raises(GrantEnded):
        await state.grant(key)
    fake_portal.error = None
    with pytest.raises(GrantEnded):
        await state.grant(key)
    with transaction(state.engine) as session:
        row = session.get(Row, key)
        assert row.ended_at == clock()
        assert kept(state, row) == {"reader"}


async def test_a_portal_that_is_away_ends_nothing(state: Accounts, fake_portal: FakePortal, clock: Clock) -> None:
    key = conversation(state)
    await sign_in(state, key)
    clock.forward(3600)
    fake_portal.error = SignInFailed("unreachable")
    with pytest.raises(SignInFailed):
        await state.grant(key)
    fake_portal.error = None
    assert (await state.grant(key)).access_token == "access-2"


async def test_signing_out_forgets_first_even_where_the_portal_is_away(
    state: Accounts, fake_portal: FakePortal
) -> None:
    key = conversation(state)
    await sign_in(state, key)
    fake_portal.error = SignInFailed("unreachable")
    with pytest.raises(SignInFailed):
        await state.sign_out(key)
    with transaction(state.engine) as session:
        assert kept(state, session.get(Row, key)) == {"reader"}
    with pytest.raises(NotSignedIn):
        await state.grant(key)


async def test_signing_out_tells_the_portal(state: Accounts, fake_portal: FakePortal) -> None:
    key = conversation(state)
    await sign_in(state, key)
    await state.sign_out(key)
    assert fake_portal.revoked == ["access-1"]
    with pytest.raises(NotSignedIn):
        await state.sign_out(key)


async def test_a_renewal_that_answers_after_the_sign_out_brings_nothing_back(
    state: Accounts, fake_portal: FakePortal, clock: Clock
) -> None:
    key = conversation(state)
    await sign_in(state, key)
    clock.forward(3600)
    fake_portal.meanwhile = lambda: state.sign_out(key)
    with pytest.raises(NotSignedIn):
        await state.grant(key)
    with transaction(state.engine) as session:
        assert kept(state, session.get(Row, key)) == {"reader"}


@pytest.mark.parametrize("late_answer", [None, GrantEnded()])
async def test_a_renewal_that_answers_after_another_person_signed_in_changes_nothing(
    state: Accounts, fake_portal: FakePortal, clock: Clock, late_answer: Exception | None
) -> None:
    key = conversation(state)
    old = await sign_in(state, key, "rosa")
    clock.forward(3600)

    async def wei_signs_in() -> None:
        await sign_in(state, key, "wei")
        fake_portal.error = late_answer

    fake_portal.meanwhile = wei_signs_in
    assert (await state.renew(key, old)).patient == "wei"
    assert (await state.grant(key)).patient == "wei"


async def test_a_grant_does_not_show_its_tokens(state: Accounts) -> None:
    grant = await sign_in(state, conversation(state))
    assert "access-1" not in f"{grant!r} {grant}"
    assert "refresh-1" not in f"{grant!r} {grant}"


MINUTE = 60


async def test_the_web_chat_locks_after_a_silence_of_fifteen_minutes(state: Accounts, clock: Clock) -> None:
    key = conversation(state, "browser", "web")
    await sign_in(state, key)
    clock.forward(15 * MINUTE - 1)
    assert await state.tier(key) is Tier.FULL
    clock.forward(1)
    assert await state.tier(key) is Tier.NONE
    with pytest.raises(GrantEnded):
        await state.grant(key)


async def test_writing_keeps_the_web_chat_open_and_a_late_word_does_not_open_it(state: Accounts, clock: Clock) -> None:
    key = conversation(state, "browser", "web")
    await sign_in(state, key)
    for _ in range(4):
        clock.forward(14 * MINUTE)
        assert write(state, key) is Tier.FULL
    clock.forward(15 * MINUTE)
    assert write(state, key) is Tier.NONE
    assert await state.tier(key) is Tier.NONE


async def test_after_a_day_the_web_chat_is_over_however_busy(state: Accounts, clock: Clock) -> None:
    key = conversation(state, "browser", "web")
    await sign_in(state, key)
    for _ in range(24 * 6 - 1):
        clock.forward(10 * MINUTE)
        assert write(state, key) is Tier.FULL
    clock.forward(10 * MINUTE)
    assert write(state, key) is Tier.NONE


async def test_a_phone_stays_linked_through_silence(state: Accounts, clock: Clock) -> None:
    key = conversation(state)
    await sign_in(state, key)
    clock.forward(20 * 24 * 60 * MINUTE)
    await state.grant(key)
    clock.forward(10 * 24 * 60 * MINUTE)
    with pytest.raises(GrantEnded):
        await state.grant(key)


async def test_the_sweep_forgets_and_revokes_what_is_over_and_nothing_else(
    state: Accounts, fake_portal: FakePortal, clock: Clock
) -> None:
    silent, busy = conversation(state, "one", "web"), conversation(state, "two", "web")
    await sign_in(state, silent, "rosa")
    await sign_in(state, busy, "wei")
    clock.forward(14 * MINUTE)
    write(state, busy)
    assert await state.end_overdue() == []
    clock.forward(2 * MINUTE)
    assert await state.end_overdue() == [silent]
    assert fake_portal.revoked == ["access-1"]
    assert await state.tier(busy) is Tier.FULL
    with transaction(state.engine) as session:
        assert kept(state, session.get(Row, silent)) == {"reader"}
    assert await state.end_overdue() == []


async def test_a_portal_that_is_away_does_not_stop_the_sweep(
    state: Accounts, fake_portal: FakePortal, clock: Clock
) -> None:
    keys = [conversation(state, name, "web") for name in ("one", "two")]
    for key in keys:
        await sign_in(state, key)
    clock.forward(15 * MINUTE)
    fake_portal.error = SignInFailed("unreachable")
    assert sorted(await state.end_overdue()) == sorted(keys)
    assert await state.end_overdue() == []


async def test_who_signs_out_after_the_lock_is_told_the_same_as_who_never_signed_in(
    state: Accounts, clock: Clock
) -> None:
    key = conversation(state, "browser", "web")
    await sign_in(state, key)
    clock.forward(15 * MINUTE)
    for one in (key, conversation(state, "another", "web")):
        with pytest.raises(NotSignedIn):
            await state.sign_out(one)


async def test_a_locked_chat_is_read_from_its_lock_on(state: Accounts, clock: Clock) -> None:
    key = conversation(state, "browser", "web")
    assert audience(state, key) == Audience()
    await sign_in(state, key)
    assert audience(state, key).reader
    clock.forward(15 * MINUTE)
    locked_at = clock()
    clock.forward(100)
    assert audience(state, key) == Audience(since=locked_at)
    await state.end_overdue()
    assert audience(state, key) == Audience(since=locked_at)


@pytest.mark.parametrize(("then", "anew"), [("rosa", False), ("wei", True), ("Practitioner/ann for rosa", True)])
@pytest.mark.parametrize("between", ["locked", "signed out", "still open"])
async def test_somebody_else_or_another_chart_begins_anew(
    state: Accounts, clock: Clock, then: str, anew: bool, between: str
) -> None:
    closed: list[str] = []
    state.when_somebody_else = lambda _session, key, _until: closed.append(key)
    key = conversation(state, "browser", "web")
    await sign_in(state, key, "rosa")
    assert (audience(state, key).anew, closed) == (False, [])
    if between == "signed out":
        await state.sign_out(key)
    elif between == "locked":
        clock.forward(15 * MINUTE)
        await state.end_overdue()
    await sign_in(state, key, then)
    assert audience(state, key).anew == (await state.grant(key)).anew == anew
    assert closed == ([key] if anew else [])
