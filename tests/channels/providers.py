"""Local servers that speak the protocols of Twilio's and Telegram's APIs, for the real client libraries to talk to."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.parser import BytesParser
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any
from urllib.parse import parse_qsl, urlsplit

ACCOUNT_SID = "AC00000000000000000000000000000001"
AUTH_TOKEN = "0123456789abcdef0123456789abcdef"
BOT_TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw0"


@dataclass
class Answer:
    """One scripted answer. `held` waits until `Provider.release` is set, or until the test is over."""

    status: int
    body: dict[str, Any] | str
    headers: dict[str, str] = field(default_factory=dict)
    held: bool = False


@dataclass
class Call:
    path: str
    headers: dict[str, str]
    fields: dict[str, str]
    files: dict[str, bytes] = field(default_factory=dict)


class Provider:
    """Records every call; answers from `script` while it lasts, and then as the real one would."""

    def __init__(self, normal: Callable[[Call, int], Answer]) -> None:
        self.calls: list[Call] = []
        self.script: deque[Answer] = deque()
        self.release = Event()
        self.url = ""
        self._normal = normal

    def answer(self, call: Call) -> Answer:
        self.calls.append(call)
        answer = self.script.popleft() if self.script else self._normal(call, len(self.calls))
        if answer.held and not self.release.wait(timeout=1):
            return Answer(500, {"code": 0, "description": "nobody released this answer"})
        return answer


@contextmanager
def provider(normal: Callable[[Call, int], Answer]) -> Iterator[Provider]:
    served = Provider(normal)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(served))
    server.daemon_threads = True
    served.url = f"http://127.0.0.1:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield served
    finally:
        served.release.set()
        server.shutdown()
        thread.join()
        server.server_close()


def twilio(call: Call, number: int) -> Answer:
    """`POST /2010-04-01/Accounts/{sid}/Messages.json`, with basic authentication."""
    expected = "Basic " + base64.b64encode(f"{ACCOUNT_SID}:{AUTH_TOKEN}".encode()).decode()
    if call.headers.get("authorization") != expected:
        return Answer(401, {"code": 20003, "message": "Authenticate", "status": 401})
    if call.path != f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json":
        return Answer(404, {"code": 20404, "message": "Not found", "status": 404})
    sid = f"SM{number:032d}"
    sent = {"sid": sid, "status": "queued", "body": call.fields["Body"], "to": call.fields["To"]}
    return Answer(201, {**sent, "account_sid": ACCOUNT_SID, "num_segments": "1", "error_code": None})


def telegram(call: Call, number: int) -> Answer:
    """`POST /bot<token>/<method>`."""
    token, _, method = call.path.removeprefix("/bot").partition("/")
    if token != BOT_TOKEN:
        return Answer(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
    if method in ("sendChatAction", "answerCallbackQuery", "setWebhook"):
        return Answer(200, {"ok": True, "result": True})
    if method in ("getMe",):
        me = {"id": 110201543, "is_bot": True, "first_name": "Chartline", "username": "chartline_bot"}
        return Answer(200, {"ok": True, "result": me})
    chat = {"id": int(call.fields["chat_id"]), "type": "private"}
    message = {"message_id": number, "date": 1767225600, "chat": chat, "text": call.fields.get("text", "")}
    return Answer(200, {"ok": True, "result": message})


def refused(status: int, description: str, **parameters: Any) -> Answer:
    """How Telegram says no."""
    body: dict[str, Any] = {"ok": False, "error_code": status, "description": description}
    return Answer(status, {**body, "parameters": parameters} if parameters else body)


def _handler(served: Provider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            answer = served.answer(_call(self))
            body = answer.body if isinstance(answer.body, str) else json.dumps(answer.body)
            try:
                self.send_response(answer.status)
                for name, value in {"Content-Type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())
            except OSError:
                self.close_connection = True  # the client's time was up

        do_GET = do_POST

        def log_message(self, *args: Any) -> None:
            pass

    return Handler


def _call(handler: BaseHTTPRequestHandler) -> Call:
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    headers = {name.lower(): value for name, value in handler.headers.items()}
    call = Call(urlsplit(handler.path).path, headers, {})
    if headers.get("content-type", "").startswith("multipart/"):
        head = f"Content-Type: {headers['content-type']}\r\n\r\n".encode()
        for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
            name = str(part.get_param("name", header="content-disposition"))
            content = part.get_payload(decode=True)
            if part.get_filename():
                call.files[name] = content
            else:
                call.fields[name] = content.decode()
    else:
        call.fields = dict(parse_qsl(body.decode(), keep_blank_values=True))
    return call
