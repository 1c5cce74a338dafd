"""The same message twenty times at once, over HTTP: acknowledged each time, and answered once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx

from bot.delivery.tables import Inbox, Outbox
from tests.faults.site import Site, until
from tests.system import Phone, TelegramChat, WebChat

TIMES = 20


def at_once(post: Callable[[], httpx.Response]) -> list[int]:
    """The statuses of twenty posts that are on their way together."""
    with ThreadPoolExecutor(TIMES) as pool:
        return [answer.result().status_code for answer in [pool.submit(post) for _ in range(TIMES)]]


def replies(site: Site, message_id: str) -> int:
    """How many times a message was answered."""
    (row,) = [row for row in site.stored(Inbox) if row.message_id == message_id]
    assert (row.state, row.tries) == ("done", 1)
    return len([reply for reply in site.stored(Outbox) if reply.inbox_id == row.id])


def test_a_text_message(site: Site) -> None:
    phone = Phone(site, "+12025550150")
    sid = f"SM{uuid.uuid4().hex}"
    body = phone.body("help", MessageSid=sid)
    assert set(at_once(lambda: phone.post(body))) == {200}
    site.settled()
    assert phone.post(body).status_code == 200, "once more, long after it was answered"
    phone.say("bye")
    assert (len(phone.received()), replies(site, sid)) == (2, 1)


def test_an_update_of_telegram(site: Site) -> None:
    chat = TelegramChat(site, 930_001)
    update = json.dumps({"update_id": 7_000_001, **chat.message("help")}).encode()
    assert set(at_once(lambda: chat.post_raw(update))) == {200}
    site.settled()
    assert chat.post_raw(update).status_code == 200
    chat.say("bye")
    assert (len(chat.received()), replies(site, "7000001")) == (2, 1)


def test_what_the_widget_sends_again_after_a_broken_connection(site: Site) -> None:
    page = WebChat(site)
    message_id = str(uuid.uuid4())
    assert set(at_once(lambda: page.post(id=message_id, text="help"))) == {202}
    site.settled()
    assert page.post(id=message_id, text="help").status_code == 202
    page.say("bye")
    events = [event for event in page.events() if event["type"] == "message"]
    assert [event["from"] for event in events] == ["patient", "assistant"] * 2
    until(lambda: replies(site, message_id) == 2, "its echo and one answer")
