"""Logs without what a patient wrote: warnings and errors, a request's outcome, never its words."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from rasa.utils.log_utils import configure_structlog
from sanic.handlers import ErrorHandler
from sanic.request import Request

from accounts import logs
from bot.channels.quiet import quiet_libraries

logger = logging.getLogger(__name__)

# What Rasa logs beside these may be a message, a slot or a tracker.
_HARMLESS = frozenset({"event", "event_info", "event_key", "level", "timestamp", "action_name", "filename"})


def configure() -> None:
    """Set up the process's logging (`accounts.logs.configure`), Rasa's own among it. Calling it again does no harm."""
    level = logs.configure()
    configure_structlog(level)
    processors = structlog.get_config()["processors"]
    if _without_values not in processors:
        # Under a name of ours: with its values taken out, such a line may be written as it is.
        structlog.configure(processors=[_without_values, *processors], logger_factory=_rasa_logger)
    quiet_libraries()


def _rasa_logger(*_names: Any) -> logging.Logger:
    return logging.getLogger("bot.rasa")


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
    logger.error("%s: %s", what, logs.place(error))
