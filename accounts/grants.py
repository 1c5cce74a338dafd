"""Grants: the tokens that a patient gave one conversation at the portal's sign-in."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from accounts.crypto import Vault
from accounts.errors import GrantEnded, NotSignedIn
from accounts.tables import Grant as Row


@dataclass(frozen=True, repr=False)
class Grant:
    """A patient's own tokens. `patient` is the id of the Patient resource; `expires_at` is naive UTC."""

    patient: str
    name: str
    access_token: str
    refresh_token: str | None
    scope: str
    expires_at: datetime

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token will be good for the length of a turn."""
        return now + timedelta(seconds=30) < self.expires_at


def save(session: Session, vault: Vault, conversation: str, grant: Grant, now: datetime) -> None:
    """Store or replace the grant of a conversation."""
    secret = {k: v for k, v in asdict(grant).items() if k != "expires_at"}
    row = session.get(Row, conversation) or Row(conversation=conversation, created_at=now)
    row.sealed = vault.seal(secret, _context(conversation))
    row.expires_at, row.ended_at = grant.expires_at, None
    session.add(row)


def renew(session: Session, vault: Vault, conversation: str, old: Grant, new: Grant, now: datetime) -> Grant:
    """Put `new` in the place of `old`; what is stored now, where that is no longer `old`.

    Between asking the portal and storing its answer the patient may have signed out (`NotSignedIn`), or somebody
    else have signed in: neither is undone by a late answer.
    """
    stored = load(session, vault, conversation)
    if stored.access_token != old.access_token:
        return stored
    save(session, vault, conversation, new, now)
    return new


def refuse(session: Session, vault: Vault, conversation: str, old: Grant, now: datetime) -> Grant | None:
    """The portal does not renew `old`: end it. The grant that has taken its place meanwhile, where there is one."""
    stored = load(session, vault, conversation)
    if stored.access_token != old.access_token:
        return stored
    end(session, conversation, now)
    return None


def load(session: Session, vault: Vault, conversation: str) -> Grant:
    """The grant of a conversation; `NotSignedIn` where there is none, `GrantEnded` where it has ended."""
    row = session.get(Row, conversation)
    if row is None:
        raise NotSignedIn()
    if row.ended_at is not None:
        raise GrantEnded()
    return Grant(expires_at=row.expires_at, **vault.open(row.sealed, _context(conversation)))


def end(session: Session, conversation: str, now: datetime) -> None:
    """Mark the grant as no longer accepted by the portal, and forget its tokens."""
    row = session.get(Row, conversation)
    if row is not None:
        row.ended_at, row.sealed = now, b""


def take(session: Session, vault: Vault, conversation: str) -> Grant:
    """Remove the grant, because the patient signed out, and give it, so that the portal can be told; as `load`."""
    grant = load(session, vault, conversation)
    session.delete(session.get(Row, conversation))
    return grant


def _context(conversation: str) -> str:
    return f"grant.sealed:{conversation}"
