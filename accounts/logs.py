"""What a process that handles health data may write: its own words, and of everything else only where it happened.

A library may put anything into a log line: an address with a token in it, a row of a database, a patient's message. So
the text of a library's line is not written, only its fixed template and the place in the source; and of no error the
text is written, ours or a library's, only its kind and its place.
"""

from __future__ import annotations

import logging
import os
import re
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

from accounts.errors import SettingsError

OWN = ("accounts", "actions", "bot", "__main__")
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
FRAMES = 6  # of an error's place; the innermost come first

log = logging.getLogger(__name__)

_turn: ContextVar[str] = ContextVar("turn", default="")


@contextmanager
def about(turn: str) -> Iterator[None]:
    """Within the block every line of the log carries this correlation id, which begins at the webhook: `inbox-12`.

    It is the id of a row, and says nothing of anybody. Anything else is left out.
    """
    token = _turn.set(turn if re.fullmatch(r"(inbox|outbox)-\d{1,19}", turn) else "")
    try:
        yield
    finally:
        _turn.reset(token)


def turn() -> str:
    """The correlation id of what is being done here; empty where there is none."""
    return _turn.get()


class Discreet(logging.Formatter):
    """Our own lines as they are, a library's by its template and place, errors by their kind and place."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """One line a record. The record itself stays as it is, for other handlers."""
        message = record.getMessage() if record.name.partition(".")[0] in OWN else _template(record)
        error = record.exc_info[1] if record.exc_info else None
        text = f"{message}: {place(error)}" if error else message
        text = f"{text} turn={turn()}" if turn() else text
        plain = {"msg": text, "args": None, "exc_info": None, "exc_text": None, "stack_info": None}
        return super().format(logging.makeLogRecord({**record.__dict__, **plain}))


def place(error: BaseException) -> str:
    """An error's kind and where it came from, without its text, which may hold what a patient wrote."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    where = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {where}"


def configure() -> int:
    """Set up the process's logging; the level of our own lines, from `CHARTLINE_LOG_LEVEL`.

    Libraries write warnings and errors at every level. Raises `SettingsError`. Calling it again does no harm.
    """
    name = os.environ.get("CHARTLINE_LOG_LEVEL") or "WARNING"
    if name not in LEVELS:
        raise SettingsError(f"CHARTLINE_LOG_LEVEL: must be one of {', '.join(LEVELS)}")
    handler = logging.StreamHandler()
    handler.setFormatter(Discreet())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    for room in OWN:
        logging.getLogger(room).setLevel(name)
    warnings.showwarning = _warn
    return int(logging.getLevelName(name))


def _template(record: logging.LogRecord) -> str:
    """The words as they stand in the library's source; none where they may be filled in already."""
    words = f"{record.msg} " if record.args and isinstance(record.msg, str) else ""
    return f"{words}({record.filename}:{record.lineno})"


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> Any:
    """Rasa quotes messages in its warnings, which Python would write to stderr."""
    log.warning("%s at %s:%d", category.__name__, Path(filename).name, lineno)
