"""Tokens after the launch: refresh, revocation, introspection, expiry, the back office, and the guard of the API."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from tests.portal.smart_world import (
    BACK_OFFICE_SECRET,
    PASSWORD,
    SCOPE,
    Launch,
    World,
    query_of,
    status_of,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_refresh_token_is_replaced_at_each_use(world: World) -> None:
    async with world.http() as http:
        launch = Launch(http)
        first = await launch.tokens()
        second = (await launch.refresh(first["refresh_token"])).json()
        third = await launch.refresh(second["refresh_token"])
        assert third.status_code == 200
        assert third.json()["patient"] == "p1"
        assert third.headers["cache-control"] == "no-store"
        assert len({t["refresh_token"] for t in (first, second, third.json())}) == 3


async def test_a_refresh_token_used_twice_ends_the_whole_family(world: World) -> None:
    async with world.http() as http:
        launch = Launch(http)
        first = await launch.tokens()
        second = (await launch.refresh(first["refresh_token"])).json()
        stolen = await launch.refresh(first["refresh_token"])
        assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
        assert await status_of(http, second["access_token"]) == 401
        assert (await launch.refresh(second["refresh_token"])).status_code == 400


async def test_a_refresh_may_narrow_the_scope_and_never_widen_it(world: World) -> None:
    async with world.http() as http:
        launch = Launch(http)
        first = await launch.tokens()
        wider = await launch.refresh(first["refresh_token"], scope="patient/Communication.cu")
        assert wider.json()["error"] == "invalid_scope"
        narrow = (await launch.refresh(first["refresh_token"], scope="patient/Task.cu")).json()
        assert narrow["scope"] == "patient/Task.cu"
        whole = (await launch.refresh(narrow["refresh_token"])).json()
        assert whole["scope"] == SCOPE


async def test_another_app_cannot_use_a_refresh_token_nor_end_it(world: World) -> None:
    world.clients.add("other", ["http://localhost:7000/cb"], SCOPE)
    async with world.http() as http:
        launch = Launch(http)
        tokens = await launch.tokens()
        thief = Launch(http, "other")
        assert (await thief.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
        form = {"client_id": "other", "token": tokens["refresh_token"]}
        assert (await http.post("/oauth/revoke", data=form)).json()["error"] == "invalid_grant"
        assert (await launch.refresh(tokens["refresh_token"])).status_code == 200


async def test_an_access_token_ends_after_its_time_and_a_grant_after_its_days(tmp_path: Path) -> None:
    world = World(tmp_path, access_token_seconds=600, grant_days=2)
    async with world.http() as http:
        launch = Launch(http)
        tokens = await launch.tokens()
        assert tokens["expires_in"] == 600
        world.now += 599
        assert await status_of(http, tokens["access_token"]) == 200
        world.now += 1
        assert await status_of(http, tokens["access_token"]) == 401
        world.now += 86400
        second = (await launch.refresh(tokens["refresh_token"])).json()
        world.now += 86400
        assert (await launch.refresh(second["refresh_token"])).json()["error"] == "invalid_grant"


async def test_an_access_token_never_outlives_its_grant(tmp_path: Path) -> None:
    world = World(tmp_path, access_token_seconds=7200, grant_days=1)
    async with world.http() as http:
        launch = Launch(http)
        first = await launch.tokens()
        world.now += 86400 - 10
        second = (await launch.refresh(first["refresh_token"])).json()
        assert await status_of(http, second["access_token"]) == 200
        world.now += 10
        assert await status_of(http, second["access_token"]) == 401


@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", [None, "access_token", "refresh_token"])
async def test_revoking_either_token_signs_the_patient_out_whatever_the_hint(
    world: World, kind: str, hint: str | None
) -> None:
    async with world.http() as http:
        launch = Launch(http)
        tokens, others = await launch.tokens(), await launch.tokens()
        form = {"client_id": "chartline", "token": tokens[kind]} | ({"token_type_hint": hint} if hint else {})
        assert (await http.post("/oauth/revoke", data=form)).status_code == 200
        assert await status_of(http, tokens["access_token"]) == 401
        assert (await launch.refresh(tokens["refresh_token"])).status_code == 400
        assert await status_of(http, others["access_token"]) == 200


async def test_revoking_what_is_unknown_or_already_gone_is_no_error(world: World) -> None:
    async with world.http() as http:
        tokens = await Launch(http).tokens()
        for token in ("made-up", tokens["refresh_token"], tokens["refresh_token"]):
            form = {"client_id": "chartline", "token": token}
            assert (await http.post("/oauth/revoke", data=form)).status_code == 200


async def test_the_back_office_learns_about_any_token_and_an_app_about_its_own_only(world: World) -> None:
    world.add_back_office()
    world.clients.add("clinic", ["http://localhost:7000/cb"], SCOPE, "k" * 32)
    async with world.http() as http:
        launch = Launch(http)
        tokens = await launch.tokens()
        form = {"token": tokens["access_token"]}
        told = await http.post("/oauth/introspect", data=form, auth=("office", BACK_OFFICE_SECRET))
        assert told.json() == {
            "active": True,
            "scope": SCOPE,
            "client_id": "chartline",
            "exp": world.now + 3600,
            "iat": world.now,
            "sub": told.json()["sub"],
            "patient": "p1",
            "fhirUser": "Patient/p1",
            "token_type": "Bearer",
        }
        curious = await http.post("/oauth/introspect", data=form, auth=("clinic", "k" * 32))
        assert curious.json() == {"active": False}
        world.now += 3600
        late = await http.post("/oauth/introspect", data=form, auth=("office", BACK_OFFICE_SECRET))
        assert late.json() == {"active": False}


@pytest.mark.parametrize(
    "request_", [{}, {"auth": ("office", "wrong" * 10)}, {"headers": {"Authorization": "Basic /////w=="}}]
)
async def test_introspection_is_refused_without_a_clients_secret(world: World, request_: dict[str, object]) -> None:
    world.add_back_office()
    async with world.http() as http:
        tokens = await Launch(http).tokens()
        form = {"token": tokens["access_token"], "client_id": "chartline"}
        refused = await http.post("/oauth/introspect", data=form, **request_)  # type: ignore[arg-type]
        assert refused.status_code == 401
        assert refused.json()["error"] == "invalid_client"


async def _system_token(http: httpx.AsyncClient, scope: str = "system/*.rs") -> httpx.Response:
    form = {"grant_type": "client_credentials", "scope": scope}
    return await http.post("/oauth/token", data=form, auth=("office", BACK_OFFICE_SECRET))


async def test_the_back_office_gets_a_token_without_a_patient(world: World) -> None:
    world.add_back_office()
    async with world.http() as http:
        token = (await _system_token(http)).json()
        assert "patient" not in token
        assert "refresh_token" not in token
        me = await http.get("/fhir/Patient", headers={"Authorization": f"Bearer {token['access_token']}"})
        assert me.json() == {"patient": None, "scopes": ["system/*.rs"], "client": "office"}
        assert (await _system_token(http, "patient/*.rs")).json()["error"] == "invalid_scope"
        assert (
            "client_credentials"
            in ((await http.get("/.well-known/smart-configuration")).json()["grant_types_supported"])
        )


async def test_the_assistant_cannot_get_a_token_for_itself(world: World) -> None:
    async with world.http() as http:
        form = {"grant_type": "client_credentials", "scope": "system/*.rs", "client_id": "chartline"}
        refused = await http.post("/oauth/token", data=form)
        assert refused.json()["error"] in ("invalid_client", "unauthorized_client")
        form = {"grant_type": "password", "username": "rosa", "password": PASSWORD, "client_id": "chartline"}
        assert (await http.post("/oauth/token", data=form)).json()["error"] == "unsupported_grant_type"


def test_a_client_that_would_not_be_safe_is_not_registered(world: World) -> None:
    for uri in ("http://clinic.example/cb", "https://clinic.example/cb#x", "chartline://cb", "https://u@c.example/"):
        with pytest.raises(ValueError, match="redirect URI"):
            world.clients.add("x", [uri], SCOPE)
    with pytest.raises(ValueError, match="client secret"):
        world.clients.add("x", [], SCOPE, "short")
    for scope, secret in (("system/*.rs", None), ("system/*.rs patient/*.rs", "s" * 40)):
        with pytest.raises(ValueError, match="system scopes"):
            world.clients.add("x", [], scope, secret)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Bearer",
        "Bearer ",
        "Bearer made-up",
        "Bearer caf\xe9",
        "Basic cm9zYTpw",
        "Bearer {refresh}",
        "{access}",
    ],
)
async def test_the_api_answers_401_in_fhir_words_without_a_good_token(world: World, header: str | None) -> None:
    async with world.http() as http:
        tokens = await Launch(http).tokens()
        sent = (header or "").format(refresh=tokens["refresh_token"], access=tokens["access_token"])
        headers = {"Authorization": sent.encode("latin-1")} if header else {}
        for path in ("/fhir/Patient/p1", "/fhir/", "/fhir", "/fhir/metadata/", "/fhir/metadata/../Patient"):
            refused = await http.get(path, headers=headers)
            assert refused.status_code == 401, path
            assert refused.headers["www-authenticate"] == 'Bearer error="invalid_token"'
            assert refused.headers["content-type"] == "application/fhir+json"
            assert refused.json()["issue"][0]["code"] == "login"


async def test_two_authorization_headers_are_none(world: World) -> None:
    async with world.http() as http:
        token = f"Bearer {(await Launch(http).tokens())['access_token']}"
        headers = [("Authorization", token), ("Authorization", token)]
        assert (await http.get("/fhir/Patient/p1", headers=headers)).status_code == 401


async def test_what_is_open_stays_open(world: World) -> None:
    async with world.http() as http:
        for path in ("/fhir/metadata", "/health", "/fhir/.well-known/smart-configuration", "/account"):
            assert (await http.get(path)).status_code == 200


async def test_the_configuration_names_endpoints_that_exist(world: World) -> None:
    async with world.http() as http:
        there = (await http.get("/fhir/.well-known/smart-configuration")).json()
        assert there == (await http.get("/.well-known/smart-configuration")).json()
        for name, address in there.items():
            if name.endswith("_endpoint"):
                assert (await http.post(address)).status_code != 404, name
        assert there["code_challenge_methods_supported"] == ["S256"]
        assert "launch-standalone" in there["capabilities"]
        assert "sso-openid-connect" not in there["capabilities"]
        assert "client_credentials" not in there["grant_types_supported"]


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"grant_type=" + b"x" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"grant_type=%ff%fe", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=1"] * 60), "application/x-www-form-urlencoded", 400),
        (b"grant_type=refresh_token&grant_type=password", "application/x-www-form-urlencoded", 400),
        (b'{"grant_type": "refresh_token"}', "application/json", 415),
        (b"", "application/x-www-form-urlencoded", 401),
    ],
)
async def test_a_token_request_that_is_no_small_form_is_refused(
    world: World, body: bytes, kind: str, status: int
) -> None:
    async with world.http() as http:
        for path in ("/oauth/token", "/oauth/revoke"):
            answer = await http.post(path, content=body, headers={"Content-Type": kind})
            assert answer.status_code == (400 if (path, body) == ("/oauth/token", b"") else status), path


async def test_what_ended_is_swept_and_what_lives_is_kept(world: World) -> None:
    async with world.http() as http:
        launch = Launch(http)
        kept, ended = await launch.tokens(), await launch.tokens()
        await http.post("/oauth/revoke", data={"client_id": "chartline", "token": ended["access_token"]})
        world.now += 2 * 86400
        assert query_of(await launch.answer())["code"]
        with world.engine.connect() as connection:
            rows = connection.exec_driver_sql("SELECT COUNT(*) FROM oauth_grant").scalar_one()
        assert rows == 2
        assert (await launch.refresh(kept["refresh_token"])).status_code == 200
