"""A page of another site can neither talk to the assistant nor show it in a frame."""

from __future__ import annotations

import socket
from typing import Any

import pytest

from tests.system import PUBLIC, System, WebChat

FOREIGN = (
    "https://evil.example",
    "null",
    "",
    f"{PUBLIC}.evil.example",
    f"{PUBLIC}:8443",
    "http://chat.clinic.example",
    f"{PUBLIC} https://evil.example",
    "file://",
)
CALLS = (("POST", "session"), ("POST", "messages"), ("GET", "events"), ("OPTIONS", "session"), ("OPTIONS", "messages"))


@pytest.mark.parametrize("origin", FOREIGN)
def test_a_foreign_page_is_refused_even_with_a_token(system: System, origin: str) -> None:
    chat = WebChat(system)
    before = system.rows()
    headers = {"Authorization": f"Bearer {chat.token}", "Origin": origin, "Content-Type": "application/json"}
    with system.client() as client:
        for method, path in CALLS:
            answer = client.request(method, f"/webhooks/web/{path}", headers=headers, content=b"{}")
            assert answer.status_code == 403, (method, path)
            assert "access-control-allow-origin" not in answer.headers
    assert system.rows() == before


def test_the_assistants_own_page_is_not_refused(system: System) -> None:
    with system.client() as client:
        answer = client.post("/webhooks/web/session", headers={"Origin": PUBLIC})
    assert answer.status_code == 201
    assert answer.headers["access-control-allow-origin"] == PUBLIC


@pytest.mark.parametrize("origin", ["https://evil.example", PUBLIC])
@pytest.mark.parametrize(
    "path", ["/webhooks/web/events", "/webhooks/web/", "/socket.io/?EIO=4&transport=websocket", "/"]
)
def test_there_is_no_websocket_to_open(system: System, origin: str, path: str) -> None:
    token = WebChat(system).token
    request = (
        f"GET {path} HTTP/1.1\r\nHost: chat.clinic.example\r\nOrigin: {origin}\r\nConnection: Upgrade\r\n"
        f"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", system.port), timeout=20) as connection:
        connection.sendall(request.encode())
        status = connection.recv(4096).split(b"\r\n")[0]
    assert b" 101 " not in status
    if origin != PUBLIC and path.startswith("/webhooks/web/events"):
        assert b" 403 " in status


def pages(system: System) -> list[str]:
    """Everything that a browser could show in a frame."""
    assistant = [
        "/",
        "/static/index.html",
        "/static/",
        "/chartline.js",
        "/signin/nothing",
        "/signin/callback",
        "/nothing",
    ]
    portal = ["/account", "/authorize", "/nothing", "/fhir/metadata"]
    return [f"{PUBLIC}{path}" for path in assistant] + [f"{system.portal_url}{path}" for path in portal]


def test_no_page_lets_itself_be_framed(system: System) -> None:
    with system.client(follow_redirects=True) as client:
        answers: list[Any] = [client.get(url) for url in pages(system)]
    shown = [answer for answer in answers if "html" in answer.headers.get("content-type", "")]
    assert len(shown) >= 4
    framed = [str(a.url) for a in shown if "frame-ancestors 'none'" not in a.headers.get("content-security-policy", "")]
    assert framed == []
