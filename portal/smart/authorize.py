"""The authorization endpoint: which app asks, what it will see, the patient's yes or no, and whose chart it opens.

The password is asked for every time: whoever finds a browser signed in to the portal cannot connect an app with it.
"""

from __future__ import annotations

from authlib.oauth2.rfc6749 import OAuth2Error
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.smart.browser import Browser
from portal.smart.gate import STALE, Gate, Refused, with_retry
from portal.smart.grants import Opening
from portal.smart.http import SmartRequest, parameters, read_form
from portal.smart.picker import Picker, Question
from portal.smart.plain import describe
from portal.smart.server import SmartServer


class Authorize:
    """`/oauth/authorize` (RFC 6749 section 3.1). The request stays in the address while the form is sent."""

    def __init__(self, server: SmartServer, gate: Gate, picker: Picker, browser: Browser, grant_days: int) -> None:
        self._server = server
        self._gate = gate
        self._picker = picker
        self._browser = browser
        self._days = grant_days

    def routes(self) -> list[Route]:
        """Its routes."""
        return [
            Route("/oauth/authorize", self.show),
            Route("/oauth/authorize", self.decide, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The page."""
        return await run_in_threadpool(self._show, request)

    async def decide(self, request: Request) -> Response:
        """The patient's answer."""
        try:
            form = dict(await read_form(request))
        except OAuth2Error as error:
            return self._refuse(request, error)
        return await self._gate.run(lambda: self._decide(request, form))

    def _show(self, request: Request) -> Response:
        try:
            _, grant = self._validated(request)
        except OAuth2Error as error:
            return self._refuse(request, error)
        return self._page(request, grant, {}, None)

    def _decide(self, request: Request, form: dict[str, str]) -> Response:
        try:
            asked, grant = self._validated(request)
        except OAuth2Error as error:
            return self._refuse(request, error)
        if not self._browser.is_ours(request, form):
            return self._page(request, grant, form, STALE)
        if form.get("decision") != "allow":
            return self._answer(asked, grant, None)
        found = self._picker.opening(request, form)
        if isinstance(found, Refused):
            return self._page(request, grant, form, found)
        if isinstance(found, Question):
            return self._ask(request, grant, found)
        return self._answer(asked, grant, found)

    def _validated(self, request: Request) -> tuple[SmartRequest, AuthorizationCodeGrant]:
        asked = SmartRequest(request, parameters(request.query_params.multi_items()))
        return asked, self._server.get_consent_grant(asked)

    def _answer(self, asked: SmartRequest, grant: AuthorizationCodeGrant, opening: Opening | None) -> Response:
        response: Response = self._server.create_authorization_response(asked, opening, grant)
        return response

    def _refuse(self, request: Request, error: OAuth2Error) -> Response:
        """To the app where it is known; otherwise the patient is told here, and sent nowhere (RFC 6749 4.1.2.1)."""
        if not error.redirect_uri:
            return self._browser.page(request, "problem.html", error.status_code)
        response: Response = self._server.handle_error_response(None, error)
        return response

    def _ask(self, request: Request, grant: AuthorizationCodeGrant, question: Question) -> Response:
        fields = self._picker.fields(request, question)
        status = 403 if question.refused else 200
        return self._browser.page(
            request, "whose.html", status, leads_to=grant.redirect_uri, app=grant.client.name, **fields
        )

    def _page(
        self, request: Request, grant: AuthorizationCodeGrant, form: dict[str, str], refused: Refused | None
    ) -> Response:
        response = self._browser.page(
            request,
            "authorize.html",
            refused.status if refused else 200,
            leads_to=grant.redirect_uri,
            app=grant.client.name,
            asked=describe(grant.request.scope),
            days=self._days,
            **self._gate.fields(request, form, refused),
        )
        return with_retry(response, refused)
