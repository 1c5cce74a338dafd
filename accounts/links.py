"""One-time sign-in links: single use, ten minutes, 128 secret bits, bound to one conversation.

A link's token is `<id>.<secret>`. Five wrong secrets within ten minutes close every link of that conversation for the
rest of those ten minutes, however many links are made meanwhile.
"""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from accounts.crypto import Vault, new_token, token_hash
from accounts.errors import LinkInvalid
from accounts.tables import Conversation, SignInLink

MAX_GUESSES = 5
GUESS_WINDOW = timedelta(minutes=10)
KEPT = timedelta(days=1)  # after its end, so that "used already" and "never was" stay the same answer a while

HERE, PAGE = "here", "page"  # the conversation that asked, or a new one in the browser that opens the link


@dataclass(frozen=True)
class OpenedLink:
    """A link whose sign-in came back from the portal.

    `waiting` is the question that waited for it. `to` is where it is answered: `here`, or on a `page`. `agreed` is
    the topic of consent that the patient said yes to before signing in.
    """

    id: str
    conversation: str
    waiting: dict[str, Any] | None
    verifier: str
    to: str = HERE
    agreed: str | None = None


@dataclass(frozen=True)
class LinkContent:
    """What a link is for, as in `OpenedLink`; `patient` hints at whose chart the portal should offer."""

    waiting: dict[str, Any] | None = None
    to: str = HERE
    agreed: str | None = None
    patient: str | None = None


def make(session: Session, vault: Vault, conversation: str, content: LinkContent, now: datetime, seconds: int) -> str:
    """A new link's token. Only a hash of its secret is stored. Links that ended long ago are swept away."""
    session.execute(delete(SignInLink).where(SignInLink.expires_at < now - KEPT))
    link_id, secret = secrets.token_hex(8), new_token()
    session.add(
        SignInLink(
            id=link_id,
            hash=token_hash(secret),
            conversation=conversation,
            sealed=vault.seal(vars(content), _context(link_id)),
            expires_at=now + timedelta(seconds=seconds),
        )
    )
    return f"{link_id}.{secret}"


def peek(session: Session, vault: Vault, token: str, now: datetime) -> tuple[str, LinkContent] | None:
    """The conversation of a live link and what it is for. Looking uses nothing up; a wrong secret is counted."""
    row = _by_token(session, token, now)
    return None if row is None else (row.conversation, _content(vault, row))


def open_link(
    session: Session, vault: Vault, token: str, state: str, verifier: str, now: datetime
) -> LinkContent | None:
    """Note the OAuth `state` and PKCE verifier of the sign-in that this link starts. Opening again starts anew."""
    row = _by_token(session, token, now)
    if row is None:
        return None
    content = _content(vault, row)
    row.state_hash = token_hash(state)
    row.sealed = vault.seal({**vars(content), "verifier": verifier}, _context(row.id))
    return content


def use(session: Session, vault: Vault, state: str, now: datetime) -> OpenedLink:
    """Use up the link whose sign-in carried `state`; `LinkInvalid` where it is unknown, used or too old."""
    row = session.execute(
        select(SignInLink).where(SignInLink.state_hash == token_hash(state)).with_for_update()
    ).scalar_one_or_none()
    if row is None or not _is_live(row, now):
        raise LinkInvalid()
    row.used_at = now
    content = vault.open(row.sealed, _context(row.id))
    content.pop("patient")
    return OpenedLink(id=row.id, conversation=row.conversation, **content)


def forget(session: Session, conversation: str) -> None:
    """Delete every link of a conversation, and the questions that waited for them."""
    session.execute(delete(SignInLink).where(SignInLink.conversation == conversation))


def _by_token(session: Session, token: str, now: datetime) -> SignInLink | None:
    link_id, _, secret = token.partition(".")
    row = session.get(SignInLink, link_id, with_for_update=True)
    if row is None:
        return None
    conversation = session.get(Conversation, row.conversation, with_for_update=True)
    if conversation.guessed_at is None or conversation.guessed_at + GUESS_WINDOW <= now:
        conversation.guesses = 0
    if conversation.guesses >= MAX_GUESSES:
        return None
    if not hmac.compare_digest(row.hash, token_hash(secret)):
        conversation.guesses += 1
        conversation.guessed_at = conversation.guessed_at if conversation.guesses > 1 else now
        return None
    return row if _is_live(row, now) else None


def _content(vault: Vault, row: SignInLink) -> LinkContent:
    content = vault.open(row.sealed, _context(row.id))
    content.pop("verifier", None)
    return LinkContent(**content)


def _is_live(row: SignInLink, now: datetime) -> bool:
    return row.used_at is None and row.expires_at > now


def _context(link_id: str) -> str:
    return f"sign_in_link.sealed:{link_id}"
