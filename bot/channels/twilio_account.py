"""Twilio's REST client as the SMS channel uses it: the account, time limits, and what its error codes mean.

The codes: https://www.twilio.com/docs/api/errors
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any

from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from bot.channels import credentials as settings
from bot.channels.errors import AddressGone, DeliveryError, OptedOut, Retryable, Undeliverable

_OPTED_OUT = "21610"
# 30005: unknown, and may no longer exist. 21211 and 21614: no valid number, no mobile number; but it wrote to us once.
_GONE = frozenset({"21211", "21614", "30005"})
# Overflow and rate limits of Twilio or a carrier, and an account that its owner must put right: all pass.
_TRANSIENT = frozenset({"14107", "20003", "20005", "20429", "21611", "30001", "30002", "30017", "30022"})
_TRANSIENT_STATUS = frozenset({401, 408, 429})


@dataclass(frozen=True)
class TwilioAccount:
    """`sender` is a number in E.164 or the id of a Messaging Service (`MG…`). `public_url` is where Twilio finds us."""

    sid: str
    token: str = field(repr=False)
    sender: str
    public_url: str
    base_url: str = "https://api.twilio.com"
    region: str = ""
    edge: str = ""

    @classmethod
    def from_credentials(cls, credentials: settings.Credentials) -> TwilioAccount:
        """Raises `MissingSetting` with the name of the variable that has no value."""
        return cls(
            sid=settings.required(credentials, "account_sid", "TWILIO_ACCOUNT_SID"),
            token=settings.required(credentials, "auth_token", "TWILIO_AUTH_TOKEN"),
            sender=settings.required(credentials, "from", "TWILIO_FROM"),
            public_url=settings.required(credentials, "public_url", "CHARTLINE_PUBLIC_URL").rstrip("/"),
            base_url=settings.optional(credentials, "base_url", cls.base_url),
            region=settings.optional(credentials, "region", ""),
            edge=settings.optional(credentials, "edge", ""),
        )


def client(account: TwilioAccount, timeout: float) -> Client:
    """Twilio's own client, asynchronous, each call at most `timeout` seconds. Needs a running event loop."""
    rest = Client(
        account.sid,
        account.token,
        region=account.region or None,
        edge=account.edge or None,
        http_client=_Http(timeout=timeout),
    )
    rest.api.base_url = account.base_url
    return rest


def failure(code: str, status: int = 400, retry_after: float | None = None) -> DeliveryError:
    """Twilio's `code`, from an answer or from a delivery report, as the error that says what to do about it."""
    if code == _OPTED_OUT:
        return OptedOut(code)
    if code in _GONE:
        return AddressGone(code)
    if code in _TRANSIENT or status in _TRANSIENT_STATUS or not 400 <= status < 500:
        return Retryable(code, retry_after)
    return Undeliverable(code)


class _Http(AsyncTwilioHttpClient):
    """Twilio's client, with a time limit (it ignores its own) and with `Retry-After` (its error drops the headers)."""

    async def request(self, method: str, url: str, *args: Any, **options: Any) -> Response:
        options["timeout"] = options.get("timeout") or self.timeout
        answer = await super().request(method, url, *args, **options)
        if answer.status_code == 429 or answer.status_code >= 500:
            raise failure(_code(answer), answer.status_code, _seconds(answer.headers.get("Retry-After")))
        return answer


def _code(answer: Response) -> str:
    try:
        return str(json.loads(answer.text)["code"])
    except (ValueError, KeyError, TypeError):
        return str(answer.status_code)


def _seconds(retry_after: str | None) -> float | None:
    """RFC 9110, 10.2.3: a number of seconds, or a date."""
    if not retry_after:
        return None
    if retry_after.isdecimal():
        return float(retry_after)
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(timezone.utc)).total_seconds())
