"""The portal's OAuth side as `Accounts` sees it, for what the real one cannot be brought to: be away, answer late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from accounts import conversations
from accounts.conversations import Place
from accounts.db import transaction
from accounts.grants import Grant
from accounts.service import Accounts
from tests.databases import Clock


async def _nothing() -> None:
    return None


class FakePortal:
    """Gives tokens `access-1`, `access-2` … for five minutes. `meanwhile` happens while it is asked to renew.

    The code says who signs in: `rosa`, or `Practitioner/ann for rosa`.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock, self.given, self.revoked = clock, 0, []
        self.error: Exception | None = None
        self.meanwhile: Callable[[], Awaitable[object]] = _nothing
        self.verifiers: list[str] = []

    revoked: list[str]

    async def authorization_url(self, state: str, verifier: str, patient: str | None = None) -> str:
        self._fail()
        return f"https://portal.example/authorize?state={state}"

    async def grant(self, code: str, verifier: str) -> Grant:
        self._fail()
        self.verifiers.append(verifier)
        self.given += 1
        expires = self._clock() + timedelta(minutes=5)
        user, _, patient = code.rpartition(" for ")
        return Grant(
            patient, patient.title(), f"access-{self.given}", f"refresh-{self.given}", "patient/*.rs", expires, user
        )

    async def refresh(self, grant: Grant) -> Grant:
        await self.meanwhile()
        self._fail()
        return await self.grant(grant.patient, "")

    async def revoke(self, grant: Grant) -> None:
        self._fail()
        self.revoked.append(grant.access_token)

    def _fail(self) -> None:
        if self.error:
            raise self.error


def conversation(accounts: Accounts, address: str = "+12025550143", channel: str = "sms") -> str:
    """A conversation's key."""
    with transaction(accounts.engine) as session:
        place = Place(channel, "clinic", address)
        return conversations.remember(session, accounts.vault, place, accounts.clock())


async def sign_in(accounts: Accounts, key: str, patient: str = "rosa") -> Grant:
    """Through a link, as `patient`."""
    link = await accounts.sign_in_url(key)
    _, state = await accounts.start_sign_in(token_of(link))
    await accounts.finish_sign_in(state, patient)
    return await accounts.grant(key)


def token_of(link: str) -> str:
    return link.rsplit("/", 1)[1]
