"""What travels between a channel and the rest of the assistant: `Incoming` one way, `Reply` the other."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True)
class Incoming:
    """One verified message of one person, as a channel hands it to the inbox.

    `channel`, `account` and `message_id` together name it for ever: a second one with the same three is a repeat.
    `account` is our own end (the clinic's number, the bot's id), `address` the person's end (a phone number in
    E.164, a chat id, a web session). `choice` is the id of an offered choice where the person tapped one.
    """

    channel: str
    account: str
    message_id: str
    address: str
    text: str = ""
    choice: str | None = None
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """One offered answer. `payload` goes to Rasa and never to a client; `id` goes to the client."""

    id: str
    title: str
    payload: str


@dataclass(frozen=True)
class Link:
    """A page to open, shown as a link or a button."""

    title: str
    url: str


@dataclass(frozen=True)
class Reply:
    """One message of the assistant before a channel renders it.

    `chart` is what `bot/channels/chart.py` draws: title, unit, low, high, points [[ISO date, number]], alt.
    """

    text: str = ""
    choices: tuple[Choice, ...] = ()
    links: tuple[Link, ...] = ()
    chart: dict[str, Any] | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Reply:
        return cls(
            text=data.get("text", ""),
            choices=tuple(Choice(**c) for c in data.get("choices", ())),
            links=tuple(Link(**link) for link in data.get("links", ())),
            chart=data.get("chart"),
        )
