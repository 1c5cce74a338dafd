"""SMART scopes, version 1 (`patient/Task.read`) and version 2 (`patient/Task.rs`).

http://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html. A scope with a query
(`patient/Observation.rs?category=…`) is never granted, because the portal does not filter by it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

CONTEXT = ("launch/patient", "offline_access")
_CLINICAL = re.compile(r"(patient|system)/(\*|[A-Z][A-Za-z]*)\.(read|write|\*|c?r?u?d?s?)")
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}
_ORDER = "cruds"


@dataclass(frozen=True)
class Scope:
    """`level` patient or system, `resource` a FHIR type or `*`, `letters` of create, read, update, delete, search."""

    level: str
    resource: str
    letters: frozenset[str]

    @classmethod
    def parse(cls, word: str) -> Scope | None:
        """The clinical scope that a word is; `None` for any other word."""
        match = _CLINICAL.fullmatch(word)
        if match is None or not match[3]:
            return None
        return cls(match[1], match[2], frozenset(_VERSION_1.get(match[3], match[3])))

    def within(self, other: Scope) -> Scope | None:
        """What this one and `other` both allow; `None` for nothing."""
        letters = self.letters & other.letters
        if self.level != other.level or not letters:
            return None
        if other.resource in ("*", self.resource):
            return Scope(self.level, self.resource, letters)
        return Scope(self.level, other.resource, letters) if self.resource == "*" else None

    def __str__(self) -> str:
        return f"{self.level}/{self.resource}.{''.join(sorted(self.letters, key=_ORDER.index))}"


def parse(scope: str) -> list[Scope]:
    """The clinical scopes in a scope string."""
    return [parsed for word in scope.split() if (parsed := Scope.parse(word))]


def is_system(scope: str) -> bool:
    """Whether a scope string is of an app that acts for itself."""
    return any(parsed.level == "system" for parsed in parse(scope))


def narrow(requested: str, registered: str) -> str:
    """What of `requested` lies within `registered`, in the order and, where nothing was cut, the words requested."""
    allowed = parse(registered)
    known = registered.split()
    words: list[str] = []
    for word in requested.split():
        wanted = Scope.parse(word)
        if wanted:
            words += _cut(word, wanted, allowed)
        elif word in CONTEXT and word in known:
            words.append(word)
    return " ".join(dict.fromkeys(words))


def _cut(word: str, wanted: Scope, allowed: list[Scope]) -> list[str]:
    parts: dict[str, Scope] = {}
    for limit in allowed:
        part = wanted.within(limit)
        if part:
            before = parts.get(part.resource)
            letters = part.letters | before.letters if before else part.letters
            parts[part.resource] = Scope(part.level, part.resource, letters)
    return [word if part == wanted else str(part) for part in parts.values()]
