"""What can go wrong with a portal, put in front of the real one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send


@dataclass(frozen=True)
class Fault:
    """What the FHIR API answers instead, after some seconds, at every address below `path`."""

    status: int = 200
    body: str = ""
    content_type: str = "application/fhir+json"
    seconds: float = 0.0
    path: str = "/fhir"


class Faulty:
    """An application whose FHIR API answers with `fault`, while one is set. The sign-in stays as it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.fault: Fault | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = self.fault
        if fault is None or not scope.get("path", "").startswith(fault.path):
            return await self.app(scope, receive, send)
        await asyncio.sleep(fault.seconds)
        answer = Response(fault.body, fault.status, media_type=fault.content_type)
        return await answer(scope, receive, send)
