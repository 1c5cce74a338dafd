"""The outermost layer: a limit for bodies, a log line without health data, and no error that leaves as a traceback."""

from __future__ import annotations

import logging
import time
import traceback
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from portal.errors import FhirError, TooLarge
from portal.negotiation import error_response

MAX_BODY = 5 * 1024 * 1024
log = logging.getLogger("portal")


class Guard:
    """ASGI middleware around everything."""

    def __init__(self, app: ASGIApp, max_body: int = MAX_BODY) -> None:
        self.app, self.max_body = app, max_body

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        try:
            await self.app(scope, _limited(receive, scope, self.max_body), answer)
        except TooLarge as error:
            await answer.fail(error, scope, receive)
        except Exception as error:  # noqa: BLE001 -- the one place where the unforeseen becomes a 500
            _log_failure(error)
            await answer.fail(FhirError("Something went wrong on our side"), scope, receive)
        finally:
            answer.log(scope)


class _Answer:
    """``send``, remembering what was sent."""

    def __init__(self, send: Send) -> None:
        self._send, self.status, self._began = send, 0, time.perf_counter()

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        await self._send(message)

    async def fail(self, error: FhirError, scope: Scope, receive: Receive) -> None:
        if not self.status:
            await error_response(error)(scope, receive, self)

    def log(self, scope: Scope) -> None:
        """Method, the route's pattern and the status: an address itself may name a patient."""
        route: Any = scope.get("route")
        elapsed = (time.perf_counter() - self._began) * 1000
        log.info("%s %s %d %.1f ms", scope["method"], getattr(route, "path", "-"), self.status, elapsed)


def _limited(receive: Receive, scope: Scope, limit: int) -> Receive:
    declared = dict(scope["headers"]).get(b"content-length", b"0")
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > limit or (declared.isdigit() and int(declared) > limit):
            raise TooLarge(f"The body is over {limit // 1024 // 1024} MB")
        return message

    return limited


def _log_failure(error: Exception) -> None:
    """Where it happened, but not its text, which may hold what a patient wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    where = " < ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in reversed(frames[-6:]))
    log.error("%s at %s", type(error).__name__, where)
