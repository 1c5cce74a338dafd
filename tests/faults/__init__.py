"""What can go wrong: with a portal, put in front of the real one, and with the processes of the assistant."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Fault:
    """What the FHIR API answers instead, after some seconds, at each address below `path`, to `method` if one is named.

    `after`: what was asked for is done all the same, and only its answer is lost.
    """

    status: int = 200
    body: str = ""
    content_type: str = "application/fhir+json"
    seconds: float = 0.0
    path: str = "/fhir"
    method: str = ""
    after: bool = False


class Faulty:
    """An application whose FHIR API answers with `fault`, while one is set. The sign-in stays as it is.

    `begun` and `answered` are the faults that requests have met, one a request.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.fault: Fault | None = None
        self.begun: list[Fault] = []
        self.answered: list[Fault] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.fault
        if fault is None or not scope.get("path", "").startswith(fault.path):
            return await self.app(scope, receive, send)
        if fault.method not in ("", scope.get("method")):
            return await self.app(scope, receive, send)
        self.begun.append(fault)
        if fault.after:
            await self.app(scope, receive, _lose)
        await asyncio.sleep(fault.seconds)
        self.answered.append(fault)
        answer = Response(fault.body, fault.status, media_type=fault.content_type)
        return await answer(scope, receive, send)


async def _lose(_message: Message) -> None:
    """An answer that nobody hears."""
