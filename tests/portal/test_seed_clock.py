"""Relative dates."""

from datetime import datetime, timedelta, timezone

import pytest

from portal.seed.clock import Clock

NOW = datetime(2026, 3, 31, 2, 0, tzinfo=timezone.utc)  # still March 30 in New York, a Monday


@pytest.fixture
def clock():
    return Clock(NOW, "America/New_York")


@pytest.mark.parametrize(
    ("when", "day"),
    [
        ("0d", "2026-03-30"),
        ("-10d", "2026-03-20"),
        ("+2w", "2026-04-13"),
        ("-1mo", "2026-02-28"),
        ("-1y", "2025-03-30"),
        ("+1wd", "2026-03-31"),
        ("+5wd", "2026-04-06"),
        ("-1wd", "2026-03-27"),
    ],
)
def test_a_relative_date_counts_from_the_local_day(clock, when, day):
    assert clock.day(when) == day


def test_an_instant_has_the_offset_of_its_own_day(clock):
    assert clock.instant("-1d 08:30") == "2026-03-29T08:30:00-04:00"
    assert clock.instant("-40d 08:30") == "2026-02-18T08:30:00-05:00"


def test_a_duration_across_the_change_of_clocks_stays_a_duration(clock):
    assert clock.instant("-22d 22:00", plus=timedelta(hours=6)) == "2026-03-09T04:00:00-04:00"
    assert clock.instant("-23d 22:00", plus=timedelta(hours=6)) == "2026-03-08T05:00:00-04:00"


def test_a_day_as_a_letter_writes_it(clock):
    assert clock.spoken_day("-27d") == "March 3, 2026"


@pytest.mark.parametrize("when", ["10 days ago", "-1d 8:30", "-1", "", "-1h"])
def test_anything_else_is_refused(clock, when):
    with pytest.raises(ValueError, match="relative date"):
        clock.moment(when)
