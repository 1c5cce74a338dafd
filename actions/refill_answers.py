"""Reads short answers in a refill: yes and no, days left, a pharmacy, and what must never be taken for an answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache
from pathlib import Path

from rapidfuzz import fuzz, process
from ruamel.yaml import YAML

from actions.medication import Place

_NUMBERS = {
    "zero": 0, "none": 0, "one": 1, "a couple": 2, "couple": 2, "two": 2, "a few": 3, "few": 3, "three": 3, "four": 4,
    "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "fourteen": 14,
    "fifteen": 15, "twenty": 20, "thirty": 30, "a": 1, "an": 1, "half a": 0.5, "half": 0.5,
}  # fmt: skip
_UNITS = {"day": 1, "week": 7, "wk": 7, "month": 30, "dose": 1}
_NUMBER = r"(?P<number>\d{1,3}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + r")"
_DAYS = re.compile(
    r"^\W*(?:(?:i|we|she|he|oh|um|uh|well|so|yes|yeah|yep|sure|please|have|has|got|i've|ive|think|there's|theres|there|are|is|"
    r"about|maybe|like|only|just|around|roughly|approx|approximately|probably|enough|for|at|most|still|left|with|it's|its|"
    r"another|under|less|than|of|down|to|my|last|ok|okay)[\s,]+)*"
    + _NUMBER
    + r"(?:\s*(?P<unit>days?|weeks?|wks?|months?|doses?|pills?|tabs?|tablets?|caps?|capsules?))?"
    r"(?:[\s,]+(?:of|worth|left|remaining|more|only|or|so|i|think|maybe|to|go|pills?|tablets?|medicine|meds|supply|in|the|bottle|"
    r"max|days?|them|though))*\W*$"
)
_OUT = re.compile(
    r"\b((i'?m|we'?re|i am|completely|all|already|ran|run|just ran|fresh) out|out of (it|them|pills|meds)"
    r"|nothing left|no more|(don'?t|do not) have any( left)?|(took|on) (my|the) last (one|pill|dose)|all gone"
    r"|last one today)\b|^\W*(none|zero|out|nothing)\W*$"
)
_TODAY = re.compile(r"^\W*(just )?(today|enough for today)\W*$")
_UNSURE = re.compile(r"\b((don'?t|do not|dont) know|not sure|no idea|no clue|unsure|idk|can'?t tell|dunno)\b")
_HEDGE = re.compile(
    r"\b(not|don'?t|dont|wait|hold on|hold off|later|but|actually|stop|instead|never ?mind|no|nope|unless"
    r"|cancel|except)\b"
)
_ADDS = re.compile(r"\b(also|too|as well|add|plus|along with|on top)\b|^\W*and\b")
_LEAVES_OUT = re.compile(
    r"\b(except|but not|without|leave out|leave off|minus|not the|not my|don'?t need (the|my)|take off"
    r"|skip|remove)\b"
)
_PHARMACY = re.compile(
    r"\b(?:to|at|from|use|using|through|via|with)\s+(?:the\s+|my\s+)?"
    r"(?P<name>[\w'&.-]+(?:\s+[\w'&.-]+){0,3}?\s+(?:pharmacy|drugs?|drugstore|apothecary|chemist)|walgreens|cvs"
    r"|rite aid|walmart|costco|kroger|publix|safeway|sam'?s club|heb|express scripts|optumrx|mail order)"
    r"(?P<where>\s+(?:on|in|at|near)\s+[\w' ]+?)?(?=\s*(?:please|instead|this time|thanks|$|[,.!?]))",
    re.I,
)
_LEFT = re.compile(
    r"\b"
    + _NUMBER
    + r"\s*(?:more )?(?P<unit>days?|weeks?|pills?|tabs?|tablets?|doses?|capsules?)?"
    + r"\s*(?:(?!refill)\w+ )?(?:left|remaining)\b(?! refill)"
)
_POSITIONS = {
    "first": 0,
    "second": 1,
    "third": 2,
    "fourth": 3,
    "fifth": 4,
    "sixth": 5,
    "last": -1,
    "bottom": -1,
    "top": 0,
}
_ORDINAL = re.compile(r"\b(?P<word>first|second|third|fourth|fifth|sixth|last|bottom|top|\d(?:st|nd|rd|th))\b")
_NOT_SMALL = re.compile(
    r"\b(?!(?:the|one|ones|no|not|nope|i|mean|meant|actually|wait|sorry|it's|its|it|is|that|this|please|pls|yes|and|my|both|all|of|"
    r"them|er|xl|xr|mg|mcg|milligrams?|oh|um|uh|just|only|also|first|second|third|last|instead|other|with|for|a|to|too|or)\b)[a-z']+"
)


class Concern(str, Enum):
    """What goes before any refill."""

    OVERDOSE = "overdose"
    SIDE_EFFECT = "side_effect"


def concern(text: str) -> Concern | None:
    """An overdose, a severe reaction or a side effect mentioned on the way; None where the text names none."""
    lower = text.lower().replace("’", "'")
    return next((found for found, pattern in _concerns() if pattern.search(lower)), None)


@lru_cache(maxsize=1)
def _concerns() -> list[tuple[Concern, re.Pattern[str]]]:
    phrases = YAML(typ="safe").load(Path(__file__).with_name("refill_concerns.yml"))
    return [(found, re.compile("|".join(f"(?:{p})" for p in phrases[found.value]))) for found in Concern]


def is_clear_yes(intent: str, text: str) -> bool:
    """Whether it is a yes and nothing else: "yes but not now" is none."""
    return intent == "affirm" and not _HEDGE.search(text.lower().replace("’", "'"))


def adds(text: str) -> bool:
    """Whether what is named comes on top ("and also my metformin")."""
    return bool(_ADDS.search(text.lower()))


def leaves_out(text: str) -> bool:
    """Whether what is named is to be left out ("all but not the metformin")."""
    return bool(_LEAVES_OUT.search(text.lower().replace("’", "'")))


def is_unsure(text: str) -> bool:
    """Whether the patient does not know."""
    return bool(_UNSURE.search(text.lower().replace("’", "'")))


def days_left(text: str, units_a_day: float | None = None) -> int | None:
    """For how many days the medicine lasts, where the whole text is that answer; None where it is not.

    Pills are turned into days by `units_a_day`, where it is known.
    """
    lower = " ".join(text.lower().replace("’", "'").split())
    if _OUT.search(lower) or _TODAY.match(lower):
        return 0
    match = _DAYS.match(lower)
    if not match:
        return None
    number = float(match["number"]) if match["number"].isdigit() else float(_NUMBERS[match["number"]])
    unit = (match["unit"] or "day").rstrip("s")
    if unit in _UNITS:
        return int(number * _UNITS[unit])
    return int(number / units_a_day) if units_a_day else int(number)


def pharmacy_named(text: str, entities: Sequence[str], known: Sequence[Place]) -> Place | None:
    """The pharmacy that the patient asks for: one of the chart where the name is close, else in their own words."""
    match = _PHARMACY.search(text)
    said = [*entities, *([match["name"] + (match["where"] or "")] if match else [])]
    displays = {p.display.lower(): p for p in known}
    for name in [*said, text]:
        scorer = fuzz.WRatio if name is not text else fuzz.partial_ratio
        best = process.extractOne(name.lower(), list(displays), scorer=scorer, score_cutoff=90)
        if best and (name is not text or len(best[0]) > 4):
            return displays[best[0]]
    return Place(said[0].strip()) if said else None


def days_mentioned(text: str) -> int | None:
    """Days or pills left, said in passing ("only two pills left of my water pill"); None where nothing is said."""
    lower = text.lower().replace("’", "'")
    if _OUT.search(lower):
        return 0
    match = _LEFT.search(lower)
    if not match:
        return None
    number = float(match["number"]) if match["number"].isdigit() else float(_NUMBERS[match["number"]])
    return int(number * _UNITS.get((match["unit"] or "day").rstrip("s"), 1))


def ordinal(text: str) -> int | None:
    """ "The second one" is 1, "the last" is -1; None where no position is named."""
    match = _ORDINAL.search(text.lower())
    if not match:
        return None
    word = match["word"]
    return _POSITIONS[word] if word in _POSITIONS else int(word.rstrip("stndrh")) - 1


def is_only(text: str, names: Sequence[str]) -> bool:
    """Whether the text is nothing but these names, numbers and small words ("no, the 20 mg one")."""
    rest = text.lower().replace("’", "'")
    for name in names:
        rest = rest.replace(name.lower(), " ")
    return not _NOT_SMALL.search(rest)
