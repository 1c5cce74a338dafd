"""Logs without what a patient wrote: warnings and errors, a request's outcome, never its words."""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import structlog
from rasa.utils.log_utils import configure_structlog
from sanic.handlers import ErrorHandler
from sanic.request import Request

from bot.channels.quiet import quiet_libraries

logger = logging.getLogger(__name__)

# What Rasa logs beside these is an event's name and its own fixed words.
_HARMLESS = frozenset({"event", "event_info", "event_key", "level", "timestamp", "action_name", "filename"})


def configure(level: int = logging.WARNING) -> None:
    """Set up the process's logging. Calling it again does no harm."""
    logging.basicConfig(level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    configure_structlog(level)
    processors = structlog.get_config()["processors"]
    if _without_values not in processors:
        structlog.configure(processors=[_without_values, *processors])
    quiet_libraries()


def _without_values(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Rasa's structured events carry messages, slots and trackers as values: none of them is written."""
    kept = {key: value for key, value in event.items() if key in _HARMLESS}
    error = sys.exc_info()[1]
    return {**kept, "error": type(error).__name__} if event.get("exc_info") and error else kept


class ErrorPages(ErrorHandler):
    """Sanic's answers to errors, logged by the route's name and the error's kind.

    Sanic itself logs the address, which may hold a one-time link, and the error's text.
    """

    @staticmethod
    def log(request: Request, exception: BaseException) -> None:
        """Called by Sanic for each error that it answers."""
        if not getattr(exception, "quiet", False):
            fault(logger, request.name or "no route", exception)


def fault(logger: logging.Logger, what: str, error: BaseException) -> None:
    """Log an error by its kind and the place it came from, without its text, which may hold what a patient wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames[-6:]))
    logger.error("%s: %s at %s", what, type(error).__name__, where)
