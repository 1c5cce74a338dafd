"""The sign-in pages as a browser meets them: through the assistant's own application, at the real embedded portal."""

from __future__ import annotations

import html
import json
import re
import socket
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sanic import Sanic

from accounts import conversations
from accounts.consent import DETAILS
from accounts.conversations import Place
from accounts.db import transaction
from accounts.errors import NotSignedIn
from accounts.links import PAGE
from accounts.service import Accounts, utc_now
from accounts.smart import SmartClient
from bot import server as assistant
from bot.settings import BotSettings
from tests.databases import make_accounts
from tests.delivery.desk import FakeAgent

if TYPE_CHECKING:
    from tests.harness import PortalServer

PRIVATE = {"referrer-policy": "no-referrer", "cache-control": "no-store", "x-content-type-options": "nosniff"}


class Site:
    """The assistant's pages, and one conversation that asks for a link."""

    def __init__(self, accounts: Accounts, app: Sanic, url: str) -> None:
        self.accounts, self.app, self.url = accounts, app, url
        with transaction(accounts.engine) as session:
            place = Place("sms", "+15005550006", "+12025550143")
            self.key = conversations.remember(session, accounts.vault, place, accounts.clock())

    async def link(self, waiting: dict[str, Any] | None = None, **purpose: Any) -> str:
        """The path of a new one-time link."""
        return urlsplit(await self.accounts.sign_in_url(self.key, waiting, **purpose)).path

    def conversation(self, channel: str, address: str) -> str:
        """Another conversation's key."""
        with transaction(self.accounts.engine) as session:
            place = Place(channel, channel, address)
            return conversations.remember(session, self.accounts.vault, place, self.accounts.clock())

    def browser(self) -> httpx.AsyncClient:
        """Keeps cookies, follows no redirects."""
        return httpx.AsyncClient(base_url=self.url, trust_env=False)

    async def back_from_portal(self, page_url: str, username: str = "rosa", decision: str = "allow") -> str:
        """Answer the portal's page; the path that it leads back to."""
        from portal.seed import DEMO_PASSWORD

        async with httpx.AsyncClient() as browser:
            page = await browser.get(page_url)
            token = re.search(r'name="form_token" value="([^"]+)"', page.text)
            assert token
            form = {"form_token": token[1], "username": username, "password": DEMO_PASSWORD, "decision": decision}
            answer = await browser.post(page_url, data=form)
            assert answer.status_code == 303, answer.text
            parts = urlsplit(answer.headers["location"])
            return f"{parts.path}?{parts.query}"


@pytest.fixture
async def site(portal: PortalServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async def load(_settings: BotSettings, _accounts: Accounts) -> Any:
        return FakeAgent()

    monkeypatch.setattr(assistant, "load", load)
    accounts = make_accounts(f"sqlite:///{tmp_path / 'state.db'}", clock=utc_now, fhir_url=portal.fhir_url)  # type: ignore[arg-type]
    accounts.smart = SmartClient(accounts.settings)
    Sanic.test_mode = True
    app = assistant.create_app(BotSettings(), accounts, f"pages_{uuid.uuid4().hex}")
    listener = socket.create_server(("127.0.0.1", 0))
    server = await app.create_server(sock=listener, return_asyncio_server=True, access_log=False)
    assert server is not None
    await server.startup()
    await server.before_start()
    yield Site(accounts, app, f"http://127.0.0.1:{listener.getsockname()[1]}")
    await server.before_stop()
    await server.close()
    await server.after_stop()
    accounts.engine.dispose()


@pytest.fixture
def accepted(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """What the pages start in the chat."""
    kept: list[tuple[str, ...]] = []

    async def keep(*parts: str) -> bool:
        kept.append(parts)
        return True

    monkeypatch.setattr(site.app.ctx, "delivery", SimpleNamespace(**vars(site.app.ctx.delivery)))
    site.app.ctx.delivery.accept_event = site.app.ctx.delivery.accept_again = keep
    site.app.ctx.delivery.stop = _nothing
    return kept


async def _nothing() -> None:
    return None


def words(page: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def is_private(response: httpx.Response) -> bool:
    return all(response.headers.get(name) == value for name, value in PRIVATE.items())


async def test_a_link_says_what_it_connects_and_looking_changes_nothing(site: Site) -> None:
    link = await site.link()
    async with site.browser() as browser:
        for _ in range(3):
            page = await browser.get(link)
            assert page.status_code == 200
    assert "phone number ending in •••43" in words(page)
    assert "2025550143" not in page.text
    assert not page.headers.get("set-cookie")


async def test_the_way_through_the_portal_and_back_connects_the_chat_and_takes_up_its_question(
    site: Site, accepted: list[tuple[str, ...]]
) -> None:
    link = await site.link({"text": "show my labs"})
    async with site.browser() as browser:
        away = await browser.post(f"{link}/go")
        assert (away.status_code, is_private(away)) == (303, True)
        page = await browser.get(await site.back_from_portal(away.headers["location"]))
        assert (page.status_code, "You are signed in" in words(page)) == (200, True)
        assert not browser.cookies
    assert (await site.accounts.grant(site.key)).name == "Rosa"
    (key, first, payload), (other_key, second, text) = accepted
    assert (key, other_key, payload, text) == (site.key, site.key, "/signed_in", "show my labs")
    assert first.startswith("signed-in:")
    assert second.startswith("waiting:")


async def test_a_tapped_choice_that_waited_is_taken_up_by_its_payload(
    site: Site, accepted: list[tuple[str, ...]]
) -> None:
    link = await site.link({"payload": "/show_labs"})
    async with site.browser() as browser:
        away = await browser.post(f"{link}/go")
        await browser.get(await site.back_from_portal(away.headers["location"]))
    assert [parts[2] for parts in accepted] == ["/signed_in", "/show_labs"]


async def test_every_page_is_private_and_in_no_frame(site: Site) -> None:
    link = await site.link()
    async with site.browser() as browser:
        for path in (link, "/signin/unknown", "/signin/callback", "/signin/callback?state=x&code=y"):
            page = await browser.get(path)
            assert is_private(page), path
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        home = await browser.get("/")
        assert "frame-ancestors 'none'" in home.headers["content-security-policy"]


async def test_the_cookie_is_for_the_sign_in_alone_and_tells_nothing(site: Site) -> None:
    async with site.browser() as browser:
        away = await browser.post(f"{await site.link()}/go")
    cookie = away.headers["set-cookie"].lower()
    for part in ("httponly", "samesite=lax", "path=/signin", "max-age=900"):
        assert part in cookie
    assert "secure" not in cookie  # this one is served by http
    (state,) = parse_qs(urlsplit(away.headers["location"]).query)["state"]
    assert state.lower() not in cookie


async def test_over_https_the_cookie_is_secure(site: Site) -> None:
    from bot.settings import ClinicSettings
    from bot.web.pages import Pages

    pages = Pages(site.accounts, BotSettings(public_url="https://chat.example"), ClinicSettings())
    token = (await site.link()).rsplit("/", 1)[1]
    response = await pages.leave(SimpleNamespace(headers={}), token)  # type: ignore[arg-type]
    assert "Secure" in str(response.cookies["chartline_signin"])


async def test_leaving_needs_a_post(site: Site) -> None:
    async with site.browser() as browser:
        assert (await browser.get(f"{await site.link()}/go")).status_code == 405


@pytest.mark.parametrize("where", ["cross-site", "same-site", "none"])
async def test_another_sites_form_leads_to_the_page_that_says_what_is_connected(site: Site, where: str) -> None:
    link = await site.link()
    async with site.browser() as browser:
        page = await browser.post(f"{link}/go", headers={"Sec-Fetch-Site": where})
        assert (page.status_code, page.headers["location"]) == (303, link)
        assert not page.headers.get("set-cookie")
        own = await browser.post(f"{link}/go", headers={"Sec-Fetch-Site": "same-origin"})
        assert own.headers["location"] != link


@pytest.mark.parametrize("cookie", [None, "", "wrong", "\u00e9"])
async def test_a_callback_in_another_browser_is_refused(site: Site, cookie: str | None) -> None:
    async with site.browser() as browser:
        away = await browser.post(f"{await site.link()}/go")
    back = await site.back_from_portal(away.headers["location"])
    headers = [] if cookie is None else [(b"Cookie", f"chartline_signin={cookie}".encode("latin-1"))]
    async with site.browser() as another:
        page = await another.get(back, headers=headers)
        assert (page.status_code, "no longer works" in words(page)) == (400, True)
    with pytest.raises(NotSignedIn):
        await site.accounts.grant(site.key)


async def test_a_no_at_the_portal_shares_nothing_and_the_link_still_works(site: Site) -> None:
    link = await site.link()
    async with site.browser() as browser:
        away = await browser.post(f"{link}/go")
        page = await browser.get(await site.back_from_portal(away.headers["location"], decision="deny"))
        assert "nothing was shared" in words(page)
        assert (await browser.get(link)).status_code == 200


async def test_another_error_of_the_portal_is_not_called_a_no(site: Site) -> None:
    async with site.browser() as browser:
        away = await browser.post(f"{await site.link()}/go")
        (state,) = parse_qs(urlsplit(away.headers["location"]).query)["state"]
        page = await browser.get("/signin/callback", params={"state": state, "error": "server_error"})
    assert "can't sign you in right now" in words(page)


async def test_a_used_link_is_over(site: Site, accepted: list[tuple[str, ...]]) -> None:
    link = await site.link()
    async with site.browser() as browser:
        away = await browser.post(f"{link}/go")
        cookies = dict(browser.cookies)
        back = await site.back_from_portal(away.headers["location"])
        assert (await browser.get(back)).status_code == 200
        for answer in (await browser.get(link), await browser.post(f"{link}/go")):
            assert (answer.status_code, "no longer works" in words(answer)) == (410, True)
    async with httpx.AsyncClient(base_url=site.url, cookies=cookies, trust_env=False) as again:
        assert (await again.get(back)).status_code == 410
    assert len(accepted) == 1


async def test_a_portal_that_is_away_is_said_kindly(site: Site) -> None:
    settings = site.accounts.settings.copy(update={"fhir_url": "http://127.0.0.1:1/fhir"})
    site.accounts.smart = SmartClient(settings)
    link = await site.link()
    async with site.browser() as browser:
        page = await browser.post(f"{link}/go")
        assert (page.status_code, "did not answer" in words(page)) == (503, True)
        assert (await browser.get(link)).status_code == 200


async def test_a_fault_of_ours_tells_the_log_neither_the_link_nor_the_words(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(_token: str) -> None:
        raise OSError("my secret illness")

    monkeypatch.setattr(site.accounts, "link_purpose", fail)
    async with site.browser() as browser:
        page = await browser.get("/signin/a-one-time-token")
    assert page.status_code == 500
    assert "OSError" in caplog.text
    for secret in ("a-one-time-token", "illness"):
        assert secret not in caplog.text
        assert secret not in page.text


# --- the private page -------------------------------------------------------------------------------------------


async def secretly(message: Any) -> list[dict[str, Any]]:
    """Answers at the tier of the turn."""
    return [{"text": f"Answer to {message.text}", "custom": {"tier": message.metadata["tier"]}}]


async def to_chat(site: Site, waiting: dict[str, Any]) -> httpx.Response:
    """Follow a link to a private page as Rosa; the page that leads to the chat."""
    link = await site.link(waiting, to=PAGE)
    async with site.browser() as browser:
        away = await browser.post(f"{link}/go")
        return await browser.get(await site.back_from_portal(away.headers["location"]))


async def events(site: Site, token: str, count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    headers = {"Authorization": f"Bearer {token}"}
    async with site.browser() as http, http.stream("GET", "/webhooks/web/events", headers=headers) as response:
        async for line in response.aiter_lines():
            if line.startswith("data: ") and json.loads(line[6:])["type"] == "message":
                found.append(json.loads(line[6:]))
            if len(found) == count:
                break
    return found


async def test_a_private_page_begins_a_chat_in_this_browser_that_shows_the_answer(site: Site) -> None:
    site.app.ctx.agent.answer = secretly
    page = await to_chat(site, {"text": "my labs"})
    assert page.status_code == 200
    assert is_private(page)
    token = re.search(r'kept = "([\w-]{43})"', page.text)
    assert token
    seen = await events(site, token[1], 2)
    assert [event["text"] for event in seen] == ["Answer to /signed_in", "Answer to my labs"]
    assert [turn.metadata["tier"] for turn in site.app.ctx.agent.turns] == ["full", "full"]
    with pytest.raises(NotSignedIn):
        await site.accounts.grant(site.key)


async def test_the_private_page_has_the_chats_token_in_no_address_and_in_a_script_of_its_own(site: Site) -> None:
    page = await to_chat(site, {"text": "my labs"})
    nonce = re.search(r"script-src 'nonce-([^']+)'", page.headers["content-security-policy"])
    assert nonce
    assert re.findall(r"<script[^>]*>", page.text) == [f'<script nonce="{nonce[1]}">']
    assert not re.search(r'(?:href|src|action)="[^"]{20,}"', page.text)
    assert "turn on JavaScript" in words(page)


async def test_each_kind_of_link_says_truthfully_what_will_happen(site: Site) -> None:
    web_chat = site.conversation("web", "a" * 64)
    async with site.browser() as browser:
        page = words(await browser.get(await site.link(to=PAGE)))
        here = words(await browser.get(await site.link()))
        agreed = words(await browser.get(await site.link(agreed=DETAILS)))
        web = words(await browser.get(urlsplit(await site.accounts.sign_in_url(web_chat)).path))
    assert "the answer opens here, in this browser" in page
    assert "sign out" in page
    assert "This connects your text messages (phone number ending in •••43)" in here
    assert "opens here" not in here
    assert "we may send you details about your health by text message" in agreed
    assert "details" not in here
    assert "Your answer is waiting there" in web


async def test_after_the_sign_in_the_page_says_where_to_go_on(site: Site, accepted: list[tuple[str, ...]]) -> None:
    for channel, expected in (("web", "back to it"), ("sms", "text messages"), ("telegram", "back to Telegram")):
        link = urlsplit(await site.accounts.sign_in_url(site.conversation(channel, "+12025550177"))).path
        async with site.browser() as browser:
            away = await browser.post(f"{link}/go")
            page = await browser.get(await site.back_from_portal(away.headers["location"]))
        assert expected in words(page)


async def test_who_opens_links_without_end_is_asked_to_wait(site: Site) -> None:
    link = await site.link()
    async with site.browser() as browser:
        answers = [await browser.get(link) for _ in range(BotSettings().sign_ins_per_minute + 1)]
        assert [page.status_code for page in answers[-2:]] == [200, 429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 60
        assert is_private(answers[-1])
        assert "try the link again in a minute" in words(answers[-1])
        assert (await browser.post(f"{link}/go")).status_code == 429
        assert (await browser.get("/health")).status_code == 200


async def test_health_and_readiness(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise OSError("disk full")

    async with site.browser() as browser:
        assert (await browser.get("/health")).status_code == 200
        assert (await browser.get("/ready")).json() == {"status": "ok", "channels": ["web"]}
        monkeypatch.setattr(site.app.ctx.delivery, "check", fail)
        assert (await browser.get("/ready")).status_code == 503
        assert (await browser.get("/health")).status_code == 200
