"""What the outbox needs of a channel."""

from __future__ import annotations

from typing import Any, Protocol

from bot.channels.message import Rendered, Reply


class Sender(Protocol):
    """A channel's way out."""

    name: str

    def render(self, replies: list[Reply]) -> Rendered:
        """The native messages of a turn; pure."""

    def echo(self, message_id: str, text: str) -> dict[str, Any] | None:
        """How to show the person's own message, where the channel does not do so by itself."""

    async def send(self, address: str, payload: dict[str, Any]) -> str:
        """Hand one native message over; the provider's id for it. Raises a `DeliveryError`."""

    async def typing(self, address: str) -> None:
        """Show that an answer is being made. Never raises: it is a courtesy."""

    async def close(self) -> None:
        """Let go of connections."""
