"""Finds the medications that a text means among those of one patient: by generic and brand name, class, use, color,
spelling and sound. Nothing is picked where two are possible, or where a look-alike may be meant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

import jellyfish
from rapidfuzz import fuzz, process
from rapidfuzz.distance import DamerauLevenshtein

from actions.medication import Medication
from actions.medication_names import Names, Word, everyday_forms, names, phrase, words


class How(str, Enum):
    """How the text names it."""

    NAME = "name"
    BRAND = "brand"
    EVERYDAY = "everyday"
    SPELLING = "spelling"
    LOOK_ALIKE = "look_alike"


@dataclass(frozen=True)
class Mention:
    """What the patient said, and which of their medications it can be: none, one, or several to choose from.

    `known` is the name that was understood. With `How.LOOK_ALIKE` the patient does not take that one; `found` are
    those with a similar name. `strength` is one that was asked for and that none of them has.
    """

    said: str
    how: How
    known: str
    found: tuple[Medication, ...]
    strength: str = ""
    start: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)


_ALL = re.compile(
    r"\b(everything|every (one|single|med\w*|pill|prescription)|all (of )?(them|these|those|it|my|the|mine|\d+)"
    r"|all (meds|pills|medications|medicines|prescriptions)|both( of them)?|(the|my) whole list)\b"
)
_NOT_ALL = re.compile(r"\b(not|after|above|at) all\b|\bfor all\b")
_AMOUNT = re.compile(
    r"(?P<value>\d+(?:\.\d+)?)\s*(?P<unit>mg|milligrams?|mgs|mcg|micrograms?|units?)?\b"
    r"(?!\s*(?:pills?|tablets?|days?|left|weeks?|months?|refills?|capsules?|x\b|times|years?|am\b|pm\b))"
)
_KINDS = {"er": "ER", "xl": "ER", "xr": "ER", "sr": "ER", "extended": "ER", "slow": "ER", "long": "ER"}
_SAME, _SIMILAR, _CLOSE = 0.75, 0.6, 0.07
_LONGEST = 6


def says_all(text: str) -> bool:
    """Whether it asks for everything: "all of them", "both", "all my meds"."""
    lower = text.lower()
    return bool(_ALL.search(lower)) and not _NOT_ALL.search(lower)


def find_mentions(text: str, chart: Sequence[Medication], known: Names | None = None) -> list[Mention]:
    """The medications that `text` names, in its order, each one once."""
    found = _Reader(text, chart, known or names()).read()
    unique: list[Mention] = []
    for mention in found:
        if not any(mention.found and set(mention.found) <= set(earlier.found) for earlier in unique):
            unique.append(mention)
    return unique


def narrowed(text: str, candidates: Sequence[Medication]) -> tuple[list[Medication], str]:
    """Those of one name that fit the strength, the salt, "extended release" or the color in `text`.

    The second value is a strength that was asked for and that none has; then the candidates stay as they are.
    """
    lower, fitting, unmet = text.lower(), list(candidates), ""
    for match in _AMOUNT.finditer(lower):
        fit = [m for m in fitting if match["value"] in re.findall(r"[\d.]+", m.strength)]
        if fit:
            fitting = fit
        elif match["unit"]:
            unmet = f"{match['value']} {'mcg' if match['unit'].startswith('mic') else match['unit'].rstrip('s')}"
    for word in words(lower):
        fitting = [m for m in fitting if _has(m, word.norm)] or fitting
    return fitting, unmet


def _has(medication: Medication, word: str) -> bool:
    color = next((names().color(i, medication.strength) for i in medication.ingredients), None)
    return _KINDS.get(word, word) in medication.name.split() or word == color


class _Reader:
    """Reads one text from left to right, the longest name first."""

    def __init__(self, text: str, chart: Sequence[Medication], known: Names) -> None:
        self.text, self.chart, self.known, self.words = text, chart, known, words(text)
        self.own = _own_names(chart, known)

    def read(self) -> list[Mention]:
        found: list[Mention] = []
        position = 0
        while position < len(self.words):
            mention, length = self._at(position)
            if mention:
                found.append(replace(mention, start=self.words[position].start,
                                     end=self.words[position + length - 1].end))  # fmt: skip
            position += length
        return [self._narrow(found, index) for index in range(len(found))]

    def _at(self, position: int) -> tuple[Mention | None, int]:
        rest = self.words[position : position + _LONGEST]
        for length in range(len(rest), 0, -1):
            mention = self._exact(rest[:length])
            if mention:
                return mention, length
        for length in (3, 2):
            mention = self._fuzzy_phrase(rest[:length]) if len(rest) >= length else None
            if mention:
                return mention, length
        return self._spelled(rest[:1]), 1

    def _exact(self, part: list[Word]) -> Mention | None:
        looked_up, said = " ".join(w.norm for w in part), self._said(part)
        if looked_up.startswith("for ") and self._followed_by_pill(part):
            return None  # "for my heart pill" names the heart pill
        if looked_up in self.own:
            return Mention(said, _how(looked_up, self.own[looked_up]), looked_up, _live_first(self.own[looked_up]))
        for name in (looked_up, looked_up.replace(" ", "") if len(part) > 1 else looked_up):
            if name in self.known.proper:
                return self._named(said, name)
        if looked_up in self.known.everyday:
            return self._everyday(said, looked_up)
        return None

    def _followed_by_pill(self, part: list[Word]) -> bool:
        after = self.words.index(part[-1]) + 1
        return self.words[after : after + 1] != [] and self.words[after].norm == "pill"

    def _named(self, said: str, name: str) -> Mention | None:
        generics = self.known.proper[name]
        how = How.BRAND if name in self.known.brands else How.NAME
        known = self.known.brands.get(name, name)
        taken = [m for m in self.chart if how is How.BRAND and name in m.brands] or self._with(generics)
        if taken:
            return Mention(said, how, known, _live_first(taken))
        partners = self._with(frozenset().union(*(self.known.look_alikes(g) for g in generics)))
        return Mention(said, How.LOOK_ALIKE if partners else how, known, _live_first(partners))

    def _everyday(self, said: str, looked_up: str) -> Mention | None:
        taken = self._with(self.known.everyday[looked_up])
        if not taken and looked_up.startswith("for "):
            return None  # "for my stomach" is only a reason
        return Mention(said, How.EVERYDAY, looked_up, _live_first(taken))

    def _fuzzy_phrase(self, part: list[Word]) -> Mention | None:
        looked_up = " ".join(w.norm for w in part)
        if "pill" in looked_up.split() or "thin" in looked_up:
            best = process.extractOne(looked_up, list(self.known.everyday), scorer=fuzz.ratio, score_cutoff=90)
            if best and self._with(self.known.everyday[best[0]]):
                return self._everyday(self._said(part), best[0])
        joined = looked_up.replace(" ", "")
        if len(joined) > 7 and not self.known.ordinary & set(looked_up.split()) and not re.search(r"\d", joined):
            return self._misspelt(self._said(part), joined) if self._closest(joined, 0.85) else None
        return None

    def _spelled(self, part: list[Word]) -> Mention | None:
        word = part[0].norm
        if len(word) < 4 or word in self.known.ordinary or not word.isalpha():
            return None
        return self._misspelt(self._said(part), word)

    def _misspelt(self, said: str, word: str) -> Mention | None:
        """The closest name of all that there are decides; only then is the patient's chart asked."""
        begun = [m for m in self.chart if any(i.startswith(word) for i in m.ingredients)]
        if begun and word not in self.known.everyday:
            return Mention(said, How.SPELLING, begun[0].ingredients[0], _live_first(begun))
        closest = self._closest(word, _SAME if len(word) > 5 else 0.8)
        if not closest:
            return None
        top, score = closest[0]
        near = frozenset().union(*(self._generics(name) for name, other in closest if other >= score - _CLOSE))
        partners = frozenset().union(*(self.known.look_alikes(g) for g in self._generics(top)))
        taken = self._with(near) or self._with(self._generics(top))
        doubtful = [m for m in self._with(partners) if m not in taken]
        if not self._with(self._generics(top)):
            similar = list(dict.fromkeys([*taken, *doubtful, *self._similar(word)]))
            return Mention(said, How.LOOK_ALIKE if similar else How.SPELLING, top, _live_first(similar))
        close = [m for m in doubtful if self._score(word, m.ingredients[0]) >= _SIMILAR]
        how = (
            How.LOOK_ALIKE
            if any(self._score(word, p) >= max(_SIMILAR, score - 0.2) for p in partners)
            else How.SPELLING
        )
        return Mention(said, how, self.known.brands.get(top, top), _live_first([*taken, *close]))

    def _similar(self, word: str) -> list[Medication]:
        return [m for m in self.chart if any(self._score(word, i) >= _SIMILAR for i in m.ingredients)]

    def _closest(self, word: str, cutoff: float) -> list[tuple[str, float]]:
        universe = {*self.known.proper, *(i for m in self.chart for i in m.ingredients)}
        likely = (name for name in universe if abs(len(name) - len(word)) < 5)
        scored = [(name, self._score(word, name)) for name in likely if len(name) > 3]
        return sorted((s for s in scored if s[1] >= cutoff), key=lambda s: -s[1])

    @staticmethod
    def _score(word: str, name: str) -> float:
        """1 for the same; the share of letters that need no edit, with a floor for names that sound the same."""
        spelled = DamerauLevenshtein.normalized_similarity(word, name)
        sounds = word[0] == name[0] and len(word) > 5 and jellyfish.metaphone(word) == jellyfish.metaphone(name)
        return max(spelled, 0.85 if sounds and spelled > 0.5 else 0.0)

    def _generics(self, name: str) -> frozenset[str]:
        return self.known.proper.get(name, frozenset({name}))

    def _with(self, generics: frozenset[str]) -> list[Medication]:
        return [m for m in self.chart if generics & set(m.ingredients)]

    def _narrow(self, found: list[Mention], index: int) -> Mention:
        """The strength said for it: up to the next name, and before the first one ("20 mg of lisinopril")."""
        mention = found[index]
        if not mention.found:
            return mention
        until = found[index + 1].start if index + 1 < len(found) else len(self.text)
        own = self.text[mention.end : until]
        if index == 0 and len(found) == 1:
            own = self.text[: mention.start] + " " + self.text[mention.start : mention.end] + " " + own
        fitting, unmet = narrowed(own, mention.found)
        return replace(mention, found=tuple(fitting), strength=unmet)

    def _said(self, part: list[Word]) -> str:
        return self.text[part[0].start : part[-1].end]


def _own_names(chart: Sequence[Medication], known: Names) -> dict[str, list[Medication]]:
    """Names that only this chart gives: drugs nobody listed, what each is for, colors by strength."""
    own: dict[str, list[Medication]] = {}
    for medication in chart:
        called = [i for i in medication.ingredients if phrase(i) not in known.proper]
        called += [form for reason in medication.reasons for form in everyday_forms(reason)]
        colors = (known.color(i, medication.strength) for i in medication.ingredients)
        called += [f"{color} pill" for color in colors if color]
        called.append(medication.name)
        called += [f"{i} {s}" for i in medication.ingredients for s in known.salts(i) if f"{i} {s}" in medication.name]
        for name in dict.fromkeys(map(phrase, called)):
            own.setdefault(name, []).append(medication)
    for name, meant in own.items():  # what the chart says it is for, and what such drugs are for
        meant += [m for m in chart if known.everyday.get(name, frozenset()) & set(m.ingredients) and m not in meant]
    return own


def _how(name: str, meant: Sequence[Medication]) -> How:
    return How.NAME if any(name.startswith(i) for m in meant for i in m.ingredients) else How.EVERYDAY


def _live_first(found: Sequence[Medication]) -> tuple[Medication, ...]:
    """What the patient still takes; the stopped ones only where there is nothing else."""
    live = tuple(m for m in found if m.live)
    return live or tuple(found)
