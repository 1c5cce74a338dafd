"""The composition root of the actions: what they need from outside, made once for the process."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from accounts.errors import SettingsError
from accounts.service import Accounts
from accounts.service import bootstrap as accounts_bootstrap


@dataclass
class Services:
    """Accounts, the connection pool towards the portal, and the clinic's time zone."""

    accounts: Accounts
    http: httpx.AsyncClient
    zone: ZoneInfo


def make_services(accounts: Accounts | None = None) -> Services:
    """Read the environment; `SettingsError` names what is wrong in it."""
    limits = httpx.Limits(max_connections=50, max_keepalive_connections=20)
    return Services(accounts or accounts_bootstrap(), httpx.AsyncClient(limits=limits), _zone())


@lru_cache(maxsize=1)
def services() -> Services:
    """The process's own. rasa-sdk makes actions without arguments, so that they ask here when first run."""
    return make_services()


def _zone() -> ZoneInfo:
    name = os.environ.get("CHARTLINE_TIME_ZONE", "America/New_York")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise SettingsError(f"CHARTLINE_TIME_ZONE: no such time zone: {name}") from error
