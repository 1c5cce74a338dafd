"""What one phrase covers: "last spring", "in 2024", "the past 6 months", "Nov 18".

Dates with a day are read by `dateparser`; spans, seasons and weekdays are ours, because a date library answers a
point where a patient means a stretch. A span is a first day and the day after its last one.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache

from dateparser.date import DateDataParser
from dateutil.relativedelta import TH, relativedelta

Span = tuple[date, date]
Reader = Callable[[str, date, bool], "Span | None"]

DAY = timedelta(days=1)
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
WEEKDAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
SEASONS = {"spring": 3, "summer": 6, "fall": 9, "autumn": 9, "winter": 12}
HOLIDAYS = {"new year": (1, 1), "valentine": (2, 14), "4th july": (7, 4), "july 4th": (7, 4), "halloween": (10, 31),
            "christmas": (12, 25), "xmas": (12, 25)}  # fmt: skip
_MONTH = (
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?\b\.?"
)
_WEEKDAY = r"(mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
UNIT = r"(days?|weeks?|wks?|months?|mos?|years?|yrs?)"
_DAY_SHAPE = re.compile(
    rf"\d{{4}}-\d\d?-\d\d?|\d\d?[/-]\d\d?(?:[/-]\d\d(?:\d\d)?)?"
    rf"|{_MONTH} \d\d?(?:st|nd|rd|th)?,?(?: \d{{4}})?|\d\d?(?:st|nd|rd|th)? {_MONTH},?(?: \d{{4}})?"
)


def read_span(words: str, today: date, future: bool) -> Span | None:
    """The span of a phrase in lower case, seen from `today`; an undecided one lies behind, or ahead in the `future`."""
    for read in READERS:
        if span := read(words, today, future):
            return span
    return None


def _unit(word: str) -> str:
    return {"d": "days", "w": "weeks", "m": "months", "y": "years"}[word[0]]


def _calendar(unit: str, day: date) -> Span:
    """The day, week (from Sunday), month or year that holds `day`."""
    if unit == "weeks":
        start = day - timedelta(days=(day.weekday() + 1) % 7)
    else:
        start = {"days": day, "months": day.replace(day=1), "years": day.replace(month=1, day=1)}[unit]
    return start, start + relativedelta(**{unit: 1})


def _named_day(words: str, today: date, future: bool) -> Span | None:
    offsets = {"today": 0, "tonight": 0, "this morning": 0, "this afternoon": 0, "this evening": 0, "now": 0,
               "just now": 0, "yesterday": -1, "yesterday morning": -1, "last night": -1, "tomorrow": 1,
               "day before yesterday": -2, "other day": -7, "day after tomorrow": 2}  # fmt: skip
    if words not in offsets:
        return None
    day = today + timedelta(days=offsets[words])
    return (day, today + DAY) if words == "other day" else (day, day + DAY)


def _rolling(words: str, today: date, future: bool) -> Span | None:
    """ "past month", "last 6 months", "next 2 weeks", "18 months"."""
    match = re.fullmatch(rf"(last|past|previous|prior|recent|next|coming)? ?(\d+)? ?{UNIT}(?: or so| past)?", words)
    if not match or not (match[2] or match[1] in {"past", "coming"}) or not 1 <= int(match[2] or 1) <= 1200:
        return None
    length = relativedelta(**{_unit(match[3]): int(match[2] or 1)})
    if match[1] in {"next", "coming"} or (future and not match[1]):
        return today, today + length + DAY
    return today - length, today + DAY


def _neighbour(words: str, today: date, future: bool) -> Span | None:
    """ "last week", "this year", "next month", "3 months ago", "year before last", "weekend"."""
    steps = {"last": -1, "previous": -1, "prior": -1, "this": 0, "current": 0, "next": 1, "before last": -2}
    if match := re.fullmatch(rf"(\d+) {UNIT} (?:ago|earlier)", words):
        unit, step = _unit(match[2]), -int(match[1])
    elif match := re.fullmatch(rf"{UNIT} before last", words):
        unit, step = _unit(match[1]), -2
    elif match := re.fullmatch(rf"(last|previous|prior|this|current|next) {UNIT}", words):
        unit, step = _unit(match[2]), steps[match[1]]
    elif match := re.fullmatch(r"(last|this|next)? ?weekend", words):
        saturday = (
            _calendar("weeks", today)[1] - DAY + timedelta(weeks=-1 if match[1] == "last" else int(match[1] == "next"))
        )
        saturday -= timedelta(weeks=int(not future and saturday > today and match[1] != "this"))
        return saturday, saturday + 2 * DAY
    else:
        return None
    return _calendar(unit, today + relativedelta(**{unit: step})) if abs(step) <= 1200 else None


def _recurring(word: str | None, year: str | None, month: int, length: int, today: date, future: bool) -> Span:
    """The one among the yearly returning spans ("spring", "March") that is meant."""

    def starting(in_year: int) -> Span:
        start = date(in_year, month, 1)
        return start, start + relativedelta(months=length)

    if year:
        return starting(int(year) + (2000 if len(year) == 2 else 0))
    spans = [starting(today.year + step) for step in range(-2, 3)]
    if word == "next" or (future and word != "last"):
        return next(span for span in spans if span[0] > today or (word != "next" and span[1] > today))
    return [span for span in spans if (span[1] if word == "last" else span[0]) <= today][-1]


def _season(words: str, today: date, future: bool) -> Span | None:
    match = re.fullmatch(rf"(last|this|next|past)? ?({'|'.join(SEASONS)})(?:time)? ?((?:19|20)\d\d)?", words)
    if match:
        return _recurring(match[1], match[3], SEASONS[match[2]], 3, today, future)
    if match := re.fullmatch(rf"({'|'.join(SEASONS)}) (?:last|before last) year", words):
        return _recurring(None, str(today.year - 1), SEASONS[match[1]], 3, today, future)
    return None


def _month(words: str, today: date, future: bool) -> Span | None:
    if match := re.fullmatch(rf"(last|this|next|past)? ?{_MONTH},?(?: (?:'(\d\d)|((?:19|20)\d\d)))?", words):
        return _recurring(match[1], match[3] or match[4], MONTHS.index(match[2]) + 1, 1, today, future)
    if match := re.fullmatch(rf"{_MONTH} last year|last year in {_MONTH}", words):
        return _recurring(None, str(today.year - 1), MONTHS.index(match[1] or match[2]) + 1, 1, today, future)
    if match := re.fullmatch(r"(\d\d?)[/-]((?:19|20)\d\d)", words):
        return _recurring(None, match[2], int(match[1]), 1, today, future) if 1 <= int(match[1]) <= 12 else None
    return None


def _year(words: str, today: date, future: bool) -> Span | None:
    if match := re.fullmatch(r"(?:year )?((?:19|20)\d\d)", words):
        return _calendar("years", date(int(match[1]), 1, 1))
    return _calendar("years", today) if words in {"year to date", "ytd", "year so far", "this year so far"} else None


def _weekday(words: str, today: date, future: bool) -> Span | None:
    match = re.fullmatch(rf"(last|this|next|past)? ?{_WEEKDAY}(?: morning| afternoon| evening| night)?", words)
    if not match:
        return None
    wanted = WEEKDAYS.index(match[2][:3])
    if match[1] == "next" or (future and match[1] not in {"last", "past"}):
        ahead = (wanted - today.weekday()) % 7
        day = today + timedelta(days=ahead or 7 * int(match[1] == "next"))
    else:
        behind = (today.weekday() - wanted) % 7
        day = today - timedelta(days=behind or 7 * int(match[1] in {"last", "past"}))
    return day, day + DAY


def _holiday(words: str, today: date, future: bool) -> Span | None:
    match = re.fullmatch(
        rf"(last|this|next)? ?({'|'.join(HOLIDAYS)}|thanksgiving)(?: day| eve)?s? ?((?:19|20)\d\d)?", words
    )
    if not match:
        return None
    years = [int(match[3])] if match[3] else range(today.year - 2, today.year + 3)
    days = [_holiday_of(match[2], year) for year in years]
    ahead = match[1] == "next" or (future and match[1] != "last")
    near = [d for d in days if (d >= today if ahead else d <= today)] or days
    chosen = near[0] if ahead else near[-1]
    return chosen, chosen + DAY


def _holiday_of(name: str, year: int) -> date:
    if name == "thanksgiving":  # the fourth Thursday of November
        return date(year, 11, 1) + relativedelta(weekday=TH(4))
    return date(year, *HOLIDAYS[name])


def _part(words: str, today: date, future: bool) -> Span | None:
    """ "early 2024", "end of last year": a third of the span."""
    thirds = {"early": 0, "beginning": 0, "start": 0, "mid": 1, "middle": 1, "late": 2, "end": 2}
    match = re.fullmatch(rf"({'|'.join(thirds)})[ -]?(?:in )?(.+)", words)
    whole = (
        read_span(f"this {match[2]}" if match[2] in {"year", "month", "week"} else match[2], today, future)
        if match
        else None
    )
    if not match or not whole:
        return None
    third = (whole[1] - whole[0]) / 3
    start = whole[0] + third * thirds[match[1]]
    return start, whole[1] if thirds[match[1]] == 2 else start + third


def _day_of_month(words: str, today: date, future: bool) -> Span | None:
    """ "the 5th": this month's, or its neighbour's where that is still to come."""
    match = re.fullmatch(r"(\d\d?)(?:st|nd|rd|th)", words)
    if not match or not 1 <= int(match[1]) <= 28:
        return None
    day = today.replace(day=int(match[1]))
    if day < today if future else day > today:
        day += relativedelta(months=1 if future else -1)
    return day, day + DAY


def _single_day(words: str, today: date, future: bool) -> Span | None:
    words = re.sub(rf"^(?:(?:last|this) )?{_WEEKDAY},? (?=\w*\d|{_MONTH})", "", words)
    if not _DAY_SHAPE.fullmatch(words):
        return None
    found = _parser(today, future, "YMD" if re.match(r"\d{4}-", words) else "MDY").get_date_data(words).date_obj
    return (found.date(), found.date() + DAY) if found else None


@lru_cache(maxsize=8)
def _parser(today: date, future: bool, order: str) -> DateDataParser:
    return DateDataParser(
        languages=["en"],
        settings={
            "PREFER_DATES_FROM": "future" if future else "past",
            "RELATIVE_BASE": datetime(today.year, today.month, today.day),
            "REQUIRE_PARTS": ["day"],
            "DATE_ORDER": order,
        },
    )


READERS: list[Reader] = [
    _named_day, _rolling, _neighbour, _season, _month, _year, _weekday, _holiday, _part,
    _day_of_month, _single_day,
]  # fmt: skip
