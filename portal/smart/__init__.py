"""Sign-in of the embedded portal: SMART on FHIR standalone launch, and the pages that people see."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import Engine
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from portal.settings import Settings, SettingsError
from portal.smart.account import Account
from portal.smart.authorize import Authorize
from portal.smart.bearer import BearerAuthentication
from portal.smart.browser import Browser
from portal.smart.choices import Choices
from portal.smart.clients import Clients
from portal.smart.endpoints import Endpoints
from portal.smart.gate import Gate
from portal.smart.grants import Grants
from portal.smart.picker import Picker
from portal.smart.proxies import Proxies
from portal.smart.redirects import is_loopback
from portal.smart.server import SmartServer
from portal.smart.sessions import Sessions
from portal.smart.settings import SmartSettings, load_smart_settings
from portal.smart.signin import SignIn
from portal.smart.users import Users
from portal.smart.values import Clock, now

__all__ = ["Clients", "SmartSettings", "Users", "install"]

STYLE = Path(__file__).parent / "static" / "style.css"


def install(
    routes: list[Any],
    middleware: list[Any],
    *,
    settings: Settings,
    engine: Engine,
    smart: SmartSettings | None = None,
    clock: Clock = now,
) -> None:
    """Add the sign-in's routes and its one middleware, and register the assistant's client.

    The database must be migrated. Raises SettingsError, which names the variable that is wrong.
    """
    smart = smart or load_smart_settings()
    _refuse_plain_http(settings.base_url)
    clients, users = Clients(engine), Users(engine)
    _register_assistant(clients, smart)
    proxies = Proxies(engine, smart.proxy_policy, settings.fhir_url, clock)
    grants = Grants(engine, proxies, days=smart.grant_days, clock=clock)
    server = SmartServer(settings.fhir_url, clients, grants, users, smart.access_token_seconds)
    gate = Gate(SignIn(engine, users, clock), users, smart)
    browser = Browser(settings.base_url)
    sessions = Sessions(engine, smart.session_minutes, clock)
    routes += Endpoints(server, settings.base_url).routes()
    picker = Picker(gate, proxies, Choices(engine, clock), browser)
    routes += Authorize(server, gate, picker, browser, smart.grant_days).routes()
    routes += Account(grants, sessions, gate, browser).routes()
    routes.append(Route("/oauth/style.css", _style))
    middleware.append(Middleware(BearerAuthentication, grants=grants))


def _register_assistant(clients: Clients, smart: SmartSettings) -> None:
    secret = smart.client_secret.get_secret_value() if smart.client_secret else None
    try:
        clients.add(
            smart.client_id,
            smart.redirect_uris,
            smart.client_scopes,
            secret,
            smart.client_name,
            loopback_any_port=True,
        )
    except ValueError as error:
        raise SettingsError(f"CHARTLINE_PORTAL_CLIENT_*: {error}") from error


def _refuse_plain_http(base_url: str) -> None:
    """Passwords travel by https; plain http is for one machine, and for names that only exist in private or tests."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    private = is_loopback(host) or not {".", ":"} & set(host) or host.endswith(".test")
    if parts.scheme != "https" and not private:
        raise SettingsError("CHARTLINE_PORTAL_BASE_URL must begin with https:// unless it is this machine")


async def _style(request: Request) -> Response:
    return FileResponse(STYLE, media_type="text/css", headers={"Cache-Control": "public, max-age=3600"})
