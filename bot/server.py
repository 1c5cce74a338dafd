"""The composition root of the assistant: settings in, one Sanic application out."""

from __future__ import annotations

import asyncio
import logging
import os
import re
from pathlib import Path
from typing import Any

import rasa.core.channels.channel
from rasa.core.agent import Agent, load_agent
from rasa.core.channels.channel import InputChannel
from rasa.core.tracker_store import FailSafeTrackerStore
from rasa.core.utils import AvailableEndpoints
from rasa.shared.utils.io import read_config_file, read_yaml_file
from sanic import Sanic
from sanic.request import Request
from sanic.response import BaseHTTPResponse, HTTPResponse, raw
from sanic.response import json as json_response

from accounts import scrape
from accounts.errors import StateError
from accounts.service import Accounts
from accounts.service import bootstrap as accounts_bootstrap
from bot import logs
from bot.channels import chart
from bot.channels.sms import SmsInput, SmsSender
from bot.channels.telegram import TelegramInput, TelegramSender
from bot.channels.web import WebInput, WebSender
from bot.delivery import metrics
from bot.delivery.hours import SendingHours
from bot.delivery.sender import Sender
from bot.delivery.service import Delivery
from bot.delivery.tracker_store import EncryptedTrackerStore
from bot.model import ROOT, trained_model
from bot.settings import BotSettings, ClinicSettings, read
from bot.throttle import Throttle
from bot.web.pages import Pages

log = logging.getLogger(__name__)


def create_app(settings: BotSettings | None = None, accounts: Accounts | None = None, name: str = "chartline") -> Sanic:
    """The assistant as a web application: pages, webhooks, health. The model is loaded when it starts."""
    settings = settings or read(BotSettings)
    accounts = accounts or accounts_bootstrap()
    inputs, senders = _channels(settings)
    hours = read(SendingHours)
    app = Sanic(name, configure_logging=False, error_handler=logs.ErrorPages())
    app.config.ACCESS_LOG = False  # a path may hold a one-time link
    app.config.REQUEST_MAX_SIZE = 1_000_000
    app.config.RESPONSE_TIMEOUT = 60
    app.config.PROXIES_COUNT = settings.trusted_proxies
    app.ctx.throttle = Throttle(settings, lambda address: accounts.vault.mac("client", address.encode()))
    rasa.core.channels.channel.register(inputs, app, route="/webhooks/")
    app.blueprint(Pages(accounts, settings, read(ClinicSettings)).blueprint())
    app.add_route(_health, "/health")
    app.add_route(_ready, "/ready")
    app.add_route(_metrics, "/metrics")
    app.register_middleware(_never_framed, "response")
    logs.configure()

    async def start(app: Sanic, _loop: Any) -> None:
        app.ctx.agent = await load(settings, accounts)
        app.ctx.delivery = Delivery(accounts, app.ctx.agent, senders, hours)
        app.ctx.delivery.start()
        app.ctx.warming = asyncio.create_task(asyncio.to_thread(_warm))

    async def stop(app: Sanic, _loop: Any) -> None:
        await app.ctx.warming
        await app.ctx.delivery.stop()

    app.register_listener(start, "before_server_start")
    app.register_listener(stop, "before_server_stop")
    return app


async def load(settings: BotSettings, accounts: Accounts) -> Agent:
    """The agent with its model; `StateError` where it cannot be loaded, never half an assistant."""
    model = trained_model(settings.models)
    endpoints = AvailableEndpoints.read_endpoints(str(settings.endpoints))
    if endpoints.tracker_store is not None:
        endpoints.tracker_store.kwargs["accounts"] = accounts  # the store is to share this process's database and key
    agent = await load_agent(str(model), endpoints=endpoints)
    if not agent.is_ready():
        raise StateError(f"The model {model.name} cannot be loaded: run `make train`")
    return _saving_or_failing(agent, settings)


def _saving_or_failing(agent: Agent, settings: BotSettings) -> Agent:
    """A turn whose tracker cannot be saved fails, and is tried again.

    Rasa wraps the store so that such a turn goes on in memory: the patient reads an answer that nobody remembers. And
    where it does not find a store it takes one in memory, or another that the turn's transaction does not reach.
    """
    store = agent.tracker_store
    store = store._tracker_store if isinstance(store, FailSafeTrackerStore) else store
    if not isinstance(store, EncryptedTrackerStore):
        name = f"{EncryptedTrackerStore.__module__}.{EncryptedTrackerStore.__name__}"
        raise StateError(f"{settings.endpoints}: tracker_store must be of the type {name}")
    agent.tracker_store = agent.processor.tracker_store = store
    return agent


def _warm() -> None:
    """Draw once: the first picture takes seconds, because its fonts are looked for."""
    chart.png({"title": "-", "points": [["2026-01-01", 1], ["2026-01-02", 2]]})


def _channels(settings: BotSettings) -> tuple[list[InputChannel], dict[str, Sender]]:
    credentials = _read_credentials(settings.credentials)
    inputs: list[InputChannel] = [WebInput(settings.origins)]
    senders: dict[str, Sender] = {WebSender.name: WebSender()}
    sms = credentials.get("bot.channels.sms.SmsInput") or {}
    if SmsInput.configured(sms):
        inputs.append(SmsInput.from_credentials(sms))
        senders[SmsSender.name] = SmsSender.from_credentials({**sms, "more_hint": _more_hint()})
    telegram = credentials.get("bot.channels.telegram.TelegramInput") or {}
    if TelegramInput.configured(telegram):
        inputs.append(TelegramInput.from_credentials(telegram))
        senders[TelegramSender.name] = TelegramSender.from_credentials(telegram)
    return inputs, senders


def _more_hint() -> str:
    """How a text that is too long for one SMS ends, in the domain's words."""
    return str(read_yaml_file(ROOT / "domain" / "core.yml")["responses"]["utter_sms_more_hint"][0]["text"])


def _read_credentials(path: Path) -> dict[str, Any]:
    """As Rasa reads it, but a variable that is not set is an empty value: its channel is not wanted."""
    missing = set(re.findall(r"\$\{(\w+)\}", path.read_text())) - os.environ.keys()
    os.environ.update(dict.fromkeys(missing, ""))
    try:
        return read_config_file(path)
    finally:
        for variable in missing:  # for whom a variable that is not set has a default
            del os.environ[variable]


async def _never_framed(_request: Request, response: BaseHTTPResponse) -> None:
    """No page of the assistant's may be shown inside another, whatever file or error it is."""
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")


async def _health(_request: Request) -> HTTPResponse:
    return json_response({"status": "ok"})


async def _ready(request: Request) -> HTTPResponse:
    delivery: Delivery = request.app.ctx.delivery
    try:
        await delivery.check()
    except Exception as error:  # noqa: BLE001 - whatever the reason, it is not ready
        logs.fault(log, "not ready", error)
        return json_response({"status": "database"}, status=503)
    return json_response({"status": "ok", "channels": sorted(delivery.senders)})


async def _metrics(request: Request) -> HTTPResponse:
    if not scrape.may_read(request.ip, request.headers):
        return json_response({"error": "not found"}, status=404)
    accounts: Accounts = request.app.ctx.delivery.accounts
    written = await asyncio.to_thread(metrics.exposition, accounts.engine, accounts.clock)
    return raw(written, content_type=scrape.CONTENT_TYPE)
