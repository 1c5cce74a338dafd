"""`/account`: which apps have access, and the end of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.smart.browser import Browser
from portal.smart.gate import STALE, Gate, Refused, with_retry
from portal.smart.grants import GivenAccess, Grants
from portal.smart.http import read_form
from portal.smart.plain import describe
from portal.smart.sessions import Sessions
from portal.smart.tables import User

Form = dict[str, str]


class Account:
    """The page where a patient sees what was allowed, ends one, or signs out everywhere."""

    def __init__(self, grants: Grants, sessions: Sessions, gate: Gate, browser: Browser) -> None:
        self._grants = grants
        self._sessions = sessions
        self._gate = gate
        self._browser = browser

    def routes(self) -> list[Route]:
        """Its routes."""
        return [
            Route("/account", self.show),
            Route("/account/sign-in", self.sign_in, methods=["POST"]),
            Route("/account/sign-out", self.sign_out, methods=["POST"]),
            Route("/account/end", self.end, methods=["POST"]),
            Route("/account/end-all", self.end_all, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The apps that have access; the sign-in form for somebody who is not signed in."""
        return await run_in_threadpool(self._show, request)

    async def sign_in(self, request: Request) -> Response:
        """Open the page by username and password."""
        try:
            form = dict(await read_form(request))
        except OAuth2Error as error:
            return self._browser.page(request, "problem.html", error.status_code)
        return await self._gate.run(lambda: self._sign_in(request, form))

    async def sign_out(self, request: Request) -> Response:
        """Sign this browser out; the apps keep their access."""
        return await self._act(request, self._sign_out)

    async def end(self, request: Request) -> Response:
        """End one app's access."""
        return await self._act(request, self._end)

    async def end_all(self, request: Request) -> Response:
        """Sign out everywhere: all apps, all browsers."""
        return await self._act(request, self._end_all)

    def _show(self, request: Request) -> Response:
        user = self._sessions.user(self._browser.secret(request))
        done = request.query_params.get("done", "")
        if user is None:
            return self._sign_in_page(request, {}, None, done)
        apps = [_shown(given) for given in self._grants.of(user.id)]
        return self._browser.page(request, "account.html", name=user.display_name, apps=apps, done=done)

    def _sign_in(self, request: Request, form: Form) -> Response:
        person = self._gate.check(request, form) if self._browser.is_ours(request, form) else STALE
        if isinstance(person, Refused):
            return with_retry(self._sign_in_page(request, form, person), person)
        response = self._browser.to_account(request)
        self._browser.remember(response, self._sessions.start(person))
        return response

    def _sign_in_page(self, request: Request, form: Form, refused: Refused | None, done: str = "") -> Response:
        status = refused.status if refused else 200
        fields = self._gate.fields(request, form, refused)
        return self._browser.page(request, "sign_in.html", status, done=done, **fields)

    async def _act(self, request: Request, act: Callable[[Request, User, Form], Response]) -> Response:
        try:
            form = dict(await read_form(request))
        except OAuth2Error as error:
            return self._browser.page(request, "problem.html", error.status_code)

        def checked() -> Response:
            user = self._sessions.user(self._browser.secret(request))
            if user is None or not self._browser.is_ours(request, form):
                return self._sign_in_page(request, {}, STALE)
            return act(request, user, form)

        return await run_in_threadpool(checked)

    def _sign_out(self, request: Request, user: User, form: Form) -> Response:
        self._sessions.end(self._browser.secret(request))
        return self._left(request, "signed-out")

    def _end(self, request: Request, user: User, form: Form) -> Response:
        self._grants.end(form.get("grant", ""), user.id)
        return self._browser.to_account(request, "ended")

    def _end_all(self, request: Request, user: User, form: Form) -> Response:
        self._grants.end_all(user.id)
        self._sessions.end_all(user.id)
        return self._left(request, "everywhere")

    def _left(self, request: Request, done: str) -> Response:
        response = self._browser.to_account(request, done)
        self._browser.forget(response)
        return response


def _shown(given: GivenAccess) -> dict[str, Any]:
    since = datetime.fromtimestamp(given.since, timezone.utc)
    return {
        "id": given.id,
        "app": given.app,
        "ended": given.chart is None,
        "own": given.chart is not None and given.chart.proxy is None,
        "whose": given.chart.name if given.chart else "",
        "asked": describe(given.scope),
        "since": f"{since:%B} {since.day}, {since.year}",
        "since_iso": since.isoformat(),
    }
