"""Dates of the record as exactly as they were written down: a year, a month or a day."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from actions.fhir_time import moment

YEAR, MONTH = len("2026"), len("2026-03")


@dataclass(frozen=True)
class RecordDate:
    """When something was or began: `written` as people say it, `at` to sort by (None where nothing can be read).

    `noted`: it is only known when somebody wrote it down.
    """

    at: datetime | None = None
    written: str = ""
    noted: bool = False

    @property
    def order(self) -> float:
        """Newest is greatest; unknown is oldest."""
        return self.at.timestamp() if self.at else float("-inf")


def record_date(value: Any, zone: ZoneInfo) -> RecordDate:
    """A FHIR date or dateTime, told no more exactly than it was written (https://hl7.org/fhir/R4/datatypes.html#date)."""
    text = str(value or "")
    at = moment(text, zone)
    if at is None:
        return RecordDate()
    if len(text) == YEAR:
        return RecordDate(at, f"{at:%Y}")
    return RecordDate(at, f"{at:%B %Y}" if len(text) == MONTH else f"{at:%B} {at.day}, {at.year}")


def first_date(resource: dict[str, Any], name: str, zone: ZoneInfo) -> RecordDate:
    """The value of a choice such as `onset[x]`: a dateTime, the start of a Period, or words; else empty."""
    exact = resource.get(f"{name}DateTime") or (resource.get(f"{name}Period") or {}).get("start")
    if exact:
        return record_date(exact, zone)
    return RecordDate(None, str(resource.get(f"{name}String") or "").strip())
