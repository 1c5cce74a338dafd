from __future__ import annotations

import pytest

from accounts.db import transaction
from accounts.errors import GrantEnded, NotSignedIn, SignInFailed
from accounts.service import Accounts
from accounts.tables import Grant as Row
from tests.accounts.portal_away import FakePortal, conversation, sign_in
from tests.databases import Clock


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
        assert (row.sealed, row.ended_at) == (b"", clock())


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
        assert session.get(Row, key) is None
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
        assert session.get(Row, key) is None


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
