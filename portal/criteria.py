"""The criteria of a search: what a parameter's value asks for.

http://hl7.org/fhir/R4/search.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple

from portal.dates import Interval, parse
from portal.errors import BadRequest
from portal.indexing import TEXT, bounded, folded, target_of
from portal.search_parameters import REFERENCE, RESOURCE_TYPES, STRING, TOKEN, Param

MAX_VALUES = 100
PREFIXES = ("eq", "ne", "ge", "le", "gt", "lt", "sa", "eb")


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


def split(value: str) -> list[str]:
    """The alternatives of a parameter: separated by commas, of which ``\\,`` is none. Raises BadRequest."""
    parts = [re.sub(r"\\([\\,$|])", r"\1", part) for part in re.split(r"(?<!\\),", value)]
    if len(parts) > MAX_VALUES:
        raise BadRequest(f"More than {MAX_VALUES} alternatives", code="too-costly")
    if not all(parts):
        raise BadRequest("A search parameter has an empty value", code="value")
    return parts


def value_filter(param: Param, modifier: str, name: str, texts: list[str], base_url: str) -> ValueFilter:
    """A token, string or reference criterion. Raises BadRequest for a modifier that it does not take."""
    if param.kind == REFERENCE:
        return ValueFilter(param.name, tuple(target_match(text, param, modifier, name, base_url) for text in texts))
    if param.kind == STRING and modifier == "exact":
        return ValueFilter(param.name, tuple(Match(folded(text), bounded(text)) for text in texts))
    if param.kind == STRING and not modifier:
        return ValueFilter(param.name, tuple(Match(folded(text), None, True) for text in texts))
    if param.kind == TOKEN and modifier == "text":
        return ValueFilter(param.name + TEXT, tuple(Match(folded(text), None, True) for text in texts))
    if param.kind == TOKEN and modifier in ("", "not"):
        return ValueFilter(param.name, tuple(_token(text) for text in texts), modifier == "not")
    raise bad(name, "has a modifier that is not supported")


def _token(text: str) -> Match:
    """``code``, ``system|code``, ``|code`` (no system) or ``system|`` (any code)."""
    system, bar, code = text.partition("|")
    if not bar:
        return Match(bounded(text))
    return Match(bounded(code), bounded(system)) if code else Match("", bounded(system), True)


def target_match(text: str, param: Param, modifier: str, name: str, base_url: str) -> Match:
    """``Patient/x``, ``x``, an absolute address, or ``x`` with the type as modifier."""
    if modifier and (modifier not in RESOURCE_TYPES or (param.targets and modifier not in param.targets)):
        raise bad(name, "has a modifier that is not supported")
    target = target_of(text, base_url)
    if target:
        return Match(bounded(target.id), target.type)
    return Match(bounded(text), modifier or None)


def when(text: str, name: str) -> When:
    """A date with its prefix. Raises BadRequest."""
    prefix, rest = (text[:2], text[2:]) if text[:2] in PREFIXES else ("eq", text)
    try:
        return When(prefix, parse(rest.replace(" ", "+")))  # an unescaped + of the time zone arrives as a blank
    except (ValueError, OverflowError) as error:
        raise bad(name, "is not a date, or has an unknown prefix") from error


def label(name: str) -> str:
    """A parameter's name as it may be repeated in an answer."""
    return re.sub(r"[^\w:.\-]", "", name, flags=re.ASCII)[:64]


def bad(name: str, what: str) -> BadRequest:
    """The error for a parameter, which names it."""
    return BadRequest(f"{label(name)} {what}", f"http.{label(name)}", "value")
