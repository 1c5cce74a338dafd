"""What can be called at all: no route of Rasa's own API, no action without the secret, nothing from another machine."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import rasa_sdk.endpoint
from rasa.core.channels import BUILTIN_CHANNELS
from rasa.server import create_app
from sanic import Sanic

from tests.security.test_spoofing import told
from tests.system import System

REFUSED = (401, 403, 404, 405)
CLAIMS = {"token": "guess", "environment": "production", "output_channel": "latest"}
HEADERS = {"Authorization": "Bearer guess", "Content-Type": "application/json"}
BODY = json.dumps({"next_action": "action_show_labs", "tracker": {"sender_id": "x"}, "sender_id": "x", "sender": "x",
                   "message": "show my labs", "text": "show my labs", "name": "action_show_labs"})  # fmt: skip


def routes_of(app: Sanic) -> set[tuple[str, str]]:
    """(method, path), path parameters filled in."""
    return {
        (method, "/" + re.sub(r"<[^>]+>", "x", route.path))
        for route in app.router.routes
        for method in route.methods or ()
    }


def attempts(method: str) -> dict[str, Any]:
    return {"params": CLAIMS, "headers": HEADERS, "content": BODY if method in ("POST", "PUT", "PATCH") else None}


def test_no_route_of_rasas_http_api_is_there(system: System) -> None:
    routes = routes_of(create_app(agent=None))
    assert ("POST", "/conversations/x/messages") in routes
    assert len(routes) > 15
    ours = {("GET", "/"), ("HEAD", "/"), ("OPTIONS", "/")}  # Rasa's says hello; ours is the page with the chat
    with system.client() as client:
        for method, path in sorted(routes - ours):
            answer = client.request(method, path, **attempts(method))
            assert answer.status_code in REFUSED, (method, path, answer.status_code)
            assert told(answer.text) == []


@pytest.mark.parametrize("channel", sorted(BUILTIN_CHANNELS.keys() - {"telegram"}))
def test_no_connector_of_rasas_is_mounted(system: System, channel: str) -> None:
    with system.client() as client:
        for path in ("", "/webhook", "/webhook?stream=true", "/"):
            for method in ("GET", "POST"):
                answer = client.request(method, f"/webhooks/{channel}{path}", **attempts(method))
                assert answer.status_code in REFUSED, (channel, method, path)
        assert client.get("/socket.io/?EIO=4&transport=polling").status_code == 404


def test_the_action_server_answers_nobody_without_its_secret(system: System) -> None:
    token = system.env["CHARTLINE_ACTIONS_TOKEN"]
    wrong = (
        None,
        "",
        token,
        "Bearer",
        f"Bearer {token}x",
        f"Bearer {token[:-1]}",
        f"Basic {token}",
        "Bearer é",
    )
    with httpx.Client(base_url=system.actions_url) as client:
        for authorization in wrong:
            headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
            assert client.post("/webhook", content=BODY, headers=headers).status_code == 401
        right = {"Authorization": f"Bearer {token}"}
        assert client.post("/webhook", content="{}", headers=right).status_code == 400


def test_of_rasa_sdks_routes_only_the_webhook_and_the_health_are_there(system: System) -> None:
    routes = routes_of(rasa_sdk.endpoint.create_app("accounts.tiers"))
    assert {("GET", "/actions"), ("POST", "/webhook"), ("GET", "/health")} <= routes
    with httpx.Client(base_url=system.actions_url) as client:
        for method, path in sorted(routes):
            answer = client.request(method, path, **attempts(method))
            assert answer.status_code in REFUSED or path == "/health", (method, path)
            assert "action_" not in answer.text
            assert "access-control-allow-origin" not in answer.headers


def test_every_process_listens_on_loopback_only(system: System) -> None:
    """Nobody told them a host: this is the default."""
    assert not [name for name in system.env if name.endswith("_HOST") and name.startswith("CHARTLINE")]
    for name, process in system.processes.items():
        addresses = listening(process.pid)
        assert addresses, name
        assert addresses <= {"127.0.0.1", "::1"}, name


def listening(pid: int) -> set[str]:
    """The addresses that a process listens on, as the kernel has them (proc(5), /proc/net/tcp)."""
    sockets = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        target = descriptor.readlink() if descriptor.is_symlink() else Path()
        sockets.update(re.findall(r"socket:\[(\d+)\]", str(target)))
    found = set()
    for table, width in (("tcp", 8), ("tcp6", 32)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and fields[9] in sockets:
                found.add(_address(fields[1][:width]))
    return found


def _address(kernel: str) -> str:
    words = [bytes.fromhex(kernel[i : i + 8])[::-1] for i in range(0, len(kernel), 8)]
    if len(words) == 1:
        return ".".join(str(byte) for byte in words[0])
    return "::1" if b"".join(words) == b"\0" * 15 + b"\1" else kernel
