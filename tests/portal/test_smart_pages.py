"""The pages that people see: signing in, the limit on tries, forged forms, headers, and the account page."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from portal.seed import DEMO_PASSWORD
from portal.settings import Settings, SettingsError
from portal.smart import SmartSettings, install, users
from tests.portal.smart_world import (
    PASSWORD,
    Launch,
    World,
    form_token_of,
    query_of,
    status_of,
    words_of,
)

NO_MATCH = "That username and password do not match."


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def sign_in(http: httpx.AsyncClient, password: str = PASSWORD, username: str = "rosa") -> httpx.Response:
    form_token = form_token_of(await http.get("/account"))
    form = {"form_token": form_token, "username": username, "password": password}
    return await http.post("/account/sign-in", data=form)


async def press(http: httpx.AsyncClient, path: str, **fields: str) -> httpx.Response:
    """Press a button of the account page."""
    form_token = form_token_of(await http.get("/account"))
    return await http.post(path, data={"form_token": form_token} | fields)


async def test_the_page_says_who_asks_what_it_sees_and_what_it_does(world: World) -> None:
    async with world.http() as http:
        words = words_of(await Launch(http).page())
        assert "Connect Chartline to your health record?" in words
        assert "Chartline sees your health record: test results, medicines" in words
        assert "When you ask it to, Chartline can: Ask for refills and renewals" in words
        assert "up to 90 days" in words
        few = words_of(await Launch(http, scope="patient/Immunization.rs").page())
        assert "Chartline sees: vaccines" in few
        assert "When you ask it to" not in few
        assert "for a short time only" in few


async def test_a_wrong_password_and_an_unknown_name_get_the_same_page_after_the_same_work(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    def verify(hashed: str, password: str) -> bool:
        verified.append(hashed)
        return real(hashed, password)

    real = users.matches_hash
    monkeypatch.setattr(users, "matches_hash", verify)
    async with world.http() as http:
        launch = Launch(http)
        wrong = await launch.answer(password="wrong")
        unknown = await launch.answer(username="nobody")
        assert wrong.status_code == unknown.status_code == 400
        assert NO_MATCH in words_of(wrong)
        assert words_of(wrong) == words_of(unknown)
        assert wrong.text.replace('value="rosa"', "") == unknown.text.replace('value="nobody"', "")
        assert 'aria-invalid="true" aria-describedby="problem"' in wrong.text
        assert len(verified) == 2
        assert verified[1] == users.dummy_hash()
        assert verified[0] != users.dummy_hash()
        assert PASSWORD not in wrong.text


async def test_a_name_is_found_whatever_its_case_and_blanks_and_a_password_only_exactly(world: World) -> None:
    async with world.http() as http:
        launch = Launch(http)
        assert query_of(await launch.answer(username=" Rosa "))["code"]
        assert (await launch.answer(password=PASSWORD.upper())).status_code == 400
        assert (await launch.answer(username="ro\x00sa")).status_code == 400
        assert (await launch.answer(username="x" * 5000, password="y" * 5000)).status_code == 400


@pytest.mark.parametrize("username", ["rosa", "nobody"])
async def test_after_five_wrong_tries_even_the_right_password_waits_and_a_name_that_is_not_there_as_well(
    world: World, username: str
) -> None:
    async with world.http() as http:
        launch = Launch(http)
        for _ in range(5):
            assert (await launch.answer(username=username, password="wrong")).status_code == 400
            world.now += 60
        held = await launch.answer(username=username)
        assert held.status_code == 429
        assert held.headers["retry-after"] == "600"
        assert "please wait 10 minutes. Then try again." in words_of(held)
        world.now += 599
        assert "please wait 1 minute. Then" in words_of(await launch.answer(username=username))
        world.now += 1
        after = await launch.answer(username=username)
        assert after.status_code == (303 if username == "rosa" else 400)


async def test_waiting_for_one_name_or_from_one_address_does_not_hold_others(world: World) -> None:
    world.users.add("ben", PASSWORD, "p2", "Ben Okafor")
    elsewhere = httpx.ASGITransport(world.app, client=("198.51.100.9", 5000))
    async with world.http() as http, httpx.AsyncClient(transport=elsewhere, base_url=world.base_url) as other:
        for _ in range(6):
            held = await Launch(http).answer(password="wrong")
        assert held.status_code == 429
        assert query_of(await Launch(http).answer(username="ben"))["code"]
        assert query_of(await Launch(other).answer())["code"]


async def test_signing_in_forgets_the_wrong_tries_before(world: World) -> None:
    async with world.http() as http:
        launch = Launch(http)
        for _ in range(3):
            for _ in range(4):
                await launch.answer(password="wrong")
            assert query_of(await launch.answer())["code"]


async def test_one_address_cannot_try_a_whole_list_of_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "matches_hash", lambda hashed, password: False)
    async with world.http() as http:
        launch = Launch(http)
        form_token = form_token_of(await launch.page())
        form = {"form_token": form_token, "password": "Spring2026!", "decision": "allow"}
        codes = [
            (await http.post("/oauth/authorize", params=launch.params, data=form | {"username": f"n{i}"})).status_code
            for i in range(101)
        ]
        assert codes[:100] == [400] * 100
        assert codes[100] == 429


@pytest.mark.parametrize("forged", ["", "0" * 64, "é"])
async def test_a_form_from_another_site_does_nothing(world: World, forged: str) -> None:
    async with world.http() as http:
        launch = Launch(http)
        await launch.page()
        form = {"form_token": forged, "username": "rosa", "password": PASSWORD, "decision": "allow"}
        stale = await http.post("/oauth/authorize", params=launch.params, data=form)
        assert stale.status_code == 403
        assert "Please sign in again." in words_of(stale)
        assert (await http.post("/account/sign-in", data=form)).status_code == 403
        tokens = await launch.tokens()
        await sign_in(http)
        for path in ("/account/end-all", "/account/sign-out", "/account/end"):
            assert (await http.post(path, data={"form_token": forged})).status_code == 403
        assert await status_of(http, tokens["access_token"]) == 200


async def test_a_form_token_is_worth_nothing_in_another_browser_or_without_a_cookie(world: World) -> None:
    async with world.http() as mine, world.http() as theirs, world.http() as bare:
        form_token = form_token_of(await Launch(theirs).page())
        await Launch(mine).page()
        form = {"form_token": form_token, "username": "rosa", "password": PASSWORD, "decision": "allow"}
        for http in (mine, bare):
            refused = await http.post("/oauth/authorize", params=Launch(http).params, data=form)
            assert refused.status_code == 403


async def test_pages_cannot_be_framed_leak_no_address_and_are_not_kept(world: World) -> None:
    async with world.http() as http:
        pages = [
            await Launch(http).page(),
            await Launch(http, client_id="stranger").page(),
            await Launch(http).answer(password="wrong"),
            await http.get("/account"),
        ]
        for page in pages:
            policy = page.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe-inline" not in policy
            assert page.headers["referrer-policy"] == "no-referrer"
            assert page.headers["x-content-type-options"] == "nosniff"
            assert page.headers["cache-control"] == "no-store"
            assert "<script" not in page.text
            assert " style=" not in page.text
        assert "form-action 'self' http://localhost:5005" in pages[0].headers["content-security-policy"]
        assert pages[3].headers["content-security-policy"].endswith("form-action 'self'")


async def test_the_cookie_is_for_this_site_only_and_secure_where_the_portal_is_https(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    plain, secure = World(tmp_path), World(tmp_path / "a", base_url="https://portal.clinic.example")
    async with plain.http() as http, secure.http() as https:
        cookie = (await http.get("/account")).headers["set-cookie"]
        assert re.fullmatch(r"chartline_session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax", cookie)
        cookie = (await https.get("/account")).headers["set-cookie"]
        assert re.fullmatch(r"__Host-chartline_session=[\w-]{43}; HttpOnly; Path=/; SameSite=lax; Secure", cookie)


def test_passwords_do_not_travel_in_plain_text_between_machines(world: World) -> None:
    with pytest.raises(SettingsError, match="CHARTLINE_PORTAL_BASE_URL"):
        install([], [], settings=Settings(base_url="http://portal.clinic.example"), engine=world.engine)


def test_a_redirect_uri_that_is_not_safe_is_named_at_start(world: World) -> None:
    smart = SmartSettings(client_redirect_uris="http://clinic.example/cb")
    with pytest.raises(SettingsError, match="CHARTLINE_PORTAL_CLIENT"):
        install([], [], settings=Settings(), engine=world.engine, smart=smart)


async def test_what_an_app_or_a_person_is_called_is_text_and_never_markup(world: World) -> None:
    world.clients.add("evil", ["http://localhost:7000/cb"], "patient/*.rs", name="<script>alert(1)</script>")
    async with world.http() as http:
        page = await Launch(http, "evil", redirect_uri="http://localhost:7000/cb").answer(
            username='"><script>alert(2)</script>', password="wrong"
        )
        assert page.status_code == 400
        assert "<script" not in page.text


async def test_the_account_page_shows_who_has_access_and_ends_one(world: World) -> None:
    async with world.http() as http:
        phone, laptop = await Launch(http).tokens(), await Launch(http, scope="patient/Task.rs").tokens()
        await Launch(http).code()  # never redeemed: nobody has access by it
        assert (await sign_in(http)).headers["location"] == "../account"
        page = await http.get("/account")
        assert "You are signed in as Rosa Diaz" in words_of(page)
        assert "Since January 15, 2027" in words_of(page)
        grants = re.findall(r'name="grant" value="([^"]+)"', page.text)
        assert len(grants) == 2
        assert (await press(http, "/account/end", grant=grants[0])).headers["location"] == "../account?done=ended"
        states = {await status_of(http, phone["access_token"]), await status_of(http, laptop["access_token"])}
        assert states == {200, 401}
        assert (await http.get("/account")).text.count("End access") == 1


async def test_one_person_cannot_end_what_another_granted(world: World) -> None:
    world.users.add("ben", PASSWORD, "p2", "Ben Okafor")
    async with world.http() as rosa, world.http() as ben:
        tokens = await Launch(rosa).tokens()
        await sign_in(rosa)
        grant = re.findall(r'name="grant" value="([^"]+)"', (await rosa.get("/account")).text)[0]
        await sign_in(ben, username="ben")
        assert "No app has access" in words_of(await ben.get("/account"))
        await press(ben, "/account/end", grant=grant)
        await press(ben, "/account/end-all")
        assert await status_of(rosa, tokens["access_token"]) == 200


async def test_signing_out_everywhere_ends_every_app_and_every_browser(world: World) -> None:
    async with world.http() as http, world.http() as other:
        one, two = await Launch(http).tokens(), await Launch(other).tokens()
        await sign_in(http)
        await sign_in(other)
        left = await press(http, "/account/end-all")
        page = await http.get(left.headers["location"].replace("../", "/"))
        assert "You are signed out everywhere." in words_of(page)
        assert "Rosa" not in words_of(await other.get("/account"))
        for tokens in (one, two):
            assert await status_of(http, tokens["access_token"]) == 401
            assert (await Launch(http).refresh(tokens["refresh_token"])).status_code == 400


async def test_signing_out_of_the_page_leaves_the_apps_and_the_old_cookie_opens_nothing(world: World) -> None:
    async with world.http() as http:
        tokens = await Launch(http).tokens()
        await sign_in(http)
        old = dict(http.cookies)
        await press(http, "/account/sign-out")
        assert await status_of(http, tokens["access_token"]) == 200
        http.cookies.update(old)
        assert "Rosa" not in words_of(await http.get("/account"))


async def test_signing_in_changes_the_cookie_and_ends_after_its_minutes(world: World) -> None:
    async with world.http() as http:
        await http.get("/account")
        before = dict(http.cookies)
        await sign_in(http)
        assert dict(http.cookies) != before
        world.now += 15 * 60 - 1
        assert "Rosa Diaz" in words_of(await http.get("/account"))
        world.now += 1
        assert "Rosa Diaz" not in words_of(await http.get("/account"))


async def test_a_browser_signed_in_to_the_account_page_still_needs_the_password_to_connect_an_app(
    world: World,
) -> None:
    async with world.http() as http:
        await sign_in(http)
        assert 'name="password"' in (await Launch(http).page()).text
        assert (await Launch(http).answer(username="", password="")).status_code == 400


async def test_demo_people_are_listed_only_on_a_demo_portal_and_fill_in_the_form(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    real, demo = World(tmp_path), World(tmp_path / "demo", demo=True, demo_password=PASSWORD)
    demo.users.add("real", PASSWORD, "p9", "Not A Demo")
    async with real.http() as http:
        page = await http.get("/oauth/authorize", params=Launch(http).params | {"login_hint": "rosa"})
        assert "demo" not in words_of(page).lower()
        assert PASSWORD not in page.text
        assert 'value="rosa"' in page.text
    async with demo.http() as http:
        page = await Launch(http).page()
        assert "Rosa Diaz (rosa) Diabetes, many labs" in words_of(page)
        assert "Not A Demo" not in page.text
        link = re.search(r'href="(\?[^"]*login_hint=rosa)"', page.text)
        assert link
        filled = await http.get("/oauth/authorize" + link[1].replace("&amp;", "&"))
        assert f'value="{PASSWORD}"' in filled.text
        assert filled.status_code == 200


def test_an_account_is_added_once_and_then_brought_up_to_date(world: World) -> None:
    world.users.add("ROSA", "a new one", "p7", "Rosa D.", demo=False)
    assert world.users.verify("rosa", PASSWORD) is None
    user = world.users.verify("rosa", "a new one")
    assert user is not None
    assert (user.patient_id, user.display_name, user.demo) == ("p7", "Rosa D.", False)
    assert world.users.demo() == []
    assert user.password_hash.startswith("$argon2id$")
    with pytest.raises(ValueError, match="username"):
        world.users.add("\n", "x", "p", "X")


async def test_twenty_tries_at_once_are_counted_like_twenty_in_a_row(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from portal.smart.signin import SignIn, TooManyTries, WrongCredentials

    monkeypatch.setattr(users, "matches_hash", lambda hashed, password: False)
    gate = SignIn(world.engine, world.users, clock=lambda: world.now)

    def attempt(_: int) -> str:
        try:
            gate.check("rosa", "wrong", "203.0.113.7")
        except (WrongCredentials, TooManyTries) as error:
            return type(error).__name__
        return "in"

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(attempt, range(20)))
    assert sorted(outcomes) == ["TooManyTries"] * 15 + ["WrongCredentials"] * 5


@pytest.mark.parametrize("path", ["/oauth/authorize", "/account/sign-in", "/account/end-all"])
async def test_a_form_that_is_too_large_or_of_another_kind_is_refused_in_plain_words(world: World, path: str) -> None:
    async with world.http() as http:
        large = await http.post(path, params=Launch(http).params, data={"username": "x" * 20_000})
        other = await http.post(path, params=Launch(http).params, json={"username": "x"})
        assert (large.status_code, other.status_code) == (413, 415)
        assert "Nothing was shared." in words_of(large)


def test_the_demo_password_on_the_page_is_the_one_that_the_seed_gives() -> None:
    assert SmartSettings().demo_password == DEMO_PASSWORD
