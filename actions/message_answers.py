"""Reads what a patient answers while a message is written: send, change, throw away; a question to us, or more text."""

from __future__ import annotations

import re
from enum import Enum

from rapidfuzz import fuzz

_OK = (
    r"(?:yes|yeah|yep|ok|okay|sure|please|pls|plz|now|just|go ahead(?: and)?|looks? good|perfect|great|alright"
    r"|that's (?:it|right|good|fine))"
)
_IT = r"(?:it|that|this|the message|my message|the draft|my draft|them)"
_SEND = re.compile(
    rf"(?:{_OK}[\s,.!]*)*send(?: {_IT})?(?:[\s,]+(?:now|please|pls|thanks|thank you|off|as is|like that))*[\s.!]*"
)
_EDIT = re.compile(
    rf"(?:no[\s,.]*|wait[\s,.]*|please[\s,]*|i (?:want|need|would like) to |let me |can i )*"
    rf"(?:edit|change|rewrite|correct|redo|fix)"
    rf"(?: {_IT}| the text| something)?(?: please)?[\s.!]*"
)
_DISCARD = re.compile(
    rf"(?:no[\s,.]*|please[\s,]*|just )*(?:discard|delete|throw|trash|erase|toss|remove|scrap)"
    rf"(?: {_IT})?(?: (?:away|out))?(?: please)?[\s.!]*"
    rf"|(?:no[\s,.]*)?(?:don'?t|do not) send(?: {_IT})?(?: at all)?[\s.!]*"
)
_EDIT_TO = re.compile(
    r"(?:no[\s,.]*|please )?(?:edit|change (?:it|that|the text) to|it should (?:say|read)|make it say|make it|"
    r"say instead|instead say)"
    r"\s*[:,]?\s+(?P<text>\S.*)",
    re.IGNORECASE | re.DOTALL,
)
_MORE = re.compile(
    r"\W*(?:oh\W+)?(?:(?:and|also|plus|p\.?s\.?|add|also add|and add)\b(?: that)?[\s:,]+)+", re.IGNORECASE
)
_RESUME = re.compile(
    r"\b(?:my|the|that|a) (?:unsent |unfinished |old |saved )?(?:draft|message)\b|\b(?:draft|unsent)\b", re.IGNORECASE
)
_TO = re.compile(
    r"(?:(?:no|not|actually|wait|sorry|please|send|make|change|address|it|that|this|the message|should|go|i|mean|meant|"
    r"want|to|for|write|instead|recipient)\W+)*",
    re.IGNORECASE,
)
_TO_END = re.compile(r"\W*(?:(?:instead|please|pls|not (?:\w+\W*){1,4}|is who i meant|thanks)\W*)*", re.IGNORECASE)
_ASKS = re.compile(
    r"\W*(?:what|whats|when|whens|where|wheres|who|whos|how|hows|which|is|are|do|does|did|can|could|show|list|check|read|"
    r"tell me|give me|any|pull up|open|look up|see|explain|remind me|help|repeat|go back)\b",
    re.IGNORECASE,
)
_LEAVES = re.compile(
    r"never ?mind|nvm|forget|cancel|\bstop|\bquit\b|\bexit\b|abort|drop it|scratch|leave it|skip it|changed my mind|"
    r"start over|don'?t want|do not want|let'?s not|not going|go back|discard|\bya no\b|no quiero|olv[ií]d|dej[ae]",
    re.IGNORECASE,
)
_SHORT, _WORDS = 4, 12  # words: an order to us is short
_WORD_CLOSE = 75  # of 100: "sned" is close enough to "send"
_NEVER_MIND = 7  # words; what is longer says something


class Word(str, Enum):
    """The three words of a finished draft."""

    SEND = "send"
    EDIT = "edit"
    DISCARD = "discard"


def control(text: str) -> Word | None:
    """The word that the whole text says, also misspelt or with a please; None where it says something else."""
    lower = text.lower().replace("’", "'").strip(" \"'“”.!\n")
    for word, pattern in ((Word.SEND, _SEND), (Word.EDIT, _EDIT), (Word.DISCARD, _DISCARD)):
        if pattern.fullmatch(lower):
            return word
    if " " not in lower and len(lower) > 3:
        return next((word for word in Word if fuzz.ratio(lower, word.value) >= _WORD_CLOSE), None)
    return None


def edited(text: str) -> str:
    """The new text in "change it to ..."; empty where there is none."""
    match = _EDIT_TO.fullmatch(text.strip())
    return match["text"].strip(' "“”') if match else ""


def added(text: str) -> str:
    """What comes on top of a draft, without the "and also" before it."""
    rest = text[match.end() :] if (match := _MORE.match(text)) else text
    return (rest[:1].upper() + rest[1:]).strip() or text.strip()


def resumes(text: str) -> bool:
    """Whether it speaks of a message that is there already ("send my message", "my draft")."""
    return bool(_RESUME.search(text))


def only_names(text: str, start: int, end: int) -> bool:
    """Whether the text is nothing but the recipient at `start` to `end` ("no, to Dr. Chen instead")."""
    return bool(_TO.fullmatch(text[:start]) and _TO_END.fullmatch(text[end:]))


def is_asked_of_us(text: str) -> bool:
    """Whether a text that is understood as a question to the assistant is put like one, and is not part of a letter."""
    words = len(text.split())
    return words <= _SHORT or (words <= _WORDS and (bool(_ASKS.match(text)) or text.rstrip().endswith("?")))


def is_never_mind(intent: str, text: str) -> bool:
    """Whether the patient leaves it, in words that say so; a long text that sounds so is one for the clinic."""
    return intent == "cancel_task" and len(text.split()) <= _NEVER_MIND and bool(_LEAVES.search(text.replace("’", "'")))
