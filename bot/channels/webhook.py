"""What all webhooks share: a bounded body in, a message handed to the inbox, 503 if it was not kept."""

from __future__ import annotations

import logging

from sanic.exceptions import ServiceUnavailable
from sanic.request import Request

from bot.channels.message import Incoming

logger = logging.getLogger(__name__)

MAX_BODY = 64 * 1024  # bytes; the largest genuine webhook, a Telegram update of 4,096 characters, is below 32 kB


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The body, at most `limit` bytes; Sanic answers 413 beyond it, before it is read.

    For routes with `stream=True`: Sanic reads the body of the others, up to 100 MB, before the handler is called.
    """
    request.stream.request_max_size = limit  # type: ignore[union-attr]
    await request.receive_body()
    return request.body


async def hand_over(request: Request, incoming: Incoming) -> None:
    """Give `incoming` to the inbox; a repeat is no error. If it was not kept, 503: the provider sends it again."""
    try:
        await request.app.ctx.delivery.accept(incoming)
    except Exception as error:  # noqa: BLE001 - whatever went wrong, the message is not kept, and the provider must know
        raise not_kept(error) from None


def not_kept(error: Exception) -> ServiceUnavailable:
    """The 503. Only the error's kind is logged: a database error's text holds the row, which is a patient's message."""
    logger.error("The inbox did not keep a message: %s", type(error).__name__)
    return ServiceUnavailable("Try again.", quiet=True)
