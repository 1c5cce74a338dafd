"""Grants: the tokens that a patient gave one conversation at the portal's sign-in, and how long that sign-in lasts."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from accounts.crypto import Vault
from accounts.errors import GrantEnded, NotSignedIn
from accounts.tables import Conversation
from accounts.tables import Grant as Row

FULL_CHANNEL = "web"  # where all of a chart may be told, so that its sign-in locks after a short silence


@dataclass(frozen=True, repr=False)
class Grant:
    """A patient's own tokens. `patient` is the id of the Patient resource; `expires_at` is naive UTC.

    `user` is who signed in (SMART's `fhirUser`, a relative reference), empty where the portal does not say.
    """

    patient: str
    name: str
    access_token: str
    refresh_token: str | None
    scope: str
    expires_at: datetime
    user: str = ""

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token will be good for the length of a turn."""
        return now + timedelta(seconds=30) < self.expires_at

    @property
    def is_proxy(self) -> bool:
        """Whether somebody else than the patient signed in (https://hl7.org/fhir/R4/relatedperson.html)."""
        return bool(self.user) and self.user.rstrip("/").rsplit("/", 2)[-2:] != ["Patient", self.patient]


@dataclass(frozen=True)
class SessionPolicy:
    """How long a sign-in lasts: in the web chat until a silence of `idle`, at most `longest`; elsewhere `linked`."""

    idle: timedelta
    longest: timedelta
    linked: timedelta

    def ends_at(self, channel: str, signed_in_at: datetime, used_at: datetime) -> datetime:
        """When this sign-in is over, if nobody writes."""
        if channel == FULL_CHANNEL:
            return min(used_at + self.idle, signed_in_at + self.longest)
        return signed_in_at + self.linked


def save(session: Session, vault: Vault, conversation: str, grant: Grant, now: datetime) -> None:
    """Store or replace the grant of a conversation: somebody signed in just now."""
    row = session.get(Row, conversation) or Row(conversation=conversation)
    row.signed_in_at = row.used_at = now
    row.ended_at = None
    _put(vault, row, grant)
    session.add(row)


def renew(
    session: Session, vault: Vault, conversation: str, old: Grant, new: Grant, policy: SessionPolicy, now: datetime
) -> Grant:
    """Put `new` in the place of `old`; what is stored now, where that is no longer `old`.

    Between asking the portal and storing its answer the patient may have signed out (`NotSignedIn`), or somebody
    else have signed in: neither is undone by a late answer.
    """
    stored = load(session, vault, conversation, policy, now)
    if stored.access_token != old.access_token:
        return stored
    _put(vault, session.get(Row, conversation), new)
    return new


def refuse(
    session: Session, vault: Vault, conversation: str, old: Grant, policy: SessionPolicy, now: datetime
) -> Grant | None:
    """The portal does not renew `old`: end it. The grant that has taken its place meanwhile, where there is one."""
    stored = load(session, vault, conversation, policy, now)
    if stored.access_token != old.access_token:
        return stored
    end(session, conversation, now)
    return None


def load(session: Session, vault: Vault, conversation: str, policy: SessionPolicy, now: datetime) -> Grant:
    """The grant of a conversation; `NotSignedIn` where there is none, `GrantEnded` where it has ended."""
    row = session.get(Row, conversation)
    if row is None:
        raise NotSignedIn()
    if row.ended_at is not None or now >= _ends_at(session, row, policy):
        raise GrantEnded()
    return _open(vault, row)


def touch(session: Session, conversation: str, now: datetime) -> None:
    """The person wrote just now: the silence that locks begins again."""
    row = session.get(Row, conversation)
    if row is not None:
        row.used_at = now


def end(session: Session, conversation: str, now: datetime) -> None:
    """Mark the grant as no longer accepted by the portal, and forget its tokens."""
    row = session.get(Row, conversation)
    if row is not None:
        row.ended_at, row.sealed = now, b""


def take(session: Session, vault: Vault, conversation: str) -> Grant | None:
    """Remove the grant and give it, so that the portal can be told; None where its tokens are forgotten already.

    `NotSignedIn` where there is none. One that is over by time is taken all the same: the portal has not ended it.
    """
    row = session.get(Row, conversation)
    if row is None:
        raise NotSignedIn()
    grant = _open(vault, row) if row.sealed else None
    session.delete(row)
    return grant


def _ends_at(session: Session, row: Row, policy: SessionPolicy) -> datetime:
    channel = session.get(Conversation, row.conversation).channel
    return policy.ends_at(channel, row.signed_in_at, row.used_at)


def _put(vault: Vault, row: Row, grant: Grant) -> None:
    secret = {k: v for k, v in asdict(grant).items() if k != "expires_at"}
    row.sealed = vault.seal(secret, _context(row.conversation))
    row.expires_at = grant.expires_at


def _open(vault: Vault, row: Row) -> Grant:
    return Grant(expires_at=row.expires_at, **vault.open(row.sealed, _context(row.conversation)))


def _context(conversation: str) -> str:
    return f"grant.sealed:{conversation}"
