"""What the last reply offered, kept with the conversation, so that a client never names a payload itself."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.orm import Session

from accounts.crypto import Vault
from accounts.tiers import Tier
from bot.channels.message import Choice
from bot.delivery.tables import Offer

MORE = re.compile(r"\s*more\W*", re.IGNORECASE)


def load(
    session: Session, vault: Vault, conversation: str, reader: str | None = None, tier: Tier = Tier.FULL
) -> tuple[list[Choice], str]:
    """The offered choices in their order, and the rest of the last text, where that may be read at `tier`.

    `reader` is who is signed in now (`accounts.grants.Audience`): what was offered to another is not on offer.
    """
    row = session.get(Offer, conversation)
    if row is None:
        return [], ""
    content: dict[str, Any] = vault.open(row.sealed, _context(conversation))
    if content["reader"] not in (None, reader):
        return [], ""
    rest = content["rest"] if Tier.named(content.get("tier", Tier.FULL.word)) <= tier else ""
    return [Choice(**c) for c in content["choices"]], rest


def replace(
    session: Session,
    vault: Vault,
    conversation: str,
    choices: list[Choice],
    rest: str,
    reader: str | None = None,
    tier: str = "full",
) -> None:
    """Forget what was offered before, and keep this, for `reader` alone where somebody is signed in.

    `tier` is the least that who reads the rest needs.
    """
    row = session.get(Offer, conversation) or Offer(conversation=conversation)
    content = {"choices": [vars(c) for c in choices], "rest": rest, "reader": reader, "tier": tier}
    row.sealed = vault.seal(content, _context(conversation))
    session.add(row)


def pick(choices: list[Choice], text: str, choice_id: str | None) -> str | None:
    """The payload that was meant: by its id (a tap), its number ("2", "2.", "#2"), or its title; else None."""
    if choice_id is not None:
        return next((c.payload for c in choices if c.id == choice_id), None)
    number = re.fullmatch(r"\s*#?\(?(\d{1,2})[.)]?\s*", text)
    if number and 1 <= int(number[1]) <= len(choices):
        return choices[int(number[1]) - 1].payload
    said = text.strip().casefold()
    return next((c.payload for c in choices if c.title.strip().casefold() == said), None)


def _context(conversation: str) -> str:
    return f"offer.sealed:{conversation}"
