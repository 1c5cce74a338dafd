"""Requests that are too much: bodies without end, bombs, floods of headers, connections that never finish."""

from __future__ import annotations

import gzip
import json
import re
import select
import socket
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.system import SECRET, System, WebChat

HUGE = 100 * 1024 * 1024
CLOSED = 0  # the server hung up without an answer
BOMB = b"0" * (40 * 1024 * 1024)  # 40 kB when compressed, below every limit
NESTED = b"[" * 60_000
INVALID = b'{"id": "9b0b5e0e-9d3c-4f8e-a2a8-0d6a1b9b7c11", "text": "\xff\xfe\xc3("}'

Target = tuple[str, str, dict[str, str]]


def targets(system: System, chat: WebChat) -> list[Target]:
    """Every address that takes a body: its server, its path, and what lets a request come as far as possible."""
    actions = {"Authorization": f"Bearer {system.env['CHARTLINE_ACTIONS_TOKEN']}"}
    session = {"Authorization": f"Bearer {chat.token}", "Content-Type": "application/json"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    fhir = {"Content-Type": "application/fhir+json", "Authorization": "Bearer guess"}
    return [
        (system.local, "/webhooks/web/messages", session),
        (system.local, "/webhooks/sms/webhook", {**form, "X-Twilio-Signature": "x"}),
        (system.local, "/webhooks/sms/status", {**form, "X-Twilio-Signature": "x"}),
        (system.local, "/webhooks/telegram/webhook", {"X-Telegram-Bot-Api-Secret-Token": SECRET}),
        (system.local, "/signin/x/go", form),
        (system.local, "/nothing", {}),
        (system.actions_url, "/webhook", actions),
        (system.actions_url, "/webhook", {}),
        (system.portal_url, "/fhir/Task", fhir),
        (system.portal_url, "/oauth/token", form),
        (system.portal_url, "/oauth/authorize", form),
    ]


def pour(target: Target, chunked: bool) -> int:
    """Send 100 MB, or as much as the server takes before it answers; the status of its answer."""
    base, path, headers = target
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(HUGE)}
    piece = b"x" * 65536
    piece = b"%x\r\n%s\r\n" % (len(piece), piece) if chunked else piece
    with connect(base) as connection:
        connection.sendall(head(path, {**headers, **length}))
        try:
            for _ in range(HUGE // 65536):
                if select.select([connection], [], [], 0)[0]:
                    break
                connection.sendall(piece)
            if chunked:
                connection.sendall(b"0\r\n\r\n")
            return status(connection)
        except OSError:
            return status(connection)


def bombs(target: Target) -> Iterator[int]:
    """Small bodies that would be large ones, deep ones and broken ones; the statuses of the answers."""
    base, path, headers = target
    packed = (("gzip", gzip.compress(BOMB, 1)), ("deflate", zlib.compress(BOMB, 1)), ("br", NESTED))
    with httpx.Client(base_url=base, headers=headers, timeout=60) as client:
        for encoding, body in packed:
            yield client.post(path, content=body, headers={"Content-Encoding": encoding}).status_code
        for body in (
            NESTED,
            NESTED.replace(b"[", b'{"a":'),
            INVALID,
            b"\x00" * 1000,
            json.dumps("x" * 60_000).encode(),
        ):
            yield client.post(path, content=body).status_code


def flood_of_headers(base: str) -> int:
    """Thousands of headers; the status of the answer."""
    with connect(base) as connection:
        with suppress(OSError):  # it hung up before all of them were sent
            connection.sendall(head("/", {f"X-Flood-{number}": "x" * 100 for number in range(5_000)}))
        return status(connection)


@contextmanager
def half_open(base: str, count: int) -> Iterator[list[socket.socket]]:
    """Connections that began a request, and stay as they are: half of them in the headers, half in the body."""
    with ExitStack() as stack:
        opened = [stack.enter_context(connect(base)) for _ in range(count)]
        for number, connection in enumerate(opened):
            begun = head("/webhooks/web/messages", {"Content-Length": "1000"}) + b"{"
            connection.sendall(begun if number % 2 else begun[:40])
        yield opened


@contextmanager
def connect(base: str) -> Iterator[socket.socket]:
    parts = urlsplit(base)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60) as connection:
        yield connection


def head(path: str, headers: dict[str, str]) -> bytes:
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: chat.clinic.example",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def status(connection: socket.socket) -> int:
    """The status of the answer that waits there."""
    try:
        found = re.match(rb"HTTP/1\.[01] (\d{3})", connection.recv(4096))
    except OSError:
        return CLOSED
    return int(found[1]) if found else CLOSED


class Memory:
    """The memory of the processes, in bytes, from the kernel (proc(5)): what they have, and the most they had."""

    def __init__(self, processes: dict[str, Any]) -> None:
        self._pids = {name: process.pid for name, process in processes.items()}
        for pid in self._pids.values():
            Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak is counted from now on
        self._before = {name: _read(pid, "VmRSS") for name, pid in self._pids.items()}

    def growth(self) -> dict[str, int]:
        """By how much each process was at most larger than at the beginning."""
        return {name: _read(pid, "VmHWM") - self._before[name] for name, pid in self._pids.items()}


def _read(pid: int, name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) * 1024
