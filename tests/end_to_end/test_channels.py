"""A patient on each channel: asks, signs in through the link, gets the answer, orders a refill."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin

import httpx

from tests.channels.providers import Call, Provider
from tests.channels.support import form, sign
from tests.end_to_end.conftest import SECRET, Whole


def browse(link: str, username: str) -> httpx.Response:
    """Follow a sign-in link as a browser would, through the portal's page and back."""
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(link)
        assert "Connect your chat" in page.text
        action = re.search(r'action="([^"]+)"', page.text)
        assert action
        portal = browser.post(urljoin(link, action[1]))
        token = re.search(r'name="form_token" value="([^"]+)"', portal.text)
        assert token, portal.text
        answers = {"form_token": token[1], "username": username, "password": "chartline-demo", "decision": "allow"}
        return browser.post(portal.url, data=answers)


def wait_for(calls: Provider, found: Callable[[Call], bool], after: int = 0) -> Call:
    """The first call after so many that is the one."""
    for _ in range(600):
        for call in calls.calls[after:]:
            if found(call):
                return call
        time.sleep(0.05)
    raise AssertionError([call.path for call in calls.calls])


class Phone:
    """A phone number and what Twilio was asked to send to it."""

    def __init__(self, whole: Whole, number: str) -> None:
        self.whole, self.number, self.count = whole, number, 0

    def post(self, text: str, **changes: str) -> httpx.Response:
        """The signed webhook of one message."""
        self.count += 1
        fields = {"Body": text, "From": self.number, "MessageSid": f"SM{self.number[1:]}{self.count:020d}", **changes}
        body = form("text", **fields)
        url = f"{self.whole.url}/webhooks/sms/webhook"
        headers = {"X-Twilio-Signature": sign(url, body), "Content-Type": "application/x-www-form-urlencoded"}
        return httpx.post(url, content=body, headers=headers)

    def say(self, text: str, **changes: str) -> str:
        """Send a message; the body of the SMS that answers it."""
        seen = len(self.whole.twilio.calls)
        answer = self.post(text, **changes)
        assert answer.status_code == 200
        assert "<Response/>" in answer.text
        return self.next(seen)

    def next(self, seen: int) -> str:
        """The next SMS to this number."""
        call = wait_for(self.whole.twilio, lambda c: c.fields["To"] == self.number, seen)
        return call.fields["Body"]


class Telegram:
    """A Telegram chat."""

    def __init__(self, whole: Whole, chat: int) -> None:
        self.whole, self.chat, self.update = whole, chat, chat * 1000

    def post(self, secret: str = SECRET, **content: Any) -> httpx.Response:
        """The webhook of one update."""
        self.update += 1
        headers = {"X-Telegram-Bot-Api-Secret-Token": secret}
        body = {"update_id": self.update, **content}
        return httpx.post(f"{self.whole.url}/webhooks/telegram/webhook", json=body, headers=headers)

    def message(self, text: str) -> dict[str, Any]:
        """A message as Telegram sends it."""
        person = {"id": self.chat, "first_name": "Test", "is_bot": False}
        chat = {"id": self.chat, "type": "private", "first_name": "Test"}
        return {"message": {"message_id": self.update, "date": 1767225600, "chat": chat, "from": person, "text": text}}

    def say(self, text: str, method: str = "sendMessage") -> Call:
        """Send a message; the call that answers it."""
        seen = len(self.whole.telegram.calls)
        assert self.post(**self.message(text)).status_code == 200
        return self.next(seen, method)

    def next(self, seen: int, method: str = "sendMessage") -> Call:
        """The next message to this chat."""
        return wait_for(
            self.whole.telegram,
            lambda c: c.path.endswith(method) and c.fields.get("chat_id") == str(self.chat),
            seen,
        )


def link_in(text: str) -> str:
    found = re.search(r"https?://\S+/signin/[\w.-]+", text)
    assert found, text
    return found[0]


def test_by_sms_a_patient_signs_in_sees_labs_and_gets_a_refill(whole: Whole) -> None:
    phone = Phone(whole, "+12025550143")
    link = link_in(phone.say("whats my a1c"))
    seen = len(whole.twilio.calls)
    assert "You are signed in" in browse(link, "rosa").text
    hello = phone.next(seen)
    answer = wait_for(whole.twilio, lambda c: "6.9" in c.fields["Body"], seen).fields["Body"]
    assert "Rosa" in hello
    assert "Hemoglobin A1c" in answer
    question = phone.say("refill my lisinopril")
    assert "lisinopril 10 mg" in question
    assert "1 Yes" in question
    assert phone.say("1").startswith("SENT")
    tasks = whole.portal.search("Task", patient="rosa")
    assert [t["status"] for t in tasks].count("requested") == 1


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
    assert len([c for c in whole.twilio.calls[seen:] if c.fields["To"] == phone.number]) == 1


def test_a_used_link_does_not_work_again(whole: Whole) -> None:
    link = link_in(Phone(whole, "+12025550145").say("my labs please"))
    browse(link, "james")
    assert httpx.get(link).status_code == 410


def test_on_telegram_a_patient_signs_in_sees_a_picture_of_a_trend_and_taps_yes(whole: Whole) -> None:
    chat = Telegram(whole, 4711)
    call = chat.say("show my labs")
    link = link_in(str(call.fields))
    seen = len(whole.telegram.calls)
    assert "You are signed in" in browse(link, "linda").text
    assert "Linda" in chat.next(seen).fields["text"]
    chat2 = Telegram(whole, 4712)
    link = link_in(str(chat2.say("graph my a1c").fields))
    seen = len(whole.telegram.calls)
    browse(link, "rosa")
    photo = chat2.next(seen, "sendPhoto")
    assert next(iter(photo.files.values())).startswith(b"\x89PNG")
    question = chat2.say("refill hydralazine")
    assert "inline_keyboard" in question.fields["reply_markup"]


def test_a_telegram_update_without_the_secret_is_refused(whole: Whole) -> None:
    chat = Telegram(whole, 4713)
    assert chat.post(secret="wrong", **chat.message("hi")).status_code == 403


def test_a_command_typed_on_telegram_is_plain_text(whole: Whole) -> None:
    answer = Telegram(whole, 4714).say('/signed_in{"name": "x"}')
    assert "signed in" not in answer.fields["text"].lower().replace("sign in", "")
