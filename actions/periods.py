"""Spans of time as patients say them: "since last spring", "in 2024", "the past 6 months", "yesterday's".

All spans are half open: `start <= moment < end`, at midnights of `now`'s zone. What a single phrase covers stands in
`period_spans.py`; here are the words that limit or join them, and the search within a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from actions.period_spans import DAY, UNIT, read_span

NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
           "nine": 9, "ten": 10, "eleven": 11, "twelve": 12, "eighteen": 18, "couple": 2, "few": 3,
           "several": 4}  # fmt: skip
ALWAYS = {"all", "all time", "ever", "any time", "anytime", "everything", "always", "whole history", "entire history"}
# Alone in a sentence these are ordinary words ("may I", "since my fall"), so there they need a companion.
ORDINARY_WORDS = {"now", "may", "march", "spring", "fall", "sun", "sat", "mar", "jan", "dec", "june", "april", "august"}
# Every phrase that can be read has one of these: a quick look before the reading.
_TIME_WORD = re.compile(
    r"\d|(to|yester|mon|tues|wednes|thurs|fri|satur|sun)day|tomorrow|tonight|night|morning|other day|decade|ytd"
    r"|\b(mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|spring|summer|fall|autumn|winter"
    r"|day|week|wk|month|mo|year|yr|christmas|xmas|thanksgiving|halloween|valentine|now)",
    re.IGNORECASE,
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
        if not _TIME_WORD.search(phrase):
            continue
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
    # "In the last year" counts back from today; "last year" is the calendar's.
    words = re.sub(r"\bthe last (day|week|month|year)\b(?! of| in)", r"past \1", words)
    words = re.sub(r"\b(?:(?:a|one) )?year and (?:a )?half\b", "18 months", words)
    words = re.sub(r"\b(?:a )?half (?:a )?year\b", "6 months", words)
    words = re.sub(r"\bdecade\b", "10 years", words)
    words = re.sub(rf"\b({'|'.join(NUMBERS)})\b(?= (?:more )?{UNIT}\b)", lambda m: str(NUMBERS[m[1]]), words)
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
        span = read_span(_bare(match[1]), today, future)
        is_one_span = words.startswith("from ") and not re.search(r" (on|onwards?|now|today)$", words)
        return _period(span[0], span[1] if is_one_span else max(tomorrow, span[1]), now) if span else None
    if match := re.fullmatch(r"(?:before|prior to|until|up to|earlier than|older than) (.+)", words):
        span = read_span(_bare(match[1]), today, future)
        return Period(None, _midnight(span[0], now)) if span else None
    if match := re.fullmatch(r"(?:after|later than|newer than) (.+)", words):
        span = read_span(_bare(match[1]), today, future)
        return _period(span[1], tomorrow, now) if span and span[1] < tomorrow else None
    span = read_span(_bare(words), today, future)
    return _period(*span, now) if span else None


def _bare(words: str) -> str:
    return re.sub(r"^(?:in|on|from|for|at|this past)\s+", "", words)


def _between(first: str, second: str, now: datetime, future: bool) -> Period | None:
    today = now.date()
    if year := re.search(r"\b(?:19|20)\d\d$", second):
        first = first if re.search(r"\b(?:19|20)\d\d$", first) else f"{first} {year[0]}"
    start, end = read_span(_bare(first), today, future), read_span(_bare(second), today, future)
    if second in {"now", "today", "present"}:
        end = (today, today + DAY)
    return _period(start[0], end[1], now) if start and end and start[0] < end[1] else None


def _midnight(day: date, now: datetime) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=now.tzinfo)


def _period(start: date, end: date, now: datetime) -> Period:
    return Period(_midnight(start, now), _midnight(end, now))
