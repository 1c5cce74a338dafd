"""Nothing that a person wrote is lost or sent twice, whatever the network and the server do."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest

from tests.widget.assistant import Assistant, message
from tests.widget.conftest import OpenChat, begin, sync_api, write

expect = sync_api.expect
ENDED = "Your last chat ended to keep your information private."
OFFER = [{"id": "c1", "title": "Yes, send it"}]


def _ids(assistant: Assistant) -> list[str]:
    return [post["id"] for post in assistant.posts]


def _pass_time(page: Any, seconds: int) -> None:
    page.clock.fast_forward(seconds * 1000)


def test_a_lost_answer_is_asked_for_again_with_the_same_id(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.stream_faults.extend([503] * 20)  # so that the stream cannot tell that it arrived
    lost = threading.Event()

    def lose_once(route: Any) -> None:
        if lost.is_set():
            return route.continue_()
        route.fetch()
        lost.set()
        return route.abort("connectionreset")

    page.route("**/webhooks/web/messages", lose_once)
    write(page, "refill")
    expect(page.locator(".patient .state")).to_have_text("Sent")
    first, second = _ids(assistant)
    assert uuid.UUID(first).version == 4
    assert first == second
    assert len(next(iter(assistant.conversations.values())).ids) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_server_in_trouble_is_asked_again(open_chat: OpenChat, assistant: Assistant, status: int) -> None:
    page = open_chat()
    assistant.faults.extend([status, status])
    write(page, "refill")
    expect(page.locator(".patient .state")).to_have_text("Sending…")
    expect(page.get_by_text("You said: refill")).to_be_visible()
    assert len(assistant.posts) == 3
    assert len(set(_ids(assistant))) == 1


def test_a_refused_message_is_not_sent_until_the_person_taps(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.faults.append(400)
    write(page, "refill")
    retry = page.get_by_role("button", name="Not sent. Tap to try again")
    expect(retry).to_be_visible()
    assert len(assistant.posts) == 1
    retry.click()
    expect(page.get_by_text("You said: refill")).to_be_visible()
    assert len(set(_ids(assistant))) == 1
    expect(page.locator(".patient")).to_have_count(1)


def test_what_is_not_sent_yet_stays_below_what_comes_in(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    page.context.set_offline(True)
    write(page, "waiting")
    assistant.say(message("news"))
    expect(page.locator(".bubble p")).to_have_text(["hello", "You said: hello", "news", "waiting"])


def test_a_message_sent_late_stands_where_the_server_has_it(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.faults.append(400)
    write(page, "late")
    expect(page.get_by_role("button", name="Not sent. Tap to try again")).to_be_visible()
    begin(page, "soon")
    expect(page.locator(".bubble p")).to_have_text(["late", "soon", "You said: soon"])
    page.get_by_role("button", name="Not sent. Tap to try again").click()
    expect(page.locator(".bubble p")).to_have_text(["soon", "You said: soon", "late", "You said: late"])


def test_after_half_a_minute_of_failures_the_person_is_told(
    open_chat: OpenChat, assistant: Assistant, page: Any
) -> None:
    page.clock.install()
    open_chat()
    begin(page)
    assistant.faults.extend([503] * 100)
    write(page, "first")
    write(page, "second")
    for attempt in range(2, 8):
        _wait_for_posts(page, assistant, attempt)
        assistant.raw(": still here\n\n")
        page.wait_for_timeout(100)
        _pass_time(page, 31)
    expect(page.get_by_role("button", name="Not sent. Tap to try again")).to_have_count(2)
    assistant.faults.clear()
    page.get_by_role("button", name="Not sent. Tap to try again").first.click()
    expect(page.get_by_text("You said: second")).to_be_visible()
    assert [post["text"] for post in assistant.posts[-2:]] == ["first", "second"]


def _wait_for_posts(page: Any, assistant: Assistant, count: int) -> None:
    for _ in range(100):
        if len(assistant.posts) >= count:
            return
        page.evaluate("fetch('/host')")
    raise AssertionError(f"{len(assistant.posts)} posts, not {count}")


def test_messages_go_out_one_at_a_time_in_order(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.answer_delay = 0.2
    assistant.faults.extend([503])
    for text in ("one", "two", "three"):
        write(page, text)
    expect(page.get_by_text("You said: three")).to_be_visible()
    assert [post["text"] for post in assistant.posts] == ["one", "one", "two", "three"]
    shown = page.locator(".bubble p").all_inner_texts()
    assert [text for text in shown if not text.startswith("You said")] == ["one", "two", "three"]


def test_a_broken_stream_goes_on_after_the_last_event_seen(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    assistant.drop()
    assistant.say(message("while you were away"))
    expect(page.get_by_text("while you were away")).to_be_visible()
    assert assistant.resumed_from == [None, "2"]
    expect(page.locator(".message")).to_have_count(3)


def test_a_stream_that_the_server_refuses_for_a_while_comes_back(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    assistant.stream_faults.extend([503, 500])
    assistant.drop()
    assistant.say(message("back again"))
    expect(page.get_by_text("back again")).to_be_visible()
    assert assistant.resumed_from[1:] == ["2"] * 3


def test_an_event_that_comes_twice_is_shown_once(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    assistant.raw('id: 2\ndata: {"type": "message", "from": "assistant", "text": "You said: hello"}\n\n')
    assistant.say(message("next"))
    expect(page.get_by_text("next", exact=True)).to_be_visible()
    expect(page.locator(".message")).to_have_count(3)


def test_40_silent_seconds_count_as_a_lost_connection(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    page.clock.install()
    open_chat()
    begin(page)
    _pass_time(page, 30)
    assistant.raw(": still here\n\n")
    assistant.say(message("heard"))
    expect(page.get_by_text("heard", exact=True)).to_be_visible()
    _pass_time(page, 30)
    page.evaluate("fetch('/host')")
    assert len(assistant.resumed_from) == 1, "a sign of life starts the 40 seconds anew"
    _pass_time(page, 12)
    page.wait_for_timeout(100)
    _pass_time(page, 5)
    assistant.say(message("after the silence"))
    expect(page.get_by_text("after the silence")).to_be_visible()
    assert assistant.resumed_from == [None, "3"]


def test_a_reload_shows_the_conversation_again(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    page.reload()
    expect(page.get_by_text("You said: hello")).to_be_visible()
    expect(page.locator(".message")).to_have_count(2)
    assert len(assistant.conversations) == 1
    assert assistant.resumed_from == [None, None]


def test_what_was_unsent_at_a_reload_is_sent_after_it(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    assistant.faults.extend([503])
    write(page, "refill")
    _wait_for_posts(page, assistant, 2)
    page.reload()
    expect(page.get_by_text("You said: refill")).to_be_visible()
    assert len(set(_ids(assistant))) == 2
    expect(page.locator(".bubble p")).to_have_text(["hello", "You said: hello", "refill", "You said: refill"])


def test_what_is_sent_before_the_history_is_there_stands_below_it(
    open_chat: OpenChat, assistant: Assistant, page: Any
) -> None:
    open_chat()
    assistant.reply = lambda text: [message(f"You said: {text}", choices=OFFER)] if text == "hello" else []
    begin(page)
    assistant.faults.append(503)
    write(page, "refill")
    _wait_for_posts(page, assistant, 2)
    assistant.stream_faults.append(503)
    page.reload()
    expect(page.locator(".bubble p")).to_have_text(["hello", "You said: hello", "refill"])
    expect(page.get_by_role("button", name="Yes, send it")).to_be_disabled()


def test_an_old_unsent_message_waits_for_the_person(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    page.clock.install()
    open_chat()
    begin(page)
    page.context.set_offline(True)
    write(page, "yes")
    _pass_time(page, 11 * 60)
    page.context.set_offline(False)
    expect(page.get_by_role("button", name="Not sent. Tap to try again")).to_be_visible()
    assert len(assistant.posts) == 1
    page.get_by_role("button", name="Not sent. Tap to try again").click()
    expect(page.get_by_text("You said: yes")).to_be_visible()


def test_offline_is_said_and_what_is_written_goes_out_afterwards(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    write(page, "refill")
    expect(page.locator(".patient .state").last).to_have_text("Sending…")
    page.context.set_offline(False)
    expect(page.get_by_text("You said: refill")).to_be_visible()
    expect(page.get_by_text("You are offline.")).to_be_hidden()


def test_a_slow_answer_says_sending_until_it_is_sent(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.answer_delay = 1
    write(page, "refill")
    expect(page.locator(".patient .state")).to_have_text("Sending…")
    expect(page.locator(".patient .state")).to_have_text("Sent")


def test_a_session_that_ended_begins_anew_with_a_kind_word(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page, "secret result")
    assistant.stream_faults.append(503)
    assistant.forget()
    write(page, "hello again")
    expect(page.get_by_text("You said: hello again")).to_be_visible()
    expect(page.get_by_text(ENDED)).to_be_visible()
    expect(page.get_by_text("secret result")).to_have_count(0)
    assert len(assistant.conversations) == 1
    assert len(set(_ids(assistant))) == 2


def test_a_session_that_ended_while_away_is_said_at_once(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    assistant.forget()
    page.reload()
    expect(page.get_by_text(ENDED)).to_be_visible()
    assert page.evaluate("Object.keys(localStorage)") == []
    begin(page, "hello again")


def test_a_choice_of_an_ended_session_is_not_carried_into_the_next(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.reply = lambda _: [message("Send it?", choices=OFFER)]
    write(page, "refill")
    yes = page.get_by_role("button", name="Yes, send it")
    expect(yes).to_be_visible()
    assistant.stream_faults.append(503)
    assistant.forget()
    yes.click()
    expect(page.get_by_text(ENDED)).to_be_visible()
    assistant.reply = lambda text: [message(f"You said: {text}")]
    begin(page, "hello")
    assert [post.get("choice") for post in assistant.posts] == [None, "c1", None]


def test_a_server_that_refuses_every_session_is_not_hammered(
    open_chat: OpenChat, assistant: Assistant, page: Any
) -> None:
    page.clock.install()
    open_chat()
    assistant.faults.extend([401] * 100)
    assistant.stream_faults.extend([401] * 100)
    write(page, "hello")
    for _ in range(12):
        page.wait_for_timeout(50)
        page.evaluate("fetch('/host')")
        _pass_time(page, 31)
    expect(page.get_by_role("button", name="Not sent. Tap to try again")).to_be_visible()
    assert len(assistant.posts) <= 6


def test_a_second_tab_shows_the_same_conversation(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.get_by_text("You said: hello")).to_be_visible()
    write(other, "from the other tab")
    expect(page.get_by_text("You said: from the other tab")).to_be_visible()
    expect(page.locator(".message")).to_have_count(4)
    assert len(assistant.conversations) == 1


def test_nothing_of_the_conversation_stays_in_the_browser(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page, "my secret question")
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "token" in stored
    assert "secret" not in stored


def test_it_works_where_storage_is_forbidden(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    forbid = "get() { throw new DOMException('no', 'SecurityError') }"
    for name in ("localStorage", "sessionStorage"):
        page.add_init_script(f"Object.defineProperty(window, '{name}', {{ {forbid} }})")
    open_chat()
    begin(page)
