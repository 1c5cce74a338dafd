"""What a person sees and does in a conversation."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from tests.widget.assistant import Assistant, message
from tests.widget.conftest import OpenChat, begin, sync_api, write

expect = sync_api.expect
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
OFFER = [{"id": "c1", "title": "Yes, send it"}, {"id": "c2", "title": "No"}]


def test_a_message_is_answered(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page, "Show my labs")
    assert [post["text"] for post in assistant.posts] == ["Show my labs"]
    expect(page.locator(".patient .state")).to_have_text("Sent")


def test_a_visit_alone_begins_no_session(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    expect(page.get_by_text("Hi! How can we help?")).to_be_visible()
    page.wait_for_load_state("networkidle")
    assert assistant.conversations == {}


def test_a_suggestion_is_sent_as_written(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat(suggestions="Show my labs | Refill")
    page.get_by_role("button", name="Refill").click()
    expect(page.get_by_text("You said: Refill")).to_be_visible()
    expect(page.get_by_role("button", name="Show my labs")).to_be_hidden()


def test_markup_in_a_message_stays_text(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    page.evaluate("window.hacked = false")
    evil = "<img src=x onerror='hacked = true'><script>hacked = true</script>"
    assistant.reply = lambda _: [
        message(evil, choices=[{"id": "1", "title": evil}], links=[{"title": evil, "url": "https://a.example"}])
    ]
    write(page, evil)
    expect(page.locator(".assistant .bubble p")).to_have_text(evil)
    expect(page.locator(".patient .bubble p")).to_have_text(evil)
    assert page.locator(".message img, .message script").count() == 0
    assert page.evaluate("window.hacked") is False


def test_line_breaks_are_kept_and_long_words_wrap(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.reply = lambda _: [message("LDL: 100\nHDL: 60\n" + "x" * 400)]
    write(page, "lipids")
    bubble = page.locator(".assistant .bubble")
    expect(bubble).to_be_visible()
    assert bubble.inner_text().count("\n") >= 2
    assert page.locator(".scroller").evaluate("e => e.scrollWidth <= e.clientWidth")


def test_a_tapped_choice_sends_its_id_and_nothing_else(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.reply = lambda text: [message("Send it?", choices=OFFER)] if text == "refill" else [message("SENT")]
    write(page, "refill")
    page.get_by_role("button", name="Yes, send it").click()
    expect(page.get_by_text("SENT", exact=True)).to_be_visible()
    assert set(assistant.posts[-1]) == {"id", "choice"}
    assert assistant.posts[-1]["choice"] == "c1"
    expect(page.locator(".patient .bubble").last).to_contain_text("Yes, send it")


def test_choices_end_with_the_next_message_and_show_what_was_chosen(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.reply = lambda text: [message("Send it?", choices=OFFER)] if text == "refill" else [message("All right")]
    write(page, "refill")
    page.get_by_role("button", name="No").click()
    expect(page.get_by_role("button", name="Yes, send it")).to_be_disabled()
    expect(page.get_by_role("button", name="No (your choice)")).to_be_disabled()
    page.reload()
    expect(page.get_by_role("button", name="No (your choice)")).to_be_disabled()


def test_choices_stay_while_the_assistant_goes_on_talking(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.reply = lambda _: [message("Send it?", choices=OFFER), message("Take your time.")]
    write(page, "refill")
    expect(page.get_by_text("Take your time.")).to_be_visible()
    expect(page.get_by_role("button", name="Yes, send it")).to_be_enabled()
    assistant.say(message("Or rather?", choices=[{"id": "c3", "title": "Later"}]))
    expect(page.get_by_role("button", name="Later")).to_be_enabled()
    expect(page.get_by_role("button", name="Yes, send it")).to_be_disabled()


def test_a_link_opens_a_new_tab_that_cannot_reach_back(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    url = f"{assistant.url}/host?signin"
    assistant.reply = lambda _: [message("Please sign in.", links=[{"title": "Sign in", "url": url}])]
    write(page, "labs")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Sign in (opens in a new tab)").click()
    assert opened.value.url == url
    assert opened.value.evaluate("window.opener") is None


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//a.example", " https://a.example"]
)
def test_only_web_addresses_become_links(open_chat: OpenChat, assistant: Assistant, url: str) -> None:
    page = open_chat()
    good = {"title": "Good", "url": "https://a.example/"}
    assistant.reply = lambda _: [message("Links", links=[{"title": "Bad", "url": url}, good])]
    write(page, "links")
    expect(page.get_by_role("link", name="Good")).to_be_visible()
    assert page.locator("chartline-chat a").count() == 1


def test_a_picture_has_its_words_and_can_be_enlarged(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    alt = "Your A1c fell from 7.2 to 6.8 percent."
    assistant.reply = lambda _: [message("A1c", image={"src": PIXEL, "alt": alt})]
    write(page, "a1c trend")
    picture = page.get_by_role("button", name=alt)
    expect(picture).to_be_visible()
    page.get_by_text("Show as text").click()
    expect(page.locator("figure p")).to_have_text(alt)
    picture.click()
    expect(page.get_by_role("dialog", name=alt)).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name=alt)).to_be_hidden()
    expect(picture).to_be_focused()
    expect(page.get_by_role("dialog", name="Riverbend Clinic assistant")).to_be_visible()


@pytest.mark.parametrize("src", ["javascript:alert(1)", "data:text/html;base64,AAAA", "data:image/svg+xml,<svg/>"])
def test_no_other_address_becomes_a_picture(open_chat: OpenChat, assistant: Assistant, src: str) -> None:
    page = open_chat()
    assistant.reply = lambda _: [message("No picture", image={"src": src, "alt": "x"})]
    write(page, "picture")
    expect(page.get_by_text("No picture")).to_be_visible()
    assert page.locator("chartline-chat img").count() == 0


def test_typing_shows_and_goes(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    assistant.typing(True)
    expect(page.locator(".typing")).to_be_visible()
    expect(page.get_by_text("The assistant is typing")).to_be_attached()
    assistant.typing(False)
    expect(page.locator(".typing")).to_be_hidden()


def test_days_have_headings_and_times_are_the_persons_own(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    page.clock.set_fixed_time(datetime(2026, 3, 10, 18, tzinfo=timezone.utc))
    now = datetime(2026, 3, 10, 15, 5, tzinfo=timezone.utc)
    days = [now - timedelta(days=400), now - timedelta(days=7), now - timedelta(days=1), now]
    assistant.reply = lambda _: [message(f"at {day}", at=day.isoformat()) for day in days]
    write(page, "history")
    expect(page.locator(".message", has_text="at 2026-03-10 15:05")).to_be_visible()
    page.reload()
    expect(page.locator(".message")).to_have_count(5)
    assert page.locator(".day:visible").all_inner_texts()[-4:] == [
        "February 3, 2025",
        "Tuesday, March 3",
        "Yesterday",
        "Today",
    ]
    time = page.locator(".message", has_text="at 2026-03-10 15:05").locator("time")
    assert time.get_attribute("datetime") == "2026-03-10T15:05:00.000Z"
    assert time.inner_text().replace("\u202f", " ") == "10:05 AM"


def test_an_empty_message_is_not_sent(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    page.get_by_role("textbox").fill("  \n ")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    page.keyboard.press("Enter")
    assert page.locator(".message").count() == 0
    assert assistant.posts == []


def test_shift_enter_makes_a_new_line_and_the_field_grows(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    field = page.get_by_role("textbox")
    before = field.bounding_box()["height"]
    field.focus()
    for line in ("one", "two", "three"):
        page.keyboard.type(line)
        page.keyboard.press("Shift+Enter")
    assert field.bounding_box()["height"] > before
    page.keyboard.press("Enter")
    expect(page.get_by_text("You said: one")).to_be_visible()
    assert assistant.posts[0]["text"] == "one\ntwo\nthree"
    assert field.bounding_box()["height"] == before


def test_enter_that_ends_an_input_method_sends_nothing(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    page.get_by_role("textbox").fill("こんに")
    page.get_by_role("textbox").evaluate(
        "e => e.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true}))"
    )
    expect(page.get_by_role("textbox")).to_have_value("こんに")


def test_4000_characters_go_out_and_4001_do_not(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    field, send = page.get_by_role("textbox"), page.get_by_role("button", name="Send")
    field.fill("x" * 3500)
    expect(page.locator(".counter")).to_be_empty()
    field.fill("😀" * 4001)
    expect(page.get_by_text("1 character too long")).to_be_visible()
    expect(send).to_be_disabled()
    page.keyboard.press("Enter")
    field.fill("😀" * 3999)
    expect(page.get_by_text("1 character left")).to_be_visible()
    field.fill("😀" * 4000)
    send.click()
    expect(page.locator(".patient")).to_have_count(1)
    expect(page.locator(".patient .state")).to_have_text("Sent")
    assert [len(post["text"]) for post in assistant.posts] == [4000]


def test_right_to_left_text_runs_right_to_left(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.reply = lambda _: [message("نتائجك جاهزة\nLDL 100")]
    write(page, "مرحبا")
    answer = page.locator(".assistant .bubble p")
    expect(answer).to_be_visible()
    assert answer.evaluate("e => getComputedStyle(e).direction") == "rtl"
    assert answer.evaluate("e => getComputedStyle(e).unicodeBidi") == "plaintext"


def test_a_person_who_reads_above_is_told_of_new_messages_and_not_moved(
    open_chat: OpenChat, assistant: Assistant
) -> None:
    page = open_chat()
    assistant.reply = lambda _: [message(f"line {i}\n" * 4) for i in range(12)]
    write(page, "much")
    expect(page.locator(".assistant")).to_have_count(12)
    scroller = page.locator(".scroller")
    assert scroller.evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight < 2")
    scroller.evaluate("e => { e.scrollTop = 40 }")
    page.wait_for_function("e => e.scrollTop === 40", arg=scroller.element_handle())
    expect(page.locator(".pill")).to_be_hidden()
    page.evaluate("new Promise(requestAnimationFrame).then(() => new Promise(requestAnimationFrame))")
    assistant.say(message("news"))
    expect(page.get_by_role("button", name="1 new message")).to_be_visible()
    assert scroller.evaluate("e => e.scrollTop") == 40
    page.locator(".pill").click()
    expect(page.get_by_text("news", exact=True)).to_be_in_viewport()
    expect(page.locator(".pill")).to_be_hidden()


def test_what_this_widget_does_not_know_is_passed_over(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    assistant.raw('data: {"type": "video"}\n\n: a comment\n\ndata: not json\n\nevent: x\ndata: null\n\n')
    assistant.raw('id: 900\r\ndata: {"type": "message", "from": "assistant",\r\ndata: "text": "in two lines"}\r\n\r\n')
    expect(page.get_by_text("in two lines")).to_be_visible()


def test_messages_that_come_while_it_is_closed_are_counted(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    page.get_by_role("button", name="Close chat").click()
    assistant.say(message("Your doctor wrote back."))
    page.get_by_role("button", name="1 new message").click()
    expect(page.get_by_text("Your doctor wrote back.")).to_be_visible()
    expect(page.locator(".badge")).to_be_hidden()


def test_a_long_conversation_scrolls_in_its_own_place_and_never_the_panel(
    open_chat: OpenChat, assistant: Assistant
) -> None:
    page = open_chat()
    for number in range(12):
        begin(page, f"message {number}\n\nand a second line")
    panel = page.locator("chartline-chat .panel")
    assert panel.evaluate("panel => { panel.scrollTop = 1000; return panel.scrollTop }") == 0
    assert panel.evaluate("panel => panel.scrollHeight - panel.clientHeight") == 0


def test_a_page_that_opens_with_a_long_answer_shows_its_start(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.reply = lambda _: [message("Hello."), message("Your results\n" + "one more line\n" * 60)]
    write(page, "my labs")
    expect(page.locator(".assistant")).to_have_count(2)
    page.reload()
    expect(page.locator(".assistant")).to_have_count(2)
    expect(page.get_by_role("log")).not_to_have_attribute("aria-busy", "true")
    top = "e => e.getBoundingClientRect().top - e.closest('.scroller').getBoundingClientRect().top"
    assert abs(page.locator(".assistant").last.evaluate(top)) < 60
