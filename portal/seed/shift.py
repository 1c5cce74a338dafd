"""Moving a sample patient's dates to the present.

All dates of a chart move by the same number of whole days, so that its newest record lies `NEWEST` days ago; the time
of day and the offset stay as they were. The birthday stays the day it is, and the year of birth is chosen so that the
patient is as old at the newest record as before: ages are the same to the year, at every event.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

from portal.seed.build.chart import Resource

#: Days between the newest record of a sample chart and today.
NEWEST = 4

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?=$|T\d{2}:)")
_MONTH = re.compile(r"\d{4}-\d{2}")
_YEAR = re.compile(r"\d{4}")
_IN_TEXT = re.compile(r"\b(?:19|20)\d{2}-\d{2}-\d{2}\b")
# Elements whose values only look like dates.
_KEPT = frozenset({"birthDate", "code", "display", "div", "id", "lotNumber", "postalCode", "text", "value", "version"})


def newest(resources: Iterable[Resource]) -> date:
    """The day of the newest record. ValueError if no resource has a date."""
    return max(day for resource in resources for day in _days(resource))


def moved(resources: list[Resource], days: int) -> list[Resource]:
    """Copies of the resources with every date but births moved by `days`."""
    return [_map_dates(resource, lambda text: _move(text, days)) for resource in resources]


def moved_text(text: str, days: int) -> str:
    """A note's text with the dates in it moved by `days`."""
    return _IN_TEXT.sub(lambda match: _plus(match[0], days), text)


def moved_birth(birth: str, before: date, after: date) -> str:
    """The birth date that gives on the day `after` the age that `birth` gives on the day `before`."""
    born = date.fromisoformat(birth)
    years = after.year - age_on(born, before)
    return _safe_date(years if (after.month, after.day) >= (born.month, born.day) else years - 1, born)


def age_on(born: date, day: date) -> int:
    """Age in whole years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def _safe_date(year: int, born: date) -> str:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    day = 28 if (born.month, born.day) == (2, 29) and not leap else born.day
    return date(year, born.month, day).isoformat()


def _days(value: Any, key: str = "") -> Iterable[date]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _days(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _days(item, key)
    elif isinstance(value, str) and key not in _KEPT and _DATE.match(value):
        yield date.fromisoformat(value[:10])


def _map_dates(value: Any, move: Callable[[str], str], key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _map_dates(item, move, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_map_dates(item, move, key) for item in value]
    return move(value) if isinstance(value, str) and key not in _KEPT else value


def _move(text: str, days: int) -> str:
    if _DATE.match(text):
        return _plus(text[:10], days) + text[10:]
    if _MONTH.fullmatch(text):
        return _plus(f"{text}-15", days)[:7]
    if _YEAR.fullmatch(text):
        return _plus(f"{text}-07-01", days)[:4]
    return text


def _plus(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()
