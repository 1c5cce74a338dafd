"""FHIR dates as intervals: a date stands for every instant that it covers, at its own precision.

http://hl7.org/fhir/R4/search.html#date. An instant is a whole number of microseconds since 1970, UTC. A time without
a zone is taken as UTC.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
SECOND = 1_000_000
#: Where an open period ends.
EARLIEST, LATEST = -(2**61), 2**61

_DATE = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:\d\d)?)?)?)?", re.ASCII
)


class Interval(NamedTuple):
    """From ``start`` to ``end``, both included."""

    start: int
    end: int


def microseconds(moment: datetime) -> int:
    """An aware datetime as microseconds since 1970."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def as_datetime(instant: int) -> datetime:
    """Microseconds since 1970 as an aware datetime in UTC."""
    return EPOCH + timedelta(microseconds=instant)


@lru_cache(maxsize=4096)
def parse(text: str) -> Interval:
    """The interval of a FHIR date, dateTime or instant. Raises ValueError."""
    match = _DATE.fullmatch(text)
    if not match:
        raise ValueError("not a FHIR date")
    year, month, day, hour, minute, second, fraction, zone = match.groups()
    start = microseconds(
        datetime(
            int(year), int(month or 1), int(day or 1), int(hour or 0), int(minute or 0), _second(second),
            int((fraction or "")[:6].ljust(6, "0")), tzinfo=timezone.utc,
        )
    )  # fmt: skip
    if not month:
        length = microseconds(datetime(int(year), 12, 31, tzinfo=timezone.utc)) + 86_400 * SECOND - start
    elif not day:
        following = (int(year) + int(month) // 12, int(month) % 12 + 1)
        end = (
            _first_of(*following) if following[0] <= 9999 else microseconds(datetime(9999, 12, 31, tzinfo=timezone.utc))
        )
        length = end - start
    elif not hour:
        length = 86_400 * SECOND
    elif not second:
        length = 60 * SECOND
    else:
        length = 10 ** (6 - min(len(fraction or ""), 6))
    start -= _offset(zone)
    return Interval(start, start + length - 1)


def _second(text: str | None) -> int:
    return 59 if text == "60" else int(text or 0)  # a leap second, which Python's datetime does not know


def _first_of(year: int, month: int) -> int:
    return microseconds(datetime(year, month, 1, tzinfo=timezone.utc))


def _offset(zone: str | None) -> int:
    if not zone or zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[4:6])
    if hours > 14 or minutes > 59:
        raise ValueError("not a time zone")
    return (hours * 60 + minutes) * 60 * SECOND * (-1 if zone[0] == "-" else 1)


def interval_of(value: Any) -> Interval | None:
    """The interval of an element: date, dateTime, instant, Period or Timing. None where it tells nothing."""
    try:
        if isinstance(value, str):
            return parse(value)
        if isinstance(value, dict):
            return _of_period(value) if "event" not in value else _span(value["event"])
    except ValueError:
        return None
    return None


def _of_period(period: dict[str, Any]) -> Interval | None:
    start, end = period.get("start"), period.get("end")
    if not start and not end:
        return None
    return Interval(parse(start).start if start else EARLIEST, parse(end).end if end else LATEST)


def _span(events: list[str]) -> Interval | None:
    intervals = [parse(event) for event in events]
    return Interval(min(i.start for i in intervals), max(i.end for i in intervals)) if intervals else None
