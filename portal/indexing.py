"""From a resource to the rows by which it is found."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from portal.dates import Interval, interval_of
from portal.paths import values
from portal.search_parameters import DATE, REFERENCE, STRING, TOKEN, Param, ResourceType
from portal.tables import NO_DATE, VALUE_LENGTH

_RELATIVE = re.compile(r"([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
#: The index key of the words of a coded value, for ``:text``.
TEXT = ":text"
NO_INTERVAL = Interval(NO_DATE, NO_DATE)


@dataclass(frozen=True)
class Index:
    """What the search tables hold for one resource."""

    sort_date: Interval
    values: frozenset[tuple[str, str, str]]  # parameter, value, qualifier
    dates: frozenset[tuple[str, Interval]]


@dataclass(frozen=True)
class Target:
    """Where a reference points; ``type`` is '' for another server's resource, whose ``id`` is then its URL."""

    type: str
    id: str


def target_of(reference: str, base_url: str) -> Target | None:
    """A literal reference as type and id. None for ``#contained``, ``urn:`` and what is no reference."""
    own = reference.removeprefix(base_url + "/") if base_url else reference
    match = _RELATIVE.fullmatch(own)
    if match:
        return Target(match[1], match[2])
    return Target("", reference) if reference.startswith(("http://", "https://")) else None


def bounded(text: str) -> str:
    """The text itself, or where it is too long for an index row its beginning and its hash."""
    if len(text) <= VALUE_LENGTH // 2:
        return text
    return text[:32] + hashlib.sha256(text.encode()).hexdigest()


def folded(text: str) -> str:
    """How strings compare: no case, no accents, one blank between words."""
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(letters.casefold().split())[: VALUE_LENGTH // 2]


def index(resource: dict[str, Any], kind: ResourceType, base_url: str, updated: int) -> Index:
    """Everything that the search tables keep of a resource."""
    found: set[tuple[str, str, str]] = set()
    dates: set[tuple[str, Interval]] = set()
    for param in kind.params.values():
        if param.kind == DATE:
            if param.name not in (kind.sort_date, "_lastUpdated"):
                dates |= {(param.name, interval) for interval in _intervals(resource, param)}
        else:
            found.update(_rows(resource, param, base_url))
    return Index(_sort_date(resource, kind, updated), frozenset(found), frozenset(dates))


def _sort_date(resource: dict[str, Any], kind: ResourceType, updated: int) -> Interval:
    if kind.sort_date == "_lastUpdated":
        return Interval(updated, updated)
    return next(iter(_intervals(resource, kind.params[kind.sort_date])), NO_INTERVAL)


def _intervals(resource: dict[str, Any], param: Param) -> list[Interval]:
    found = (interval_of(value) for path in param.paths for value in values(resource, path))
    return [interval for interval in found if interval]


def _rows(resource: dict[str, Any], param: Param, base_url: str) -> Iterator[tuple[str, str, str]]:
    for path in param.paths:
        for value in values(resource, path):
            if param.kind == TOKEN:
                yield from _token_rows(param.name, value)
            elif param.kind == STRING:
                yield from ((param.name, folded(text), bounded(text)) for text in _strings(value))
            elif param.kind == REFERENCE and isinstance(value, dict):
                yield from _reference_rows(param, value, base_url)


def _token_rows(name: str, value: Any) -> Iterator[tuple[str, str, str]]:
    if isinstance(value, bool):
        yield name, str(value).lower(), ""
    elif isinstance(value, str):
        yield name, bounded(value), ""
    elif isinstance(value, dict):
        for coding in value.get("coding") or [value]:
            code = coding.get("code") or coding.get("value")  # a Coding, or an Identifier or ContactPoint
            if isinstance(code, str):
                yield name, bounded(code), bounded(coding.get("system") or "")
            if coding.get("display"):
                yield name + TEXT, folded(coding["display"]), ""
        if isinstance(value.get("text"), str):
            yield name + TEXT, folded(value["text"]), ""


def _reference_rows(param: Param, value: dict[str, Any], base_url: str) -> Iterator[tuple[str, str, str]]:
    target = target_of(value.get("reference") or "", base_url)
    if target and (not target.type or not param.targets or target.type in param.targets):
        yield param.name, bounded(target.id), target.type


def _strings(value: Any) -> Iterator[str]:
    """The words of a string, HumanName or Address: each part is found by its own beginning."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name in ("text", "family", "given", "line", "city", "state", "postalCode", "country"):
            yield from (part for part in values(value, name) if isinstance(part, str))
