"""Writes a sentence as a hurried, dictating or unpractised person would; used when training only."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

# Left: what stands in the examples, as whole words. Right: how it comes in by phone.
_SHORTHAND = {
    "you": ["u"], "are": ["r"], "your": ["ur"], "please": ["pls", "plz"], "because": ["cuz", "bc"], "and": ["n", "an"],
    "with": ["w", "wit"], "before": ["b4", "befor"], "to": ["2"], "too": ["to", "2"], "for": ["4", "fer"],
    "tomorrow": ["tmrw", "tomorow"], "appointment": ["appt", "apointment", "appointmnt"], "message": ["msg", "mesage"],
    "doctor": ["dr", "doc", "docter"], "the": ["da", "teh", "th"], "what": ["wat", "wut"], "what's": ["wats", "whats"],
    "want": ["wan", "wnt"], "going": ["goin"], "right": ["rite"], "know": ["no", "kno"], "have": ["hav", "hve"],
    "thanks": ["thx", "tnx"], "today": ["2day", "tday"], "tonight": ["2nite", "tonite"], "night": ["nite"],
    "about": ["bout", "abt"], "medicine": ["medecine", "meds"], "medication": ["med", "medicaton"],
    "pressure": ["presure"], "breathe": ["breath", "breeth"], "breath": ["breth"], "breathing": ["brething"],
    "can't": ["cant", "cnt"], "she's": ["shes"], "he's": ["hes"], "won't": ["wont"], "isn't": ["isnt", "aint"],
    "don't": ["dont", "dnt"], "doesn't": ["doesnt", "dont"], "my": ["mi", "ma"], "this": ["dis"], "that": ["dat"],
    "is": ["iz"], "I'm": ["im", "Im"], "I've": ["ive"], "I": ["i"], "just": ["jus"], "husband": ["hubby"],
    "daughter": ["dtr", "dauter"], "minutes": ["mins", "min"], "hour": ["hr"], "hours": ["hrs"], "blood": ["bld"],
    "heart": ["hart"], "stroke": ["strok"], "pain": ["payn"], "swollen": ["swole", "swolen"], "throat": ["throte"],
    "wake": ["wak"], "prescription": ["rx", "perscription", "script"], "results": ["reslts", "rezults"],
    "something": ["sumthing", "somethin"], "someone": ["sum1", "someon"], "people": ["ppl"], "need": ["nd", "ned"],
    "refill": ["refil", "reffil"], "schedule": ["skedule"], "cancel": ["cancle"], "pharmacy": ["farmacy"],
}  # fmt: skip
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_OPENINGS = [
    "hi ",
    "hello ",
    "um so ",
    "ok so ",
    "hey ",
    "yes hello ",
    "good morning ",
    "please ",
    "well ",
    "sorry but ",
]
_ENDINGS = [" please", " thanks", " thank you", " pls", " asap", " ok", " hun", "??", "!!", "...", " what now"]
_SMALL_WORDS = re.compile(r"\b(?:the|a|an|is|are|am|do|does|of|to|it's)\b ?", re.IGNORECASE)


def noisy(text: str, dice: random.Random) -> str:
    """`text` with one to three changes; the meaning stays."""
    changed = text
    for change in dice.sample(_CHANGES, dice.choice([1, 1, 2, 2, 3])):
        changed = change(changed, dice)
    return " ".join(changed.split()) or text


def _shorthand(text: str, dice: random.Random) -> str:
    def short(match: re.Match[str]) -> str:
        ways = _SHORTHAND.get(match[0]) or _SHORTHAND.get(match[0].lower())
        return dice.choice(ways) if ways and dice.random() < 0.6 else match[0]

    return re.sub(r"[\w']+", short, text)


def _typo(text: str, dice: random.Random) -> str:
    """A key beside the right one, a letter lost, doubled, or swapped with its neighbour."""
    places = [m.start() for m in re.finditer(r"(?<=\w)[a-z](?=\w)", text)]
    for place in sorted(dice.sample(places, min(len(places), 1 + len(text) // 40)), reverse=True):
        letter, rest = text[place], text[place + 1 :]
        ways = [_beside(letter, dice), "", letter * 2, rest[:1] + letter]
        kind = dice.randrange(4)
        text = text[:place] + ways[kind] + (rest[1:] if kind == 3 else rest)
    return text


def _beside(letter: str, dice: random.Random) -> str:
    row = next(row for row in _ROWS if letter in row)
    place = row.index(letter)
    return dice.choice(row[max(place - 1, 0) : place] + row[place + 1 : place + 2])


def _no_marks(text: str, dice: random.Random) -> str:
    return re.sub(r"['’.,!?;]", "", text)


def _lower(text: str, dice: random.Random) -> str:
    return text.lower()


def _upper(text: str, dice: random.Random) -> str:
    return text.upper() if dice.random() < 0.3 else text


def _few_words(text: str, dice: random.Random) -> str:
    return _SMALL_WORDS.sub(lambda m: "" if dice.random() < 0.6 else m[0], text) or text


def _opening(text: str, dice: random.Random) -> str:
    return dice.choice(_OPENINGS) + text


def _ending(text: str, dice: random.Random) -> str:
    return text.rstrip(".?! ") + dice.choice(_ENDINGS)


def _dropped_g(text: str, dice: random.Random) -> str:
    return re.sub(r"ing\b", "in", text)


_CHANGES: list[Callable[[str, random.Random], str]] = [
    _shorthand, _shorthand, _typo, _typo, _no_marks, _lower, _lower, _upper, _few_words, _opening, _ending, _dropped_g,
]  # fmt: skip
