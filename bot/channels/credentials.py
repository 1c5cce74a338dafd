"""The settings of a channel, as `credentials.yml` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa.shared.exceptions import RasaException

Credentials = Mapping[str, Any] | None


class MissingSetting(RasaException):
    """A channel cannot start. The text names the environment variable, never a value."""


def is_set(credentials: Credentials, *keys: str) -> bool:
    """Whether any of `keys` has a value: an operator who set one of a channel's secrets wants that channel."""
    return any(_value(credentials, key) for key in keys)


def required(credentials: Credentials, key: str, variable: str) -> str:
    """The value of `key`; `MissingSetting` names `variable` where there is none."""
    value = _value(credentials, key)
    if not value:
        raise MissingSetting(f"{variable} is not set. credentials.yml reads it as `{key}`; see docs/channels.md.")
    return value


def optional(credentials: Credentials, key: str, default: str) -> str:
    return _value(credentials, key) or default


def _value(credentials: Credentials, key: str) -> str:
    value = str((credentials or {}).get(key) or "").strip()
    return "" if value.startswith("${") else value  # a variable that nobody set
