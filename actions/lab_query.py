"""What a patient asks of their labs: which tests, which time, one page or all. Read from the message and what was
shown before; settled later against the results that the patient has."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from actions.lab_names import Catalogue
from actions.periods import Period, find_period, parse_period

_ALL = re.compile(r"\b(all|every|everything|entire|history)\b", re.I)
_IN_GENERAL = re.compile(r"\b(labs?|results|tests|blood ?work|bloods|everything|reports)\b", re.I)
_POINTING = re.compile(r"\b(it|that|this|those|them|these|one)\b", re.I)
_NO_PERIOD = re.compile(
    r"(the )?(latest|newest|most recent|recent(ly)?|lately|last|new|current|over (time|the years))", re.I
)
_BEFORE_VISIT = re.compile(r"\bbefore (my|the|our|his|her) (next )?(visit|appointment|appt)( (on )?[\w/]+)?", re.I)


@dataclass(frozen=True)
class LabQuery:
    """`said` are the words for tests, `readings` the keys that each can mean, best first. No words: all tests."""

    said: tuple[str, ...] = ()
    readings: tuple[tuple[str, ...], ...] = ()
    period: Period | None = None
    unclear_period: bool = False
    everything: bool = False

    @property
    def keys(self) -> list[str]:
        """All keys that may be meant."""
        return list(dict.fromkeys(key for reading in self.readings for key in reading))

    def as_slot(self) -> dict[str, Any]:
        """As JSON, for a slot."""
        start, end = (self.period.start, self.period.end) if self.period else (None, None)
        return {
            "said": list(self.said),
            "readings": [list(reading) for reading in self.readings],
            "period": self.period and [start and start.isoformat(), end and end.isoformat()],
            "everything": self.everything,
        }

    @classmethod
    def from_slot(cls, value: dict[str, Any]) -> LabQuery:
        """The reverse of `as_slot`."""
        times = [time and datetime.fromisoformat(time) for time in value["period"] or ()]
        return cls(
            said=tuple(value["said"]),
            readings=tuple(tuple(reading) for reading in value["readings"]),
            period=Period(*times) if times else None,
            everything=value["everything"],
        )


def read_query(
    text: str,
    tests: Sequence[str],
    periods: Sequence[str],
    now: datetime,
    catalogue: Catalogue,
    last: Mapping[str, str] | None = None,
) -> LabQuery:
    """Read a message with its `lab_test` and `period` entities; `last` are the tests shown before, key to name.

    The whole text is searched as well: an entity may have been missed. With no test named, a message that points
    back ("and last year?", "graph it") is about the last one.
    """
    said, readings = _tests(text, tests, catalogue)
    period, unclear = _period(text, periods, now)
    if not said and last and _points_back(text, period):
        said, readings = list(last.values()), [(key,) for key in last]
    return LabQuery(tuple(said), tuple(readings), period, unclear, everything=bool(_ALL.search(text)))


def _tests(text: str, tests: Sequence[str], catalogue: Catalogue) -> tuple[list[str], list[tuple[str, ...]]]:
    said: list[str] = []
    readings: list[tuple[str, ...]] = []
    for name in dict.fromkeys(tests):
        if _IN_GENERAL.fullmatch(name.strip()):
            continue  # "labs" is no test, whatever the language model took it for
        said.append(name)
        readings.append(tuple(catalogue.named(name)))
    covered = catalogue.expand([key for reading in readings for key in reading])
    for key in catalogue.mentioned(text):
        if not catalogue.expand([key]) <= covered:
            said.append(catalogue.title(key) or key)
            readings.append((key,))
    return said, readings


def _period(text: str, periods: Sequence[str], now: datetime) -> tuple[Period | None, bool]:
    """The time asked for, and whether one was named that cannot be read.

    The text goes first: an entity may hold "march" where the patient wrote "since march".
    """
    readings = [find_period(_BEFORE_VISIT.sub("", text), now), *(parse_period(said, now) for said in periods)]
    past = [period for period in readings if period and (period.start is None or period.start <= now)]
    unclear = any(not _NO_PERIOD.fullmatch(said.strip()) for said in periods)
    return (past[0], False) if past else (None, unclear)


def _points_back(text: str, period: Period | None) -> bool:
    return not _IN_GENERAL.search(text) and bool(period or _POINTING.search(text) or len(text.split()) <= 4)
