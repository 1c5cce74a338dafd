"""The endpoints that programs call: tokens, revocation, introspection, and where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.errors import InvalidClientError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from portal.smart.http import SmartRequest, parameters, read_form
from portal.smart.scopes import CONTEXT, is_system
from portal.smart.server import SmartServer

CAPABILITIES = [
    "launch-standalone",
    "client-public",
    "client-confidential-symmetric",
    "context-standalone-patient",
    "permission-offline",
    "permission-patient",
    "permission-v1",
    "permission-v2",
]


class Endpoints:
    """Token, revocation and introspection endpoint, and the SMART configuration that names them."""

    def __init__(self, server: SmartServer, base_url: str) -> None:
        self._server = server
        self._base_url = base_url

    def routes(self) -> list[Route]:
        """Their routes."""
        return [
            Route("/.well-known/smart-configuration", self.configuration),
            Route("/fhir/.well-known/smart-configuration", self.configuration),
            Route("/oauth/token", self.token, methods=["POST"]),
            Route("/oauth/revoke", self.revoke, methods=["POST"]),
            Route("/oauth/introspect", self.introspect, methods=["POST"]),
        ]

    async def token(self, request: Request) -> Response:
        """Code, refresh token or client credentials for an access token (RFC 6749 section 3.2)."""
        return await self._answer(request, self._server.create_token_response)

    async def revoke(self, request: Request) -> Response:
        """End a grant by one of its tokens (RFC 7009)."""
        return await self._answer(request, lambda r: self._server.create_endpoint_response("revocation", r))

    async def introspect(self, request: Request) -> Response:
        """What a token allows (RFC 7662)."""
        return await self._answer(request, lambda r: self._server.create_endpoint_response("introspection", r))

    async def configuration(self, request: Request) -> Response:
        """http://hl7.org/fhir/smart-app-launch/conformance.html#using-well-known"""
        scopes = await run_in_threadpool(self._server.clients.scopes)
        return JSONResponse(self._configuration(scopes))

    def _configuration(self, scopes: list[str]) -> dict[str, Any]:
        grant_types = ["authorization_code", "refresh_token"]
        if is_system(" ".join(scopes)):
            grant_types.append("client_credentials")
        return {
            "authorization_endpoint": f"{self._base_url}/oauth/authorize",
            "token_endpoint": f"{self._base_url}/oauth/token",
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic", "client_secret_post"],
            "revocation_endpoint": f"{self._base_url}/oauth/revoke",
            "introspection_endpoint": f"{self._base_url}/oauth/introspect",
            "management_endpoint": f"{self._base_url}/account",
            "grant_types_supported": grant_types,
            "response_types_supported": ["code"],
            "scopes_supported": sorted({*CONTEXT, *scopes}),
            "code_challenge_methods_supported": ["S256"],
            "capabilities": CAPABILITIES,
        }

    async def _answer(self, request: Request, respond: Callable[[SmartRequest], Response]) -> Response:
        try:
            asked = SmartRequest(request, parameters(await read_form(request)))
            return await run_in_threadpool(respond, asked)
        except OAuth2Error as error:
            refused = error
        except UnicodeDecodeError:  # Authlib's reading of a Basic header
            refused = InvalidClientError(status_code=401)
        answer: Response = self._server.handle_error_response(None, refused)
        return answer
