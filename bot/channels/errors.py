"""Why a provider did not take a message.

DeliveryError
├── Retryable      a time-out, a 5xx, a rate limit: try again, not before `retry_after` seconds
├── Undeliverable  it can never be delivered: never try again
│   └── AddressGone  the address is nobody's any more, and may become another person's: never try again, and unlink it
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
    """It never will: a landline, a message that the provider does not take."""


class AddressGone(Undeliverable):
    """The number is no longer in service, the account is deleted. Whoever has it next is somebody else."""


class OptedOut(DeliveryError):
    """The person said STOP at the provider (Twilio error 21610), or blocked our end there: `by_blocking`."""

    def __init__(self, code: str = "", by_blocking: bool = False) -> None:
        super().__init__(code)
        self.by_blocking = by_blocking
