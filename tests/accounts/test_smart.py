"""The assistant as a SMART app, at the real embedded portal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import httpx2
import pytest
from pydantic import SecretStr

from accounts.errors import GrantEnded, SignInFailed
from accounts.grants import Grant
from accounts.settings import AccountsSettings
from accounts.smart import SmartClient, given_name
from tests.databases import KEY, START

if TYPE_CHECKING:
    from tests.harness import PortalServer

VERIFIER = "v" * 64


def client(fhir_url: str, transport: httpx2.AsyncBaseTransport | None = None) -> SmartClient:
    settings = AccountsSettings(secret_key=SecretStr(KEY), fhir_url=fhir_url, public_url="http://localhost:5005")
    return SmartClient(settings, transport)


async def code_for(smart: SmartClient, username: str = "rosa") -> str:
    from tests.harness import sign_in_at_portal

    back = await sign_in_at_portal(await smart.authorization_url("the-state", VERIFIER), username)
    assert back["state"] == "the-state"
    return back["code"]


async def may_read(portal: PortalServer, grant: Grant) -> int:
    async with httpx.AsyncClient() as http:
        headers = {"Authorization": f"Bearer {grant.access_token}"}
        return (await http.get(f"{portal.fhir_url}/Patient/{grant.patient}", headers=headers)).status_code


async def test_a_sign_in_gives_the_patients_own_tokens_and_the_name_to_greet_by(portal: PortalServer) -> None:
    smart = client(portal.fhir_url)
    grant = await smart.grant(await code_for(smart), VERIFIER)
    assert grant.name == "Rosa"
    assert grant.refresh_token
    assert await may_read(portal, grant) == 200


async def test_a_code_works_with_its_verifier_only_and_once(portal: PortalServer) -> None:
    smart = client(portal.fhir_url)
    with pytest.raises(SignInFailed, match="invalid_grant"):
        await smart.grant(await code_for(smart), "w" * 64)
    code = await code_for(smart)
    await smart.grant(code, VERIFIER)
    with pytest.raises(SignInFailed, match="invalid_grant"):
        await smart.grant(code, VERIFIER)


async def test_tokens_are_renewed_for_the_same_patient(portal: PortalServer) -> None:
    smart = client(portal.fhir_url)
    grant = await smart.grant(await code_for(smart), VERIFIER)
    new = await smart.refresh(grant)
    assert (new.patient, new.name) == (grant.patient, "Rosa")
    assert new.access_token != grant.access_token
    assert await may_read(portal, new) == 200


async def test_a_revoked_grant_opens_nothing_and_is_not_renewed(portal: PortalServer) -> None:
    smart = client(portal.fhir_url)
    grant = await smart.grant(await code_for(smart), VERIFIER)
    await smart.revoke(grant)
    assert await may_read(portal, grant) == 401
    with pytest.raises(GrantEnded):
        await smart.refresh(grant)


async def test_a_portal_that_does_not_answer_is_unreachable_and_ends_nothing() -> None:
    smart = client("http://127.0.0.1:1/fhir")
    for call in (smart.authorization_url("s", VERIFIER), smart.grant("c", VERIFIER), smart.refresh(a_grant())):
        with pytest.raises(SignInFailed, match="unreachable"):
            await call


def a_grant(refresh_token: str | None = "r") -> Grant:  # noqa: S107
    return Grant("p1", "Rosa", "a", refresh_token, "", START)


def odd_portal(status: int, answer: Any) -> SmartClient:
    """A portal whose token endpoint gives `answer` (bytes, or JSON)."""

    def handle(request: httpx2.Request) -> httpx2.Response:
        if request.url.path.endswith("smart-configuration"):
            names = ("authorization_endpoint", "token_endpoint", "revocation_endpoint")
            return httpx2.Response(200, json={name: "https://portal.example/token" for name in names})
        if isinstance(answer, bytes):
            return httpx2.Response(status, content=answer)
        return httpx2.Response(status, json=answer)

    return client("https://portal.example/fhir", httpx2.MockTransport(handle))


async def test_without_a_refresh_token_the_grant_ends() -> None:
    with pytest.raises(GrantEnded):
        await odd_portal(200, {}).refresh(a_grant(refresh_token=None))


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (400, {"error": "invalid_grant"}, GrantEnded),
        (401, {"error": "invalid_client"}, SignInFailed),
        (503, {"error": "temporarily_unavailable"}, SignInFailed),
        (500, b"<html>oops</html>", SignInFailed),
        (200, b"<html>log in to the hotel's network</html>", SignInFailed),
        (200, [], SignInFailed),
        (200, {}, SignInFailed),
        (200, {"access_token": "x", "token_type": "Bearer", "expires_in": "soon"}, SignInFailed),
    ],
)
async def test_only_an_invalid_grant_ends_the_grant(status: int, answer: Any, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        await odd_portal(status, answer).refresh(a_grant())
    assert type(raised.value) is error


@pytest.mark.parametrize(
    "answer",
    [
        b"no json",
        [],
        {"access_token": "x", "token_type": "Bearer"},
        {"access_token": "x", "token_type": "Bearer", "patient": "../Patient"},
        {"access_token": "x", "token_type": "Bearer", "patient": None},
    ],
)
async def test_an_answer_without_a_patient_is_no_sign_in(answer: Any) -> None:
    with pytest.raises(SignInFailed):
        await odd_portal(200, answer).grant("code", VERIFIER)


async def test_a_sign_in_succeeds_without_a_name() -> None:
    token = {"access_token": "x", "token_type": "Bearer", "patient": "p1", "name": 5}
    assert (await odd_portal(200, token).grant("code", VERIFIER)).name == ""


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b"{}"])
async def test_a_portal_that_does_not_say_where_to_sign_in_is_no_crash(answer: bytes) -> None:
    transport = httpx2.MockTransport(lambda _request: httpx2.Response(200, content=answer))
    with pytest.raises(SignInFailed):
        await client("https://portal.example/fhir", transport).authorization_url("s", VERIFIER)


@pytest.mark.parametrize(
    ("names", "called"),
    [
        ([{"use": "official", "given": ["Rosalinda", "Maria"]}, {"use": "usual", "given": ["Rosa"]}], "Rosa"),
        ([{"use": "old", "given": ["Ann"]}, {"use": "official", "given": ["Beth"]}], "Beth"),
        ([{"use": "official", "family": "Diaz"}, {"given": ["Rosa"]}], "Rosa"),
        ([{"family": "Diaz"}], ""),
        (None, ""),
    ],
)
def test_the_usual_name_comes_before_the_official_one(names: Any, called: str) -> None:
    assert given_name({"resourceType": "Patient", "name": names}) == called
