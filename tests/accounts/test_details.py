"""Who may be told details where: a yes is one person's, for one chart, on one channel."""

from __future__ import annotations

import pytest

from accounts.consent import DETAILS
from accounts.errors import NotSignedIn
from accounts.service import Accounts
from accounts.tiers import Tier
from tests.accounts.portal_away import conversation, sign_in


async def test_a_yes_opens_details_and_a_no_closes_them(state: Accounts) -> None:
    key = conversation(state)
    await sign_in(state, key)
    assert await state.tier(key) is Tier.NONE
    await state.agree(key, DETAILS, True, "words")
    assert await state.tier(key) is Tier.CONSENTED
    await state.agree(key, DETAILS, False, "words")
    assert await state.tier(key) is Tier.NONE


async def test_a_yes_of_who_helps_opens_nothing_on_the_patients_own_phone(state: Accounts) -> None:
    helper, own = conversation(state, "+12025550101"), conversation(state, "+12025550102")
    await sign_in(state, helper, "RelatedPerson/ann for rosa")
    await state.agree(helper, DETAILS, True, "words")
    await sign_in(state, own, "Patient/rosa for rosa")
    assert (await state.tier(helper), await state.tier(own)) == (Tier.CONSENTED, Tier.NONE)


async def test_a_yes_on_one_channel_is_none_on_another(state: Accounts) -> None:
    texts, chats = conversation(state), conversation(state, "4711", "telegram")
    for key in (texts, chats):
        await sign_in(state, key)
    await state.agree(texts, DETAILS, True, "words")
    assert await state.tier(chats) is Tier.NONE


async def test_whoever_is_not_signed_in_can_close_and_never_open(state: Accounts) -> None:
    key = conversation(state)
    with pytest.raises(NotSignedIn):
        await state.agree(key, DETAILS, True, "words")
    await state.agree(key, DETAILS, False, "words")
