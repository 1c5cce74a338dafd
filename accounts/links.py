"""One-time sign-in links: single use, ten minutes, 128 bits, bound to one conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from accounts.crypto import Vault, new_token, token_hash
from accounts.errors import LinkInvalid
from accounts.tables import SignInLink


@dataclass(frozen=True)
class OpenedLink:
    """A link whose sign-in came back from the portal. `waiting` is the question that waited for it."""

    id: str
    conversation: str
    waiting: dict[str, Any] | None
    verifier: str


def make(
    session: Session,
    vault: Vault,
    conversation: str,
    waiting: dict[str, Any] | None,
    now: datetime,
    seconds: int,
) -> str:
    """A new link's token. Only its hash is stored."""
    token = new_token()
    hashed = token_hash(token)
    session.add(
        SignInLink(
            hash=hashed,
            conversation=conversation,
            sealed=vault.seal({"waiting": waiting}, _context(hashed)),
            expires_at=now + timedelta(seconds=seconds),
        )
    )
    return token


def peek(session: Session, token: str, now: datetime) -> str:
    """The conversation that a live link belongs to; `LinkInvalid` otherwise. Looking does not use it up."""
    return _live(session, SignInLink.hash == token_hash(token), now).conversation


def open_link(session: Session, vault: Vault, token: str, state: str, verifier: str, now: datetime) -> None:
    """Note the OAuth `state` and PKCE verifier of the sign-in that this link starts. Opening again starts anew."""
    row = _live(session, SignInLink.hash == token_hash(token), now)
    waiting = vault.open(row.sealed, _context(row.hash))["waiting"]
    row.state_hash = token_hash(state)
    row.sealed = vault.seal({"waiting": waiting, "verifier": verifier}, _context(row.hash))


def use(session: Session, vault: Vault, state: str, now: datetime) -> OpenedLink:
    """Use up the link whose sign-in carried `state`; `LinkInvalid` where it is unknown, used or too old."""
    row = _live(session, SignInLink.state_hash == token_hash(state), now)
    row.used_at = now
    content = vault.open(row.sealed, _context(row.hash))
    return OpenedLink(row.hash, row.conversation, content["waiting"], content["verifier"])


def _live(session: Session, which: Any, now: datetime) -> SignInLink:
    row = session.execute(select(SignInLink).where(which).with_for_update()).scalar_one_or_none()
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise LinkInvalid()
    return row


def _context(hashed: str) -> str:
    return f"sign_in_link.sealed:{hashed}"
