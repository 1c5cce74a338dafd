"""A real browser, a small assistant, and a page that embeds the widget."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.widget.assistant import Assistant

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

sync_api.expect.set_options(timeout=15_000)

OpenChat = Callable[..., Any]


@pytest.fixture(scope="module")  # while it is open, no test with an event loop of its own can run
def chromium() -> Iterator[Any]:
    """Debian's Chromium, or the one that CHARTLINE_CHROMIUM names."""
    path = os.environ.get("CHARTLINE_CHROMIUM") or shutil.which("chromium")
    if not path:
        pytest.skip("no Chromium: install the package `chromium`, or name one in CHARTLINE_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def assistant() -> Iterator[Assistant]:
    server = Assistant()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def context_options() -> dict[str, Any]:
    """A test class or module may set its own: viewport, color_scheme, locale."""
    return {}


@pytest.fixture
def page(chromium: Any, context_options: dict[str, Any]) -> Iterator[Any]:
    """A page whose errors fail the test."""
    options = {"viewport": {"width": 1100, "height": 760}, "locale": "en-US", "timezone_id": "America/Chicago"}
    context = chromium.new_context(**(options | context_options))
    context.set_default_timeout(15_000)
    tab = context.new_page()
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    yield tab
    context.close()
    assert errors == []


def script_tag(server: str, **data: str) -> str:
    attributes = " ".join(f'data-{name}="{value}"' for name, value in data.items())
    return f'<script src="{server}/chartline.js" {attributes} async></script>'


def host_page(body: str) -> str:
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>A clinic</title>'
        '<meta name="viewport" content="width=device-width"></head>'
        f'<body><main><h1>A clinic</h1><p><a href="#visits">Visits</a></p></main>{body}</body></html>'
    )


@pytest.fixture
def open_chat(page: Any, assistant: Assistant) -> OpenChat:
    """Opens a page with the widget; keywords become its data- attributes."""

    def go(**data: str) -> Any:
        settings = {"title": "Riverbend Clinic assistant", "open": "true"} | data
        assistant.page = host_page(script_tag(assistant.url, **settings))
        page.goto(f"{assistant.url}/host")
        page.locator("chartline-chat").wait_for(state="attached")
        return page

    return go


def write(page: Any, text: str) -> None:
    """The person writes and sends."""
    page.get_by_role("textbox").fill(text)
    page.keyboard.press("Enter")


def begin(page: Any, text: str = "hello") -> None:
    """A conversation with its first answer on the screen."""
    write(page, text)
    sync_api.expect(page.get_by_text(f"You said: {text}")).to_be_visible()
