"""Standalone launch: the whole way, and each refusal on it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import httpx2  # what Authlib's client speaks
import pytest
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client

from portal.app import create_app, make_store
from portal.settings import Settings
from portal.smart import Users
from tests.portal.smart_world import (
    BASE,
    CALLBACK,
    PASSWORD,
    SCOPE,
    Launch,
    World,
    query_of,
    status_of,
    words_of,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_authlibs_own_client_gets_a_token_for_the_patients_chart_refreshes_and_revokes_it(
    world: World,
) -> None:
    async with world.http() as http:
        places = (await http.get("/fhir/.well-known/smart-configuration")).json()
        app = AsyncOAuth2Client(
            "chartline",
            scope=SCOPE,
            redirect_uri=CALLBACK,
            code_challenge_method="S256",
            token_endpoint_auth_method="none",
            revocation_endpoint_auth_method="none",
            transport=httpx2.ASGITransport(world.app),
        )
        verifier = generate_token(48)
        url, state = app.create_authorization_url(
            places["authorization_endpoint"], code_verifier=verifier, aud=f"{BASE}/fhir"
        )
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        launch = Launch(http, **asked)
        answer = await launch.answer()
        assert query_of(answer)["state"] == state
        location = answer.headers["location"]

        token = await app.fetch_token(
            places["token_endpoint"], authorization_response=location, state=state, code_verifier=verifier
        )
        assert token["patient"] == "p1"
        assert token["scope"] == SCOPE
        assert token["token_type"] == "Bearer"
        assert token["expires_in"] == 3600
        me = await app.get(f"{BASE}/fhir/Patient/p1")
        assert me.json() == {"patient": "p1", "scopes": sorted(SCOPE.split()), "client": "chartline"}

        fresh = await app.refresh_token(places["token_endpoint"], refresh_token=token["refresh_token"])
        assert fresh["access_token"] != token["access_token"]
        assert fresh["patient"] == "p1"

        gone = await app.revoke_token(places["revocation_endpoint"], token=fresh["refresh_token"])
        assert gone.status_code == 200
        assert await status_of(http, fresh["access_token"]) == 401
        await app.aclose()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"state": None}, "invalid_request"),
        ({"aud": None}, "invalid_request"),
        ({"aud": "https://elsewhere.example/fhir"}, "invalid_request"),
        ({"aud": BASE}, "invalid_request"),
        ({"scope": None}, "invalid_scope"),
        ({"scope": "patient/Unheard"}, "invalid_scope"),
        ({"scope": "system/*.rs"}, "invalid_scope"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
async def test_a_request_that_is_not_as_smart_wants_it_goes_back_to_the_app_with_the_error(
    world: World, changes: dict[str, str | None], error: str
) -> None:
    async with world.http() as http:
        back = await Launch(http, **changes).page()
        assert back.headers["location"].startswith(CALLBACK + "?")
        assert query_of(back)["error"] == error
        assert query_of(back).get("state") == (None if "state" in changes else "a-state")


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "stranger"},
        {"client_id": None},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/signin/callback"},
        {"redirect_uri": CALLBACK + "/more"},
        {"redirect_uri": CALLBACK + "?x=1"},
        {"redirect_uri": CALLBACK + "#f"},
        {"redirect_uri": "http://localhost:5005@evil.example/signin/callback"},
        {"redirect_uri": "http://localhost.evil.example:5005/signin/callback"},
        {"redirect_uri": "http://[localhost:5005/signin/callback"},
        {"redirect_uri": 'http://localhost:5005/"signin'},
        {"redirect_uri": "javascript:alert(1)"},
        {"response_type": "códe"},
        {"state": "a\x00b"},
    ],
)
async def test_a_request_from_an_unknown_app_or_to_an_unknown_address_sends_the_browser_nowhere(
    world: World, changes: dict[str, str | None]
) -> None:
    async with world.http() as http:
        page = await Launch(http, **changes).page()
        assert page.status_code == 400
        assert "location" not in page.headers
        assert "This link does not work" in words_of(page)


async def test_a_parameter_that_occurs_twice_sends_the_browser_nowhere(world: World) -> None:
    async with world.http() as http:
        launch = Launch(http)
        pairs = [*launch.params.items(), ("redirect_uri", "https://evil.example/")]
        page = await http.get("/oauth/authorize", params=pairs)
        assert page.status_code == 400


async def test_the_assistant_may_listen_on_any_port_of_this_machine_and_other_apps_only_where_registered(
    world: World,
) -> None:
    world.clients.add("other", ["http://localhost:7000/cb"], "patient/*.rs")
    async with world.http() as http:
        for uri in ("http://localhost:6123/signin/callback", "http://127.0.0.1:1/signin/callback"):
            assert (await Launch(http, redirect_uri=uri).page()).status_code == 200
        assert (await Launch(http, "other", redirect_uri="http://localhost:7000/cb").page()).status_code == 200
        assert (await Launch(http, "other", redirect_uri="http://localhost:7001/cb").page()).status_code == 400


@pytest.mark.parametrize("aud", ["http://localhost:8000/fhir/", "http://127.0.0.1:8000/fhir"])
async def test_the_fhir_server_is_known_by_its_other_names_on_this_machine(world: World, aud: str) -> None:
    async with world.http() as http:
        assert (await Launch(http, aud=aud).page()).status_code == 200


async def test_saying_no_tells_the_app_and_gives_it_nothing(world: World) -> None:
    async with world.http() as http:
        back = query_of(await Launch(http).answer("deny", username="", password=""))
        assert back["error"] == "access_denied"
        assert back["state"] == "a-state"
        assert "code" not in back


async def test_scopes_are_cut_to_what_the_app_is_registered_for(world: World) -> None:
    world.clients.add("reader", [CALLBACK], "patient/Observation.rs patient/Task.cu launch/patient")
    async with world.http() as http:
        wanted = "openid fhirUser launch/patient offline_access patient/*.cruds"
        tokens = await Launch(http, "reader", scope=wanted).tokens()
        assert tokens["scope"] == "launch/patient patient/Observation.rs patient/Task.cu"
        assert "refresh_token" not in tokens


async def test_without_offline_access_there_is_no_refresh_token(world: World) -> None:
    async with world.http() as http:
        assert "refresh_token" not in await Launch(http, scope="patient/*.rs").tokens()


async def test_a_code_is_good_once_and_its_second_use_ends_what_came_of_it(world: World) -> None:
    async with world.http() as http:
        launch = Launch(http)
        code = await launch.code()
        first = (await launch.redeem(code)).json()
        assert await status_of(http, first["access_token"]) == 200
        second = await launch.redeem(code)
        assert (second.status_code, second.json()["error"]) == (400, "invalid_grant")
        assert await status_of(http, first["access_token"]) == 401
        assert (await launch.refresh(first["refresh_token"])).status_code == 400


async def test_a_code_lives_sixty_seconds(world: World) -> None:
    async with world.http() as http:
        launch = Launch(http)
        young, old = await launch.code(), await launch.code()
        world.now += 59
        assert (await launch.redeem(young)).status_code == 200
        world.now += 1
        assert (await launch.redeem(old)).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "x" * 64},
        {"code_verifier": None},
        {"redirect_uri": "http://localhost:6000/signin/callback"},
        {"redirect_uri": None},
        {"client_id": "other"},
        {"code": "made-up"},
    ],
)
async def test_a_code_is_bound_to_its_app_its_address_and_its_verifier(
    world: World, changes: dict[str, str | None]
) -> None:
    world.clients.add("other", [CALLBACK], SCOPE)
    async with world.http() as http:
        launch = Launch(http)
        code = await launch.code()
        refused = await launch.redeem(code, **changes)
        assert refused.status_code == 400
        assert refused.json()["error"] in ("invalid_grant", "invalid_request")
        assert (await launch.redeem(code)).status_code == 200


async def test_a_confidential_app_needs_its_secret(world: World) -> None:
    world.clients.add("clinic", [CALLBACK], SCOPE, "k" * 32, "Clinic app")
    async with world.http() as http:
        launch = Launch(http, "clinic")
        code = await launch.code()
        for secret in (None, "wrong" * 8):
            assert (await launch.redeem(code, client_secret=secret)).json()["error"] == "invalid_client"
        assert (await launch.redeem(code, client_secret="k" * 32)).status_code == 200


async def test_no_token_code_or_password_stands_in_the_database_or_the_log(
    world: World, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    caplog.set_level("DEBUG")
    async with world.http() as http:
        launch = Launch(http)
        code = await launch.code()
        tokens = (await launch.redeem(code)).json()
    kept = everything_in(tmp_path)
    assert "rosa" in kept
    for secret in (code, tokens["access_token"], tokens["refresh_token"], PASSWORD, launch.verifier):
        assert secret not in kept
        assert secret not in "".join(r.getMessage() for r in caplog.records if not r.name.startswith("httpx"))


async def test_in_the_whole_portal_a_token_opens_its_own_chart_as_far_as_its_scopes_go(tmp_path: Path) -> None:
    settings = Settings(base_url=BASE, database_url=f"sqlite:///{tmp_path / 'portal.db'}")
    store = make_store(settings)
    app = create_app(settings, store)
    entries = [
        {"request": {"method": "PUT", "url": f"Patient/{name}"}, "resource": {"resourceType": "Patient", "id": name}}
        for name in ("p1", "p2")
    ]
    store.transaction({"resourceType": "Bundle", "type": "transaction", "entry": entries})
    Users(store.engine).add("rosa", PASSWORD, "p1", "Rosa Diaz")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=BASE) as http:
        launch = Launch(http, scope="patient/*.read offline_access")
        tokens = await launch.tokens()
        assert tokens["scope"] == "patient/*.read offline_access"
        http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        assert (await http.get("/fhir/Patient/p1")).json()["id"] == "p1"
        assert (await http.get("/fhir/Patient/p2")).status_code in (403, 404)
        task = {"resourceType": "Task", "status": "requested", "intent": "order"}
        assert (await http.post("/fhir/Task", json=task)).status_code == 403
        await http.post("/oauth/revoke", data={"client_id": "chartline", "token": tokens["refresh_token"]})
        assert (await http.get("/fhir/Patient/p1")).status_code == 401
        named = (await http.get("/fhir/metadata")).json()["rest"][0]["security"]["extension"][0]["extension"]
        there = (await http.get("/fhir/.well-known/smart-configuration")).json()
        assert {u["url"]: u["valueUri"] for u in named}["token"] == there["token_endpoint"]
        assert {u["url"]: u["valueUri"] for u in named}["authorize"] == there["authorization_endpoint"]


def everything_in(folder: Path) -> str:
    return b"".join(path.read_bytes() for path in folder.iterdir()).decode("latin-1")
