"""`Accounts`: what the assistant and the action server ask about the person on the other end.

Database work runs in a thread, so that the event loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from accounts import access_log, consent, conversations, grants, links
from accounts.access_log import Access, Entry
from accounts.clock import utc_now
from accounts.conversations import Place
from accounts.crypto import Vault, new_token
from accounts.db import make_engine, migrate, transaction
from accounts.errors import AccessNotLogged, GrantEnded, LinkInvalid, NotSignedIn, SignInFailed
from accounts.grants import Audience, End, Grant
from accounts.keys import open_vault
from accounts.links import LinkContent, OpenedLink
from accounts.settings import AccountsSettings, read_settings
from accounts.smart import SmartClient
from accounts.tiers import Tier

T = TypeVar("T")


class Purpose(NamedTuple):
    """What a one-time link is for: the conversation that asked, where it is answered, and what was agreed."""

    place: Place
    to: str
    agreed: str | None


class Accounts:
    """Sign-in links, grants, consent and conversations of one process."""

    def __init__(
        self,
        settings: AccountsSettings,
        engine: Engine,
        vault: Vault,
        smart: SmartClient,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings, self.engine, self.vault, self.smart, self.clock = settings, engine, vault, smart, clock
        self.policy = settings.session_policy
        # What else is kept about a conversation, to be closed in the transaction in which somebody else signs in.
        self.when_somebody_else: Callable[[Session, str, datetime], None] = lambda *_: None

    def used(self, session: Session, conversation: str) -> Tier:
        """A person wrote just now: their sign-in is used again, unless it is over. What may be told to them."""
        tier = self.tier_within(session, conversation)
        if tier is not Tier.NONE:
            grants.touch(session, conversation, self.clock())
        return tier

    async def tier(self, conversation: str) -> Tier:
        """What may be told in this conversation now."""
        return await self._in_thread(lambda s: self.tier_within(s, conversation))

    def audience(self, session: Session, conversation: str) -> Audience:
        """Who reads this conversation now."""
        return grants.audience(session, self.vault, conversation, self.policy, self.clock())

    async def channel(self, conversation: str) -> str:
        """Where a conversation happens: the name of its channel."""
        return await self._in_thread(lambda s: conversations.channel_of(s, conversation))

    def chat_ends(self, session: Session, conversation: str) -> End | None:
        """When this web chat will lock; None for other channels, and where nobody is signed in."""
        if conversations.channel_of(session, conversation) != grants.FULL_CHANNEL:
            return None
        return grants.ends(session, conversation, self.policy, self.clock())

    def tier_within(self, session: Session, conversation: str) -> Tier:
        """`tier` within a transaction that is open already."""
        try:
            grant = grants.load(session, self.vault, conversation, self.policy, self.clock())
        except NotSignedIn:
            return Tier.NONE
        channel = conversations.channel_of(session, conversation)
        if channel == grants.FULL_CHANNEL:
            return Tier.FULL
        person = grants.reader_key(self.vault, grant)
        agreed = consent.stands_for(session, (person, conversation), channel, consent.DETAILS)
        return Tier.CONSENTED if agreed else Tier.NONE

    async def grant(self, conversation: str) -> Grant:
        """A fresh grant of this conversation, renewed unseen where it is about to expire.

        Raises `NotSignedIn` or `GrantEnded`, or `SignInFailed` where the portal cannot be asked for new tokens.
        """
        found = await self._in_thread(lambda s: grants.load(s, self.vault, conversation, self.policy, self.clock()))
        return found if found.is_fresh(self.clock()) else await self.renew(conversation, found)

    async def renew(self, conversation: str, grant: Grant) -> Grant:
        """New tokens from the portal, stored; a refusal ends the grant and raises `GrantEnded`."""
        at = (conversation, grant)
        try:
            new = await self.smart.refresh(grant)
        except GrantEnded:
            other = await self._in_thread(lambda s: grants.refuse(s, self.vault, *at, self.policy, self.clock()))
            if other is None:
                raise
            return other
        return await self._in_thread(lambda s: grants.renew(s, self.vault, *at, new, self.policy, self.clock()))

    async def sign_out(self, conversation: str) -> None:
        """Forget the grant here, and end it at the portal. Forgetting comes first: it must not depend on the portal."""
        grant = await self._in_thread(lambda s: grants.take(s, self.vault, conversation, self.policy, self.clock()))
        await self.smart.revoke(grant)

    async def end_overdue(self, limit: int = 50) -> list[str]:
        """End the sign-ins whose time is over, here and then at the portal; their conversations.

        A portal that is away changes nothing: what is forgotten here is used by nobody any more.
        """
        taken = await self._in_thread(lambda s: grants.take_overdue(s, self.vault, self.policy, self.clock(), limit))
        await asyncio.gather(*(self.smart.revoke(grant) for _, grant in taken), return_exceptions=True)
        return [conversation for conversation, _ in taken]

    async def unlink(self, conversation: str, reason: str) -> None:
        """The address of a conversation may be another person's now: forget here who it was, and end it at the portal.

        Until `consent.LINK` is given again, which whoever delivers does after it has forgotten the rest, nothing
        is sent there. `reason` is a short word for the ledger, such as a provider's code.
        """

        def work(session: Session) -> Grant | None:
            conversations.lock(session, conversation)
            grant = grants.forget(session, self.vault, conversation, self.clock())
            links.forget(session, conversation)
            channel, now = conversations.channel_of(session, conversation), self.clock()
            if grant is not None:
                person = grants.reader_key(self.vault, grant)
                consent.record(session, person, channel, consent.DETAILS, False, "unlinked", now)
            if consent.stands(session, conversation, channel, consent.LINK):
                consent.record(session, conversation, channel, consent.LINK, False, reason[:20], now)
            return grant

        grant = await self._in_thread(work)
        if grant is not None:
            with suppress(SignInFailed):  # forgotten here, which is what counts; at the portal it ends by itself
                await self.smart.revoke(grant)

    async def agree(self, conversation: str, topic: str, given: bool, how: str) -> None:
        """Write down a yes or no of the patient who is signed in here (`DETAILS`), or of whoever writes (others).

        A no to `DETAILS` counts from anybody: it takes away, and gives nothing. A yes without a sign-in raises
        `NotSignedIn`.
        """

        def work(session: Session) -> None:
            channel, person = conversations.channel_of(session, conversation), conversation
            if topic == consent.DETAILS:
                person = self._patient_or(session, conversation, if_not=None if given else conversation)
            consent.record(session, person, channel, topic, given, how, self.clock())

        await self._in_thread(work)

    def _patient_or(self, session: Session, conversation: str, if_not: str | None) -> str:
        """The ledger's name of the patient who is signed in here; otherwise `if_not`, where there is one."""
        try:
            grant = grants.load(session, self.vault, conversation, self.policy, self.clock())
        except NotSignedIn:
            if if_not is None:
                raise
            return if_not
        return grants.reader_key(self.vault, grant)

    async def agreed(self, conversation: str, topic: str) -> bool:
        """Whether the last word on a topic other than `DETAILS` (for which there is `tier`) is a yes."""

        def work(session: Session) -> bool:
            return consent.stands(session, conversation, conversations.channel_of(session, conversation), topic)

        return await self._in_thread(work)

    async def log_access(self, conversation: str, grant: Grant, tier: Tier, **what: Any) -> None:
        """Write down that a chart was read or written here; `AccessNotLogged` where that cannot be done.

        `what`: `purpose`, `accessed` and `outcome` of `access_log.Access`.
        """

        def work(session: Session) -> None:
            channel = conversations.channel_of(session, conversation)
            who = {"patient": grant.patient, "who": grant.who, "channel": channel, "tier": tier.word}
            access = Access(**{**who, "conversation": conversation, **what})
            access_log.append(session, self.vault, access, self.clock())

        try:
            await self._in_thread(work)
        except SQLAlchemyError as error:
            raise AccessNotLogged(type(error).__name__) from None  # its text quotes the row

    async def accesses(self, patient: str, before: int | None = None) -> list[Entry]:
        """The newest entries of the access log about a patient's chart, older than entry `before` where given."""
        return await self._in_thread(lambda s: access_log.of_chart(s, self.vault, patient, before))

    async def sign_in_url(self, conversation: str, waiting: dict[str, Any] | None = None, **purpose: Any) -> str:
        """A one-time link for this conversation. `waiting` is the question to answer after the sign-in.

        `purpose`: the other fields of `links.LinkContent`.
        """
        content, seconds = LinkContent(waiting, **purpose), self.settings.link_seconds
        token = await self._in_thread(lambda s: links.make(s, self.vault, conversation, content, self.clock(), seconds))
        return f"{self.settings.public_url}/signin/{token}"

    async def link_purpose(self, token: str) -> Purpose:
        """What a live link is for, to show to the person; `LinkInvalid` otherwise."""

        def work(session: Session) -> Purpose | None:
            found = links.peek(session, self.vault, token, self.clock())
            if found is None:
                return None
            conversation, content = found
            return Purpose(conversations.place_of(session, self.vault, conversation), content.to, content.agreed)

        purpose = await self._in_thread(work)  # the error comes after the commit: a wrong guess must be counted
        if purpose is None:
            raise LinkInvalid()
        return purpose

    async def start_sign_in(self, token: str) -> tuple[str, str]:
        """The portal's page to go to from a link, and the `state` that must come back in the same browser."""
        await self.link_purpose(token)  # a dead link asks nothing of the portal
        state, verifier = new_token(256), new_token(384)
        opened = await self._in_thread(lambda s: links.open_link(s, self.vault, token, state, verifier, self.clock()))
        if opened is None:
            raise LinkInvalid()
        return await self.smart.authorization_url(state, verifier, opened.patient), state

    async def finish_sign_in(
        self, state: str, code: str, new_page: Callable[[], Awaitable[str]] | None = None
    ) -> OpenedLink:
        """Turn the portal's answer into a stored grant; the link is used up whether that works or not.

        `new_page` begins the conversation that a link `to` a page leads to: a web chat in the browser that opened it.
        """
        link = await self._in_thread(lambda s: links.use(s, self.vault, state, self.clock()))
        grant = await self.smart.grant(code, link.verifier)

        target = await new_page() if new_page and link.to == links.PAGE else link.conversation

        def work(session: Session) -> OpenedLink:
            asked_on = conversations.channel_of(session, link.conversation)
            if not consent.stands(session, link.conversation, asked_on, consent.LINK):
                raise LinkInvalid()  # unlinked since the link was opened: its address may be another person's now
            conversations.lock(session, target)
            until = grants.save(session, self.vault, target, grant, self.policy, self.clock())
            if until is not None:
                self.when_somebody_else(session, target, until)
            if link.agreed:
                person, channel = grants.reader_key(self.vault, grant), conversations.channel_of(session, target)
                consent.record(session, person, channel, link.agreed, True, "sign-in", self.clock())
            return replace(link, conversation=target)

        return await self._in_thread(work)

    async def _in_thread(self, work: Callable[[Session], T]) -> T:
        def run() -> T:
            with transaction(self.engine) as session:
                return work(session)

        return await asyncio.to_thread(run)


def bootstrap(settings: AccountsSettings | None = None) -> Accounts:
    """Read the settings, bring the database up to date, and check that the key opens it (else `StateError`)."""
    settings = settings or read_settings()
    engine = make_engine(settings.database)
    migrate(engine)
    return Accounts(settings, engine, open_vault(engine, settings.keys), SmartClient(settings))
