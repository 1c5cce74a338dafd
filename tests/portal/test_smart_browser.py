"""The pages in Chromium: the whole way by keyboard, at 320 px, light and dark, without JavaScript, and with axe."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from portal.store import Store
from tests.portal.proxy_world import consent
from tests.portal.smart_world import PASSWORD, Launch, World

CHROMIUM = os.environ.get("CHARTLINE_CHROMIUM") or shutil.which("chromium")
AXE = Path(__file__).parent.parent / "vendor" / "axe.min.js"
#: WCAG 2.2 AA, in axe's words.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

pytestmark = [
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium: install it, or name one in CHARTLINE_CHROMIUM"),
    pytest.mark.skipif(not AXE.exists(), reason="axe-core is not vendored in tests/vendor"),
]


@contextlib.asynccontextmanager
async def serving(app: Any, listener: socket.socket) -> AsyncIterator[None]:
    """The app on a socket that listens already; what connects before it has started waits."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off", ws="none"))
    serve = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serve


def free_socket() -> socket.socket:
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


async def arrived(request: Request) -> PlainTextResponse:
    """The app's side of the redirect."""
    return PlainTextResponse(f"back at the app: {' '.join(sorted(request.query_params))}")


def add_grandchild(world: World, key: str, born: str) -> None:
    """A chart that Rosa may open."""
    store, mrn = Store(world.engine), [{"system": "urn:mrn", "value": "R"}]
    of, name = {"reference": f"Patient/{key}"}, [{"given": [key.capitalize()], "family": "Diaz"}]
    related = {"active": True, "patient": of, "identifier": mrn}
    for kind, elements in (
        ("Patient", {"id": "p1", "identifier": mrn}),
        ("Patient", {"id": key, "birthDate": born, "name": name}),
        ("RelatedPerson", {"id": f"{key}-rosa", **related}),
        ("Consent", consent(key, "rosa")),
    ):
        store.update({"resourceType": kind, **elements})


@pytest.fixture
async def portal(tmp_path: Path) -> AsyncIterator[tuple[World, str]]:
    """A demo portal that listens, and the address of an app's authorization request."""
    here, there = free_socket(), free_socket()
    base, app = (f"http://127.0.0.1:{s.getsockname()[1]}" for s in (here, there))
    world = World(tmp_path, base_url=base, demo=True, demo_password=PASSWORD)
    world.users.add("ben", PASSWORD, "p2", "Ben Okafor", demo=True, note="A chart with nothing in it")
    add_grandchild(world, "sam", "2017-06-21")
    add_grandchild(world, "ava", "2011-02-11")
    asked = Launch(world.http(), redirect_uri=f"{app}/signin/callback", aud=f"{base}/fhir").params
    callback = Starlette(routes=[Route("/signin/callback", arrived)])
    async with serving(world.app, here), serving(callback, there):
        yield world, f"{base}/oauth/authorize?{urlencode(asked)}"


@pytest.fixture
async def chromium() -> AsyncIterator[Any]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


async def faults_of(page: Any) -> list[str]:
    """What axe finds wrong. Its script gets in past the page's policy, as a debugger does."""
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("rules => axe.run({runOnly: rules})", RULES)
    return [f"{v['id']}: {n['html']}" for v in found["violations"] for n in v["nodes"]]


async def small_things_of(page: Any) -> list[str]:
    """Buttons, fields and links lower than 44 px, text smaller than 16 px, and what is wider than the window."""
    return list(
        await page.evaluate(
            """() => [
              ...[...document.querySelectorAll('a, button, input:not([type=hidden])')]
                .filter(e => e.getBoundingClientRect().height < 44).map(e => 'low: ' + e.outerHTML),
              ...[...document.querySelectorAll('body *')]
                .filter(e => parseFloat(getComputedStyle(e).fontSize) < 16).map(e => 'small: ' + e.outerHTML),
              ...(document.documentElement.scrollWidth > innerWidth ? ['wide'] : [])]"""
        )
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_page_is_accessible_and_fits_a_small_old_phone(
    portal: tuple[World, str], chromium: Any, scheme: str
) -> None:
    world, address = portal
    async with world.http() as http:
        await Launch(http, aud=f"{world.base_url}/fhir").tokens()
    context = await chromium.new_context(color_scheme=scheme, viewport={"width": 320, "height": 640})
    page = await context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    seen = {}

    async def check(name: str) -> None:
        seen[name] = await faults_of(page) + await small_things_of(page)
        if folder := os.environ.get("CHARTLINE_SCREENSHOTS"):
            await page.screenshot(path=f"{folder}/{name}-{scheme}.png", full_page=True)

    await page.goto(address)
    await check("authorize")
    await page.fill("#username", "rosa")
    await page.fill("#password", "wrong")
    await page.press("#password", "Enter")
    await page.wait_for_selector("[role=alert]")
    assert await page.evaluate("document.activeElement.id") == "password"
    await check("wrong")
    await page.goto(address.replace("chartline", "stranger"))
    await check("problem")
    await page.goto(address)
    await page.click("text=Rosa Diaz")
    await check("chosen")
    await page.click("text=Sign in and allow")
    await page.wait_for_selector("text=Whose health record")
    await check("whose")
    await page.evaluate("document.querySelectorAll('[type=radio]').forEach(e => e.value = 'x')")
    await page.click("text=Open this record")
    await page.wait_for_selector("[role=alert]")
    await check("whose-refused")
    await page.click("text=Open this record")
    await page.wait_for_url("**/signin/callback?**")
    await page.goto(address.partition("/oauth/")[0] + "/account")
    await check("sign-in")
    await page.fill("#username", "rosa")
    await page.fill("#password", PASSWORD)
    await page.press("#password", "Enter")
    await page.wait_for_selector("text=Apps with access")
    await check("account")
    assert {name: faults for name, faults in seen.items() if faults} == {}
    refused = [
        text
        for text in complaints
        if not {"400", "403", "404"} & set(re.findall(r"\d+", text)) and "favicon" not in text
    ]
    assert refused == []


async def test_a_newcomer_picks_a_person_and_comes_back_to_the_app_by_keyboard_without_javascript(
    portal: tuple[World, str], chromium: Any
) -> None:
    _, address = portal
    context = await chromium.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(address)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**login_hint=rosa**")
    assert await page.input_value("#username") == "rosa"
    await page.focus("#password")
    await page.keyboard.press("Enter")
    await page.wait_for_selector("text=Whose health record")
    await page.keyboard.press("Tab")
    await page.keyboard.press("ArrowDown")
    assert await page.is_checked("text=Ava Diaz, age 15")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/signin/callback?**")
    assert await page.inner_text("body") == "back at the app: code state"


async def test_not_allowing_needs_no_password_and_goes_back_to_the_app(
    portal: tuple[World, str], chromium: Any
) -> None:
    _, address = portal
    page = await chromium.new_page()
    await page.goto(address)
    await page.click("text=Do not allow")
    await page.wait_for_url("**/signin/callback?**")
    assert await page.inner_text("body") == "back at the app: error error_description state"


async def test_signing_out_everywhere_from_the_page_ends_the_apps_access(
    portal: tuple[World, str], chromium: Any
) -> None:
    world, _ = portal
    async with world.http() as http:
        launch = Launch(http, aud=f"{world.base_url}/fhir")
        tokens = await launch.tokens()
        page = await chromium.new_page()
        await page.goto(f"{world.base_url}/account?login_hint=rosa")
        await page.click("main button.main")
        await page.click("text=Sign out everywhere")
        await page.wait_for_selector("text=You are signed out everywhere.")
        assert (await launch.refresh(tokens["refresh_token"])).status_code == 400


async def test_a_page_that_frames_the_sign_in_gets_nothing(portal: tuple[World, str], chromium: Any) -> None:
    _, address = portal
    page = await chromium.new_page()
    await page.goto(address.partition("/oauth/")[0] + "/health")
    frame = await page.evaluate_handle(
        """address => new Promise(done => {
             const frame = document.createElement('iframe');
             frame.onload = () => done(frame); frame.src = address; document.body.append(frame); })""",
        address,
    )
    inside = await frame.as_element().content_frame()
    assert inside.url.startswith("chrome-error://")
