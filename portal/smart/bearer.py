"""Who asks: the bearer token of requests to the FHIR API (RFC 6750)."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from portal.access import Access
from portal.errors import FhirError, Forbidden, Unauthenticated, operation_outcome
from portal.smart.grants import Grants

_SIGN_IN = Unauthenticated("Sign in to use this: the access token is missing, unknown or no longer valid.")
OPEN = frozenset({"/fhir/metadata", "/fhir/.well-known/smart-configuration"})


class BearerAuthentication:
    """Sets `request.state.access` for requests below `/fhir`.

    401 where there is no good token, 403 where the right to act for the patient has ended since it was issued.
    """

    def __init__(self, app: ASGIApp, grants: Grants) -> None:
        self._app = app
        self._grants = grants

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and _is_guarded(scope):
            try:
                access = await self._access(Headers(scope=scope).getlist("authorization"))
            except Forbidden as ended:
                await _refusal(ended, {})(scope, receive, send)
                return
            if access is None:
                await _refusal(_SIGN_IN, {"WWW-Authenticate": 'Bearer error="invalid_token"'})(scope, receive, send)
                return
            scope.setdefault("state", {})["access"] = access
        await self._app(scope, receive, send)

    async def _access(self, headers: list[str]) -> Access | None:
        scheme, _, token = headers[0].partition(" ") if len(headers) == 1 else ("", "", "")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        return await run_in_threadpool(self._grants.access, token.strip())


def _is_guarded(scope: Scope) -> bool:
    path = scope["path"].removeprefix(scope.get("root_path", ""))
    return (path == "/fhir" or path.startswith("/fhir/")) and path not in OPEN


def _refusal(error: FhirError, headers: dict[str, str]) -> Response:
    return JSONResponse(
        operation_outcome(error.issues()),
        error.status,
        {"Cache-Control": "no-store"} | headers,
        media_type="application/fhir+json",
    )
