"""What patients mean by a span of time."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.periods import Period, find_period, parse_period, written_date, written_weekday

ZONE = ZoneInfo("America/New_York")
NOW = datetime(2026, 11, 18, 15, 0, tzinfo=ZONE)  # a Wednesday


def days(period: Period | None) -> tuple[str | None, str | None] | None:
    """First day and the day after the last."""
    if period is None:
        return None
    start, end = (moment and moment.date().isoformat() for moment in (period.start, period.end))
    return start, end


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("today", "2026-11-18", "2026-11-19"),
        ("yesterday's", "2026-11-17", "2026-11-18"),
        ("last night", "2026-11-17", "2026-11-18"),
        ("last week", "2026-11-08", "2026-11-15"),
        ("last month's", "2026-10-01", "2026-11-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("the past year", "2025-11-18", "2026-11-19"),
        ("in the last year", "2025-11-18", "2026-11-19"),
        ("over the last month", "2026-10-18", "2026-11-19"),
        ("the past 6 months", "2026-05-18", "2026-11-19"),
        ("last six months", "2026-05-18", "2026-11-19"),
        ("over the last couple of years", "2024-11-18", "2026-11-19"),
        ("half a year", "2026-05-18", "2026-11-19"),
        ("a year and a half", "2025-05-18", "2026-11-19"),
        ("the last decade", "2016-11-18", "2026-11-19"),
        ("3 months ago", "2026-08-01", "2026-09-01"),
        ("the year before last", "2024-01-01", "2025-01-01"),
        ("in 2024", "2024-01-01", "2025-01-01"),
        ("in March", "2026-03-01", "2026-04-01"),
        ("december", "2025-12-01", "2026-01-01"),
        ("march of last year", "2025-03-01", "2025-04-01"),
        ("Mar '24", "2024-03-01", "2024-04-01"),
        ("3/2024", "2024-03-01", "2024-04-01"),
        ("last spring", "2026-03-01", "2026-06-01"),
        ("last fall", "2025-09-01", "2025-12-01"),
        ("this fall", "2026-09-01", "2026-12-01"),
        ("summer of 2023", "2023-06-01", "2023-09-01"),
        ("last winter", "2025-12-01", "2026-03-01"),
        ("since last spring", "2026-03-01", "2026-11-19"),
        ("since March", "2026-03-01", "2026-11-19"),
        ("since 2023", "2023-01-01", "2026-11-19"),
        ("since Christmas", "2025-12-25", "2026-11-19"),
        ("since the start of the year", "2026-01-01", "2026-11-19"),
        ("from May on", "2026-05-01", "2026-11-19"),
        ("before 2020", None, "2020-01-01"),
        ("after June", "2026-07-01", "2026-11-19"),
        ("between January and March", "2026-01-01", "2026-04-01"),
        ("from jan to mar 2025", "2025-01-01", "2025-04-01"),
        ("from 2022 to 2024", "2022-01-01", "2025-01-01"),
        ("early 2024", "2024-01-01", "2024-05-02"),
        ("end of last year", "2025-09-01", "2026-01-01"),
        ("Tuesday", "2026-11-17", "2026-11-18"),
        ("wednesday", "2026-11-18", "2026-11-19"),
        ("last wednesday", "2026-11-11", "2026-11-12"),
        ("on Nov 18", "2026-11-18", "2026-11-19"),
        ("November 30", "2025-11-30", "2025-12-01"),
        ("wed, Nov 18", "2026-11-18", "2026-11-19"),
        ("November 18th, 2025", "2025-11-18", "2025-11-19"),
        ("11/4", "2026-11-04", "2026-11-05"),
        ("2026-03-01", "2026-03-01", "2026-03-02"),
        ("the 5th", "2026-11-05", "2026-11-06"),
        ("the 25th", "2026-10-25", "2026-10-26"),
        ("thanksgiving", "2025-11-27", "2025-11-28"),
        ("last weekend", "2026-11-14", "2026-11-16"),
        ("all time", None, None),
    ],
)
def test_a_span_is_read_as_it_is_meant(said: str, start: str | None, end: str | None) -> None:
    assert days(parse_period(said, NOW)) == (start, end)


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        ("Friday", "2026-11-20", "2026-11-21"),
        ("next week", "2026-11-22", "2026-11-29"),
        ("next 2 weeks", "2026-11-18", "2026-12-03"),
        ("march", "2027-03-01", "2027-04-01"),
        ("the 5th", "2026-12-05", "2026-12-06"),
        ("nov 30", "2026-11-30", "2026-12-01"),
        ("tomorrow", "2026-11-19", "2026-11-20"),
    ],
)
def test_for_a_visit_an_undecided_day_lies_ahead(said: str, start: str, end: str) -> None:
    assert days(parse_period(said, NOW, future=True)) == (start, end)


@pytest.mark.parametrize(
    "said",
    [
        "since my surgery",
        "latest",
        "",
        "the last time",
        "13/45/2024",
        "31/31",
        "99999 years",
        "0 days",
        "my last 3",
        "6.9",
    ],
)
def test_what_names_no_known_time_is_not_guessed(said: str) -> None:
    assert parse_period(said, NOW) is None


@pytest.mark.parametrize(
    ("sentence", "start"),
    [
        ("show me my a1c from last year", "2025-01-01"),
        ("what were my labs since last spring please", "2026-03-01"),
        ("did the results from tuesday come in", "2026-11-17"),
        ("my k level in march 2025?", "2025-03-01"),
        ("labs 11/4", "2026-11-04"),
    ],
)
def test_a_span_is_found_within_a_sentence(sentence: str, start: str) -> None:
    found = find_period(sentence, NOW)
    assert found is not None
    assert days(found)[0] == start  # type: ignore[index]


@pytest.mark.parametrize(
    "sentence",
    [
        "may I see my labs",
        "my labs after the fall",
        "is 6.9 ok",
        "what did march say",
        "what is it now",
        "all of my labs",
        "read me the second one",
        "my pressure was 120/80",
    ],
)
def test_ordinary_words_are_no_dates(sentence: str) -> None:
    assert find_period(sentence, NOW) is None


def test_a_span_starts_and_ends_at_midnight_of_the_patients_zone() -> None:
    period = parse_period("yesterday", NOW)
    assert period is not None
    assert period.contains(datetime(2026, 11, 17, 0, 0, tzinfo=ZONE))
    assert period.contains(datetime(2026, 11, 18, 4, 59, tzinfo=ZoneInfo("UTC")))
    assert not period.contains(datetime(2026, 11, 18, 5, 0, tzinfo=ZoneInfo("UTC")))


def test_a_search_is_a_day_wider_than_the_span_on_each_side() -> None:
    period = parse_period("in 2024", NOW)
    assert period is not None
    assert period.search_values() == ["ge2023-12-31", "lt2025-01-02"]
    assert Period(None, None).search_values() == []


WORDS = st.sampled_from(
    [
        "since", "before", "after", "between", "from", "to", "and", "last", "next", "this", "past",
        "early", "end", "2", "12", "31", "40", "99", "999", "2024", "'24", "day", "weeks", "months",
        "year", "ago", "march", "may", "feb", "spring", "fall", "monday", "weekend", "christmas",
        "yesterday", "5th", "31st", "2/29", "2/29/2023", "on", "in", "the", "of", "decade"
    ]
)  # fmt: skip


@settings(deadline=None)
@given(st.text(max_size=40) | st.lists(WORDS, min_size=1, max_size=6).map(" ".join))
def test_no_text_breaks_the_reading(text: str) -> None:
    period = parse_period(text, NOW)
    assert period is None or period.start is None or period.end is None or period.start < period.end


@settings(deadline=None)
@given(st.dates(date(1990, 1, 1), NOW.date()))
def test_a_written_date_is_read_back(day: date) -> None:
    midnight = datetime(day.year, day.month, day.day, tzinfo=ZONE)
    end = midnight + timedelta(days=1)
    assert parse_period(written_date(day), NOW) == Period(midnight, end)


def test_dates_are_written_as_people_write_them() -> None:
    assert written_date(date(2026, 11, 8)) == "Nov 8, 2026"
    assert written_weekday(date(2026, 11, 18)) == "Wed, Nov 18"
