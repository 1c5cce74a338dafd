"""Patients with a real browser: in the web chat, and led there from a phone. Makes the README's picture.

`CHARTLINE_PICTURES=1` renews the README's picture; `CHARTLINE_SCREENSHOTS=<folder>` keeps one of each step.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Whole
from tests.end_to_end.people import Phone, Telegram, link_in
from tests.widget.conftest import chromium  # noqa: F401

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
expect = sync_api.expect

PICTURE = Path(__file__).parent.parent.parent / "docs" / "widget.png"
SCREENSHOTS = os.environ.get("CHARTLINE_SCREENSHOTS")
DESKTOP, PHONE = {"width": 1100, "height": 800}, {"width": 360, "height": 740}
CHOOSES_A_CHART = ("rosa", "wei")  # who may open another's chart, too, is asked whose


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:  # noqa: F811
    """A computer's browser."""
    yield from _page(chromium, DESKTOP)


@pytest.fixture
def mobile(chromium: Any) -> Iterator[Any]:  # noqa: F811
    """A phone's browser, 360 pixels wide."""
    yield from _page(chromium, PHONE)


def _page(chromium: Any, viewport: dict[str, int]) -> Iterator[Any]:  # noqa: F811
    context = chromium.new_context(viewport=viewport, device_scale_factor=1, reduced_motion="reduce")
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def look(page: Any, step: str) -> None:
    """Keep a picture of this step, where a person wants to look at them."""
    if SCREENSHOTS:
        page.wait_for_timeout(800)  # the newest message fades in
        page.screenshot(path=f"{SCREENSHOTS}/{step}.png")


def ask(page: Any, text: str) -> None:
    """Write in the web chat."""
    box = page.get_by_role("textbox")
    box.fill(text)
    box.press("Enter")


def sign_in(page: Any, username: str) -> None:
    """From a link's page through the portal's, up to its last button."""
    page.get_by_role("button", name="Go to sign-in").click()
    page.get_by_label("Username").fill(username)
    page.get_by_label("Password").fill("chartline-demo")
    look(page, f"portal-{page.viewport_size['width']}")
    page.get_by_role("button", name="Sign in and allow").click()
    if username in CHOOSES_A_CHART:
        look(page, f"portal-charts-{page.viewport_size['width']}")
        page.get_by_role("button", name="Open this record").click()


def sign_in_beside(page: Any, username: str) -> None:
    """The web chat's own link opens another tab, which closes itself when all is done."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in").last.click()
    popup = opened.value
    expect(popup.get_by_role("heading", name="Connect your chat")).to_be_visible()
    look(popup, "widget-link")
    with popup.expect_event("close"):
        sign_in(popup, username)


def open_private_page(page: Any, link: str, username: str) -> Any:
    """A link of a message, opened in a browser: after the sign-in a chat opens by itself. Its log."""
    page.goto(link)
    expect(page.get_by_role("heading", name="See your answer here")).to_be_visible()
    look(page, f"private-page-{page.viewport_size['width']}")
    sign_in(page, username)
    page.wait_for_url("**/")
    return page.get_by_role("log")


def connect(page: Any, link: str, username: str) -> None:
    """The link after a yes to details: it connects the messages, and sends the person back to them."""
    page.goto(link)
    expect(page.get_by_role("heading", name="Connect your chat")).to_be_visible()
    expect(page.locator("main")).to_contain_text("we may send you details about your health")
    look(page, f"agreed-{page.viewport_size['width']}")
    sign_in(page, username)
    expect(page.get_by_role("heading", name="You are signed in")).to_be_visible()
    expect(page.locator("main")).to_contain_text("go back to")
    look(page, f"connected-{page.viewport_size['width']}")


def test_a_newcomer_signs_in_sees_labs_and_orders_a_refill(page: Any, whole: Whole) -> None:
    page.goto(whole.url)
    ask(page, "show my latest labs")
    sign_in_beside(page, "rosa")
    log = page.get_by_role("log")
    expect(log).to_contain_text("Rosa")
    expect(log).to_contain_text("Basic metabolic panel")
    look(page, "widget-labs")
    ask(page, "how has my a1c changed?")
    expect(log.get_by_role("img")).to_be_visible()
    ask(page, "refill my albuterol")
    page.get_by_role("button", name="Yes").last.click()
    expect(log).to_contain_text("SENT")
    if os.environ.get("CHARTLINE_PICTURES"):
        page.wait_for_timeout(800)  # the newest message fades in
        page.screenshot(path=str(PICTURE))


def test_a_sign_out_empties_the_chat_and_a_reload_brings_nothing_back(page: Any, whole: Whole) -> None:
    page.goto(whole.url)
    ask(page, "show my latest labs")
    sign_in_beside(page, "james")
    log = page.get_by_role("log")
    expect(log).to_contain_text("James")
    expect(log).to_contain_text("show my latest labs")
    ask(page, "sign out")
    expect(log).to_contain_text("You're signed out")
    look(page, "widget-signed-out")
    for _ in range(2):
        expect(log).not_to_contain_text("James")
        expect(log).not_to_contain_text("latest labs")
        page.reload()
        expect(log).to_contain_text("You're signed out")


def test_an_sms_leads_to_a_private_page_and_then_the_patient_wants_details_by_text(mobile: Any, whole: Whole) -> None:
    phone = Phone(whole, "+12025550143")
    asked = phone.say("show my labs")
    assert "lab" not in asked.lower().replace("health information", "")
    log = open_private_page(mobile, link_in(asked), "rosa")
    expect(log).to_contain_text("Rosa")
    expect(log).to_contain_text("Basic metabolic panel")
    assert "signin" not in mobile.url
    look(mobile, "private-answer-360")

    assert "not fully private" in phone.say("text me details")
    agreed = phone.say("yes")
    assert "Basic metabolic" not in agreed
    seen = len(whole.twilio.calls)
    connect(mobile, link_in(agreed), "rosa")
    phone.until_received(seen, "Rosa")
    phone.until_received(seen, "Basic metabolic panel")

    question = phone.say("refill my lisinopril")
    assert "lisinopril 10 mg" in question
    assert "1 Yes" in question
    assert phone.say("1").startswith("SENT")
    tasks = whole.portal.search("Task", patient="rosa", status="requested")
    assert any("lisinopril" in task["focus"].get("display", "").lower() for task in tasks)


def test_a_link_that_was_used_opens_nothing_again(page: Any, whole: Whole) -> None:
    link = link_in(Phone(whole, "+12025550147").say("my labs please"))
    expect(open_private_page(page, link, "james")).to_contain_text("James")
    look(page, "private-answer-1100")
    page.goto(link)
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()
    look(page, "used-link")


def test_on_telegram_the_same_and_then_a_trend_is_a_picture_right_there(mobile: Any, whole: Whole) -> None:
    chat = Telegram(whole, 4711)
    asked = chat.say("graph my a1c")
    assert "a1c" not in str(asked.fields).lower()
    log = open_private_page(mobile, link_in(str(asked.fields)), "rosa")
    expect(log).to_contain_text("Rosa")
    expect(log.get_by_role("img")).to_be_visible()
    look(mobile, "private-trend-360")

    assert "not fully private" in chat.say("you can message me details").fields["text"]
    agreed = chat.say("yes")
    seen = len(whole.telegram.calls)
    connect(mobile, link_in(str(agreed.fields)), "rosa")
    photo = chat.next(seen, "sendPhoto")
    assert next(iter(photo.files.values())).startswith(b"\x89PNG")
    assert "inline_keyboard" in chat.say("refill hydralazine").fields["reply_markup"]


def test_the_conversation_is_still_there_after_a_reload(page: Any, whole: Whole) -> None:
    page.goto(whole.url)
    ask(page, "what can you do")
    log = page.get_by_role("log")
    expect(log).to_contain_text("Refill my medicine")
    page.reload()
    expect(log).to_contain_text("what can you do")
    expect(log).to_contain_text("Refill my medicine")


def test_the_page_obeys_its_own_content_security_policy(page: Any, whole: Whole) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(whole.url)
    ask(page, "hello")
    expect(page.get_by_role("log")).to_contain_text("lab results")
    assert not complaints
