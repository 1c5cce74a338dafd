"""What a message to the care team still needs, kept in the slot `message_plan` between the turns."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

SLOT = "message_plan"

LONGEST = 10_000  # characters of one message; what portals take at least
OTHERS_KEPT = 3  # unfinished messages that are kept beside the one that is talked about


class Question(str, Enum):
    """What the patient is asked; one at a time."""

    RECIPIENT = "recipient"
    BODY = "body"
    EDIT = "edit"
    CONFIRM = "confirm"


@dataclass(frozen=True)
class Recipient:
    """Who gets a message, and their specialty. Without a `reference` (no practice on file) the portal hands it out."""

    reference: str
    name: str
    specialty: str = ""


@dataclass
class Draft:
    """One message that is being written.

    `offered` is whom the patient may choose from. `thread` and `answers` are the ids of the header and of the message
    that it replies to. `key` makes it one message however often it is sent: it changes with every change of what is
    said and to whom. `wait` is how many days this recipient usually takes. `aside` is a question of the patient's that
    may have been meant as the text.
    """

    recipient: Recipient | None = None
    offered: list[Recipient] = field(default_factory=list)
    body: str = ""
    topic: str = ""
    thread: str = ""
    answers: str = ""
    key: str = ""
    wait: int | None = None
    editing: bool = False
    aside: str = ""

    @property
    def question(self) -> Question:
        """What is still open; `CONFIRM` when all is there."""
        if self.recipient is None:
            return Question.RECIPIENT
        if not self.body:
            return Question.BODY
        return Question.EDIT if self.editing else Question.CONFIRM


@dataclass
class Plan:
    """The drafts, the current one first. `ask` is the open question in words.

    `misses`: answers in a row that were not understood; `refused`: "shall I send it?" was answered with a no.
    """

    drafts: list[Draft] = field(default_factory=list)
    misses: int = 0
    refused: bool = False
    ask: list[dict[str, Any]] = field(default_factory=list)

    @property
    def draft(self) -> Draft | None:
        """The message that is talked about."""
        return self.drafts[0] if self.drafts else None

    def to_slot(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_slot(cls, value: Any) -> Plan:
        """The plan in a slot's value; an empty one where there is none."""
        if not value:
            return cls()
        return cls(**{**value, "drafts": [_draft(d) for d in value["drafts"]]})


def _draft(value: dict[str, Any]) -> Draft:
    recipient = value["recipient"]
    offered = [Recipient(**r) for r in value["offered"]]
    return Draft(**{**value, "recipient": Recipient(**recipient) if recipient else None, "offered": offered})


@dataclass(frozen=True)
class MessagePolicy:
    """What the clinic says of messages. `fee`: what one may cost, such as "$35"; empty where it says nothing."""

    clinic: str = "Riverbend Clinic"
    reply_days: int = 2
    fee: str = ""

    @classmethod
    def from_environment(cls) -> MessagePolicy:
        """`CHARTLINE_MESSAGE_REPLY_DAYS` (business days, 1 to 30), `CHARTLINE_MESSAGE_FEE`; ValueError names it."""
        text = os.environ.get("CHARTLINE_MESSAGE_REPLY_DAYS", str(cls.reply_days))
        if not text.isdecimal() or not 1 <= int(text) <= 30:
            raise ValueError("CHARTLINE_MESSAGE_REPLY_DAYS: must be a number from 1 to 30")
        fee = os.environ.get("CHARTLINE_MESSAGE_FEE", "").strip()
        return cls(os.environ.get("CHARTLINE_CLINIC_NAME") or cls.clinic, int(text), fee)
