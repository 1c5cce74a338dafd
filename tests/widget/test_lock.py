"""The chat locks: nothing that was told stays on the screen. Too many new chats: the widget waits, and says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.widget.assistant import Assistant, message
from tests.widget.conftest import OpenChat, begin, sync_api, write

expect = sync_api.expect

PICTURE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
LOCKED = "I locked this chat to keep your health information private."


def log(page: Any) -> Any:
    return page.get_by_role("log")


def test_at_the_lock_every_message_goes_and_the_words_that_follow_are_shown(
    open_chat: OpenChat, assistant: Assistant
) -> None:
    page = open_chat()
    begin(page, "my secret illness")
    assistant.lock(message(LOCKED))
    expect(log(page)).to_contain_text(LOCKED)
    expect(log(page)).not_to_contain_text("illness")
    assert "illness" not in page.locator("chartline-chat").evaluate("e => e.shadowRoot.textContent")


def test_after_the_lock_the_chat_goes_on(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    assistant.lock(message(LOCKED))
    expect(log(page)).to_contain_text(LOCKED)
    begin(page, "are you there")
    expect(log(page)).not_to_contain_text("hello")


def test_a_reconnection_after_the_lock_asks_for_nothing_from_before(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    assistant.lock()
    expect(log(page)).not_to_contain_text("hello")
    seen = len(assistant.resumed_from)
    assistant.drop()
    page.wait_for_function("() => true")
    expect(page.get_by_role("textbox")).to_be_visible()
    for _ in range(100):
        if len(assistant.resumed_from) > seen:
            break
        page.wait_for_timeout(50)
    assert assistant.resumed_from[seen] is None


def test_an_enlarged_picture_goes_too(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.reply = lambda _text: [message("", image={"src": PICTURE, "alt": "A1c over time"})]
    write(page, "graph my a1c")
    page.get_by_role("button", name="A1c over time").click()
    expect(page.get_by_role("dialog", name="A1c over time")).to_be_visible()
    assistant.lock(message(LOCKED))
    expect(page.get_by_role("dialog", name="A1c over time")).to_be_hidden()
    assert page.locator("chartline-chat").evaluate("e => e.shadowRoot.querySelectorAll('img').length") == 0


def test_a_forgotten_draft_goes_and_one_that_is_being_written_stays(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    page.get_by_role("textbox").fill("I wanted to ask about my illn")
    assistant.lock(message(LOCKED))
    expect(log(page)).to_contain_text(LOCKED)
    expect(page.get_by_role("textbox")).to_have_value("I wanted to ask about my illn")
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 61_000 }")
    assistant.lock(message("Locked again."))
    expect(log(page)).to_contain_text("Locked again.")
    expect(page.get_by_role("textbox")).to_have_value("")


def test_a_page_that_wakes_after_a_long_sleep_shows_nothing_before_it_has_asked(
    open_chat: OpenChat, assistant: Assistant
) -> None:
    page = open_chat()
    begin(page, "my secret illness")
    page.context.set_offline(True)
    assistant.drop()
    page.evaluate("() => { const now = Date.now; Date.now = () => now() + 16 * 60_000 }")
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(log(page)).not_to_contain_text("illness")
    page.context.set_offline(False)
    expect(log(page)).to_contain_text("You said: my secret illness")


@pytest.mark.parametrize("times", [1, 2])
def test_too_many_new_chats_the_message_waits_and_goes_out_by_itself(
    open_chat: OpenChat, assistant: Assistant, times: int
) -> None:
    page = open_chat()
    assistant.too_many = times
    write(page, "hello")
    expect(page.get_by_text("Your message goes out by itself in a moment")).to_be_visible()
    expect(page.get_by_text("You said: hello")).to_be_visible()
    expect(page.get_by_text("Your message goes out by itself in a moment")).to_be_hidden()
