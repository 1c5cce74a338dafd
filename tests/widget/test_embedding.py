"""One script tag on any page: strict, foreign, Spanish, in the clinic's color."""

from __future__ import annotations

from typing import Any

import pytest

from tests.widget.assistant import Assistant
from tests.widget.conftest import OpenChat, begin, host_page, script_tag, sync_api

expect = sync_api.expect


def test_it_runs_under_a_strict_content_security_policy(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    server = assistant.url
    assistant.csp = (
        f"default-src 'none'; script-src {server}; connect-src {server}; img-src data:; base-uri 'none'; "
        "require-trusted-types-for 'script'"
    )
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text) if "Content Security" in line.text else None)
    open_chat()
    begin(page)
    assert refused == []
    assert page.locator(".panel").evaluate("e => getComputedStyle(e).position") == "fixed"


def test_the_server_is_where_the_script_came_from(assistant: Assistant, page: Any) -> None:
    clinic = f"http://localhost:{assistant.port}"
    assistant.page = host_page(script_tag(assistant.url, open="true"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{clinic}/host")
    begin(page)
    assert {url.rsplit("/webhooks", 1)[0] for url in asked if "/webhooks/" in url} == {assistant.url}


def test_no_token_stands_in_an_address(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_chat()
    begin(page)
    token = next(iter(assistant.conversations))
    assert len(asked) >= 4
    assert not any(token in url for url in asked)


def test_it_may_be_placed_by_hand_and_stays_the_only_one(assistant: Assistant, page: Any) -> None:
    placed = (
        '<chartline-chat data-mode="page" data-title="Ask us" style="position: static; height: 400px"></chartline-chat>'
    )
    tag = script_tag(assistant.url, title="Not this one")
    assistant.page = host_page(tag + placed + tag)
    page.goto(f"{assistant.url}/host")
    begin(page)
    expect(page.locator("chartline-chat")).to_have_count(1)
    expect(page.get_by_role("region", name="Ask us")).to_be_visible()
    assert page.locator(".panel").bounding_box()["height"] == 400
    expect(page.get_by_role("button", name="Chat with us")).to_be_hidden()
    expect(page.get_by_role("button", name="Close chat")).to_have_count(0)


def test_page_mode_fills_the_window(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat(mode="page")
    assert page.locator(".panel").bounding_box() == {"x": 0, "y": 0, "width": 1100, "height": 760}
    page.keyboard.press("Escape")
    begin(page)


def test_the_page_can_open_and_close_it(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat(open="false")
    page.evaluate("document.querySelector('chartline-chat').open()")
    expect(page.get_by_role("textbox")).to_be_focused()
    page.evaluate("document.querySelector('chartline-chat').close()")
    expect(page.get_by_role("dialog")).to_be_hidden()


def test_an_open_chat_is_open_after_a_reload_and_a_closed_one_closed(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat()
    page.get_by_role("button", name="Close chat").click()
    page.reload()
    expect(page.get_by_role("button", name="Chat with us")).to_be_visible()
    page.get_by_role("button", name="Chat with us").click()
    page.reload()
    expect(page.get_by_role("dialog")).to_be_visible()


def test_it_speaks_spanish(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat(lang="es-MX", title="")
    expect(page.get_by_role("dialog", name="Asistente de chat")).to_be_visible()
    expect(page.get_by_role("textbox", name="Escriba un mensaje")).to_be_visible()
    begin(page, "hola")
    expect(page.locator(".day").first).to_have_text("Hoy")


def test_an_unknown_language_is_english(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat(lang="tlh")
    expect(page.get_by_role("textbox", name="Write a message")).to_be_visible()


@pytest.mark.parametrize(("theme", "ground"), [("dark", "rgb(18, 26, 34)"), ("light", "rgb(255, 255, 255)")])
def test_a_set_theme_wins_over_the_systems(
    open_chat: OpenChat, assistant: Assistant, page: Any, theme: str, ground: str
) -> None:
    page.emulate_media(color_scheme="light" if theme == "dark" else "dark")
    open_chat(theme=theme)
    assert page.locator(".panel").evaluate("e => getComputedStyle(e).backgroundColor") == ground


def test_the_systems_theme_is_followed_while_it_changes(open_chat: OpenChat, assistant: Assistant, page: Any) -> None:
    open_chat()
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".root.dark")).to_be_attached()
    page.emulate_media(color_scheme="light")
    expect(page.locator(".root.dark")).to_have_count(0)


def test_the_pages_own_styles_stay_outside(assistant: Assistant, page: Any) -> None:
    shout = "<style>*{font:italic 40px serif!important;color:red!important;text-transform:uppercase}</style>"
    assistant.page = host_page(shout + script_tag(assistant.url, open="true"))
    page.goto(f"{assistant.url}/host")
    begin(page)
    style = page.locator(".assistant .bubble p").evaluate(
        "e => (s => [s.fontStyle, s.color, s.textTransform])(getComputedStyle(e))"
    )
    assert style == ["normal", "rgb(21, 32, 43)", "none"]


def test_a_wrong_color_falls_back_and_a_right_one_is_used(open_chat: OpenChat, assistant: Assistant) -> None:
    accent = "e => getComputedStyle(e).getPropertyValue('--accent')"
    page = open_chat(color="#7a1fa2")
    assert page.locator("chartline-chat").evaluate(accent) == "rgb(122 31 162)"
    page = open_chat(color="red;} * {display:none")
    assert page.locator("chartline-chat").evaluate(accent) == "rgb(11 92 173)"


def test_the_emergency_number_is_the_clinics(open_chat: OpenChat, assistant: Assistant) -> None:
    page = open_chat(emergency="112")
    expect(page.get_by_text("In an emergency, call 112.")).to_be_visible()


def test_the_demo_page_shows_the_open_chat_beside_its_words(assistant: Assistant, page: Any) -> None:
    refused: list[str] = []
    page.on("console", lambda line: refused.append(line.text) if line.type == "error" else None)
    page.goto(assistant.url)
    expect(page.get_by_role("heading", name="What you can ask")).to_be_visible()
    begin(page)
    assert refused == []
    words, chat = page.locator("li").first.bounding_box(), page.locator(".panel").bounding_box()
    assert words["x"] + words["width"] <= chat["x"]
