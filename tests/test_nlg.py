"""The generator: rows, single values that are responses, the clinic's facts, and what is not there."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.trackers import DialogueStateTracker

from bot.nlg import ChartlineNLG

DOMAIN = """
version: "3.1"
slots:
  city: {type: text, mappings: [{type: custom}]}
responses:
  utter_something_broke: [{text: "Sorry. Call {clinic_phone}."}]
  utter_panel: [{text: "{name}\\n{rows}"}]
  utter_row: [{text: "{test}: {value}{flag}"}]
  utter_high: [{text: " (high)"}]
  utter_slot: [{text: "You live in {city}."}]
  utter_link:
    - text: "Sign in"
      buttons: [{title: "Go, {name}", url: "{link}"}]
      custom: {deep: ["{name}", {er: "{name}", n: 5}]}
  utter_by_channel: [{text: "long"}, {text: "short", channel: sms}]
"""


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("CHARTLINE_CLINIC_PHONE", "555-7777")
    nlg = ChartlineNLG(domain=Domain.from_yaml(DOMAIN))
    asked = [ActionExecuted("action_listen"), UserUttered("show it", metadata={"tier": "full"})]
    tracker = DialogueStateTracker.from_events("k", asked, Domain.from_yaml(DOMAIN).slots)

    async def generate(response: str, channel: str = "web", **values: Any) -> dict[str, Any]:
        return await nlg.generate(response, tracker, channel, **values) or {}

    return generate


def row(test: str, value: str, flag: Any = "") -> dict[str, Any]:
    return {"response": "utter_row", "test": test, "value": value, "flag": flag}


async def test_rows_are_rendered_each_with_its_own_response(say: Any) -> None:
    message = await say("utter_panel", name="Lipids", rows=[row("LDL", "130"), row("HDL", "50")])
    assert message["text"] == "Lipids\nLDL: 130\nHDL: 50"


async def test_a_value_may_be_a_response_also_within_a_row(say: Any) -> None:
    message = await say("utter_panel", name="Lipids", rows=[row("LDL", "190", {"response": "utter_high"})])
    assert message["text"] == "Lipids\nLDL: 190 (high)"


async def test_the_clinics_facts_are_known_everywhere(say: Any) -> None:
    assert (await say("utter_something_broke"))["text"] == "Sorry. Call 555-7777."


async def test_a_response_that_is_not_there_is_apologised_for_and_logged(
    say: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert (await say("utter_nobody_wrote", name="Rosa"))["text"] == "Sorry. Call 555-7777."
    assert "utter_nobody_wrote" in caplog.text
    assert "Rosa" not in caplog.text


@pytest.mark.parametrize(
    "value", ["{name}", "{clinic_phone}", "{", "}}", "10[IU]", "0[degF]", "{0[name]}", "%s \\1 $1"]
)
async def test_a_value_is_only_ever_a_value(say: Any, value: str) -> None:
    message = await say("utter_panel", name=value, rows=[row("T", value)])
    assert message["text"] == f"{value}\nT: {value}"


async def test_buttons_and_custom_parts_are_filled_too(say: Any) -> None:
    message = await say("utter_link", name="Rosa", link="https://clinic.example/signin/x")
    assert message["buttons"] == [{"title": "Go, Rosa", "url": "https://clinic.example/signin/x"}]
    assert message["custom"]["deep"] == ["Rosa", {"er": "Rosa", "n": 5}]


async def test_filling_a_response_leaves_the_domain_as_it_was(say: Any) -> None:
    await say("utter_link", name="Rosa", link="x")
    assert (await say("utter_link", name="Wei", link="y"))["buttons"] == [{"title": "Go, Wei", "url": "y"}]


async def test_a_channel_has_its_own_words(say: Any) -> None:
    assert (await say("utter_by_channel", "sms"))["text"] == "short"
    assert (await say("utter_by_channel", "web"))["text"] == "long"


async def test_a_value_that_nobody_gave_is_an_error_in_the_log(say: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        assert (await say("utter_row", test="LDL", value="1"))["text"] == "LDL: 1{flag}"
    assert "flag" in caplog.text
