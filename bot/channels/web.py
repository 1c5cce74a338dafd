"""The web chat's native side: sessions, messages and a stream of events over plain HTTP.

`docs/architecture.md`, "The web channel", is the protocol. A session is an opaque token that the server made; the
conversation's address is its hash, so that nobody can name another's. Every call checks the page's `Origin`.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse, empty
from sanic.response import json as json_response

from bot.channels import chart
from bot.channels.message import Incoming, Rendered, Reply, plain_text
from bot.channels.webhook import hand_over, not_kept, read_body

log = logging.getLogger(__name__)

NAME = ACCOUNT = "web"
HEARTBEAT = 15.0  # seconds between two signs of life on a quiet stream
PAGE = 50  # messages of a conversation that a reload shows


class WebInput(InputChannel):
    """The widget's own connector. `origins` are the pages that may talk to it."""

    def __init__(self, origins: frozenset[str]) -> None:
        self.origins = origins

    @classmethod
    def name(cls) -> str:
        """The channel's name in Rasa and in the address of its routes."""
        return NAME

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes. The inbox takes the messages, so Rasa's own handler is not used."""
        web = Blueprint("chartline_web", strict_slashes=False)
        # As decorators: given a method itself, a blueprint of Sanic forgets it without a word.
        web.middleware("request")(self._refuse_foreign_pages)
        web.middleware("response")(self._allow_own_pages)

        async def preflight(_request: Request) -> HTTPResponse:
            return empty()

        for path in ("session", "messages", "events"):
            web.add_route(preflight, f"/{path}", methods=["OPTIONS"], name=f"preflight_{path}")

        @web.post("/session")
        async def session(request: Request) -> HTTPResponse:
            wait = request.app.ctx.throttle.wait(request, "session")
            if wait:
                return json_response({"error": "too many"}, status=429, headers={"Retry-After": str(wait)})
            token = new_token()
            try:
                await request.app.ctx.delivery.begin(NAME, ACCOUNT, address_of(token))
            except Exception as error:  # noqa: BLE001 - not kept, whatever the reason: the widget asks again
                raise not_kept(error) from None
            return json_response({"token": token}, status=201)

        @web.post("/messages", stream=True)
        async def messages(request: Request) -> HTTPResponse:
            address, _ = await _session(request)
            incoming = _incoming(await read_body(request), address)
            await hand_over(request, incoming)
            return json_response({"id": incoming.message_id}, status=202)

        @web.get("/events")
        async def events(request: Request) -> None:
            _, conversation = await _session(request)
            await _stream(request, conversation)

        return web

    async def _refuse_foreign_pages(self, request: Request) -> HTTPResponse | None:
        page = request.headers.get("origin")
        if page is not None and page.lower() not in self.origins:
            return json_response({"error": "origin"}, status=403)
        return None

    async def _allow_own_pages(self, request: Request, response: HTTPResponse) -> None:
        response.headers.update(self._cors(request))

    def _cors(self, request: Request) -> dict[str, str]:
        page = request.headers.get("origin", "")
        if page.lower() not in self.origins:
            return {"Vary": "Origin"}
        return {
            "Vary": "Origin",
            "Access-Control-Allow-Origin": page,
            "Access-Control-Allow-Methods": "GET, POST",
            "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
            "Access-Control-Expose-Headers": "Retry-After",
            "Access-Control-Max-Age": "600",
        }


class WebSender:
    """Renders replies as the widget's events. Sending is storing: the widget's stream reads what is stored."""

    name = NAME

    def render(self, replies: list[Reply]) -> Rendered:
        """One event a reply."""
        return Rendered([_event("assistant", reply, secrets.token_urlsafe(9)) for reply in replies])

    def echo(self, message_id: str, text: str) -> dict[str, Any] | None:
        """The person's own message, so that a reload and a second tab show it."""
        return _event("patient", Reply(text), message_id)

    async def send(self, address: str, payload: dict[str, Any]) -> str:
        """Nothing to hand over."""
        return str(payload["message_id"])

    async def typing(self, address: str) -> None:
        """The stream shows it by itself."""

    async def close(self) -> None:
        """Nothing to let go of."""


# `at` is added by what keeps the events: a scheduled one is said later than it is rendered.
def _event(sender: str, reply: Reply, message_id: str) -> dict[str, Any]:
    return {
        "type": "message",
        "from": sender,
        "text": reply.text,
        "choices": [{"id": c.id, "title": c.title} for c in reply.choices],
        "links": [{"title": link.title, "url": link.url} for link in reply.links],
        "image": _image(reply.chart),
        "message_id": message_id,
    }


def _image(data: dict[str, Any] | None) -> dict[str, str] | None:
    if not data or not chart.drawable(data):
        return None
    return {"src": chart.png_data_url(data), "alt": str(data.get("alt") or data.get("title") or "")}


def new_token() -> str:
    """The opaque token of a new session."""
    return secrets.token_urlsafe(32)


def address_of(token: str) -> str:
    """The address of a session's conversation: what the database keeps of the token."""
    return hashlib.sha256(token.encode()).hexdigest()


async def _session(request: Request) -> tuple[str, str]:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token and token.isascii():
        address = address_of(token)
        try:
            conversation = await request.app.ctx.delivery.find(NAME, address)
        except Exception as error:  # noqa: BLE001 - not a 401, which would end the session for good
            raise not_kept(error) from None
        if conversation:
            return address, conversation
    raise SanicException("no session", status_code=401, quiet=True)


def _incoming(body: bytes, address: str) -> Incoming:
    try:
        data = json.loads(body)
        message_id = str(UUID(data["id"]))
        text, choice = data.get("text", ""), data.get("choice")
        if not isinstance(text, str) or not (choice is None or isinstance(choice, str)):
            raise ValueError("text and choice are strings")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise SanicException("not a message", status_code=400, quiet=True) from None
    text, truncated = plain_text(text)
    if not text and not choice:
        raise SanicException("empty message", status_code=400, quiet=True)
    # The same id from another session is another message, so the session is part of the account.
    return Incoming(
        channel=NAME,
        account=address,
        message_id=message_id,
        address=address,
        text=text,
        choice=choice[:64] if choice else None,
        metadata={"truncated": True} if truncated else {},
    )


async def _stream(request: Request, conversation: str) -> None:
    delivery = request.app.ctx.delivery
    last = _last_event_id(request)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    response = await request.respond(content_type="text/event-stream", headers=headers)
    await response.send(": hello\n\n")  # the headers leave with the first byte: without it the page waits for them
    with delivery.bell.listen(conversation) as rung:
        typing = False
        while not delivery.bell.closed:
            try:
                view = await delivery.history(conversation, last, PAGE)
            except Exception as error:  # noqa: BLE001 - the page comes back with the last id that it saw
                log.error("a stream ended: %s", type(error).__name__)
                return
            if view.closed:
                await response.send(f"data: {json.dumps({'type': 'lock'})}\n\n")
                last = None
            for number, event in view.messages:
                await response.send(f"id: {number}\ndata: {json.dumps(event)}\n\n")
                last = number
            if len(view.messages) == PAGE:
                continue  # there may be more
            last = last or 0
            if delivery.bell.is_typing(conversation) != typing:
                typing = not typing
                await response.send(f"data: {json.dumps({'type': 'typing', 'on': typing})}\n\n")
            try:
                await asyncio.wait_for(rung.wait(), HEARTBEAT)
            except asyncio.TimeoutError:
                await response.send(": still here\n\n")
            rung.clear()


def _last_event_id(request: Request) -> int | None:
    value = request.headers.get("last-event-id", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else None
