"""What a process may write: its own words; of a library and of an error only where it was."""

from __future__ import annotations

import logging
import sys
import warnings
from typing import Any

import pytest

from accounts import logs
from accounts.errors import SettingsError

SECRET = "marzipanitis of +12025550187"


def line(name: str, message: str, *args: Any, error: BaseException | None = None) -> str:
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(name, logging.ERROR, "/somewhere/place.py", 7, message, args, exc_info)
    return logs.Discreet().format(record)


def raised() -> BaseException:
    try:
        raise ValueError(SECRET)
    except ValueError:
        return sys.exc_info()[1]  # type: ignore[return-value]


def test_our_own_lines_are_written_with_their_values() -> None:
    assert line("bot.delivery.service", "not sent on %s", "sms").endswith("bot.delivery.service: not sent on sms")


def test_of_a_librarys_line_the_template_and_the_place_are_written() -> None:
    assert line("httpx", "GET %s", SECRET).endswith("httpx: GET %s (place.py:7)")


def test_a_librarys_line_that_is_filled_in_already_is_not_written() -> None:
    assert line("rasa.core", f"received {SECRET}").endswith("rasa.core: (place.py:7)")


@pytest.mark.parametrize("name", ["bot.server", "sanic.error"])
def test_of_an_error_the_kind_and_the_place_are_written(name: str) -> None:
    written = line(name, "it failed", error=raised())
    assert "ValueError at test_logs.py:" in written
    assert "marzipanitis" not in written


def test_a_record_stays_as_it_was_for_other_handlers() -> None:
    record = logging.LogRecord("httpx", logging.INFO, "x.py", 1, "GET %s", (SECRET,), None)
    logs.Discreet().format(record)
    assert record.getMessage() == f"GET {SECRET}"


def test_a_warning_is_written_without_its_text(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    logs.configure()
    with caplog.at_level(logging.WARNING, "accounts.logs"):
        warnings.showwarning(UserWarning(SECRET), UserWarning, "/a/b.py", 3)
    assert "UserWarning at b.py:3" in caplog.text
    assert "marzipanitis" not in caplog.text


def test_a_level_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTLINE_LOG_LEVEL", "LOUD")
    with pytest.raises(SettingsError, match="CHARTLINE_LOG_LEVEL"):
        logs.configure()
