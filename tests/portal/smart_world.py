"""A portal with its sign-in, in process, and what a patient's browser and an app do with it."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from portal.db import make_engine, migrate
from portal.settings import Settings
from portal.smart import Clients, SmartSettings, Users, install

BASE = "http://localhost:8000"
CALLBACK = "http://localhost:5005/signin/callback"
PASSWORD = "correct horse battery"
SCOPE = "launch/patient offline_access patient/*.rs patient/Task.cu"
BACK_OFFICE_SECRET = "s" * 40
START = 1_800_000_000


async def whoami(request: Request) -> JSONResponse:
    """Stands for the FHIR API: tells what the middleware found."""
    access = getattr(request.state, "access", None)
    return JSONResponse(
        access and {"patient": access.patient_id, "scopes": sorted(access.scopes), "client": access.client_id}
    )


class World:
    """The portal on a database file, a clock that can be moved, and one patient: rosa."""

    def __init__(self, folder: Path, base_url: str = BASE, **smart: Any) -> None:
        self.now = START
        self.base_url = base_url
        self.engine = make_engine(f"sqlite:///{folder / 'portal.db'}")
        migrate(self.engine)
        self.users, self.clients = Users(self.engine), Clients(self.engine)
        self.users.add("rosa", PASSWORD, "p1", "Rosa Diaz", demo=True, note="Diabetes, many labs")
        routes: list[Any] = [Route("/fhir/{rest:path}", whoami, methods=["GET", "POST"]), Route("/health", whoami)]
        middleware: list[Any] = []
        smart_routes: list[Any] = []
        settings = Settings(base_url=base_url)
        install(
            smart_routes,
            middleware,
            settings=settings,
            engine=self.engine,
            smart=SmartSettings(**smart),
            clock=lambda: self.now,
        )
        self.app = Starlette(routes=smart_routes + routes, middleware=middleware)

    def http(self, **options: Any) -> httpx.AsyncClient:
        """A browser or an app: keeps cookies, follows no redirects."""
        transport = httpx.ASGITransport(self.app, client=("203.0.113.7", 5000), **options)
        return httpx.AsyncClient(transport=transport, base_url=self.base_url)

    def add_back_office(self) -> None:
        self.clients.add("office", [], "system/*.cruds", BACK_OFFICE_SECRET, "Back office")


class Launch:
    """One app's authorization request, and what follows."""

    def __init__(self, http: httpx.AsyncClient, client_id: str = "chartline", **changes: str | None) -> None:
        self.http = http
        self.client_id = client_id
        self.verifier = generate_token(64)
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "scope": SCOPE,
            "state": "a-state",
            "aud": f"{BASE}/fhir",
            "code_challenge": create_s256_code_challenge(self.verifier),
            "code_challenge_method": "S256",
        }
        self.params = {name: value for name, value in (asked | changes).items() if value is not None}

    async def page(self) -> httpx.Response:
        return await self.http.get("/oauth/authorize", params=self.params)

    async def answer(self, decision: str = "allow", **typed: str) -> httpx.Response:
        """Open the page and send its form."""
        form_token = form_token_of(await self.page())
        form = {"form_token": form_token, "username": "rosa", "password": PASSWORD, "decision": decision}
        return await self.http.post("/oauth/authorize", params=self.params, data=form | typed)

    async def code(self) -> str:
        return query_of(await self.answer())["code"]

    async def redeem(self, code: str, /, **changes: str | None) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "client_id": self.client_id,
            "code": code,
            "redirect_uri": self.params["redirect_uri"],
            "code_verifier": self.verifier,
        } | changes
        data = {name: value for name, value in form.items() if value is not None}
        return await self.http.post("/oauth/token", data=data)

    async def tokens(self) -> dict[str, Any]:
        response = await self.redeem(await self.code())
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def refresh(self, refresh_token: str, **more: str) -> httpx.Response:
        form = {"grant_type": "refresh_token", "client_id": self.client_id, "refresh_token": refresh_token}
        return await self.http.post("/oauth/token", data=form | more)


async def status_of(http: httpx.AsyncClient, token: str) -> int:
    """What the FHIR API says to an access token."""
    response = await http.get("/fhir/Patient/p1", headers={"Authorization": f"Bearer {token}"})
    return response.status_code


def form_token_of(page: httpx.Response) -> str:
    match = re.search(r'name="form_token" value="([0-9a-f]{64})"', page.text)
    assert match, page.text
    return match[1]


def query_of(response: httpx.Response) -> dict[str, str]:
    """The parameters that a redirect carries to the app."""
    assert response.status_code == 303, (response.status_code, response.text)
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


def words_of(page: httpx.Response) -> str:
    """What a person reads on a page."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def pretty(response: httpx.Response) -> str:
    return json.dumps(response.json(), indent=1)
