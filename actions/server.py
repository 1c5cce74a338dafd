"""The actions behind HTTP, as Rasa calls them: rasa-sdk's executor with a shared secret and without its CORS,
its listing of actions, and its error pages, which repeat the whole conversation to the caller."""

from __future__ import annotations

import hmac
import json
import logging
import zlib
from typing import Any

from prometheus_client import generate_latest
from rasa_sdk.executor import ActionExecutor
from rasa_sdk.interfaces import ActionExecutionRejection, ActionNotFoundException
from sanic import Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, raw
from sanic.response import json as json_response

import actions
from accounts import scrape
from accounts.logs import about

log = logging.getLogger(__name__)

MAX_BODY = 8_000_000


def create_app(token: str, name: str = "chartline_actions") -> Sanic:
    """The action server. Every call but `/health` needs `Authorization: Bearer <token>`; `/metrics` one of its own."""
    app = Sanic(name, configure_logging=False)
    app.config.REQUEST_MAX_SIZE = MAX_BODY
    app.config.ACCESS_LOG = False
    executor = ActionExecutor()
    executor.register_package(actions)

    @app.get("/health")
    async def health(_request: Request) -> HTTPResponse:
        return json_response({"status": "ok", "actions": len(executor.actions)})

    @app.get("/metrics")
    async def metrics(request: Request) -> HTTPResponse:
        if not scrape.may_read(request.ip, request.headers):
            return json_response({"error": "not found"}, status=404)
        return raw(generate_latest(scrape.REGISTRY), content_type=scrape.CONTENT_TYPE)

    @app.post("/webhook", stream=True)
    async def webhook(request: Request) -> HTTPResponse:
        if not hmac.compare_digest(
            request.headers.get("authorization", "").encode(errors="replace"), f"Bearer {token}".encode()
        ):
            return json_response({"error": "unauthorized"}, status=401)
        # After the secret was seen, so that nobody else's body is kept. A streamed one has no limit unless it is set.
        request.stream.request_max_size = MAX_BODY  # type: ignore[union-attr]
        await request.receive_body()
        try:
            call = _body(request)
        except (ValueError, RecursionError, zlib.error):
            return json_response({"error": "bad request"}, status=400)
        with about(_turn_of(call)):
            return await _run(executor, call)

    return app


def _turn_of(call: dict[str, Any]) -> str:
    """The correlation id that delivery noted on the patient's message; empty where there is none."""
    found: Any = call["tracker"]
    for name in ("latest_message", "metadata", "turn"):
        found = found.get(name) if isinstance(found, dict) else None
    return found if isinstance(found, str) else ""


async def _run(executor: ActionExecutor, call: dict[str, Any]) -> HTTPResponse:
    name = call["next_action"]
    try:
        return json_response(await executor.run(call))
    except ActionExecutionRejection as rejection:
        return json_response({"error": rejection.message, "action_name": rejection.action_name}, status=400)
    except ActionNotFoundException:
        return json_response({"error": "no such action", "action_name": name}, status=404)
    except Exception as error:
        log.error("%s failed: %s", name, type(error).__name__, exc_info=_without_values(error))
        return json_response({"error": type(error).__name__, "action_name": name}, status=500)


def _body(request: Request) -> dict[str, Any]:
    raw = request.body
    if request.headers.get("content-encoding") == "deflate":
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(raw, MAX_BODY)
        if unpacker.unconsumed_tail:
            raise ValueError("too large")
    call = json.loads(raw)
    if not isinstance(call, dict) or not isinstance(call.get("next_action"), str) or "tracker" not in call:
        raise ValueError("not an action call")
    return call


def _without_values(error: BaseException) -> tuple[type, BaseException, Any]:
    """The stack of an error without its text, which may hold what a patient wrote."""
    return RuntimeError, RuntimeError(type(error).__name__), error.__traceback__
