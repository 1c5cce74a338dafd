"""Spans of time as patients say them: "since last spring", "in 2024", "the past 6 months", "yesterday's".

Dates with a day are read by `dateparser`; spans, seasons and "since …" are ours, because a date library answers a
point where a patient means a stretch. All spans are half open: `start <= moment < end`, at midnights of `now`'s zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

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
NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
           "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "eighteen": 18, "couple": 2, "few": 3,
           "several": 4}  # fmt: skip
ALWAYS = {"all", "all time", "ever", "any time", "anytime", "everything", "always", "whole history", "entire history"}
# Alone in a sentence these are ordinary words ("may I", "since my fall"), so there they need a companion.
ORDINARY_WORDS = {"now", "may", "march", "spring", "fall", "sun", "sat", "mar", "jan", "dec", "june", "april", "august"}

_MONTH = (
    r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)"
    r"(?:uary|ruary|ch|il|e|y|ust|t|tember|ober|ember)?\b\.?"
)
_WEEKDAY = r"(mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?"
_UNIT = r"(days?|weeks?|wks?|months?|mos?|years?|yrs?)"
_DAY_SHAPE = re.compile(
    rf"\d{{4}}-\d\d?-\d\d?|\d\d?[/-]\d\d?(?:[/-]\d\d(?:\d\d)?)?"
    rf"|{_MONTH} \d\d?(?:st|nd|rd|th)?,?(?: \d{{4}})?|\d\d?(?:st|nd|rd|th)? {_MONTH},?(?: \d{{4}})?"
)


@dataclass(frozen=True)
class Period:
    """A half-open span of time in the patient's zone; `None` means no limit on that side."""

    start: datetime | None
    end: datetime | None

    def contains(self, moment: datetime) -> bool:
        """Whether `moment` (aware) lies within."""
        return (self.start is None or self.start <= moment) and (self.end is None or moment < self.end)

    def search_values(self) -> list[str]:
        """Values for FHIR's `date` parameter, a day wider on each side.

        A server compares in its own zone, so the exact cut is made here with `contains`.
        """
        lower = [f"ge{self.start.date() - DAY}"] if self.start else []
        return lower + ([f"lt{self.end.date() + DAY}"] if self.end else [])


def parse_period(text: str, now: datetime, *, future: bool = False) -> Period | None:
    """What `text` means as a span of time, seen from `now` (aware, in the patient's zone).

    `future` decides what an undecided word means: "Friday" is the one behind us for a lab, the one ahead for a visit.
    Returns `None` where the text names no time that can be known, such as "since my surgery".
    """
    words = _normalise(text)
    if words in ALWAYS:
        return Period(None, None)
    return _limits(words, now, future) if words else None


def find_period(text: str, now: datetime, *, future: bool = False) -> Period | None:
    """The longest span of time named anywhere in a sentence, or `None`."""
    for phrase in _phrases(text.split(), longest=7):
        plain = _normalise(phrase)
        if plain in ORDINARY_WORDS or plain in ALWAYS or plain in {"a fall", "at"}:
            continue
        period = parse_period(phrase, now, future=future)
        if period and period != Period(None, None):
            return period
    return None


def written_date(day: date) -> str:
    """`Nov 18, 2026`."""
    return f"{day:%b} {day.day}, {day.year}"


def written_weekday(day: date) -> str:
    """`Wed, Nov 18`, for days near enough that the year is plain."""
    return f"{day:%a, %b} {day.day}"


def _phrases(words: list[str], longest: int) -> Iterator[str]:
    for size in range(min(longest, len(words)), 0, -1):
        for at in range(len(words) - size + 1):
            yield " ".join(words[at : at + size])


def _normalise(text: str) -> str:
    words = re.sub(r"[’`]", "'", text.lower()).strip(" ?!.,;:")
    words = re.sub(r"\b(\w+)'s\b|\b(\w+s)'(?!\w)", lambda m: m.group(1) or m.group(2), words)
    words = re.sub(r"\b(couple|few) of\b", r"\1", words)
    words = re.sub(r"\b(a|the) (couple|few|several)\b", r"\2", words)
    words = re.sub(r"\b(?:(?:a|one) )?year and (?:a )?half\b", "18 months", words)
    words = re.sub(r"\b(?:a )?half (?:a )?year\b", "6 months", words)
    words = re.sub(r"\bdecade\b", "10 years", words)
    words = re.sub(rf"\b({'|'.join(NUMBERS)})\b(?= (?:more )?{_UNIT}\b)", lambda m: str(NUMBERS[m[1]]), words)
    words = re.sub(r"\b(the|of|during|within|over|around|about|sometime|back|like|all)\b(?! time| over)", " ", words)
    return re.sub(r"\s+", " ", words).strip() or text.lower().strip()


def _limits(words: str, now: datetime, future: bool) -> Period | None:
    """ "since", "before", "between": words that make a span out of one or two others."""
    today = now.date()
    tomorrow = today + DAY
    if match := re.fullmatch(r"(?:between|from) (.+?) (?:and|to|till|until|through|thru|-) (.+)", words):
        return _between(match[1], match[2], now, future)
    if match := re.fullmatch(
        r"(?:ever )?(?:since|starting|from) (.+?)(?: on| onwards?| (?:to|till|until) (?:now|today))?", words
    ):
        span = _span(_bare(match[1]), today, future)
        is_one_span = words.startswith("from ") and not re.search(r" (on|onwards?|now|today)$", words)
        return _period(span[0], span[1] if is_one_span else max(tomorrow, span[1]), now) if span else None
    if match := re.fullmatch(r"(?:before|prior to|until|up to|earlier than|older than) (.+)", words):
        span = _span(_bare(match[1]), today, future)
        return Period(None, _midnight(span[0], now)) if span else None
    if match := re.fullmatch(r"(?:after|later than|newer than) (.+)", words):
        span = _span(_bare(match[1]), today, future)
        return _period(span[1], tomorrow, now) if span and span[1] < tomorrow else None
    span = _span(_bare(words), today, future)
    return _period(*span, now) if span else None


def _bare(words: str) -> str:
    return re.sub(r"^(?:in|on|from|for|at|this past)\s+", "", words)


def _between(first: str, second: str, now: datetime, future: bool) -> Period | None:
    today = now.date()
    if year := re.search(r"\b(?:19|20)\d\d$", second):
        first = first if re.search(r"\b(?:19|20)\d\d$", first) else f"{first} {year[0]}"
    start, end = _span(_bare(first), today, future), _span(_bare(second), today, future)
    if second in {"now", "today", "present"}:
        end = (today, today + DAY)
    return _period(start[0], end[1], now) if start and end and start[0] < end[1] else None


def _midnight(day: date, now: datetime) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)


def _period(start: date, end: date, now: datetime) -> Period:
    return Period(_midnight(start, now), _midnight(end, now))


def _span(words: str, today: date, future: bool) -> Span | None:
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
    match = re.fullmatch(rf"(last|past|previous|prior|recent|next|coming)? ?(\d+)? ?{_UNIT}(?: or so| past)?", words)
    if not match or not (match[2] or match[1] in {"past", "coming"}) or not 1 <= int(match[2] or 1) <= 1200:
        return None
    length = relativedelta(**{_unit(match[3]): int(match[2] or 1)})
    if match[1] in {"next", "coming"} or (future and not match[1]):
        return today, today + length + DAY
    return today - length, today + DAY


def _neighbour(words: str, today: date, future: bool) -> Span | None:
    """ "last week", "this year", "next month", "3 months ago", "year before last", "weekend"."""
    steps = {"last": -1, "previous": -1, "prior": -1, "this": 0, "current": 0, "next": 1, "before last": -2}
    if match := re.fullmatch(rf"(\d+) {_UNIT} (?:ago|earlier)", words):
        unit, step = _unit(match[2]), -int(match[1])
    elif match := re.fullmatch(rf"{_UNIT} before last", words):
        unit, step = _unit(match[1]), -2
    elif match := re.fullmatch(rf"(last|previous|prior|this|current|next) {_UNIT}", words):
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
        _span(f"this {match[2]}" if match[2] in {"year", "month", "week"} else match[2], today, future)
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
    data = DateDataParser(
        languages=["en"],
        settings={
            "PREFER_DATES_FROM": "future" if future else "past",
            "RELATIVE_BASE": datetime(today.year, today.month, today.day),
            "REQUIRE_PARTS": ["day"],
            "DATE_ORDER": "YMD" if re.match(r"\d{4}-", words) else "MDY",
        },
    ).get_date_data(words)
    return (data.date_obj.date(), data.date_obj.date() + DAY) if data.date_obj else None


READERS: list[Reader] = [
    _named_day, _rolling, _neighbour, _season, _month, _year, _weekday, _holiday, _part,
    _day_of_month, _single_day,
]  # fmt: skip
