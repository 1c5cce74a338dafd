from __future__ import annotations

import pytest
from sqlalchemy import select

from accounts.consent import DETAILS
from accounts.db import transaction
from accounts.errors import LinkInvalid, NotSignedIn, SignInFailed
from accounts.links import PAGE
from accounts.service import Accounts
from accounts.tables import SignInLink
from tests.accounts.portal_away import FakePortal, conversation, sign_in, token_of
from tests.databases import Clock


async def test_a_link_works_once(state: Accounts) -> None:
    token = token_of(await state.sign_in_url(conversation(state)))
    _, first = await state.start_sign_in(token)
    await state.finish_sign_in(first, "rosa")
    with pytest.raises(LinkInvalid):
        await state.finish_sign_in(first, "rosa")
    with pytest.raises(LinkInvalid):
        await state.start_sign_in(token)
    with pytest.raises(LinkInvalid):
        await state.link_purpose(token)


async def test_a_link_lives_for_ten_minutes_and_not_a_second_longer(state: Accounts, clock: Clock) -> None:
    token = token_of(await state.sign_in_url(conversation(state)))
    clock.forward(599)
    _, opened = await state.start_sign_in(token)
    clock.forward(2)
    with pytest.raises(LinkInvalid):
        await state.link_purpose(token)
    with pytest.raises(LinkInvalid):
        await state.start_sign_in(token)
    with pytest.raises(LinkInvalid):
        await state.finish_sign_in(opened, "rosa")


async def test_a_link_connects_the_conversation_that_it_was_made_for_and_no_other(state: Accounts) -> None:
    mine, other = conversation(state, "+12025550143"), conversation(state, "+12025550199")
    link = token_of(await state.sign_in_url(mine, {"text": "show my labs"}))
    await state.sign_in_url(other)
    _, opened_state = await state.start_sign_in(link)
    opened = await state.finish_sign_in(opened_state, "rosa")
    assert (opened.conversation, opened.waiting) == (mine, {"text": "show my labs"})
    assert (await state.grant(mine)).patient == "rosa"
    with pytest.raises(Exception, match=r"^$"):
        await state.grant(other)


async def test_a_state_that_no_link_of_ours_started_is_refused(state: Accounts) -> None:
    await state.start_sign_in(token_of(await state.sign_in_url(conversation(state))))
    with pytest.raises(LinkInvalid):
        await state.finish_sign_in("a state from another browser", "rosa")


async def test_opening_a_link_again_starts_anew(state: Accounts, fake_portal: FakePortal) -> None:
    token = token_of(await state.sign_in_url(conversation(state), {"text": "labs"}))
    _, first = await state.start_sign_in(token)
    _, second = await state.start_sign_in(token)
    with pytest.raises(LinkInvalid):
        await state.finish_sign_in(first, "rosa")
    assert (await state.finish_sign_in(second, "rosa")).waiting == {"text": "labs"}
    assert len(fake_portal.verifiers) == 1


async def test_looking_at_a_link_does_not_use_it_up(state: Accounts) -> None:
    token = token_of(await state.sign_in_url(conversation(state, "+12025550143")))
    for _ in range(3):
        assert (await state.link_purpose(token)).place.address == "+12025550143"
    _, opened = await state.start_sign_in(token)
    await state.finish_sign_in(opened, "rosa")


async def test_a_link_is_used_up_even_where_the_portal_gives_nothing(state: Accounts, fake_portal: FakePortal) -> None:
    _, opened = await state.start_sign_in(token_of(await state.sign_in_url(conversation(state))))
    fake_portal.error = SignInFailed("invalid_grant")
    with pytest.raises(SignInFailed):
        await state.finish_sign_in(opened, "rosa")
    fake_portal.error = None
    with pytest.raises(LinkInvalid):
        await state.finish_sign_in(opened, "rosa")


async def test_a_dead_link_is_dead_also_while_the_portal_is_away(state: Accounts, fake_portal: FakePortal) -> None:
    fake_portal.error = SignInFailed("unreachable")
    with pytest.raises(LinkInvalid):
        await state.start_sign_in("nobody-made-this")


async def test_neither_the_link_nor_its_state_nor_the_waiting_question_stands_in_the_database(
    state: Accounts,
) -> None:
    key = conversation(state)
    token = token_of(await state.sign_in_url(key, {"text": "my secret illness"}))
    _, opened = await state.start_sign_in(token)
    with transaction(state.engine) as session:
        row = session.execute(select(SignInLink)).scalar_one()
        stored = repr([row.hash, row.state_hash, row.sealed])
    assert token not in stored
    assert opened not in stored
    assert "illness" not in stored


def wrong(token: str) -> str:
    """The same link with another secret."""
    return f"{token.partition('.')[0]}.{'A' * 22}"


async def closed(state: Accounts, token: str) -> bool:
    try:
        await state.link_purpose(token)
    except LinkInvalid:
        return True
    return False


async def test_five_wrong_secrets_close_every_link_of_the_conversation_and_no_other(state: Accounts) -> None:
    key, other = conversation(state), conversation(state, "+12025550199")
    token, second = token_of(await state.sign_in_url(key)), token_of(await state.sign_in_url(key))
    others = token_of(await state.sign_in_url(other))
    for _ in range(4):
        assert await closed(state, wrong(token))
    assert not await closed(state, token)
    assert await closed(state, wrong(second))
    assert await closed(state, token)
    assert await closed(state, second)
    assert not await closed(state, others)


async def test_another_link_does_not_reset_the_count(state: Accounts) -> None:
    key = conversation(state)
    for _ in range(5):
        assert await closed(state, wrong(token_of(await state.sign_in_url(key))))
    fresh = token_of(await state.sign_in_url(key))
    with pytest.raises(LinkInvalid):
        await state.start_sign_in(fresh)


async def test_after_ten_minutes_links_work_again(state: Accounts, clock: Clock) -> None:
    key = conversation(state)
    token = token_of(await state.sign_in_url(key))
    for _ in range(5):
        await closed(state, wrong(token))
    clock.forward(599)
    assert await closed(state, token_of(await state.sign_in_url(key)))
    clock.forward(2)
    assert not await closed(state, token_of(await state.sign_in_url(key)))


async def test_a_guess_while_starting_the_sign_in_counts_too(state: Accounts) -> None:
    token = token_of(await state.sign_in_url(conversation(state)))
    for _ in range(5):
        with pytest.raises(LinkInvalid):
            await state.start_sign_in(wrong(token))
    assert await closed(state, token)


async def test_a_link_says_what_it_is_for(state: Accounts) -> None:
    url = await state.sign_in_url(conversation(state), {"text": "labs"}, to=PAGE, agreed=DETAILS)
    place, to, agreed = await state.link_purpose(token_of(url))
    assert (place.channel, to, agreed) == ("sms", PAGE, DETAILS)


async def test_a_link_to_a_page_signs_in_the_new_conversation_and_not_the_one_that_asked(state: Accounts) -> None:
    asked, page = conversation(state), conversation(state, "the-new-chat", "web")
    _, opened = await state.start_sign_in(token_of(await state.sign_in_url(asked, {"text": "labs"}, to=PAGE)))

    async def new_page() -> str:
        return page

    link = await state.finish_sign_in(opened, "rosa", new_page)
    assert (link.conversation, link.waiting, link.to) == (page, {"text": "labs"}, PAGE)
    assert (await state.grant(page)).patient == "rosa"
    with pytest.raises(NotSignedIn):
        await state.grant(asked)


async def test_no_page_is_begun_for_a_sign_in_that_fails(state: Accounts, fake_portal: FakePortal) -> None:
    begun: list[bool] = []

    async def new_page() -> str:
        begun.append(True)
        return conversation(state, "the-new-chat", "web")

    _, opened = await state.start_sign_in(token_of(await state.sign_in_url(conversation(state), to=PAGE)))
    fake_portal.error = SignInFailed("invalid_grant")
    with pytest.raises(SignInFailed):
        await state.finish_sign_in(opened, "rosa", new_page)
    assert begun == []


async def test_a_sign_in_replaces_the_one_before(state: Accounts) -> None:
    key = conversation(state)
    await sign_in(state, key, "rosa")
    assert (await sign_in(state, key, "wei")).patient == "wei"
