"""The authorization server: Authlib's grants and endpoints on the portal's tables.

SMART App Launch, standalone: http://hl7.org/fhir/smart-app-launch/app-launch.html. RFC 6749 (OAuth 2), RFC 7636
(PKCE), RFC 7009 (revocation), RFC 7662 (introspection), RFC 9700 (best current practice).
"""

from __future__ import annotations

import logging
from typing import Any

from authlib.oauth2.rfc6749 import AuthorizationServer, OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, ClientCredentialsGrant, RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from starlette.responses import JSONResponse, Response

from portal.smart.clients import Clients
from portal.smart.grants import Grants
from portal.smart.redirects import same_place
from portal.smart.tables import Client, Code, Token, User
from portal.smart.users import Users
from portal.smart.values import new_secret

ANY_CLIENT = ["none", "client_secret_basic", "client_secret_post"]
CONFIDENTIAL_CLIENT = ["client_secret_basic", "client_secret_post"]

# Authlib writes issued tokens to its debug log: that must not happen, whatever the root logger's level is.
logging.getLogger("authlib.oauth2").setLevel(logging.INFO)


class SmartServer(AuthorizationServer):
    """Authlib's server for Starlette. Every method is synchronous: call it in a thread."""

    def __init__(self, fhir_url: str, clients: Clients, grants: Grants, users: Users, token_seconds: int) -> None:
        super().__init__()
        self.fhir_url = fhir_url
        self.clients = clients
        self.grants = grants
        self.users = users
        self.register_token_generator("default", _TokenGenerator(token_seconds))
        self.register_grant(CodeGrant, [_Pkce(), _StandaloneLaunch()])
        self.register_grant(_RefreshGrant)
        self.register_grant(_SystemGrant)
        self.register_endpoint(_Revocation)
        self.register_endpoint(_Introspection)

    def query_client(self, client_id: str) -> Client | None:
        return self.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: OAuth2Request) -> None:
        source: Code | Token | None = request.authorization_code or request.refresh_token
        if source is None:
            self.grants.save_system_token(request.client, token)
            return
        self.grants.save_tokens(source.grant_id, token, refresh_scope=source.grant.scope)
        token["patient"] = source.grant.patient_id
        token["fhirUser"] = source.grant.fhir_user

    def create_oauth2_request(self, request: OAuth2Request) -> OAuth2Request:
        return request

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        """Nobody listens."""

    def handle_response(self, status: int, body: Any, headers: list[tuple[str, str]]) -> Response:
        # 303, because some browsers repeat a POST after 302: RFC 9700 section 4.12.
        status = 303 if status == 302 else status
        kind = JSONResponse if isinstance(body, dict) else Response
        return kind(body, status, {"Cache-Control": "no-store"} | dict(headers))


class _TokenGenerator(BearerTokenGenerator):
    """Opaque tokens; a refresh token only where the patient allowed `offline_access`."""

    def __init__(self, seconds: int) -> None:
        super().__init__(_opaque, _opaque, lambda client, grant_type: seconds)

    def generate(
        self,
        grant_type: str,
        client: Client,
        user: User | None = None,
        scope: str | None = None,
        expires_in: int | None = None,
        include_refresh_token: bool = True,
    ) -> dict[str, Any]:
        stays = grant_type == "refresh_token" or "offline_access" in (scope or "").split()
        issued: dict[str, Any] = super().generate(
            grant_type, client, user, scope, expires_in, include_refresh_token and stays
        )
        return issued


def _opaque(**_: Any) -> str:
    return new_secret()


class CodeGrant(AuthorizationCodeGrant):
    """The authorization code grant: codes are spent before tokens are made, so that no code gives two."""

    TOKEN_ENDPOINT_AUTH_METHODS = ANY_CLIENT

    def generate_authorization_code(self) -> str:
        return new_secret()

    def save_authorization_code(self, code: str, request: OAuth2Request) -> None:
        asked = ("redirect_uri", "code_challenge", "code_challenge_method")
        values = {name: request.payload.data[name] for name in asked}
        self.server.grants.open(request.client, request.user, request.scope, code, **values)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        found: Code | None = self.server.grants.code(code, client)
        return found

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        if not self.server.grants.spend(self.request.authorization_code):
            raise InvalidGrantError("Invalid 'code' in request.")
        answer: tuple[int, dict[str, Any], list[tuple[str, str]]] = super().create_token_response()
        return answer

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """It was spent before the tokens were made."""

    def authenticate_user(self, authorization_code: Code) -> User | None:
        user: User | None = self.server.users.get(authorization_code.grant.user_id)
        return user


class _RefreshGrant(RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ANY_CLIENT
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        found: Token | None = self.server.grants.refresh_token(refresh_token, self.request.client)
        return found

    def create_token_response(self) -> tuple[int, dict[str, Any], list[tuple[str, str]]]:
        if not self.server.grants.spend(self.request.refresh_token):
            raise InvalidGrantError()
        answer: tuple[int, dict[str, Any], list[tuple[str, str]]] = super().create_token_response()
        return answer

    def revoke_old_credential(self, refresh_token: Token) -> None:
        """It was spent before the tokens were made."""

    def authenticate_user(self, refresh_token: Token) -> User | None:
        user: User | None = self.server.users.get(refresh_token.grant.user_id)
        return user


class _SystemGrant(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = CONFIDENTIAL_CLIENT


class _Pkce(CodeChallenge):
    """S256, always: `plain` and no challenge are refused."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ("S256",)

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        for name in ("code_challenge", "code_challenge_method"):
            if not grant.request.payload.data.get(name):
                raise InvalidRequestError(f"Missing '{name}': PKCE with S256 is required")
        super().validate_code_challenge(grant, redirect_uri)


class _StandaloneLaunch:
    """What SMART asks of an authorization request beyond OAuth: `state`, and the FHIR server as `aud`."""

    def __call__(self, grant: CodeGrant) -> None:
        grant.register_hook("after_validate_authorization_request_payload", self.validate)

    def validate(self, grant: CodeGrant, redirect_uri: str) -> None:
        asked = grant.request.payload.data
        if not asked.get("state"):
            raise InvalidRequestError("Missing 'state' in request.")
        if not same_place(asked.get("aud") or "", grant.server.fhir_url):
            raise InvalidRequestError("'aud' is not the address of this FHIR server.")


class _Revocation(RevocationEndpoint):
    """Either token ends the whole grant: the patient signed out."""

    CLIENT_AUTH_METHODS = ANY_CLIENT

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        found: Token | None = self.server.grants.token(token_string)
        return found

    def revoke_token(self, token: Token, request: OAuth2Request) -> None:
        self.server.grants.end(token.grant_id)


class _Introspection(IntrospectionEndpoint):
    """For confidential clients: about their own tokens, and for the back office about all."""

    CLIENT_AUTH_METHODS = CONFIDENTIAL_CLIENT

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:
        found: Token | None = self.server.grants.token(token_string)
        return found

    def check_permission(self, token: Token, client: Client, request: OAuth2Request) -> bool:
        return client.is_system or token.check_client(client)

    def create_introspection_payload(self, token: Token | None) -> dict[str, Any]:
        grants = self.server.grants
        if token is None or not token.live_at(grants.clock()):
            return {"active": False}
        if token.grant.user_id and grants.chart(token.grant) is None:
            return {"active": False}
        return {"active": True, **self.introspect_token(token)}

    def introspect_token(self, token: Token) -> dict[str, Any]:
        grant = token.grant
        claims = {
            "scope": token.scope,
            "client_id": grant.client_id,
            "exp": token.expires_at,
            "iat": token.issued_at,
            "sub": grant.user_id or grant.client_id,
            "patient": grant.patient_id,
            "fhirUser": grant.fhir_user if grant.user_id else None,
            "token_type": "Bearer" if token.kind == "access" else None,
        }
        return {name: value for name, value in claims.items() if value is not None}
