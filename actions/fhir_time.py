"""FHIR dates and times as the clinic's calendar sees them (https://hl7.org/fhir/R4/datatypes.html#dateTime)."""

from __future__ import annotations

import re
from datetime import date, datetime, timezone
from zoneinfo import ZoneInfo

_FRACTION = re.compile(r"\.\d+")


def moment(text: str | None, zone: ZoneInfo) -> datetime | None:
    """An aware moment in `zone`; a date is its first minute, a month or year its first day. None if unreadable."""
    if not text:
        return None
    try:
        if len(text) <= len("2026-03-01"):
            year, month, first = ([int(part) for part in text.split("-")] + [1, 1])[:3]
            return datetime(year, month, first, tzinfo=zone)
        found = datetime.fromisoformat(_FRACTION.sub("", text).replace("Z", "+00:00"))
    except (ValueError, TypeError):
        return None
    return (found if found.tzinfo else found.replace(tzinfo=timezone.utc)).astimezone(zone)


def day(text: str | None, zone: ZoneInfo) -> date | None:
    """The calendar day of it."""
    found = moment(text, zone)
    return found.date() if found else None


def spoken(when: date | None, today: date) -> str:
    """A day as people write it: `March 3`, with the year where it is another one; nothing for None."""
    if when is None:
        return ""
    return f"{when:%B} {when.day}" + ("" if when.year == today.year else f", {when.year}")
