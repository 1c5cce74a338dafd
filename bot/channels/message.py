"""What travels between a channel and the rest of the assistant: `Incoming` one way, `Reply` the other."""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

MAX_TEXT = 4_000  # characters of one message that are read; what is longer is a mistake or an attack

_NEW_LINE = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
# Control, format (zero-width, bidirectional) and lone surrogate characters: nobody typed them on purpose.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs"})


class PlainText(NamedTuple):
    """What a person wrote, made harmless; `truncated` where it was longer than `MAX_TEXT`."""

    text: str
    truncated: bool


def plain_text(raw: str) -> PlainText:
    """Make `raw` plain text, as every channel must before it hands a message on.

    NFC (Unicode TR 15), without control, zero-width and bidirectional characters, at most `MAX_TEXT` characters,
    and without leading slashes: Rasa takes a text that starts with "/" as a command with confidence 1.
    """
    text = _NEW_LINE.sub("\n", raw).replace("\t", " ")
    text = "".join(c for c in text if c == "\n" or unicodedata.category(c) not in _INVISIBLE)
    text = re.sub(r"^[\s/]+", "", unicodedata.normalize("NFC", text)).rstrip()
    return PlainText(text[:MAX_TEXT].rstrip(), len(text) > MAX_TEXT)


def is_public(url: str) -> bool:
    """Whether anybody's phone can open `url`, and a provider takes it: https, on a host with a public name."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        return parts.scheme == "https" and ipaddress.ip_address(host).is_global
    except ValueError:
        local = host.endswith((".localhost", ".local", ".internal", ".test"))
        return parts.scheme == "https" and "." in host.strip(".") and not local


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
    `tier` is the least that its reader must be allowed to read (`accounts.tiers`); `withheld` where something was left
    out because of that; `topic` what it is about, where it is more than an answer.
    """

    text: str = ""
    choices: tuple[Choice, ...] = ()
    links: tuple[Link, ...] = ()
    chart: dict[str, Any] | None = None
    tier: str = "none"
    withheld: bool = False
    topic: str = "reply"


@dataclass(frozen=True)
class Rendered:
    """A turn's replies as a provider takes them.

    `messages` has one JSON-able payload for each provider message, in order. `rest` is the text that did not fit
    and is sent when the person asks for MORE: render `[Reply(rest)]` then.
    """

    messages: list[dict[str, Any]]
    rest: str = ""
