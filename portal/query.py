"""From the parameters of a search to what is asked for, or to a 400 that says which one is wrong.

http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from portal.dates import Interval, parse
from portal.errors import BadRequest
from portal.indexing import TEXT, bounded, folded, target_of
from portal.search_parameters import (
    CHART_PARAMS,
    DATE,
    REFERENCE,
    RESOURCE_TYPES,
    STRING,
    TOKEN,
    Param,
    ResourceType,
)

DEFAULT_COUNT, MAX_COUNT = 50, 1000
MAX_VALUES, MAX_CRITERIA = 100, 50
PREFIXES = ("eq", "ne", "ge", "le", "gt", "lt", "sa", "eb")
RESULT_PARAMS = ("_count", "_sort", "_include", "_revinclude", "_summary", "_total", "_elements", "_format", "_pretty")
CURSOR = "_cursor"

Pairs = list[tuple[str, str]]


class Match(NamedTuple):
    """One wanted value. ``prefix`` asks for values that begin with it; ``qualifier`` None takes any."""

    value: str
    qualifier: str | None = None
    prefix: bool = False


@dataclass(frozen=True)
class ValueFilter:
    """Any of the matches; with ``negated`` none of them."""

    param: str
    matches: tuple[Match, ...]
    negated: bool = False


class When(NamedTuple):
    """A comparison with a date: one of PREFIXES and the interval that the date stands for."""

    prefix: str
    interval: Interval


@dataclass(frozen=True)
class DateFilter:
    param: str
    alternatives: tuple[When, ...]


@dataclass(frozen=True)
class MissingFilter:
    param: Param
    missing: bool


@dataclass(frozen=True)
class SortKey:
    param: str
    descending: bool


@dataclass(frozen=True)
class Include:
    """``source:param[:target]``; ``reverse`` for ``_revinclude``."""

    source: str
    param: str
    target: str | None
    reverse: bool


@dataclass
class Query:
    """What a client asks for."""

    kind: ResourceType
    values: list[ValueFilter] = field(default_factory=list)
    dates: list[DateFilter] = field(default_factory=list)
    missing: list[MissingFilter] = field(default_factory=list)
    charts: frozenset[str] | None = None
    ids: frozenset[str] | None = None
    sort: tuple[SortKey, ...] = ()
    includes: list[Include] = field(default_factory=list)
    elements: frozenset[str] = frozenset()
    count: int = DEFAULT_COUNT
    only_total: bool = False
    wants_total: bool = False
    cursor: str = ""
    used: Pairs = field(default_factory=list)


def parse_query(kind: ResourceType, pairs: Pairs, base_url: str = "", lenient: bool = False) -> Query:
    """Read the parameters. ``lenient`` ignores those that are unknown. Raises BadRequest."""
    query = Query(kind)
    if len(pairs) > MAX_CRITERIA:
        raise BadRequest(f"More than {MAX_CRITERIA} search parameters", code="too-costly")
    for name, value in pairs:
        if "\0" in name + value:
            raise BadRequest("A search parameter holds a character that is not allowed", code="value")
        if name == CURSOR:
            query.cursor = value
        elif _read(query, name, value, base_url):
            query.used.append((name, value))
        elif not lenient:
            raise BadRequest(f"Unknown search parameter for {kind.name}", f"http.{_label(name)}", "not-supported")
    query.sort = query.sort or (SortKey(kind.sort_date, True),)
    return query


def _label(name: str) -> str:
    return re.sub(r"[^\w:.\-]", "", name, flags=re.ASCII)[:64]


def _read(query: Query, name: str, value: str, base_url: str) -> bool:
    """Take one parameter in; False where it is unknown."""
    if name in RESULT_PARAMS or name.startswith(("_include:", "_revinclude:")):
        return _read_result_param(query, name, value)
    base, _, modifier = name.partition(":")
    if base == "_id" and not modifier:
        query.ids = _both(query.ids, frozenset(split(value)))
        return True
    param = query.kind.params.get(base)
    if param is None:
        return False
    if modifier == "missing":
        query.missing.append(MissingFilter(param, _boolean(value, name)))
    elif param.kind == DATE:
        if modifier:
            raise _bad(name, "has a modifier that dates do not take")
        query.dates.append(DateFilter(base, tuple(_when(text, name) for text in split(value))))
    elif param.name in CHART_PARAMS and query.kind.compartment:
        targets = [_target(text, param, modifier, name, base_url) for text in split(value)]
        query.charts = _both(query.charts, frozenset(t.value for t in targets if t.qualifier in (None, "Patient")))
    else:
        query.values.append(_value_filter(param, modifier, name, split(value), base_url))
    return True


def _both(one: frozenset[str] | None, other: frozenset[str]) -> frozenset[str]:
    return other if one is None else one & other


def split(value: str) -> list[str]:
    """The alternatives of a parameter: separated by commas, of which ``\\,`` is none. Raises BadRequest."""
    parts = [re.sub(r"\\([\\,$|])", r"\1", part) for part in re.split(r"(?<!\\),", value)]
    if len(parts) > MAX_VALUES:
        raise BadRequest(f"More than {MAX_VALUES} alternatives", code="too-costly")
    if not all(parts):
        raise BadRequest("A search parameter has an empty value", code="value")
    return parts


def _value_filter(param: Param, modifier: str, name: str, texts: list[str], base_url: str) -> ValueFilter:
    if param.kind == REFERENCE:
        return ValueFilter(param.name, tuple(_target(text, param, modifier, name, base_url) for text in texts))
    if param.kind == STRING and modifier == "exact":
        return ValueFilter(param.name, tuple(Match(folded(text), bounded(text)) for text in texts))
    if param.kind == STRING and not modifier:
        return ValueFilter(param.name, tuple(Match(folded(text), None, True) for text in texts))
    if param.kind == TOKEN and modifier == "text":
        return ValueFilter(param.name + TEXT, tuple(Match(folded(text), None, True) for text in texts))
    if param.kind == TOKEN and modifier in ("", "not"):
        return ValueFilter(param.name, tuple(_token(text) for text in texts), modifier == "not")
    raise _bad(name, "has a modifier that is not supported")


def _token(text: str) -> Match:
    """``code``, ``system|code``, ``|code`` (no system) or ``system|`` (any code)."""
    system, bar, code = text.partition("|")
    if not bar:
        return Match(bounded(text))
    return Match(bounded(code), bounded(system)) if code else Match("", bounded(system), True)


def _target(text: str, param: Param, modifier: str, name: str, base_url: str) -> Match:
    """``Patient/x``, ``x``, an absolute address, or ``x`` with the type as modifier."""
    if modifier and (modifier not in RESOURCE_TYPES or (param.targets and modifier not in param.targets)):
        raise _bad(name, "has a modifier that is not supported")
    target = target_of(text, base_url)
    if target:
        return Match(bounded(target.id), target.type)
    return Match(bounded(text), modifier or None)


def _when(text: str, name: str) -> When:
    prefix, rest = (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
    try:
        return When(prefix, parse(rest.replace(" ", "+")))  # an unescaped + of the time zone arrives as a blank
    except (ValueError, OverflowError) as error:
        raise _bad(name, "is not a date, or has an unknown prefix") from error


def _read_result_param(query: Query, name: str, value: str) -> bool:
    if name == "_count":
        query.count = min(_number(value, name), MAX_COUNT)
        query.only_total = query.only_total or query.count == 0
    elif name == "_sort":
        query.sort = tuple(_sort_key(query.kind, text) for text in split(value))
    elif name == "_summary":
        query.only_total = query.only_total or _one_of(value, ("count", "false"), name) == "count"
    elif name == "_total":
        query.wants_total = _one_of(value, ("none", "estimate", "accurate"), name) != "none"
    elif name == "_elements":
        query.elements = frozenset(split(value))
    elif name == "_pretty":
        _boolean(value, name)
    elif name == "_include":
        query.includes.append(_include(query.kind, value, reverse=False))
    elif name == "_revinclude":
        query.includes.append(_include(query.kind, value, reverse=True))
    elif name != "_format":  # negotiated before we are asked
        raise _bad(name, "has a modifier that is not supported")
    return True


def _sort_key(kind: ResourceType, text: str) -> SortKey:
    name = text.removeprefix("-")
    if name != "_id" and name not in kind.params:
        raise _bad("_sort", f"names no search parameter of {kind.name}")
    return SortKey(name, text.startswith("-"))


def _include(kind: ResourceType, value: str, reverse: bool) -> Include:
    """Raises BadRequest unless the parameter is a reference that can lead to, or from, this type."""
    name = "_revinclude" if reverse else "_include"
    source, _, rest = value.partition(":")
    param_name, _, target = rest.partition(":")
    found = RESOURCE_TYPES.get(source)
    param = found.includes.get(param_name) if found else None
    if param is None or (target and target not in (param.targets or RESOURCE_TYPES)):
        raise _bad(name, "must be type:parameter or type:parameter:target of a reference parameter")
    leads_here = kind.name in (param.targets or RESOURCE_TYPES) and target in ("", kind.name)
    if not leads_here if reverse else source != kind.name:
        raise _bad(name, f"does not start from {kind.name}")
    return Include(source, param_name, target or None, reverse)


def _number(value: str, name: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise _bad(name, "must be a whole number")
    return int(value)


def _boolean(value: str, name: str) -> bool:
    return _one_of(value, ("true", "false"), name) == "true"


def _one_of(value: str, allowed: tuple[str, ...], name: str) -> str:
    if value not in allowed:
        raise _bad(name, f"must be one of {', '.join(allowed)}")
    return value


def _bad(name: str, what: str) -> BadRequest:
    return BadRequest(f"{_label(name)} {what}", f"http.{_label(name)}", "value")


def _revincludes(kind: ResourceType) -> list[str]:
    return [
        f"{source.name}:{param.name}"
        for source in RESOURCE_TYPES.values()
        for param in source.includes.values()
        if kind.name in (param.targets or RESOURCE_TYPES)
    ]


#: For each type what ``_revinclude`` may name.
REVINCLUDES = {kind.name: _revincludes(kind) for kind in RESOURCE_TYPES.values()}
