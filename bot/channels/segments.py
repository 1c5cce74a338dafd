"""How many SMS segments a text takes, how it stays in the cheap alphabet, and where a long one is cut.

3GPP TS 23.038 (6.2.1 GSM 7-bit default alphabet and its extension table; 6.2.3 UCS-2), and 23.040 for the
parts of a longer message, each of which gives 7 septets or 3 UCS-2 units to its header.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable

BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = frozenset("\f^{}\\[~]|€")  # two septets each, and never split
MAX_SEGMENTS = 2

_GSM = (160, 153)  # septets in a single message, in each part of a longer one
_UCS2 = (70, 67)  # UTF-16 units

_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("‐‑‒–—―−•·▪◦", "-"),
        **dict.fromkeys("‘’‚‛′`´", "'"),
        **dict.fromkeys("“”„‟″«»", '"'),
        **dict.fromkeys("\t\u00a0\u2002\u2003\u2007\u2008\u2009\u200a\u202f", " "),
        **dict.fromkeys("µμ", "u"),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad", ""),
        "…": "...",
        "≥": ">=",
        "≤": "<=",
        "≠": "!=",
        "≈": "~",
        "±": "+/-",
        "×": "x",
        "→": "->",
        "™": "(TM)",
        "®": "(R)",
        "©": "(C)",
        # "10³" must not become 103.
        "²": "^2",
        "³": "^3",
    }
)
# A space, because "1½ tablets" must not become 11/2 tablets.
_FRACTIONS = {"½": "1/2", "¼": "1/4", "¾": "3/4", "⅓": "1/3", "⅔": "2/3"}
_FRACTION = re.compile(rf"(?P<whole>\d?)(?P<part>[{''.join(_FRACTIONS)}])")
_DEGREE = re.compile(r"[^\S\n]?°[^\S\n]?")
_SENTENCE = re.compile(r"(?<=[.!?])(?<!\bDr\.)(?<!\bMr\.)(?<!\bMs\.)(?<!\bMrs\.)(?<!\bSt\.)(?<!\bNo\.)\s+")
_PAUSES = (re.compile(r"\n\s*\n"), re.compile(r"\n"), _SENTENCE)
_WORD = re.compile(r"\s+")
_ADDRESS = re.compile(r"https?://\S+")


def is_gsm(text: str) -> bool:
    """Whether `text` needs nothing beyond the GSM 7-bit alphabet and its extension."""
    return all(c in BASIC or c in EXTENSION for c in text)


def segments(text: str) -> int:
    """How many segments a carrier bills for `text`; 0 for an empty one."""
    if is_gsm(text):
        sizes, (single, part) = [2 if c in EXTENSION else 1 for c in text], _GSM
    else:
        sizes, (single, part) = [2 if ord(c) > 0xFFFF else 1 for c in text], _UCS2
    if sum(sizes) <= single:
        return 1 if sizes else 0
    count, room = 1, part
    for size in sizes:
        if size > room:
            count, room = count + 1, part
        room -= size
    return count


def economical(text: str) -> str:
    """`text` in the GSM alphabet where its meaning allows.

    Typographic characters are always replaced. Accents that the alphabet lacks (á, í, ó, ú) stay as long as the
    message fits with them, and go only where they would more than halve the room of a long message.
    """
    text = _FRACTION.sub(
        lambda m: f"{m['whole']} {_FRACTIONS[m['part']]}" if m["whole"] else _FRACTIONS[m["part"]], text
    )
    text = _DEGREE.sub(" deg ", text).translate(_TYPOGRAPHY).rstrip()
    if is_gsm(text) or segments(text) <= MAX_SEGMENTS:
        return text
    folded = "".join(_unaccented(c) for c in text)
    return folded if is_gsm(folded) else text


def page(text: str, hint: str, question: str = "") -> tuple[str, str]:
    """`text` and `question` as one message of at most two segments, and the rest.

    `hint` is the last line of the text where there is a rest. The question is never in the rest, or a "yes" would
    answer what nobody has read; only one that is too long by itself is cut like the text.
    """
    whole = "\n\n".join(part for part in (text, question) if part)
    if segments(whole) <= MAX_SEGMENTS:
        return whole, ""
    end = f"{hint}\n\n{question}"
    if not question or segments(end) > MAX_SEGMENTS:
        head, rest = cut(whole, lambda part: segments(f"{part}\n{hint}") <= MAX_SEGMENTS)
        return f"{head}\n{hint}", rest
    if segments(f"{text[:40]}\n{end}") > MAX_SEGMENTS:  # no room for more than a word or two
        return end, text
    head, rest = cut(text, lambda part: segments(f"{part}\n{end}") <= MAX_SEGMENTS)
    return f"{head}\n{end}", rest


def cut(text: str, fits: Callable[[str], bool]) -> tuple[str, str]:
    """The beginning of `text` that `fits`, ended where a reader would pause, and the rest.

    Ends at a paragraph, line or sentence in the second half of the room, else at a word; a web address stays whole.
    """
    room = bisect_left(range(1, len(text) + 1), True, key=lambda size: not fits(text[:size]))
    if room >= len(text):
        return text, ""
    end = _pause(text, room)
    return text[:end].rstrip(), text[end:].lstrip()


def _pause(text: str, room: int) -> int:
    within = text[: room + 1]
    for pattern in _PAUSES:
        ends = [m.start() for m in pattern.finditer(within) if m.start() >= room / 2]
        if ends:
            return ends[-1]
    words = [m.start() for m in _WORD.finditer(within) if m.start()]
    if words:
        return words[-1]
    address = _ADDRESS.match(text)
    return address.end() if address else max(room, 1)


def _unaccented(character: str) -> str:
    if character in BASIC or character in EXTENSION:
        return character
    return "".join(c for c in unicodedata.normalize("NFD", character) if not unicodedata.combining(c))
