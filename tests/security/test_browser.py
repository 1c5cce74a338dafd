"""In a real browser: script in a message is text, and no other site's page gets the chat into a frame."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest

from tests.system import System
from tests.widget.conftest import chromium  # noqa: F401

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

SCRIPTS = (
    "<script>document.title='taken'</script>",
    "<img src=x onerror=\"document.title='taken'\">",
    "[press](javascript:document.title='taken')",
    "<iframe srcdoc=\"<script>parent.document.title='taken'</script>\"></iframe>",
    "{{constructor.constructor('document.title=1')()}}",
)


@pytest.fixture
def page(chromium: Any) -> Iterator[Any]:  # noqa: F811
    context = chromium.new_context()
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def test_script_in_a_message_is_shown_as_text(system: System, page: Any) -> None:
    page.goto(f"http://localhost:{system.port}")
    title, log = page.title(), page.get_by_role("log")
    for script in SCRIPTS:
        page.get_by_role("textbox").fill(script)
        page.keyboard.press("Enter")
        sync_api.expect(log).to_contain_text(script)
    page.reload()
    sync_api.expect(log).to_contain_text(SCRIPTS[-1])
    sync_api.expect(log.locator("script, iframe, img[src=x], a[href^='javascript']")).to_have_count(0)
    assert page.title() == title


@pytest.fixture
def foreign_site(system: System) -> Iterator[str]:
    """A page of another site that frames the chat, its files and a sign-in page, each in a frame of its own."""
    framed = ("/", "/static/index.html", "/signin/x", "/nothing")
    frames = "".join(f'<iframe src="http://localhost:{system.port}{path}"></iframe>' for path in framed)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(f"<!doctype html><title>Evil</title>{frames}".encode())

        def log_message(self, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


def test_another_site_cannot_frame_the_chat(page: Any, foreign_site: str) -> None:
    refused: list[str] = []
    page.on("console", lambda message: refused.append(message.text) if "frame-ancestors" in message.text else None)
    page.goto(foreign_site, wait_until="networkidle")
    assert len(refused) == 4
    shown = [frame.locator("body").inner_text() for frame in page.frames[1:]]
    assert [text for text in shown if "health" in text.lower() or "clinic" in text.lower()] == []
