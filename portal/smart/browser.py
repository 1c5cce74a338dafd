"""Pages for people: rendering, the cookie, protection against forged forms, and headers.

The cookie holds 256 random bits. Before sign-in they protect the form only; signing in changes them and keeps their
hash as a session. A form's token is an HMAC under the cookie's value, which no other site can read.
"""

from __future__ import annotations

import hmac
import re
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from portal.smart.values import new_secret

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


class Browser:
    """How pages are sent, and how forms are known to come from them."""

    def __init__(self, base_url: str) -> None:
        self._secure = base_url.startswith("https://")
        # The prefix makes browsers refuse a cookie that another host or a plain-text page tries to plant.
        self._cookie = "__Host-chartline_session" if self._secure else "chartline_session"
        self._templates = Environment(
            loader=PackageLoader("portal.smart"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )

    def secret(self, request: Request) -> str | None:
        """The cookie's value, if it is one of ours."""
        value = request.cookies.get(self._cookie, "")
        return value if _SECRET.fullmatch(value) else None

    def is_ours(self, request: Request, form: dict[str, str]) -> bool:
        """Whether a form was sent from a page that this browser got from us."""
        secret = self.secret(request)
        return secret is not None and hmac.compare_digest(
            _form_token(secret).encode(), form.get("form_token", "").encode()
        )

    def page(
        self, request: Request, template: str, status: int = 200, *, leads_to: str = "", **values: Any
    ) -> Response:
        """A page. `leads_to` is the address that its form may end at, besides our own."""
        secret = self.secret(request) or new_secret()
        root = "../" * (request.scope["path"].count("/") - 1)
        html = self._templates.get_template(template).render(root=root, form_token=_form_token(secret), **values)
        response = HTMLResponse(html, status, _headers(leads_to))
        if self.secret(request) is None:
            self.remember(response, secret)
        return response

    def to_account(self, request: Request, done: str = "") -> Response:
        """Back to the account page after a form, so that a reload does not send it again."""
        root = "../" * (request.scope["path"].count("/") - 1)
        query = f"?done={done}" if done else ""
        return RedirectResponse(f"{root}account{query}", 303, {"Cache-Control": "no-store"})

    def remember(self, response: Response, secret: str) -> None:
        """Set the cookie; it is forgotten when the browser is closed."""
        response.set_cookie(self._cookie, secret, path="/", httponly=True, samesite="lax", secure=self._secure)

    def forget(self, response: Response) -> None:
        """Delete the cookie."""
        response.delete_cookie(self._cookie, path="/", httponly=True, samesite="lax", secure=self._secure)


def _form_token(secret: str) -> str:
    return hmac.new(secret.encode(), b"form", "sha256").hexdigest()


def _headers(leads_to: str) -> dict[str, str]:
    # Chromium holds form-action against the redirect after a form too, and that goes to the app.
    target = urlsplit(leads_to)
    app = f" {target.scheme}://{target.netloc}" if leads_to else ""
    policy = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action 'self'{app}"
    )
    return {
        "Content-Security-Policy": policy,
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
