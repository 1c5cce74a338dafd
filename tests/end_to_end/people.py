"""A patient's phone and a Telegram chat, as their providers speak for them."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import httpx

from tests.channels.providers import Call, Provider
from tests.channels.support import form, sign
from tests.end_to_end.conftest import SECRET, Whole


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

    def until_received(self, seen: int, words: str) -> str:
        """The next SMS to this number that has these words in it."""
        call = wait_for(self.whole.twilio, lambda c: c.fields["To"] == self.number and words in c.fields["Body"], seen)
        return call.fields["Body"]

    def received(self, seen: int = 0) -> list[str]:
        """Every SMS to this number after so many calls."""
        return [c.fields["Body"] for c in self.whole.twilio.calls[seen:] if c.fields["To"] == self.number]


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
    """The one-time link in a message."""
    found = re.search(r"https?://\S+/signin/[\w.-]+", text)
    assert found, text
    return found[0]
