"""SMS through Twilio: its signed webhooks become `Incoming`, replies become messages of at most two segments.

Twilio's side: https://www.twilio.com/docs/messaging/guides/webhook-request (what arrives),
https://www.twilio.com/docs/usage/security (the signature).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import phonenumbers
from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, response
from sanic.exceptions import Forbidden, InvalidUsage
from sanic.request import Request, RequestParameters
from sanic.response import HTTPResponse
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from bot.channels import credentials as settings
from bot.channels import segments
from bot.channels.errors import Retryable
from bot.channels.message import Incoming, Rendered, Reply, is_public, plain_text
from bot.channels.twilio_account import TwilioAccount, client, failure
from bot.channels.webhook import hand_over, not_kept, read_body

logger = logging.getLogger(__name__)

NAME = "sms"
TIMEOUT = 10.0  # seconds for one call
# The one place of this default. The composition root passes the domain's own words, so that a clinic can change them.
MORE_HINT = "Reply MORE for the rest."

_EMPTY_TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response/>'


class SmsInput(InputChannel):
    """`POST webhook` takes messages, `POST status` delivery reports. Both refuse what Twilio did not sign with 403."""

    def __init__(self, account: TwilioAccount) -> None:
        self._public_url = account.public_url
        self._validator = RequestValidator(account.token)

    @classmethod
    def name(cls) -> str:
        return NAME

    @classmethod
    def configured(cls, credentials: settings.Credentials) -> bool:
        """Whether the operator wants this channel; `from_credentials` then says what is still missing."""
        return settings.is_set(credentials, "account_sid", "auth_token", "from")

    @classmethod
    def from_credentials(cls, credentials: settings.Credentials) -> SmsInput:
        return cls(TwilioAccount.from_credentials(credentials))

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """`on_new_message` is not called: the inbox takes the message, and a worker does the turn."""
        webhook = Blueprint("sms_webhook")

        @webhook.get("/")
        async def health(_: Request) -> HTTPResponse:
            return response.json({"status": "ok"})

        @webhook.post("/webhook", stream=True)
        async def receive(request: Request) -> HTTPResponse:
            message = incoming(await self._verified(request))
            if message:
                await hand_over(request, message)
            return response.text(_EMPTY_TWIML, content_type="text/xml; charset=utf-8")

        @webhook.post("/status", stream=True)
        async def status(request: Request) -> HTTPResponse:
            await _reconcile(request, await self._verified(request))
            return response.empty()

        return webhook

    async def _verified(self, request: Request) -> RequestParameters:
        """The parameters of a request that Twilio signed: over the public URL, and over blank parameters too."""
        signature = request.headers.get("X-Twilio-Signature")
        if not signature:  # the validator raises where there is none
            raise Forbidden("Not signed.")
        form = _parameters(await read_body(request))
        query = f"?{request.query_string}" if request.query_string else ""
        if not self._validator.validate(f"{self._public_url}{request.path}{query}", form, signature):
            raise Forbidden("Not signed by Twilio.")
        return form


def _parameters(body: bytes) -> RequestParameters:
    # Not request.form: Sanic drops blank parameters, which Twilio signs.
    try:
        form = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=300)
    except ValueError:
        raise InvalidUsage("Not a form in UTF-8.") from None
    return RequestParameters(form)


def incoming(form: RequestParameters) -> Incoming | None:
    """A verified webhook as `Incoming`; None where no telephone stands behind it. Twilio joins a long SMS's parts.

    Metadata: `media` how many pictures came, `unsupported` where they came without a word, `opt_out` what
    Twilio's Advanced Opt-Out took the message for (STOP, START or HELP), `truncated`.
    """
    message_id, to = form.get("MessageSid"), form.get("To")
    if not message_id or not to:
        raise InvalidUsage("A message without MessageSid or To.")
    address = e164(form.get("From") or "")
    if not address:
        logger.warning("Ignored a message whose sender is no telephone number (a short code or a name).")
        return None
    text, truncated = plain_text(form.get("Body") or "")
    return Incoming(NAME, to, message_id, address, text, metadata=_metadata(form, text, truncated))


def _metadata(form: RequestParameters, text: str, truncated: bool) -> dict[str, Any]:
    number = form.get("NumMedia") or ""
    media = int(number) if number.isdecimal() else 0
    found = {
        "media": media,
        "unsupported": "media" if media and not text else "",
        "opt_out": form.get("OptOutType") or "",
        "truncated": truncated,
    }
    return {key: value for key, value in found.items() if value}


def e164(number: str) -> str | None:
    """`number` in E.164 (ITU-T), or None where it cannot be a telephone's."""
    try:
        parsed = phonenumbers.parse(number, None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


async def _reconcile(request: Request, form: RequestParameters) -> None:
    sid, status = form.get("MessageSid"), form.get("MessageStatus")
    if not sid or not status:
        raise InvalidUsage("A report without MessageSid or MessageStatus.")
    code = form.get("ErrorCode")
    try:
        await request.app.ctx.delivery.reconcile(NAME, sid, status, failure(code) if code else None)
    except Exception as error:  # noqa: BLE001 - not recorded, whatever the reason: Twilio must know
        raise not_kept(error) from None


class SmsSender:
    """Renders a turn as one SMS and sends it. The HTTP session opens with the first message; `close` it."""

    name = NAME

    def __init__(self, account: TwilioAccount, more_hint: str = MORE_HINT, timeout: float = TIMEOUT) -> None:
        self._account = account
        self._more_hint = more_hint
        self._timeout = timeout
        self._twilio: Client | None = None

    @classmethod
    def from_credentials(cls, credentials: settings.Credentials) -> SmsSender:
        hint = settings.optional(credentials, "more_hint", MORE_HINT)
        return cls(TwilioAccount.from_credentials(credentials), more_hint=hint)

    def render(self, replies: list[Reply]) -> Rendered:
        """One message for the whole turn: texts, numbered choices, bare links; pictures stay out.

        The choices are numbered through the turn, so that a number means one thing.
        """
        texts = list(_texts(replies))
        whole = segments.economical("\n\n".join(texts))
        asked = len(segments.economical(texts[-1])) if texts and asks(replies[-1]) else 0
        start = len(whole) - asked
        head, rest = segments.page(whole[:start].rstrip(), self._more_hint, whole[start:])
        return Rendered([{"body": head}] if head else [], rest)

    def echo(self, message_id: str, text: str) -> dict[str, Any] | None:
        """The person's own device shows what it sent."""
        return None

    async def send(self, address: str, payload: dict[str, Any]) -> str:
        """Send one rendered message; Twilio's id for it. Raises a `DeliveryError` with Twilio's code.

        After a time-out Twilio may have taken the message: its API knows no idempotency key for messages.
        """
        try:
            message = await self._client().messages.create_async(
                to=address, body=payload["body"], **self._sender(), **self._status_callback()
            )
        # `from None`: the texts of these errors hold numbers and the account.
        except TwilioRestException as error:
            raise failure(str(error.code), error.status) from None
        except (asyncio.TimeoutError, aiohttp.ClientError, ValueError) as error:
            raise Retryable(type(error).__name__) from None
        return str(message.sid)

    async def typing(self, address: str) -> None:
        """SMS shows no typing."""

    async def close(self) -> None:
        if self._twilio is not None:
            await self._twilio.http_client.close()
            self._twilio = None

    def _client(self) -> Client:
        if self._twilio is None:  # made here, because its HTTP session wants a running event loop
            self._twilio = client(self._account, self._timeout)
        return self._twilio

    def _sender(self) -> dict[str, str]:
        sender = self._account.sender
        return {"messaging_service_sid": sender} if sender.startswith("MG") else {"from_": sender}

    def _status_callback(self) -> dict[str, str]:
        url = f"{self._account.public_url}/webhooks/{NAME}/status"
        return {"status_callback": url} if is_public(url) else {}  # Twilio refuses others with 21609


def asks(reply: Reply) -> bool:
    """Whether this reply asks something that the next message may answer."""
    return len(reply.choices) > 1 or reply.text.rstrip().endswith("?")


def _texts(replies: list[Reply]) -> Iterator[str]:
    numbers = count(1)
    for reply in replies:
        lines = [reply.text or (reply.chart or {}).get("alt", "")]
        lines += [f"{next(numbers)} {choice.title}" for choice in reply.choices]
        titled = len(reply.links) > 1
        lines += [f"{link.title}: {link.url}" if titled else link.url for link in reply.links]
        text = "\n".join(line for line in lines if line).strip()
        if text:
            yield text
