"""A newcomer in a real browser: asks, signs in, sees labs, orders a refill. Makes the README's picture."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.conftest import Whole
from tests.widget.conftest import chromium  # noqa: F401

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

PICTURE = Path(__file__).parent.parent.parent / "docs" / "widget.png"


@pytest.fixture
def page(chromium: Any) -> Any:  # noqa: F811
    context = chromium.new_context(viewport={"width": 1100, "height": 800}, device_scale_factor=1)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def ask(page: Any, text: str) -> None:
    box = page.get_by_role("textbox")
    box.fill(text)
    box.press("Enter")


def sign_in(page: Any, username: str) -> Any:
    """Through the popup, as a person does."""
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in").last.click()
    popup = opened.value
    popup.get_by_role("button", name="Go to sign-in").click()
    popup.get_by_label("Username").fill(username)
    popup.get_by_label("Password").fill("chartline-demo")
    popup.get_by_role("button", name="Sign in and allow").click()
    if username in ("rosa", "wei"):  # who may open another's chart, too, is asked whose
        popup.get_by_role("button", name="Open this record").click()
    sync_api.expect(popup.get_by_role("heading", name="You are signed in")).to_be_visible()
    popup.close()
    return popup


def test_a_newcomer_signs_in_sees_labs_and_orders_a_refill(page: Any, whole: Whole) -> None:
    page.goto(whole.url)
    ask(page, "show my latest labs")
    sign_in(page, "rosa")
    log = page.get_by_role("log")
    sync_api.expect(log).to_contain_text("Rosa")
    sync_api.expect(log).to_contain_text("Basic metabolic panel")
    ask(page, "how has my a1c changed?")
    sync_api.expect(log.get_by_role("img")).to_be_visible()
    ask(page, "refill my albuterol")
    page.get_by_role("button", name="Yes").last.click()
    sync_api.expect(log).to_contain_text("SENT")
    if os.environ.get("CHARTLINE_PICTURES"):
        page.wait_for_timeout(800)  # the newest message fades in
        page.screenshot(path=str(PICTURE))


def test_the_conversation_is_still_there_after_a_reload(page: Any, whole: Whole) -> None:
    page.goto(whole.url)
    ask(page, "what can you do")
    log = page.get_by_role("log")
    sync_api.expect(log).to_contain_text("Refill my lisinopril")
    page.reload()
    sync_api.expect(log).to_contain_text("what can you do")
    sync_api.expect(log).to_contain_text("Refill my lisinopril")


def test_the_page_obeys_its_own_content_security_policy(page: Any, whole: Whole) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.goto(whole.url)
    ask(page, "hello")
    sync_api.expect(page.get_by_role("log")).to_contain_text("lab results")
    assert not complaints
