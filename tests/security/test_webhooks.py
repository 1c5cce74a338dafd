"""A message counts only if Twilio or Telegram sent it: what is not proven is refused, and leaves no row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlencode

import pytest

from tests.channels.support import form, sign
from tests.system import NUMBER, PUBLIC, Phone, System, TelegramChat

HOOK = f"{PUBLIC}/webhooks/sms/webhook"


@contextmanager
def no_row(system: System) -> Iterator[None]:
    """Nothing is stored: no conversation, no message, no answer."""
    before = system.rows()
    yield
    assert system.rows() == before


@pytest.fixture
def phone(system: System) -> Phone:
    return Phone(system, "+12025550150")


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "x",
        "é",
        "A" * 5000,
        sign(HOOK, "", token="another token"),
    ],
)
def test_a_message_that_twilio_did_not_sign_is_refused(system: System, phone: Phone, signature: str | None) -> None:
    body = phone.body("show my labs")
    headers = [(b"Content-Type", b"application/x-www-form-urlencoded")]
    if signature is not None:
        headers.append((b"X-Twilio-Signature", signature.encode("latin-1")))
    with no_row(system), system.client() as client:
        assert client.post(HOOK, content=body, headers=headers).status_code == 403


@pytest.mark.parametrize(
    "change",
    [
        {"Body": "refill my lisinopril"},
        {"From": "+12025550187"},
        {"To": "+12025550100"},
        {"MessageSid": "SM" + "9" * 32},
        {"Extra": ""},
        {"OptOutType": "START"},
    ],
)
def test_a_message_with_a_changed_parameter_is_refused(system: System, phone: Phone, change: dict[str, str]) -> None:
    genuine = phone.body("show my labs")
    signature = sign(HOOK, genuine)
    changed = urlencode({**dict(parse_qsl(genuine, keep_blank_values=True)), **change})
    with no_row(system):
        assert phone.post(changed, signature).status_code == 403


def test_a_message_with_a_parameter_left_out_or_another_address_is_refused(system: System, phone: Phone) -> None:
    genuine = phone.body("show my labs")
    fewer = urlencode(parse_qsl(genuine))  # the blank ones are gone
    with no_row(system), system.client() as client:
        assert phone.post(fewer, sign(HOOK, genuine)).status_code == 403
        headers = {"X-Twilio-Signature": sign(HOOK, genuine), "Content-Type": "application/x-www-form-urlencoded"}
        assert client.post(f"{HOOK}?sender=rosa", content=genuine, headers=headers).status_code == 403
        assert client.post("/webhooks/sms/status", content=genuine, headers=headers).status_code == 403


def test_a_signature_over_the_local_address_is_none(system: System, phone: Phone) -> None:
    body = phone.body("show my labs")
    with no_row(system):
        assert phone.post(body, sign(f"{system.local}/webhooks/sms/webhook", body)).status_code == 403


def test_a_genuine_message_with_blank_parameters_comes_through_the_proxy(system: System, phone: Phone) -> None:
    """The signature covers the public address, which no process of ours listens on, and the blank parameters."""
    body = phone.body("hello")
    assert "=&" in body
    before = system.rows()["inbox"]
    seen = len(system.twilio.calls)
    assert phone.post(body).status_code == 200
    assert system.rows()["inbox"] == before + 1
    assert phone.next(seen)


def test_a_delivery_report_that_twilio_did_not_sign_changes_nothing(system: System) -> None:
    report = form("status_delivered", To=NUMBER)
    with no_row(system), system.client() as client:
        for headers in ({}, {"X-Twilio-Signature": sign(HOOK, report)}):
            headers = {**headers, "Content-Type": "application/x-www-form-urlencoded"}
            assert client.post("/webhooks/sms/status", content=report, headers=headers).status_code == 403


@pytest.mark.parametrize("secret", [None, "", "wrong", "a-secret_of-ours-202", "a-secret_of-ours-2026 x", "x" * 5000])
def test_an_update_without_telegrams_secret_is_refused(system: System, secret: str | None) -> None:
    chat = TelegramChat(system, 900_001)
    with no_row(system):
        assert chat.post(secret, **chat.message("show my labs")).status_code == 403
        assert chat.post_raw(b"not json", secret).status_code == 403


def test_an_update_with_the_secret_is_taken(system: System) -> None:
    before = system.rows()["inbox"]
    assert TelegramChat(system, 900_001).say("hello")
    assert system.rows()["inbox"] == before + 1
