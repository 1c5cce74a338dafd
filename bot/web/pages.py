"""`/` and the widget's script; `/signin/<token>`, which leads a one-time link through the portal's sign-in and back.

A link is opened, the person sees which conversation it connects and goes on, the portal asks for the password, and
the browser comes back with a code. The `state` must come back in the browser that left with it (RFC 6749, 10.12).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from sanic import Blueprint
from sanic.request import Request
from sanic.response import HTTPResponse, file, html, redirect

from accounts.conversations import Place
from accounts.errors import LinkInvalid, SignInFailed
from accounts.service import Accounts
from bot.settings import BotSettings, ClinicSettings

HERE = Path(__file__).parent
COOKIE = "chartline_signin"
# An address with a one-time link in it is told to nobody and kept nowhere.
_PRIVATE = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


class Pages:
    """The pages of one assistant. Nobody may show them in a frame: other pages embed the widget's script instead."""

    def __init__(self, accounts: Accounts, settings: BotSettings, clinic: ClinicSettings) -> None:
        self._accounts, self._settings, self._clinic = accounts, settings, clinic
        self._secure = settings.public_url.startswith("https://")
        self._templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape(default=True)
        )

    def blueprint(self) -> Blueprint:
        """The routes."""
        pages = Blueprint("chartline_pages")
        pages.static("/static", str(HERE / "static"), name="static")
        for path, page, method in (
            ("/", self.home, "GET"),
            ("/chartline.js", self.script, "GET"),
            ("/signin/<token:str>", self.offer, "GET"),
            ("/signin/<token:str>/go", self.leave, "POST"),
            ("/signin/callback", self.come_back, "GET"),
        ):
            pages.add_route(_handler(page), path, methods=[method])
        return pages

    async def home(self, _request: Request) -> HTTPResponse:
        """The page with the chat."""
        response = await file(HERE / "static" / "index.html")
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
            "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
        return response

    async def script(self, _request: Request) -> HTTPResponse:
        """The widget, for a page's script tag."""
        return await file(
            HERE / "static" / "chartline.js", headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"}
        )

    async def offer(self, _request: Request, token: str) -> HTTPResponse:
        """What the link is for. Opening it changes nothing: phones fetch links to preview them."""
        try:
            place = await self._accounts.link_place(token)
        except LinkInvalid:
            return self._page("link_over.html", status=410)
        return self._page("sign_in.html", token=token, place=_describe(place), channel=place.channel)

    async def leave(self, request: Request, token: str) -> HTTPResponse:
        """Go to the portal's sign-in. Another site's form must not skip the page that says what is connected."""
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return redirect(f"/signin/{token}", headers=_PRIVATE, status=303)
        try:
            url, state = await self._accounts.start_sign_in(token)
        except LinkInvalid:
            return self._page("link_over.html", status=410)
        except SignInFailed:
            return self._page("portal_away.html", status=503)
        response = redirect(url, headers=_PRIVATE, status=303)
        response.cookies[COOKIE] = _fingerprint(state)
        response.cookies[COOKIE].update({"httponly": True, "samesite": "Lax", "path": "/signin", "max-age": 900})
        if self._secure:  # Sanic would write "Secure=False", which browsers read as Secure
            response.cookies[COOKIE]["secure"] = True
        return response

    async def come_back(self, request: Request) -> HTTPResponse:
        """The portal's answer: the chat is connected, greets, and answers the question that waited."""
        state, code = request.args.get("state", ""), request.args.get("code", "")
        if not hmac.compare_digest(
            request.cookies.get(COOKIE, "").encode(errors="replace"), _fingerprint(state).encode()
        ):
            return self._page("link_over.html", status=400)
        if not code and request.args.get("error") == "access_denied":
            return self._page("not_allowed.html")
        if not code:
            return self._page("portal_away.html", status=400)
        try:
            link = await self._accounts.finish_sign_in(state, code)
        except LinkInvalid:
            return self._page("link_over.html", status=410)
        except SignInFailed as error:
            return self._page("portal_away.html", status=503 if error.reason == "unreachable" else 400)
        delivery = request.app.ctx.delivery
        await delivery.accept_event(link.conversation, f"signed-in:{link.id}", "/signed_in")
        waiting = link.waiting or {}
        if waiting.get("payload"):
            await delivery.accept_event(link.conversation, f"waiting:{link.id}", waiting["payload"])
        elif waiting.get("text"):
            await delivery.accept_again(link.conversation, f"waiting:{link.id}", waiting["text"])
        response = self._page("signed_in.html")
        response.cookies[COOKIE] = ""
        response.cookies[COOKIE].update({"path": "/signin", "max-age": 0})
        return response

    def _page(self, name: str, status: int = 200, **values: str) -> HTTPResponse:
        nonce = secrets.token_urlsafe(16)
        body = self._templates.get_template(name).render(clinic=self._clinic, nonce=nonce, **values)
        headers = {
            "Content-Security-Policy": f"default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
            "base-uri 'none'; frame-ancestors 'none'",
            **_PRIVATE,
        }
        return html(body, status=status, headers=headers)


def _handler(page: Callable[..., Awaitable[HTTPResponse]]) -> Callable[..., Coroutine[Any, Any, HTTPResponse]]:
    """Sanic writes on its handlers, which methods do not allow."""

    async def handle(request: Request, **parts: str) -> HTTPResponse:
        return await page(request, **parts)

    handle.__name__ = page.__name__
    return handle


def _fingerprint(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _describe(place: Place) -> str:
    """Enough of an address for its owner to know it by, and no more."""
    return f"•••{place.address[-2:]}" if place.channel == "sms" else ""
