"""Secret values: made from 256 random bits, kept only as SHA-256."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable

Clock = Callable[[], int]
"""Seconds since 1970, UTC."""


def now() -> int:
    """The clock of the wall, in whole seconds."""
    return int(time.time())


def new_secret() -> str:
    """A token, code or cookie value of 256 random bits."""
    return secrets.token_urlsafe(32)


def digest(value: str) -> str:
    """What is stored of a random value. No salt or stretching: 256 bits cannot be guessed from their hash."""
    return hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()
