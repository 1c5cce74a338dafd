"""What people call conditions, vaccines and measurements: the lists of `record_names.yml`, ready to ask."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from actions.lab_values import concept_text

CVX = "http://hl7.org/fhir/sid/cvx"
LONG = 60  # letters of a name
_PARENTHESIS = re.compile(r"\s*\(([^()]*)\)")
_TAG = re.compile(r"\s*\((finding|disorder|situation|substance|observable entity|qualifier value|procedure)\)$", re.I)


@dataclass(frozen=True)
class Kind:
    """A kind of vaccine or of measurement: its name for patients, its codes, and the words that mean it."""

    key: str
    name: str
    codes: frozenset[str]
    words: re.Pattern[str]
    display: re.Pattern[str] | None = None
    unit: str = ""


@dataclass(frozen=True)
class RecordNames:
    """The lists."""

    conditions: Mapping[str, str]
    vaccines: Mapping[str, Kind]
    vitals: Mapping[str, Kind]

    def condition(self, concept: dict[str, Any]) -> str:
        """A condition in plain words, followed by the chart's own where they differ."""
        written = name_of(concept)
        plain = self.conditions.get(written.lower())
        if plain and plain.lower() in written.lower():
            return plain
        return f"{plain} ({written[0].lower()}{written[1:]})" if plain else written

    def vaccine(self, concept: dict[str, Any]) -> tuple[Kind, ...]:
        """What a vaccine is against, by its CVX code, else by its name: one shot may be of several kinds."""
        codes = {str(c.get("code")) for c in concept.get("coding", []) if c.get("system") == CVX}
        by_code = tuple(kind for kind in self.vaccines.values() if kind.codes & codes)
        if by_code:
            return by_code
        written = " ".join(_all_names(concept))
        return tuple(kind for kind in self.vaccines.values() if kind.display and kind.display.search(written))

    def vital(self, codes: Iterable[str]) -> Kind | None:
        """The kind of a measurement by its LOINC codes."""
        found = set(codes)
        return next((kind for kind in self.vitals.values() if kind.codes & found), None)


def name_of(concept: dict[str, Any]) -> str:
    """What a CodeableConcept is called, without SNOMED's semantic tag."""
    return _TAG.sub("", concept_text(concept)).strip()


def vaccine_name(written: str, kinds: tuple[Kind, ...]) -> str:
    """A vaccine in plain words, with the chart's own behind them where they are short."""
    if not kinds or (_whole([re.escape(kinds[0].name)]).search(written) and len(written) <= LONG):
        return written
    own = _PARENTHESIS.sub(r", \1", written)
    return f"{kinds[0].name} ({own})" if len(own) <= LONG // 2 else kinds[0].name


def asked(kinds: Mapping[str, Kind], text: str) -> list[Kind]:
    """The kinds that a message names, in the order of the list."""
    return [kind for kind in kinds.values() if kind.words.search(text)]


@lru_cache(maxsize=1)
def record_names() -> RecordNames:
    """The lists of `record_names.yml`, read once."""
    lists: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_suffix(".yml"))
    return RecordNames(
        conditions={name: plain for plain, names in lists["conditions"].items() for name in names},
        vaccines={key: _kind(key, facts) for key, facts in lists["vaccines"].items()},
        vitals={key: _kind(key, facts) for key, facts in lists["vitals"].items()},
    )


def _kind(key: str, facts: dict[str, Any]) -> Kind:
    return Kind(
        key=key,
        name=facts["name"],
        codes=frozenset(map(str, facts["codes"])),
        words=_whole(facts["words"]),
        display=re.compile("|".join(facts["display"]), re.I) if "display" in facts else None,
        unit=facts.get("unit", ""),
    )


def _whole(words: list[str]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w])(?:{'|'.join(words)})(?![\w])", re.I)


def _all_names(concept: dict[str, Any]) -> list[str]:
    return [str(concept.get("text") or ""), *(str(c.get("display") or "") for c in concept.get("coding", []))]
