"""What people call medications: the facts of `medication_names.yml`, ready to look things up in."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein
from ruamel.yaml import YAML

_FILE = Path(__file__).with_suffix(".yml")
_WORD = re.compile(r"[a-z0-9]+(?:\.[0-9]+)?")
_PILL = re.compile(
    r"(pill|med|medicine|medication|tablet|tab|capsule|cap|drug|script|prescription|rx|medcine|medecine|pil|piil)s?"
)
_DETERMINERS = frozenset(
    [
        "my",
        "the",
        "your",
        "his",
        "her",
        "our",
        "their",
        "a",
        "an",
        "this",
        "that",
        "these",
        "those",
        "mine",
        "of",
        "some",
    ]
)
_PLURALS = {
    "thinners", "puffers", "inhalers", "drops", "diuretics", "statins", "steroids", "antibiotics", "painkillers",
    "antidepressants", "insulins", "shots", "patches", "vitamins", "blockers", "relaxers", "antihistamines",
}  # fmt: skip
_SCHEDULE_III_CODEINE = {"acetaminophen", "aspirin", "butalbital"}


@dataclass(frozen=True)
class Word:
    """A word of a text as it is compared, and where it stands in the text."""

    norm: str
    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of `text` that can carry a name: lower case, every word for a pill the same, no determiners."""
    found = (Word(_norm(m[0]), m.start(), m.end()) for m in _WORD.finditer(text.lower().replace("’", "'")))
    return [word for word in found if word.norm not in _DETERMINERS]


def phrase(text: str) -> str:
    """`text` as it is looked up: its words, normalized, with single spaces."""
    return " ".join(word.norm for word in words(text))


def _norm(word: str) -> str:
    if _PILL.fullmatch(word):
        return "pill"
    return word[:-1] if word in _PLURALS else word


class Names:
    """The facts, by what is looked up. Generic names are lower case, as RxNorm writes ingredients."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.generics: dict[str, dict[str, Any]] = facts["generics"]
        self.forms: dict[str, str] = facts["forms"]
        self.ordinary: frozenset[str] = frozenset(facts["ordinary"])
        self.proper: dict[str, frozenset[str]] = _proper(self.generics)
        self.brands: dict[str, str] = {phrase(b): b for g in self.generics.values() for b in g["brands"]}
        self.everyday: dict[str, frozenset[str]] = _everyday(self.generics, facts["classes"])
        self._partners = _partners(facts["look_alike"], self.proper)

    def ingredients(self, display: str) -> tuple[str, ...]:
        """The generic names in a product's name, in its order: by generic name, else by brand, else by spelling."""
        text = f" {phrase(display)} "
        generics = [(text.find(f" {phrase(g)} "), g) for g in self.generics if f" {phrase(g)} " in text]
        found = _without_parts([generic for _, generic in sorted(generics)])
        if not found:
            brands = [b for b in self.brands if f" {b} " in text]
            found = sorted({g for brand in brands for g in self.proper[brand]})
        return tuple(found) or self._by_spelling(text)

    def schedule(self, ingredients: tuple[str, ...]) -> int | None:
        """The strictest schedule of the Controlled Substances Act among them (2 to 5), or None.

        Codeine together with another analgesic is schedule III (21 CFR 1308.13(e)(1)).
        """
        found = [self.generics[i]["schedule"] for i in ingredients if "schedule" in self.generics.get(i, {})]
        if found == [2] and "codeine" in ingredients and _SCHEDULE_III_CODEINE & set(ingredients):
            return 3
        return min(found, default=None)

    def salts(self, ingredient: str) -> list[str]:
        """The salts that tell two products of this drug apart (metoprolol succinate and tartrate)."""
        return list(self.generics.get(ingredient, {}).get("salts", []))

    def color(self, ingredient: str, strength: str) -> str | None:
        """The color that every maker gives this strength, where there is such a custom (warfarin, levothyroxine)."""
        return self.generics.get(ingredient, {}).get("colors", {}).get(strength.split(" ")[0])

    def look_alikes(self, generic: str) -> frozenset[str]:
        """Generic names that are mixed up with this one."""
        return self._partners.get(generic, frozenset())

    def _by_spelling(self, text: str) -> tuple[str, ...]:
        first = text.split()[:1]
        if not first or len(first[0]) < 6:
            return ()
        best = process.extractOne(
            first[0], list(self.generics), scorer=DamerauLevenshtein.normalized_similarity, score_cutoff=0.88
        )
        return (best[0],) if best else ()


def _proper(generics: dict[str, dict[str, Any]]) -> dict[str, frozenset[str]]:
    index: dict[str, set[str]] = defaultdict(set)
    for generic, facts in generics.items():
        for name in (generic, *facts["brands"]):
            index[phrase(name)].add(generic)
    return {name: frozenset(found) for name, found in index.items()}


def _everyday(generics: dict[str, dict[str, Any]], classes: dict[str, Any]) -> dict[str, frozenset[str]]:
    index: dict[str, set[str]] = defaultdict(set)
    for generic, facts in generics.items():
        called = list(facts.get("called", []))
        for name in facts["classes"]:
            called += classes[name]["called"] + everyday_forms(*classes[name]["uses"])
        for name in called:
            index[phrase(name)].add(generic)
    return {name: frozenset(found) for name, found in index.items()}


def everyday_forms(*uses: str) -> list[str]:
    """The ways to name a pill by its use: "water pill", "pill for water", "for water"."""
    return [form for use in uses for form in (f"{use} pill", f"pill for {use}", f"for {use}")]


def _partners(pairs: list[list[str]], proper: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    index: dict[str, set[str]] = defaultdict(set)
    for one, other in pairs:
        for left, right in ((one, other), (other, one)):
            for generic in proper[phrase(left)]:
                index[generic] |= proper[phrase(right)] - {generic}
    return {name: frozenset(found) for name, found in index.items()}


def _without_parts(found: list[str]) -> list[str]:
    return [one for one in found if not any(one != other and f" {one} " in f" {other} " for other in found)]


@lru_cache(maxsize=1)
def names() -> Names:
    """The facts, read once."""
    return Names(YAML(typ="safe").load(_FILE))
