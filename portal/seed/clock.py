"""Relative dates of the demo charts, so that they are always about the present."""

import calendar
import re
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_WHEN = re.compile(r"(?P<count>[+-]?\d+)(?P<unit>d|w|wd|mo|y)(?: (?P<hour>\d\d):(?P<minute>\d\d))?")
_NOON = time(12, 0)


class Clock:
    """Turns `-10d 08:30` into FHIR dates and times, in the local time of one place.

    Units: `d` days, `w` weeks, `wd` working days (Monday to Friday), `mo` calendar months, `y` years.
    """

    def __init__(self, now: datetime, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.now = now.astimezone(self.zone)

    def moment(self, when: str) -> datetime:
        """The local date and time that `when` names; noon where it names no time. ValueError if malformed."""
        match = _WHEN.fullmatch(when)
        if match is None:
            raise ValueError(f"not a relative date: {when!r}")
        day = _shift(self.now.date(), int(match["count"]), match["unit"])
        clock_time = time(int(match["hour"]), int(match["minute"])) if match["hour"] else _NOON
        return datetime.combine(day, clock_time, self.zone)

    def instant(self, when: str, plus: timedelta = timedelta()) -> str:
        """FHIR `dateTime` or `instant` to the second, with the offset of that day."""
        # Through UTC, so that a duration across a change to daylight saving time stays a duration.
        utc = self.moment(when).astimezone(ZoneInfo("UTC")) + plus
        return utc.astimezone(self.zone).isoformat(timespec="seconds")

    def day(self, when: str) -> str:
        """FHIR `date`."""
        return self.moment(when).date().isoformat()

    def spoken_day(self, when: str) -> str:
        """The day as a letter would write it: `March 3, 2026`."""
        moment = self.moment(when)
        return f"{moment:%B} {moment.day}, {moment.year}"


def _shift(day: date, count: int, unit: str) -> date:
    if unit in ("d", "w"):
        return day + timedelta(days=count * (7 if unit == "w" else 1))
    if unit == "wd":
        return _shift_working_days(day, count)
    return _shift_months(day, count * (12 if unit == "y" else 1))


def _shift_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _shift_working_days(day: date, count: int) -> date:
    step = timedelta(days=1 if count > 0 else -1)
    while count:
        day += step
        if day.weekday() < calendar.SATURDAY:
            count -= 1 if step.days > 0 else -1
    return day
