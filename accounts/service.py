"""`Accounts`: what the assistant and the action server ask about the person on the other end.

Database work runs in a thread, so that the event loop never waits for a disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any, TypeVar

from sqlalchemy.engine import Engine
from sqlalchemy.orm import Session

from accounts import conversations, grants, links
from accounts.conversations import Place
from accounts.crypto import Vault, new_token
from accounts.db import make_engine, migrate, transaction
from accounts.errors import GrantEnded
from accounts.grants import Grant
from accounts.links import OpenedLink
from accounts.settings import AccountsSettings, read_settings
from accounts.smart import SmartClient

T = TypeVar("T")


def utc_now() -> datetime:
    """Now, as the naive UTC that the database keeps."""
    return datetime.now(timezone.utc).replace(tzinfo=None)


class Accounts:
    """Sign-in links, grants and conversations of one process."""

    def __init__(
        self,
        settings: AccountsSettings,
        engine: Engine,
        smart: SmartClient,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.settings, self.engine, self.smart, self.clock = settings, engine, smart, clock
        self.vault = Vault(settings.key_bytes)

    async def grant(self, conversation: str) -> Grant:
        """A fresh grant of this conversation, renewed unseen where it is about to expire.

        Raises `NotSignedIn` or `GrantEnded`, or `SignInFailed` where the portal cannot be asked for new tokens.
        """
        found = await self._in_thread(lambda s: grants.load(s, self.vault, conversation))
        return found if found.is_fresh(self.clock()) else await self.renew(conversation, found)

    async def renew(self, conversation: str, grant: Grant) -> Grant:
        """New tokens from the portal, stored; a refusal ends the grant and raises `GrantEnded`."""
        try:
            new = await self.smart.refresh(grant)
        except GrantEnded:
            other = await self._in_thread(lambda s: grants.refuse(s, self.vault, conversation, grant, self.clock()))
            if other is None:
                raise
            return other
        return await self._in_thread(lambda s: grants.renew(s, self.vault, conversation, grant, new, self.clock()))

    async def sign_out(self, conversation: str) -> None:
        """Forget the grant here, and end it at the portal. Forgetting comes first: it must not depend on the portal."""
        await self.smart.revoke(await self._in_thread(lambda s: grants.take(s, self.vault, conversation)))

    async def sign_in_url(self, conversation: str, waiting: dict[str, Any] | None = None) -> str:
        """A one-time link for this conversation. `waiting` is the question to answer after the sign-in."""
        seconds = self.settings.link_seconds
        token = await self._in_thread(lambda s: links.make(s, self.vault, conversation, waiting, self.clock(), seconds))
        return f"{self.settings.public_url}/signin/{token}"

    async def link_place(self, token: str) -> Place:
        """Which conversation a live link would connect, to show to the person; `LinkInvalid` otherwise."""
        return await self._in_thread(
            lambda s: conversations.place_of(s, self.vault, links.peek(s, token, self.clock()))
        )

    async def start_sign_in(self, token: str) -> tuple[str, str]:
        """The portal's page to go to from a link, and the `state` that must come back in the same browser."""
        await self._in_thread(lambda s: links.peek(s, token, self.clock()))  # a dead link asks nothing of the portal
        state, verifier = new_token(256), new_token(384)
        url = await self.smart.authorization_url(state, verifier)
        await self._in_thread(lambda s: links.open_link(s, self.vault, token, state, verifier, self.clock()))
        return url, state

    async def finish_sign_in(self, state: str, code: str) -> OpenedLink:
        """Turn the portal's answer into a stored grant; the link is used up whether that works or not."""
        link = await self._in_thread(lambda s: links.use(s, self.vault, state, self.clock()))
        grant = await self.smart.grant(code, link.verifier)
        await self._in_thread(lambda s: grants.save(s, self.vault, link.conversation, grant, self.clock()))
        return link

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
    accounts = Accounts(settings, engine, SmartClient(settings))
    with transaction(engine) as session:
        conversations.check_key(session, accounts.vault)
    return accounts
