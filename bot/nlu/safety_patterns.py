"""The safety screen's regular expressions, read from `safety_patterns.yml`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

import yaml

from bot.nlu.ngrams import normalise

_CLAUSE_END = re.compile(r"[.!?;,\n]+|\b(?:but|and now|now|pero|ahora)\b")


@dataclass(frozen=True)
class SafetyPatterns:
    """What must never be missed, what only sounds like it, and what shows that it is not happening now."""

    FILE: ClassVar[Path] = Path(__file__).with_suffix(".yml")

    harmless: re.Pattern[str]
    not_now: re.Pattern[str]
    dangers: dict[str, re.Pattern[str]]

    @classmethod
    @cache
    def default(cls) -> SafetyPatterns:
        """Those of the file beside this module."""
        content = yaml.safe_load(cls.FILE.read_text(encoding="utf-8"))
        groups = {name: re.compile("|".join(f"(?:{p})" for p in found)) for name, found in content.items()}
        return cls(groups.pop("harmless"), groups.pop("not_now"), groups)

    def is_figure_of_speech(self, text: str) -> bool:
        """Whether an idiom that only sounds like danger stands in the text."""
        return bool(self.harmless.search(normalise(text).replace("'", "")))

    def without_figures_of_speech(self, text: str) -> str:
        """The normalised text, apostrophes and harmless idioms left out."""
        return self.harmless.sub(" ", normalise(text).replace("'", ""))

    def match(self, calm: str) -> str | None:
        """The intent of the first danger named outright in a text that came from `without_figures_of_speech`."""
        for clause in _CLAUSE_END.split(calm):
            for intent, pattern in self.dangers.items():
                found = pattern.search(clause)
                # "not breathing" negates inside the danger itself; only what stands around it can call it off
                if found and not self.not_now.search(clause[: found.start()] + " | " + clause[found.end() :]):
                    return intent
        return None
