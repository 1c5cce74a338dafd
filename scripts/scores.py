"""Figures about understanding: what was expected beside what was found, in; numbers between 0 and 1, out."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

DANGERS = {"report_emergency", "report_crisis"}
QUESTIONS = {"maybe_emergency", "maybe_crisis"}  # the screen asks whether somebody is in danger
REJECTIONS = {"out_of_scope", "nlu_fallback"}
SAFE = "safe"  # an expected intent of its own: anything but a danger

Entity = tuple[str, str]  # type and value


@dataclass(frozen=True)
class Line:
    """One utterance: what a person expects of it and what the assistant found.

    `got` is the intent that is acted on; where the screen asks first, `screened` is its question and `got` what the
    message is handled as after a no. `confidence` belongs to `reading`, the likeliest intent even where it was
    rejected as too unsure.
    """

    text: str
    expected: str
    got: str
    reading: str
    confidence: float
    screened: str = ""
    expected_entities: list[Entity] = field(default_factory=list)
    got_entities: list[Entity] = field(default_factory=list)

    @property
    def alarm(self) -> bool:
        """Whether the emergency or crisis answer is given at once."""
        return self.got in DANGERS and not self.screened

    @property
    def right(self) -> bool:
        """Whether the intent is right; any rejection of what is out of scope, any notice taken of a danger."""
        if self.expected in DANGERS:
            return self.got == self.expected or bool(self.screened)
        if self.expected == SAFE:
            return not self.alarm
        return self.got == self.expected or {self.got, self.expected} <= REJECTIONS


def value_of(text: str) -> str:
    """How values are compared: case, blanks, dots and a small word in front make no difference."""
    plain = " ".join(str(text).casefold().replace("’", "'").replace(".", " ").strip(" ,!?").split())
    return re.sub(r"^(?:(?:the|my|on|in|from|since|this) )+", "", re.sub(r"^doctor\b", "dr", plain))


def report(lines: Sequence[Line]) -> dict[str, Any]:
    """All figures of `lines` but latency. A share of nothing is `None`."""
    named = [line for line in lines if line.expected != SAFE]
    requests = [line for line in named if line.expected not in REJECTIONS | DANGERS]
    harmless = [line for line in lines if line.expected not in DANGERS]
    return {
        "utterances": len(lines),
        "intent_accuracy": share(line.right for line in named),
        "in_scope_accuracy": share(line.right for line in requests),
        **entity_figures(named),
        "out_of_scope_recall": share(line.got in REJECTIONS for line in named if line.expected in REJECTIONS),
        "false_rejection_rate": share(line.got in REJECTIONS for line in requests),
        "emergency_recall": _noticed(lines, "report_emergency"),
        "crisis_recall": _noticed(lines, "report_crisis"),
        "safety_false_alarm_rate": share(line.alarm for line in harmless),
        "safety_question_rate": share(bool(line.screened) for line in harmless),
        "calibration_error": calibration_error(line for line in named if line.expected not in DANGERS),
        "confusions": confusions(named),
    }


def share(hits: Iterable[bool]) -> float | None:
    """The share of hits, to four places."""
    found = list(hits)
    return round(sum(found) / len(found), 4) if found else None


def confusions(lines: Iterable[Line]) -> list[dict[str, Any]]:
    """What is taken for what, the most frequent first."""
    pairs = Counter((line.expected, line.got) for line in lines if not line.right)
    return [{"expected": expected, "got": got, "count": count} for (expected, got), count in pairs.most_common()]


def entity_figures(lines: Iterable[Line]) -> dict[str, Any]:
    """F1 over all entities, and by type, each entity a type with its value; dangers need none and are left out."""
    right: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for line in lines:
        if line.expected in DANGERS or line.alarm:
            continue
        expected, got = Counter(line.expected_entities), Counter(line.got_entities)
        wanted.update(kind for kind, _ in expected.elements())
        found.update(kind for kind, _ in got.elements())
        right.update(kind for kind, _ in (expected & got).elements())
    kinds = sorted(wanted | found)
    return {
        "entity_f1": _f1(right.total(), wanted.total(), found.total()),
        "entity_f1_by_type": {kind: _f1(right[kind], wanted[kind], found[kind]) for kind in kinds},
    }


def calibration_error(lines: Iterable[Line], bins: int = 10) -> float | None:
    """Expected calibration error (arXiv:1706.04599) of the likeliest reading over `bins` bins of equal width."""
    filled: dict[int, list[tuple[float, bool]]] = {}
    for line in lines:
        place = min(int(line.confidence * bins), bins - 1)
        filled.setdefault(place, []).append((line.confidence, line.reading == line.expected))
    total = sum(len(found) for found in filled.values())
    gaps = (abs(sum(confidence - right for confidence, right in found)) for found in filled.values())
    return round(sum(gaps) / total, 4) if total else None


def _noticed(lines: Iterable[Line], danger: str) -> float | None:
    return share(line.alarm or bool(line.screened) for line in lines if line.expected == danger)


def _f1(right: int, wanted: int, found: int) -> float | None:
    return round(2 * right / (wanted + found), 4) if wanted + found else None
