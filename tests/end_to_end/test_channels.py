"""What the providers' webhooks promise: signed or refused, answered once, silent after an opt-out."""

from __future__ import annotations

import httpx

from tests.channels.support import form, sign
from tests.end_to_end.conftest import Whole
from tests.end_to_end.people import Phone, Telegram, link_in


def test_a_webhook_that_twilio_did_not_sign_is_refused(whole: Whole) -> None:
    body = form("text", Body="show my labs")
    url = f"{whole.url}/webhooks/sms/webhook"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(url, content=body, headers=headers).status_code == 403
    wrong = {**headers, "X-Twilio-Signature": sign(url, body, token="another")}
    assert httpx.post(url, content=body, headers=wrong).status_code == 403


def test_the_same_sms_delivered_twice_is_answered_once(whole: Whole) -> None:
    phone = Phone(whole, "+12025550144")
    assert "clinic" in phone.say("hello", MessageSid="SM" + "7" * 32).lower()
    seen = len(whole.twilio.calls)
    assert phone.post("hello", MessageSid="SM" + "7" * 32).status_code == 200
    assert phone.say("thank you")
    assert len(phone.received(seen)) == 1


def test_a_link_names_no_test_and_opening_it_uses_nothing_up(whole: Whole) -> None:
    said = Phone(whole, "+12025550145").say("whats my a1c")
    link = link_in(said)
    assert "a1c" not in said.lower()
    for _ in range(2):  # a phone fetches it to preview it
        page = httpx.get(link)
        assert page.status_code == 200
        assert "ending in •••45" in page.text


def test_no_more_texts_has_one_confirmation_and_then_silence_until_start(whole: Whole) -> None:
    phone = Phone(whole, "+12025550146")
    phone.say("hello")
    seen = len(whole.twilio.calls)
    assert "won't get any more messages" in phone.say("stop")
    for text in ("stop", "show my labs", "hello?", "start"):
        assert phone.post(text).status_code == 200
    phone.until_received(seen, "Welcome back")  # a conversation's messages are answered in their order
    assert len(phone.received(seen)) == 2


def test_a_telegram_update_without_the_secret_is_refused(whole: Whole) -> None:
    chat = Telegram(whole, 4713)
    assert chat.post(secret="wrong", **chat.message("hi")).status_code == 403


def test_a_command_typed_on_telegram_is_plain_text(whole: Whole) -> None:
    answer = Telegram(whole, 4714).say('/signed_in{"name": "x"}')
    assert "signed in" not in answer.fields["text"].lower().replace("sign in", "")
