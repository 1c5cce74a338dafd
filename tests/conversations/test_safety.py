"""The safety screen in the running system: it comes before everything, and needs nothing else to be up."""

from __future__ import annotations

import pytest

from tests.harness import Assistant, PortalServer, free_port

EMERGENCIES = [
    "I have chest pain",
    "my husband fell and I can't wake him",
    "one side of her face slid down and she can't find her words",
    "I feel like an elephant is sitting on my chest",
    "I took the whole bottle of my pills",
    "i cant breathe",
    "me duele el pecho",
    "CALL AN AMBULANCE",
]
CRISES = [
    "I want to kill myself",
    "I don't want to live anymore",
    "everyone would be better off without me",
    "he hits me and I'm scared to go home",
    "no quiero vivir",
]
IDIOMS = [
    "this wait is killing me",
    "I'd kill for a coffee",
    "my phone is dying",
    "that bill nearly gave me a heart attack",
    "I'm dying to see my results",
    "when is my stress test",
    "I need my flu shot",
]


@pytest.mark.parametrize("text", EMERGENCIES)
async def test_an_emergency_is_sent_to_911_without_a_sign_in(assistant: Assistant, text: str) -> None:
    chat = await assistant.chat()
    said = await chat.say(text)
    assert said.text.startswith("Call 911 now.") and not said.links


@pytest.mark.parametrize("text", CRISES)
async def test_a_crisis_gets_the_crisis_line_without_a_sign_in(assistant: Assistant, text: str) -> None:
    chat = await assistant.chat()
    said = await chat.say(text)
    assert "988" in said and "not alone" in said and not said.links


@pytest.mark.parametrize("text", IDIOMS)
async def test_a_figure_of_speech_is_no_alarm(assistant: Assistant, text: str) -> None:
    chat = await assistant.chat()
    said = await chat.say(text)
    assert "Call 911 now" not in said and "988" not in said


@pytest.mark.parametrize("channel", ["sms", "telegram", "web"])
async def test_the_answer_is_one_message_on_every_channel(assistant: Assistant, channel: str) -> None:
    chat = await assistant.chat(channel=channel)
    for text, number in (("I have chest pain", "911"), ("I want to die", "988")):
        said = await chat.say(text)
        assert len(said.messages) == 1 and number in said and "MORE" not in said.text


async def test_an_emergency_among_lab_results_is_answered_first_and_the_labs_go_on(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("show my labs")
    assert (await chat.say("my chest feels tight and my arm is numb")).text.startswith("Call 911 now.")
    assert "Going on" in await chat.say("more")


REFILL_QUESTIONS = [
    ("refill my metoprolol",),
    ("refill my lisinopril",),
    ("refill hydroxyzine",),
    ("I need more of my cholesterol pills",),
    ("I need more of my cholesterol pills", "yes"),
    ("refill metformin",),
]


@pytest.mark.parametrize(("text", "number"), [("I have chest pain", "911"), ("I don't want to live anymore", "988")])
@pytest.mark.parametrize("lead_up", REFILL_QUESTIONS, ids=" · ".join)
async def test_danger_is_answered_in_every_question_of_a_refill_and_sends_nothing(
    assistant: Assistant, portal: PortalServer, lead_up: tuple[str, ...], text: str, number: str
) -> None:
    chat = await assistant.chat("rosa")
    for line in lead_up:
        await chat.say(line)
    before = len(portal.search("Task", patient="Patient/rosa", _count=100))
    said = await chat.say(text)
    assert number in said
    assert len(said.messages) == 1
    assert len(portal.search("Task", patient="Patient/rosa", _count=100)) == before


@pytest.mark.parametrize(("text", "number"), [("I have chest pain", "911"), ("I want to end my life", "988")])
async def test_danger_is_answered_while_the_action_server_is_down(
    assistant: Assistant, monkeypatch: pytest.MonkeyPatch, text: str, number: str
) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("refill my lisinopril")
    endpoint = assistant.delivery.agent.processor.action_endpoint
    monkeypatch.setattr(endpoint, "url", f"http://127.0.0.1:{free_port()}/webhook")
    assert "Something went wrong on my side" in await chat.say("show my labs")
    assert number in await chat.say(text)


@pytest.mark.parametrize(("text", "number"), [("I have chest pain", "911"), ("I want to end my life", "988")])
async def test_danger_is_answered_while_the_portal_is_down(
    assistant: Assistant, portal: PortalServer, text: str, number: str
) -> None:
    chat = await assistant.chat("rosa")
    with portal.away():
        assert "can't reach your records" in await chat.say("show my labs")
        assert number in await chat.say(text)
