"""Why a provider did not take a message.

DeliveryError
├── Retryable      a time-out, a 5xx, a rate limit: try again, not before `retry_after` seconds
├── Undeliverable  the address is wrong or gone: never try again
└── OptedOut       the person told the provider to stop: never try again, and remember it
"""

from __future__ import annotations


class DeliveryError(Exception):
    """The provider did not take the message. `code` is the provider's own, for the operator."""

    def __init__(self, code: str = "") -> None:
        super().__init__(code)
        self.code = code


class Retryable(DeliveryError):
    """It may work later. `retry_after` is in seconds, where the provider named a time."""

    def __init__(self, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(code)
        self.retry_after = retry_after


class Undeliverable(DeliveryError):
    """It never will: a wrong number, a blocked bot."""


class OptedOut(DeliveryError):
    """The person said STOP at the provider (Twilio error 21610)."""
