"""A small assistant that speaks the web channel's protocol, and can be told to misbehave.

It is the server's side of docs/architecture.md, "The web channel", kept apart from `bot/channels/web.py` so that the
widget is tested against the document.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

STATIC = Path(__file__).parents[2] / "bot" / "web" / "static"
Event = dict[str, Any]
STRICT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def message(text: str, **fields: Any) -> Event:
    """One `message` event of the assistant, with every field that the protocol names."""
    event: Event = {
        "type": "message",
        "from": "assistant",
        "text": text,
        "choices": [],
        "links": [],
        "image": None,
        "at": datetime.now(timezone.utc).isoformat(),
        "message_id": secrets.token_hex(8),
    }
    return event | fields


class Conversation:
    """Events by number, and the streams that wait for more."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.ids: set[str] = set()
        self.streams: set[asyncio.Queue[str | None]] = set()


class Assistant:
    """What came in (`posts`, `resumed_from`), what goes wrong (`faults`), what is answered (`reply`)."""

    def __init__(self) -> None:
        self.conversations: dict[str, Conversation] = {}
        self.posts: list[dict[str, Any]] = []
        self.resumed_from: list[str | None] = []
        self.faults: deque[int] = deque()
        self.stream_faults: deque[int] = deque()
        self.too_many = 0  # new sessions that are asked to come back in a second
        self.answer_delay = 0.0
        self.page = ""
        self.csp: str | None = None
        self.reply: Callable[[str], list[Event]] = lambda text: [message(f"You said: {text}")]
        self._server: uvicorn.Server | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.port = 0

    # What a test does to it.

    def say(self, event: Event) -> None:
        """An event for every conversation."""
        for conversation in list(self.conversations.values()):
            self._call(self._append, conversation, event)

    def typing(self, on: bool) -> None:
        for conversation in list(self.conversations.values()):
            self._call(self._send, conversation, _frame(None, {"type": "typing", "on": on}))

    def lock(self, *then: Event) -> None:
        """What was told is closed: it is gone from the conversations, and `then` follows."""
        for conversation in list(self.conversations.values()):
            self._call(conversation.events.clear)
            self._call(self._send, conversation, _frame(None, {"type": "lock"}))
        for event in then:
            self.say(event)

    def raw(self, frame: str) -> None:
        """Bytes on the streams as they are."""
        for conversation in list(self.conversations.values()):
            self._call(self._send, conversation, frame)

    def drop(self) -> None:
        """Every stream breaks off in the middle."""
        for conversation in list(self.conversations.values()):
            self._call(self._send, conversation, None)

    def forget(self) -> None:
        """All sessions are over."""
        self.drop()
        self.conversations.clear()

    # The protocol.

    async def session(self, _request: Request) -> Response:
        if self.too_many:
            self.too_many -= 1
            return Response(status_code=429, headers={"retry-after": "1"})
        token = secrets.token_urlsafe(16)
        self.conversations[token] = Conversation()
        return JSONResponse({"token": token}, 201)

    async def messages(self, request: Request) -> Response:
        body = await request.json()
        self.posts.append(body)
        await asyncio.sleep(self.answer_delay)
        if self.faults:
            return Response(status_code=self.faults.popleft())
        conversation = self._conversation(request)
        if conversation is None:
            return Response(status_code=401)
        if body["id"] not in conversation.ids:
            conversation.ids.add(body["id"])
            self._take(conversation, body)
        return JSONResponse({"id": body["id"]}, 202)

    async def events(self, request: Request) -> Response:
        last = request.headers.get("last-event-id")
        self.resumed_from.append(last)
        if self.stream_faults:
            return Response(status_code=self.stream_faults.popleft())
        conversation = self._conversation(request)
        if conversation is None:
            return Response(status_code=401)
        return StreamingResponse(self._stream(conversation, last), media_type="text/event-stream")

    def _conversation(self, request: Request) -> Conversation | None:
        return self.conversations.get(request.headers.get("authorization", "").removeprefix("Bearer "))

    def _take(self, conversation: Conversation, body: dict[str, Any]) -> None:
        text = body.get("text") or self._title(conversation, body["choice"])
        self._append(conversation, message(text, message_id=body["id"]) | {"from": "patient"})
        for event in self.reply(text):
            self._append(conversation, event)

    @staticmethod
    def _title(conversation: Conversation, choice: str) -> str:
        offered = [c for event in conversation.events for c in event["choices"]]
        return next(str(c["title"]) for c in offered if c["id"] == choice)

    def _append(self, conversation: Conversation, event: Event) -> None:
        conversation.events.append(event)
        self._send(conversation, _frame(len(conversation.events), event))

    @staticmethod
    def _send(conversation: Conversation, frame: str | None) -> None:
        for stream in conversation.streams:
            stream.put_nowait(frame)

    @staticmethod
    async def _stream(conversation: Conversation, last: str | None) -> AsyncIterator[str]:
        queue: asyncio.Queue[str | None] = asyncio.Queue()
        conversation.streams.add(queue)
        try:
            start = int(last) if last else max(0, len(conversation.events) - 50)
            yield ": hello\n\n"
            for number, event in enumerate(conversation.events[start:], start + 1):
                yield _frame(number, event)
            while (frame := await queue.get()) is not None:
                yield frame
            raise ConnectionAbortedError
        finally:
            conversation.streams.discard(queue)

    # The pages.

    async def host(self, _request: Request) -> Response:
        headers = {"content-security-policy": self.csp} if self.csp else {}
        return HTMLResponse(self.page, headers=headers)

    def app(self) -> Starlette:
        routes = [
            Route("/webhooks/web/session", self.session, methods=["POST"]),
            Route("/webhooks/web/messages", self.messages, methods=["POST"]),
            Route("/webhooks/web/events", self.events),
            Route("/host", self.host),
            Route("/chartline.js", lambda _: FileResponse(STATIC / "chartline.js")),
            Mount("/static", StaticFiles(directory=STATIC)),
            Route("/", lambda _: FileResponse(STATIC / "index.html", headers={"content-security-policy": STRICT})),
        ]
        allowed = ["authorization", "content-type", "last-event-id"]
        cors = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["GET", "POST"], allow_headers=allowed)
        return Starlette(routes=routes, middleware=[cors])

    # Its life.

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        if not ready.wait(20):
            raise TimeoutError("the test server did not start")

    def stop(self) -> None:
        if self._server and self._thread:
            self._server.should_exit = self._server.force_exit = True
            self.drop()
            self._thread.join(10)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        config = uvicorn.Config(self.app(), port=self.port, log_level="critical", lifespan="off", ws="none")
        self._server = uvicorn.Server(config)
        socket = config.bind_socket()
        self.port = socket.getsockname()[1]
        self._loop.call_soon(ready.set)
        await self._server.serve(sockets=[socket])

    def _call(self, function: Callable[..., None], *arguments: Any) -> None:
        if self._loop is None:
            raise RuntimeError("the test server is not running")
        self._loop.call_soon_threadsafe(function, *arguments)


def _frame(number: int | None, event: Event) -> str:
    head = "" if number is None else f"id: {number}\n"
    return f"{head}data: {json.dumps(event)}\n\n"
