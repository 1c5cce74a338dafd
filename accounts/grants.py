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


def forget(session: Session, conversation: str) -> None:
    """Remove the grant: the patient signed out."""
    row = session.get(Row, conversation)
    if row is not None:
        session.delete(row)


def _context(conversation: str) -> str:
    return f"grant.sealed:{conversation}"
