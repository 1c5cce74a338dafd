"""Keeps tokens and phone numbers out of the logs: libraries write them at INFO."""

from __future__ import annotations

import logging
import re

# httpx and python-telegram-bot log the bot's token in a URL, twilio the account and its answers; aiohttp, httpcore
# and urllib3 headers and addresses at DEBUG.
_LOUD = ("aiohttp", "httpcore", "httpx", "telegram", "twilio", "urllib3")
_SECRETS = (
    (re.compile(r"\bbot\d+:[\w-]+"), "bot<token>"),
    (re.compile(r"\b\d{6,12}:[\w-]{30,}"), "<token>"),
    (re.compile(r"(?:\+|%2B)\d{8,15}\b"), "+<number>"),
)


class Redact(logging.Filter):
    """Replaces bot tokens and phone numbers in E.164 in a record's message and traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


def redact(text: str) -> str:
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


def quiet_libraries() -> None:
    """Set the libraries' loggers to WARNING, and redact what any handler of the root logger still gets.

    Call it once logging is configured; calling it again does no harm.
    """
    for name in _LOUD:
        logging.getLogger(name).setLevel(logging.WARNING)
    for handler in logging.getLogger().handlers:
        if not any(isinstance(known, Redact) for known in handler.filters):
            handler.addFilter(Redact())
