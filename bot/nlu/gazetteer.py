"""Finds known names in a text, also misspelt ones. Plain data in, plain data out; knows nothing of Rasa."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rapidfuzz import fuzz, process
from rapidfuzz.distance import DamerauLevenshtein

from bot.nlu.ngrams import normalise

LONGEST_NAME = 6  # words
_TOKEN = re.compile(r"[^\W_]+(?:['’.&-][^\W_]+)*")


@dataclass(frozen=True)
class Token:
    """A word of the text: normalised, and where it stands."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Span:
    """A name found in the text; `confidence` is 1.0 where it was spelt as known."""

    entity: str
    value: str
    start: int
    end: int
    confidence: float


@dataclass
class Gazetteer:
    """Names of each entity type: `names[entity][name as written] = value`.

    Names of the types in `fuzzy` are found misspelt too, unless the word is one of `common_words`: what people
    write in messages without meaning a name.
    """

    names: dict[str, dict[str, str]]
    fuzzy: dict[str, float] = field(default_factory=dict)  # entity type to the least similarity, 0 to 100
    common_words: frozenset[str] = frozenset()

    def find(self, text: str) -> list[Span]:
        """Every name in the text, the overlapping ones included."""
        tokens = tokenize(text)
        exact = [span for window in windows(tokens) for span in self._exact(window)]
        taken = {position for span in exact for position in range(span.start, span.end)}
        free = [w for w in windows(tokens) if w[0].start not in taken and w[-1].start not in taken]
        return exact + [span for window in free for span in self._similar(window)]

    @cached_property
    def _by_key(self) -> dict[str, list[tuple[str, str]]]:
        keys: dict[str, list[tuple[str, str]]] = {}
        for entity, names in self.names.items():
            for name, value in names.items():
                keys.setdefault(key(tokenize(name)), []).append((entity, value))
        return keys

    @cached_property
    def _by_length(self) -> dict[str, dict[int, list[str]]]:
        lengths: dict[str, dict[int, list[str]]] = {}
        for name, meanings in self._by_key.items():
            for entity, _ in meanings:
                lengths.setdefault(entity, {}).setdefault(name.count(" ") + 1, []).append(name)
        return lengths

    def _exact(self, window: list[Token]) -> Iterable[Span]:
        for entity, value in self._by_key.get(key(window), ()):
            yield Span(entity, value, window[0].start, window[-1].end, 1.0)

    def _similar(self, window: list[Token]) -> Iterable[Span]:
        written = key(window)
        if len(written) < 5 or any(token.text in self.common_words for token in window):
            return
        for entity, least in self.fuzzy.items():
            candidates = self._by_length.get(entity, {}).get(len(window), [])
            best = process.extractOne(written, candidates, scorer=_similarity, score_cutoff=least)
            if best and (value := dict(self._by_key[best[0]]).get(entity)):
                yield Span(entity, value, window[0].start, window[-1].end, best[1] / 100)


def tokenize(text: str) -> list[Token]:
    """The words with their places; "Lipitor's" and "a1c?" give "lipitor" and "a1c"."""
    found = []
    for match in _TOKEN.finditer(text):
        word = re.sub(r"['’]s$", "", match.group())
        found.append(Token(normalise(word).strip("."), match.start(), match.start() + len(word)))
    return found


def windows(tokens: list[Token]) -> list[list[Token]]:
    """All runs of neighbouring words, the longest first."""
    sizes = range(min(LONGEST_NAME, len(tokens)), 0, -1)
    return [tokens[start : start + size] for size in sizes for start in range(len(tokens) - size + 1)]


def key(tokens: list[Token]) -> str:
    """How a name is compared: its words joined by single blanks."""
    return " ".join(token.text for token in tokens)


def _similarity(left: Sequence[Hashable], right: Sequence[Hashable], /, *, score_cutoff: float | None = None) -> float:
    if left[0] != right[0]:  # people get the first letter right; without this "metal" is "petal"
        return 0.0
    edits = DamerauLevenshtein.normalized_similarity(left, right) * 100
    return max(edits, fuzz.ratio(left, right))
