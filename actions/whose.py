"""Whose chart a message is about, where it says so: "my son's labs" is not about one's own."""

from __future__ import annotations

import re

_RELATIVES = (
    "son|daughter|kid|child|baby|toddler|newborn|teen|teenager|boy|girl|husband|wife|spouse|partner|mom|mum|mommy|mama|"
    "mother|dad|daddy|papa|father|parent|grandson|granddaughter|grandchild|grandkid|grandma|grandmother|granny|nana|"
    "grandpa|grandfather|brother|sister|aunt|auntie|uncle|niece|nephew|stepson|stepdaughter|stepmom|stepdad|"
    "mother-in-law|father-in-law|mother in law|father in law"
)
_SOMEONE_ELSES = re.compile(
    rf"\b(?:my|our)\s+(?:[\w-]+\s+){{0,3}}(?:{_RELATIVES})(?:['’]s|s['’]|s)\s+\w", re.IGNORECASE
)
_OWN = re.compile(
    r"\b(?:my ?self|my own|my chart|mine\b|back to me\b|i'?m the patient|(?:switch|go|change) back)", re.IGNORECASE
)
_GIVES_ACCESS = re.compile(
    r"\b(?:give|grant|let|allow|add|authorize|share)\b.*\b(?:my|our)\b|\bcan (?:my|our)\b.*\b(?:use|see|access|look)\b",
    re.IGNORECASE,
)


def is_someone_elses(text: str) -> bool:
    """Whether the message names another person as the one whose chart is meant."""
    return bool(_SOMEONE_ELSES.search(text))


def is_own(text: str) -> bool:
    """Whether the message asks to go back to one's own chart."""
    return bool(_OWN.search(text)) and not is_someone_elses(text)


def gives_access(text: str) -> bool:
    """Whether the message wants to let somebody else see one's own chart, rather than to see theirs."""
    return bool(_GIVES_ACCESS.search(text)) and not is_someone_elses(text)
