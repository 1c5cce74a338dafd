"""What the last reply offered, kept with the conversation, so that a client never names a payload itself."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy.orm import Session

from accounts.crypto import Vault
from bot.channels.message import Choice
from bot.delivery.tables import Offer

MORE = re.compile(r"\s*more\W*", re.IGNORECASE)


def load(session: Session, vault: Vault, conversation: str) -> tuple[list[Choice], str]:
    """The offered choices in their order, and the rest of the last text."""
    row = session.get(Offer, conversation)
    if row is None:
        return [], ""
    content: dict[str, Any] = vault.open(row.sealed, _context(conversation))
    return [Choice(**c) for c in content["choices"]], content["rest"]


def replace(session: Session, vault: Vault, conversation: str, choices: list[Choice], rest: str) -> None:
    """Forget what was offered before, and keep this."""
    row = session.get(Offer, conversation) or Offer(conversation=conversation)
    content = {"choices": [vars(c) for c in choices], "rest": rest}
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
