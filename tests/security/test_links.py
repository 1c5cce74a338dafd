"""One-time links on the running system: reused, too old, guessed, or from another conversation or browser."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import httpx
import pytest

from accounts.db import transaction
from accounts.errors import NotSignedIn
from accounts.tables import SignInLink
from portal.seed import DEMO_PASSWORD
from tests.system import PUBLIC, Phone, System, WebChat, browse, until

LINK = re.compile(r"/signin/[\w.-]+")


def link_of(chat: Phone | WebChat) -> str:
    """Ask for the chart; the link that comes."""
    found = LINK.search(chat.say("show my labs"))
    assert found
    return PUBLIC + found[0]


def opened(system: System, link: str) -> httpx.Response:
    with system.client() as browser:
        return browser.get(link)


def started(system: System, link: str) -> httpx.Response:
    """Press the button of the link's page in a browser of its own."""
    with system.client() as browser:
        return browser.post(f"{link}/go")


def wrong(link: str) -> str:
    return f"{link.rpartition('.')[0]}.{'A' * 22}"


def is_over(page: httpx.Response) -> bool:
    return page.status_code in (400, 410) and "This link no longer works" in page.text


def same(page: httpx.Response) -> str:
    """A page without its nonce."""
    return re.sub(r'nonce="[^"]+"', "", page.text)


def age(system: System, link: str, by: timedelta) -> None:
    """So much time goes by for a link."""
    with transaction(system.accounts.engine) as session:
        session.get(SignInLink, link.rpartition("/")[2].partition(".")[0]).expires_at -= by


def is_signed_in(system: System, chat: Phone | WebChat) -> bool:
    try:
        asyncio.run(system.accounts.grant(system.key(chat.channel, chat.address)))
    except NotSignedIn:
        return False
    return True


def test_whatever_is_wrong_with_a_link_the_page_is_the_same(system: System) -> None:
    used, old, guessed = (link_of(WebChat(system)) for _ in range(3))
    browse(system, used, "rosa")
    age(system, old, timedelta(seconds=601))
    pages = [opened(system, url) for url in (used, old, wrong(guessed), f"{PUBLIC}/signin/never.made")]
    pages += [started(system, url) for url in (used, old, wrong(guessed))]
    assert all(is_over(page) for page in pages)
    assert len({(page.status_code, same(page)) for page in pages}) == 1


def test_a_link_lives_for_ten_minutes_also_after_it_was_opened(system: System) -> None:
    chat = WebChat(system)
    link = link_of(chat)
    with system.client() as browser:
        away = browser.post(f"{link}/go")
        back = allowed(away.headers["location"])
        age(system, link, timedelta(seconds=601))
        assert is_over(browser.get(back))
    assert not is_signed_in(system, chat)


def allowed(portal_page: str, username: str = "rosa") -> str:
    """Sign in at the portal; where it leads back to."""
    with httpx.Client() as browser:
        page = browser.get(portal_page)
        token = re.search(r'name="form_token" value="([^"]+)"', page.text)
        assert token
        form = {"form_token": token[1], "username": username, "password": DEMO_PASSWORD, "decision": "allow"}
        return browser.post(page.url, data=form).headers["location"]


def test_the_way_back_works_once_and_only_in_the_browser_that_left(system: System) -> None:
    chat = WebChat(system)
    link = link_of(chat)
    with system.client() as browser:
        back = allowed(browser.post(f"{link}/go").headers["location"])
        cookies = dict(browser.cookies)
        assert is_over(opened(system, back))
        assert not is_signed_in(system, chat)
        assert browser.get(back).status_code == 200
    assert is_signed_in(system, chat)
    with system.client(cookies=cookies) as again:
        assert is_over(again.get(back))


def test_five_guesses_close_the_links_of_a_conversation_and_a_resend_does_not_help(system: System) -> None:
    chat, other = WebChat(system), WebChat(system)
    link, others = link_of(chat), link_of(other)
    for _ in range(5):
        assert opened(system, link).status_code == 200
        assert is_over(opened(system, wrong(link)))
    assert is_over(opened(system, link))
    assert is_over(opened(system, link_of(chat)))
    assert is_over(started(system, link_of(chat)))
    assert opened(system, others).status_code == 200


def test_a_link_with_the_secret_of_another_conversations_link_is_refused(system: System) -> None:
    mine, others = link_of(WebChat(system)), link_of(WebChat(system))
    assert is_over(opened(system, f"{mine.rpartition('.')[0]}.{others.rpartition('.')[2]}"))


def test_a_link_on_a_phone_leads_to_a_chat_of_its_own_where_the_answer_is_told(system: System) -> None:
    phone = Phone(system, "+12025550186")
    page = browse(system, link_of(phone), "rosa")
    token = re.search(r'kept = "([\w-]{43})"', page.text)
    assert token
    assert token[1] not in str(page.url)
    assert urlsplit(str(page.url)).path == "/signin/callback"
    chat = WebChat(system)
    chat.token = token[1]
    answer = until(lambda: next((e for e in chat.events() if "panel" in e.get("text", "")), None), "no answer")
    assert answer["from"] == "assistant"
    assert is_signed_in(system, chat)
    assert not is_signed_in(system, phone)
    assert not [text for text in phone.received() if "panel" in text]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_sites_form_does_not_skip_the_page_that_says_what_is_connected(system: System, site: str) -> None:
    link = link_of(WebChat(system))
    with system.client() as browser:
        answer = browser.post(f"{link}/go", headers={"Sec-Fetch-Site": site})
    assert urljoin(PUBLIC, answer.headers["location"]) == link
