"""From the parameters of a search to what is asked for, or to a 400 that says which one is wrong.

http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

from dataclasses import dataclass, field

from portal.criteria import (
    DateFilter,
    MissingFilter,
    ValueFilter,
    bad,
    label,
    split,
    target_match,
    value_filter,
    when,
)
from portal.errors import BadRequest
from portal.search_parameters import (
    CHART_PARAMS,
    DATE,
    RESOURCE_TYPES,
    ResourceType,
)

DEFAULT_COUNT, MAX_COUNT = 50, 1000
MAX_CRITERIA = 50
RESULT_PARAMS = ("_count", "_sort", "_include", "_revinclude", "_summary", "_total", "_elements", "_format", "_pretty")
CURSOR = "_cursor"

Pairs = list[tuple[str, str]]


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
            raise BadRequest(f"Unknown search parameter for {kind.name}", f"http.{label(name)}", "not-supported")
    query.sort = query.sort or (SortKey(kind.sort_date, True),)
    return query


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
            raise bad(name, "has a modifier that dates do not take")
        query.dates.append(DateFilter(base, tuple(when(text, name) for text in split(value))))
    elif param.name in CHART_PARAMS and query.kind.compartment:
        targets = [target_match(text, param, modifier, name, base_url) for text in split(value)]
        query.charts = _both(query.charts, frozenset(t.value for t in targets if t.qualifier in (None, "Patient")))
    else:
        query.values.append(value_filter(param, modifier, name, split(value), base_url))
    return True


def _both(one: frozenset[str] | None, other: frozenset[str]) -> frozenset[str]:
    return other if one is None else one & other


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
        raise bad(name, "has a modifier that is not supported")
    return True


def _sort_key(kind: ResourceType, text: str) -> SortKey:
    name = text.removeprefix("-")
    if name != "_id" and name not in kind.params:
        raise bad("_sort", f"names no search parameter of {kind.name}")
    return SortKey(name, text.startswith("-"))


def _include(kind: ResourceType, value: str, reverse: bool) -> Include:
    """Raises BadRequest unless the parameter is a reference that can lead to, or from, this type."""
    name = "_revinclude" if reverse else "_include"
    source, _, rest = value.partition(":")
    param_name, _, target = rest.partition(":")
    found = RESOURCE_TYPES.get(source)
    param = found.includes.get(param_name) if found else None
    if param is None or (target and target not in (param.targets or RESOURCE_TYPES)):
        raise bad(name, "must be type:parameter or type:parameter:target of a reference parameter")
    leads_here = kind.name in (param.targets or RESOURCE_TYPES) and target in ("", kind.name)
    if not leads_here if reverse else source != kind.name:
        raise bad(name, f"does not start from {kind.name}")
    return Include(source, param_name, target or None, reverse)


def _number(value: str, name: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise bad(name, "must be a whole number")
    return int(value)


def _boolean(value: str, name: str) -> bool:
    return _one_of(value, ("true", "false"), name) == "true"


def _one_of(value: str, allowed: tuple[str, ...], name: str) -> str:
    if value not in allowed:
        raise bad(name, f"must be one of {', '.join(allowed)}")
    return value


def _revincludes(kind: ResourceType) -> list[str]:
    return [
        f"{source.name}:{param.name}"
        for source in RESOURCE_TYPES.values()
        for param in source.includes.values()
        if kind.name in (param.targets or RESOURCE_TYPES)
    ]


#: For each type what ``_revinclude`` may name.
REVINCLUDES = {kind.name: _revincludes(kind) for kind in RESOURCE_TYPES.values()}
