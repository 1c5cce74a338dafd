"""The assistant as a SMART app: standalone launch with PKCE, refresh and revocation.

http://hl7.org/fhir/smart-app-launch/app-launch.html, through Authlib's client.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from accounts.clock import utc_now
from accounts.errors import GrantEnded, SignInFailed
from accounts.grants import Grant
from accounts.settings import AccountsSettings

TIMEOUT = httpx2.Timeout(5.0, connect=2.0)
_FHIR_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
# What becomes of an answer that is no JSON, or JSON of another shape than the standard's.
_UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, OverflowError)


class SmartClient:
    """Talks OAuth with the portal's authorization server, which it finds by the FHIR base URL."""

    def __init__(self, settings: AccountsSettings, transport: httpx2.AsyncBaseTransport | None = None) -> None:
        self._settings = settings
        self._transport = transport
        self._endpoints: dict[str, Any] = {}

    @property
    def redirect_uri(self) -> str:
        """Where the portal sends the browser back to."""
        return f"{self._settings.public_url}/signin/callback"

    async def authorization_url(self, state: str, verifier: str, patient: str | None = None) -> str:
        """The portal's sign-in page for one sign-in. `patient` hints at whose chart to offer; the portal decides."""
        endpoint = await self._endpoint("authorization_endpoint")
        hint = {"patient": patient} if patient else {}
        url, _ = self._client().create_authorization_url(
            endpoint, state=state, code_verifier=verifier, aud=self._settings.fhir_url, **hint
        )
        return str(url)

    async def grant(self, code: str, verifier: str) -> Grant:
        """Exchange a code for a patient's grant, and ask the portal for the name to greet by."""
        endpoint = await self._endpoint("token_endpoint")
        async with self._client() as client:
            try:
                token = await client.fetch_token(endpoint, code=code, code_verifier=verifier)
            except OAuthError as error:
                raise SignInFailed(error.error or "invalid_grant") from None  # its text is the portal's
            except (httpx2.HTTPError, *_UNREADABLE) as error:
                raise SignInFailed("unreachable") from error
        if not _FHIR_ID.fullmatch(str(token.get("patient") or "")):
            raise SignInFailed("no_patient")
        grant = _grant(token, "")
        return replace(grant, name=await self._name(grant))

    async def refresh(self, grant: Grant) -> Grant:
        """New tokens for old; `GrantEnded` where the portal refuses, `SignInFailed` where it cannot be asked."""
        if not grant.refresh_token:
            raise GrantEnded()
        endpoint = await self._endpoint("token_endpoint")
        async with self._client() as client:
            try:
                token = await client.refresh_token(endpoint, refresh_token=grant.refresh_token)
            except OAuthError as error:
                if error.error == "invalid_grant":  # any other is a fault of ours or the portal's: RFC 6749, 5.2
                    raise GrantEnded() from None
                raise SignInFailed(error.error or "refused") from None
            except (httpx2.HTTPError, *_UNREADABLE) as error:
                raise SignInFailed("unreachable") from error
        kept = {"patient": grant.patient, "fhirUser": grant.user}  # a refresh changes neither
        return _grant({"refresh_token": grant.refresh_token, **token, **kept}, grant.name)

    async def revoke(self, grant: Grant) -> None:
        """End the grant at the portal (RFC 7009); `SignInFailed` where it cannot be asked."""
        endpoint = await self._endpoint("revocation_endpoint")
        async with self._client() as client:
            try:
                response = await client.revoke_token(endpoint, token=grant.refresh_token or grant.access_token)
                response.raise_for_status()
            except (httpx2.HTTPError, OAuthError, *_UNREADABLE) as error:
                raise SignInFailed("unreachable") from error

    async def _endpoint(self, name: str) -> str:
        if not self._endpoints:
            url = f"{self._settings.fhir_url}/.well-known/smart-configuration"
            try:
                async with httpx2.AsyncClient(transport=self._transport, timeout=TIMEOUT) as client:
                    response = await client.get(url, headers={"Accept": "application/json"})
                    response.raise_for_status()
                    self._endpoints = dict(response.json())
            except (httpx2.HTTPError, *_UNREADABLE) as error:
                raise SignInFailed("unreachable") from error
        try:
            return str(self._endpoints[name])
        except KeyError as error:
            raise SignInFailed(f"no_{name}") from error

    async def _name(self, grant: Grant) -> str:
        url = f"{self._settings.fhir_url}/Patient/{grant.patient}"
        headers = {"Authorization": f"Bearer {grant.access_token}", "Accept": "application/fhir+json"}
        try:
            async with httpx2.AsyncClient(transport=self._transport, timeout=TIMEOUT) as client:
                response = await client.get(url, headers=headers)
                response.raise_for_status()
                return given_name(response.json())
        except (httpx2.HTTPError, *_UNREADABLE):
            return ""  # a greeting without a name is better than no sign-in

    def _client(self) -> AsyncOAuth2Client:
        secret = self._settings.client_secret
        return AsyncOAuth2Client(
            client_id=self._settings.client_id,
            client_secret=secret.get_secret_value() if secret else None,
            scope=self._settings.scopes,
            redirect_uri=self.redirect_uri,
            code_challenge_method="S256",
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            transport=self._transport,
            timeout=TIMEOUT,
        )


def given_name(patient: dict[str, Any]) -> str:
    """What to call a Patient: the first given name of the usual, else the official, else the first name."""
    names = patient.get("name") or []
    rank = {"usual": 0, "official": 1}
    for name in sorted(names, key=lambda n: rank.get(n.get("use", ""), 2)):
        if name.get("given"):
            return str(name["given"][0])
    return ""


def _grant(token: dict[str, Any], name: str) -> Grant:
    try:
        lives = timedelta(seconds=int(token.get("expires_in", 300)))
        return Grant(
            patient=str(token["patient"]),
            name=name,
            access_token=str(token["access_token"]),
            refresh_token=token.get("refresh_token"),
            scope=str(token.get("scope", "")),
            expires_at=utc_now() + lives,
            user=str(token.get("fhirUser") or ""),
        )
    except _UNREADABLE as error:
        raise SignInFailed("unreadable") from error
