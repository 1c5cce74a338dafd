"""Which tests a patient means: LOINC, common name, abbreviation, everyday word or misspelling.

The catalogue (`lab_tests.yml`) says what a word can mean; what it does mean is settled against the results that this
patient has, by `labs.py`. Names of results that are not in the catalogue join in through `Catalogue.with_names`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Any

import jellyfish
import yaml
from rapidfuzz import fuzz, process

MIN_FUZZY_LETTERS = 5
SURE = 88  # spelling similarity (0 to 100) that is enough alone
SOUNDS_ALIKE = 76  # … and with the same sound
NEAR_BEST = 3  # other readings this close to the best one stay possible
LONGEST_NAME = 5  # words


@dataclass(frozen=True)
class LabTest:
    """An entry of the catalogue; a panel lists its `tests`."""

    key: str
    name: str
    title: str
    codes: tuple[str, ...]
    aliases: tuple[str, ...]
    short: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()


@dataclass(frozen=True)
class Catalogue:
    """All tests and panels, and how to find one by what somebody said."""

    entries: Mapping[str, LabTest]
    fillers: frozenset[str] = frozenset()
    ordinary: frozenset[str] = frozenset()
    remedies: frozenset[str] = frozenset()
    own_names: Mapping[str, str] = field(default_factory=dict)

    def with_names(self, names: Mapping[str, str]) -> Catalogue:
        """The same with names (to keys) of one patient's results that are not in the catalogue."""
        return replace(self, own_names={normal(name): key for name, key in names.items() if normal(name)})

    def title(self, key: str) -> str | None:
        """What a patient reads for a key."""
        return self.entries[key].title if key in self.entries else None

    def key_of(self, code: str, name: str) -> str:
        """The test of a LOINC code, else of the lab's own name if that is exactly a known one, else a new key."""
        known = self._by_code.get(code) or self._tests_by_name.get(normal(name))
        return known or f"own:{code or normal(name)}"

    def panel_of(self, code: str, name: str) -> str | None:
        """The panel or test that a report is about."""
        return self._by_code.get(code) or self._names.get(normal(name))

    def expand(self, keys: Collection[str]) -> frozenset[str]:
        """Single tests: each panel is replaced by its tests."""
        entries = (self.entries.get(key) for key in keys)
        members = {test for entry in entries if entry for test in entry.tests}
        return frozenset({k for k in keys if k not in self.entries or not self.entries[k].tests} | members)

    def codes(self, keys: Iterable[str]) -> list[str]:
        """The LOINC codes of tests."""
        return sorted({code for key in keys if key in self.entries for code in self.entries[key].codes})

    def named(self, phrase: str) -> list[str]:
        """The keys that a phrase, already known to name a test, can mean; best first, empty if none."""
        codes = [self._by_code[code] for code in re.findall(r"\b\d{1,5}-\d\b", phrase) if code in self._by_code]
        words = normal(phrase)
        if codes or not words:
            return codes
        core = " ".join(word for word in words.split() if word not in self.fillers) or words
        for spelling in (words, core):
            if spelling in self._names:
                return [self._names[spelling]]
        return self._similar(core) or self.mentioned(phrase)

    def mentioned(self, text: str) -> list[str]:
        """The keys of all tests that a whole sentence names, in its order. Ordinary words give none."""
        codes = [self._by_code[code] for code in re.findall(r"\b\d{1,5}-\d\b", text) if code in self._by_code]
        words = normal(text).split()
        found: dict[int, str] = {}
        taken: set[int] = set()
        for size in range(min(LONGEST_NAME, len(words)), 0, -1):
            for at in range(len(words) - size + 1):
                span, part = set(range(at, at + size)), words[at : at + size]
                if not span & taken and (key := self._exact(part, text) or self._misspelt(part)):
                    taken |= span
                    if not self.remedies & set(words[at + size : at + size + 1]):  # "iron pills" is no test
                        found[at] = key
        return list(dict.fromkeys([*codes, *(found[at] for at in sorted(found))]))

    def _exact(self, words: list[str], text: str) -> str | None:
        phrase = " ".join(words)
        key = self._names.get(phrase)
        return key if key and (phrase not in self._short or _stands_out(phrase, text)) else None

    def _misspelt(self, words: list[str]) -> str | None:
        if len(words) > 3 or (self.ordinary | self.fillers) & {words[0], words[-1]}:
            return None
        return next(iter(self._similar(" ".join(words))), None)

    def _similar(self, phrase: str) -> list[str]:
        if len(phrase) < MIN_FUZZY_LETTERS or phrase in self.ordinary:
            return []
        near = process.extract(phrase, self._long_names, scorer=fuzz.ratio, score_cutoff=SOUNDS_ALIKE, limit=8)
        good = [(name, score) for name, score, _ in near if _close(phrase, name, score)]
        best = max((score for _, score in good), default=0)
        return list(dict.fromkeys(self._names[name] for name, score in good if score >= best - NEAR_BEST))

    @cached_property
    def _names(self) -> dict[str, str]:
        names = dict(self.own_names)
        for key, entry in self.entries.items():
            names |= {normal(name): key for name in (entry.name, entry.title, *entry.aliases, *entry.short)}
        return names

    @cached_property
    def _tests_by_name(self) -> dict[str, str]:
        return {name: key for name, key in self._names.items() if key in self.entries and not self.entries[key].tests}

    @cached_property
    def _long_names(self) -> list[str]:
        return [name for name in self._names if len(name) >= MIN_FUZZY_LETTERS and name not in self._short]

    @cached_property
    def _short(self) -> set[str]:
        return {normal(name) for entry in self.entries.values() for name in entry.short}

    @cached_property
    def _by_code(self) -> dict[str, str]:
        return {code: key for key, entry in self.entries.items() for code in entry.codes}


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The catalogue of `lab_tests.yml`, read once."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    data = yaml.load((files("actions") / "lab_tests.yml").read_text("utf-8"), Loader=loader)  # noqa: S506  a safe one
    groups = {**data["tests"], **data["panels"]}
    return Catalogue(
        {key: _entry(key, fields) for key, fields in groups.items()},
        fillers=frozenset(data["fillers"]),
        ordinary=frozenset(data["ordinary"]),
        remedies=frozenset(data["remedies"]),
    )


def normal(text: str) -> str:
    """Lower case, plain characters, no possessives: how names are compared."""
    text = re.sub(r"['’]s\b|['’`]", "", text.lower())
    return " ".join(re.sub(r"[^a-z0-9+]+", " ", text).split())


def _entry(key: str, fields: dict[str, Any]) -> LabTest:
    lists = {field: tuple(str(name) for name in fields.get(field, ())) for field in ("loinc", "aka", "short", "tests")}
    return LabTest(key, fields["name"], fields["title"], lists["loinc"], lists["aka"], lists["short"], lists["tests"])


def _stands_out(word: str, text: str) -> bool:
    """Whether an ambiguous short name is written as an abbreviation, or next to a word that makes it a test."""
    in_capitals = re.search(rf"\b{re.escape(word.upper())}\b", text) and text != text.upper()
    beside = re.search(rf"\b{re.escape(word)}\s+(?:test|level|lvl|value|result|number|count)s?\b", text.lower())
    return bool(in_capitals or beside or normal(text) == word)


def _close(phrase: str, name: str, score: float) -> bool:
    if any(a.isdigit() or b.isdigit() for a, b in zip(phrase, name, strict=False) if a != b):
        return False  # T3 is no misspelling of T4
    if phrase[0] != name[0] and score < 92:
        return False
    return score >= SURE or (len(phrase) > 5 and jellyfish.metaphone(phrase) == jellyfish.metaphone(name))
