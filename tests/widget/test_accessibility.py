"""WCAG 2.2 AA by axe, and what axe cannot see: focus, keyboard, narrow screens, calm."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.widget.assistant import Assistant, message
from tests.widget.conftest import OpenChat, begin, sync_api, write
from tests.widget.test_conversation import PIXEL

expect = sync_api.expect
AXE = (Path(__file__).parents[1] / "vendor" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW = {"width": 320, "height": 640}
ZOOMED = {"width": 320, "height": 256}  # 1280 by 1024 at 400 %

EVERYTHING = [
    message("Hemoglobin A1c\n6.8 %", image={"src": PIXEL, "alt": "It fell from 7.2 to 6.8 percent."}),
    message("Please sign in.", links=[{"title": "Sign in", "url": "https://a.example/"}]),
    message("Old choice", choices=[{"id": "0", "title": "Gone"}]),
    message("Send it?", choices=[{"id": "1", "title": "Yes, send it to the pharmacy"}, {"id": "2", "title": "No"}]),
]


def _violations(page: Any) -> list[str]:
    page.evaluate(AXE)
    result = page.evaluate("tags => axe.run(document, {runOnly: tags})", TAGS)
    assert any("chartline-chat" in str(node["target"]) for rule in result["passes"] for node in rule["nodes"])
    return [f"{rule['id']}: {node['html']}" for rule in result["violations"] for node in rule["nodes"]]


def _fill(page: Any, assistant: Assistant) -> None:
    """Every kind of thing that the panel can show."""
    assistant.reply = lambda _: EVERYTHING
    write(page, "everything")
    expect(page.get_by_role("button", name="No", exact=True)).to_be_visible()
    assistant.faults.append(400)
    write(page, "refused")
    expect(page.get_by_role("button", name="Not sent. Tap to try again")).to_be_visible()
    assistant.say(EVERYTHING[-1])
    assistant.typing(True)
    page.get_by_role("textbox").fill("x" * 4001)
    expect(page.locator(".typing")).to_be_visible()
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline.")).to_be_visible()
    page.locator("chartline-chat").evaluate(
        "e => Promise.all(e.shadowRoot.getAnimations()"
        ".filter(a => a.effect.getTiming().iterations === 1).map(a => a.finished))"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("color", ["#0b5cad", "#ffe066", "#101010"])
def test_axe_finds_nothing_wrong_with_a_full_conversation(
    open_chat: OpenChat, assistant: Assistant, page: Any, scheme: str, color: str
) -> None:
    page.emulate_media(color_scheme=scheme)
    open_chat(color=color)
    assert _violations(page) == []
    _fill(page, assistant)
    assert _violations(page) == []


@pytest.mark.parametrize("viewport", [NARROW, ZOOMED])
def test_axe_finds_nothing_wrong_on_a_narrow_screen(
    open_chat: OpenChat, assistant: Assistant, page: Any, viewport: dict[str, int]
) -> None:
    page.set_viewport_size(viewport)
    open_chat()
    assert _violations(page) == []
    page.get_by_role("button", name="Chat with us").click()
    _fill(page, assistant)
    assert _violations(page) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_the_demo_page(assistant: Assistant, page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(assistant.url)
    begin(page)
    assert _violations(page) == []


def test_axe_would_find_a_fault_inside_the_widget(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    page.get_by_role("button", name="Send").evaluate("e => e.removeAttribute('aria-label')")
    assert [fault.split(":")[0] for fault in _violations(page)] == ["button-name"]


def test_opening_moves_the_focus_in_and_escape_moves_it_back(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat(open="false")
    launcher = page.get_by_role("button", name="Chat with us")
    launcher.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Riverbend Clinic assistant")).to_be_visible()
    expect(page.get_by_role("textbox")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(launcher).to_be_focused()


def test_a_chat_that_opens_by_itself_leaves_the_focus_where_it_is(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.evaluate("document.activeElement === document.body")


def test_beside_the_page_the_page_stays_in_use(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_role("link", name="Visits").click()
    assert page.url.endswith("#visits")


def test_over_the_page_it_holds_the_focus(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    page.set_viewport_size(NARROW)
    open_chat()
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.get_by_role("button", name="Chat with us").click()
    for _ in range(12):
        page.keyboard.press("Tab")
        assert not page.evaluate("document.activeElement instanceof HTMLAnchorElement")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Chat with us")).to_be_focused()


def test_a_window_made_narrow_keeps_the_text_and_the_focus(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    page.get_by_role("textbox").fill("half a thought")
    page.set_viewport_size(NARROW)
    expect(page.locator(".panel:modal")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_value("half a thought")
    expect(page.get_by_role("textbox")).to_be_focused()
    page.set_viewport_size({"width": 1100, "height": 760})
    expect(page.locator(".panel:modal")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_be_visible()


def test_everything_is_reached_by_keyboard_with_a_visible_focus(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    assistant.reply = lambda _: EVERYTHING
    write(page, "everything")
    expect(page.get_by_role("button", name="No", exact=True)).to_be_visible()
    page.get_by_role("button", name="Close chat").focus()
    seen = []
    for _ in range(7):
        page.keyboard.press("Tab")
        focus = "document.querySelector('chartline-chat')?.shadowRoot.activeElement"
        ring = f"getComputedStyle({focus}).outlineStyle + getComputedStyle({focus}.parentElement).boxShadow"
        assert page.evaluate(f"({ring}) !== 'nonenone'")
        seen.append(page.evaluate(f"{focus}.className || {focus}.localName"))
    assert seen == ["scroller", "picture", "summary", "link", "choice", "choice", "textarea"]


def test_a_choice_taken_by_keyboard_leaves_the_focus_in_the_conversation(
    open_chat: OpenChat, assistant: Assistant
) -> None:
    page = open_chat()
    assistant.reply = lambda text: EVERYTHING if text == "everything" else [message("SENT")]
    write(page, "everything")
    page.get_by_role("button", name="No", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("SENT", exact=True)).to_be_visible()
    expect(page.locator(".scroller")).to_be_focused()


def test_new_messages_are_announced_and_the_history_is_not(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    begin(page)
    log = page.get_by_role("log", name="Conversation")
    expect(log).to_have_attribute("aria-live", "polite")
    expect(log).not_to_have_attribute("aria-busy", "true")
    page.reload()
    expect(log).to_have_attribute("aria-busy", "true")
    expect(page.locator(".message")).to_have_count(2)
    expect(log).not_to_have_attribute("aria-busy", "true")


@pytest.mark.parametrize("viewport", [NARROW, ZOOMED])
def test_nothing_is_cut_off_or_scrolls_sideways_at_320_pixels(
    open_chat: OpenChat, assistant: Assistant, page: Any, viewport: dict[str, int]
) -> None:
    page.set_viewport_size(viewport)
    open_chat(title="Riverbend Clinic and Children's Hospital assistant")
    page.get_by_role("button", name="Chat with us").click()
    _fill(page, assistant)
    for part in (".head", ".log", ".banner", ".composer", ".foot"):
        box = page.locator(f".panel > {part}").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
    assert page.locator(".scroller").evaluate("e => e.scrollWidth <= e.clientWidth")
    assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_conversation_keeps_room_at_400_percent(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    page.set_viewport_size(ZOOMED)
    open_chat()
    page.get_by_role("button", name="Chat with us").click()
    begin(page)
    assert page.locator(".log").bounding_box()["height"] >= 100


def test_what_is_tapped_is_at_least_24_pixels_and_mostly_44(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    _fill(page, assistant)
    sizes = page.locator("chartline-chat button:visible, chartline-chat a:visible, chartline-chat summary:visible")
    heights = {(e.get_attribute("class") or "summary"): e.bounding_box()["height"] for e in sizes.all()}
    assert min(heights.values()) >= 24
    assert all(heights[name] >= 44 for name in ("choice", "link", "round", "round send"))


def test_those_who_want_no_motion_get_none(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    page.emulate_media(reduced_motion="reduce")
    open_chat()
    begin(page)
    assistant.typing(True)
    expect(page.locator(".typing")).to_be_visible()
    assert page.locator("chartline-chat").evaluate("e => e.shadowRoot.getAnimations().length") == 0


def test_forced_colors_keep_edges(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    page.emulate_media(forced_colors="active")
    open_chat()
    _fill(page, assistant)
    for part in (".assistant .bubble", ".patient .bubble", ".link", ".send", ".choice >> nth=-1"):
        style = page.locator(part).last.evaluate(
            "e => [getComputedStyle(e).borderTopStyle, getComputedStyle(e).borderTopColor]"
        )
        assert style[0] == "solid"
        assert not style[1].startswith("rgba"), "a transparent edge"


def test_nothing_moves_by_itself(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    page.add_init_script(
        "window.shift = 0; new PerformanceObserver(list => list.getEntries().filter(e => !e.hadRecentInput)"
        ".forEach(e => shift += e.value)).observe({type: 'layout-shift', buffered: true})"
    )
    page.goto(assistant.url)
    begin(page)
    page.wait_for_timeout(600)  # what follows counts as not asked for
    assistant.typing(True)
    expect(page.locator(".typing")).to_be_visible()
    for event in EVERYTHING[:2]:
        assistant.say(event)
    assistant.typing(False)
    expect(page.locator(".picture img")).to_be_visible()
    expect(page.locator(".typing")).to_be_hidden()
    assert page.evaluate("shift") < 0.01


def test_a_picture_that_comes_late_moves_nothing(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    held: list[Any] = []
    page.route("**/late.png", lambda route: held.append(route))
    open_chat()
    picture = {"src": "/late.png", "alt": "A chart"}
    assistant.reply = lambda _: [message("Here it is", image=picture), message("And then?")]
    write(page, "chart")
    below = page.get_by_text("And then?")
    expect(below).to_be_visible()
    page.wait_for_timeout(300)  # the message's own appearance is over
    before = below.bounding_box()
    held[0].fulfill(body=base64.b64decode(PIXEL.partition(",")[2]), content_type="image/png")
    image = page.locator(".picture img")
    page.wait_for_function("e => e.naturalWidth > 0", arg=image.element_handle())
    assert below.bounding_box() == before
