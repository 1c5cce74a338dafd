"""`/` and the widget's script; `/signin/<token>`, which leads a one-time link through the portal's sign-in and back.

A link is opened, the person sees which conversation it connects and goes on, the portal asks for the password, and
the browser comes back with a code. The `state` must come back in the browser that left with it (RFC 6749, 10.12).
Where a link leads to a page, a new web chat begins in that browser and the waiting question is answered there.
"""

from __future__ import annotations

import functools
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
from accounts.links import PAGE, OpenedLink
from accounts.service import Accounts
from bot.channels import web
from bot.delivery.service import SIGNED_IN, Delivery
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
            ("/signin/<token:str>", self._unless_too_often(self.offer), "GET"),
            ("/signin/<token:str>/go", self._unless_too_often(self.leave), "POST"),
            ("/signin/callback", self._unless_too_often(self.come_back), "GET"),
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
            place, to, agreed = await self._accounts.link_purpose(token)
        except LinkInvalid:
            return self._page("link_over.html", status=410)
        shown = {"token": token, "channel": place.channel, "place": _describe(place), "to": to, "agreed": agreed or ""}
        return self._page("sign_in.html", 200, **shown)

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
        """The portal's answer: the chat is connected, or a new one begun; it greets, and answers what waited."""
        state, code = request.args.get("state", ""), request.args.get("code", "")
        if not hmac.compare_digest(
            request.cookies.get(COOKIE, "").encode(errors="replace"), _fingerprint(state).encode()
        ):
            return self._page("link_over.html", status=400)
        if not code and request.args.get("error") == "access_denied":
            return self._page("not_allowed.html")
        if not code:
            return self._page("portal_away.html", status=400)
        delivery, session = request.app.ctx.delivery, web.new_token()

        async def new_page() -> str:
            return str(await delivery.begin(web.NAME, web.ACCOUNT, web.address_of(session)))

        try:
            link = await self._accounts.finish_sign_in(state, code, new_page)
        except LinkInvalid:
            return self._page("link_over.html", status=410)
        except SignInFailed as error:
            return self._page("portal_away.html", status=503 if error.reason == "unreachable" else 400)
        await _take_up(delivery, link)
        if link.to == PAGE:
            response = self._page("to_chat.html", session=session)
        else:
            channel = await self._accounts.channel(link.conversation)
            response = self._page("signed_in.html", channel=channel)
        response.cookies[COOKIE] = ""
        response.cookies[COOKIE].update({"path": "/signin", "max-age": 0})
        return response

    def _unless_too_often(self, page: Callable[..., Awaitable[HTTPResponse]]) -> Callable[..., Awaitable[HTTPResponse]]:
        """`page`, or a kind word and a time to come back where one address asks without end."""

        @functools.wraps(page)
        async def handle(request: Request, **parts: str) -> HTTPResponse:
            wait = request.app.ctx.throttle.wait(request, "sign-in")
            if not wait:
                return await page(request, **parts)
            response = self._page("too_often.html", status=429)
            response.headers["Retry-After"] = str(wait)
            return response

        return handle

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


async def _take_up(delivery: Delivery, link: OpenedLink) -> None:
    """The chat greets, and goes on with the question that waited."""
    await delivery.accept_event(link.conversation, f"signed-in:{link.id}", SIGNED_IN)
    waiting = link.waiting or {}
    if waiting.get("payload"):
        await delivery.accept_event(link.conversation, f"waiting:{link.id}", waiting["payload"])
    elif waiting.get("text"):
        await delivery.accept_again(link.conversation, f"waiting:{link.id}", waiting["text"])


def _fingerprint(state: str) -> str:
    return hashlib.sha256(state.encode()).hexdigest()


def _describe(place: Place) -> str:
    """Enough of an address for its owner to know it by, and no more."""
    return f"•••{place.address[-2:]}" if place.channel == "sms" else ""
