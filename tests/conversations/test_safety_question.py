"""Where the screen is not sure it asks, names the number, and goes on where it was after a no."""

from __future__ import annotations

import pytest
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.safety_screen import SafetyScreen
from tests.harness import Assistant, PortalServer


@pytest.fixture(autouse=True)
def unsure(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the screen unsure about two phrases, whatever the model has learned."""
    ask = SafetyScreen.danger

    def danger(self: SafetyScreen, message: Message) -> dict[str, object] | None:
        text = message.get("text") or ""
        if "funny feeling" in text:
            return {"name": "maybe_emergency", "confidence": 0.3}
        return {"name": "maybe_crisis", "confidence": 0.3} if "so very low" in text else ask(self, message)

    monkeypatch.setattr(SafetyScreen, "danger", danger)


@pytest.mark.parametrize("channel", ["sms", "telegram", "web"])
async def test_the_question_is_one_message_with_the_number_on_every_channel(assistant: Assistant, channel: str) -> None:
    for text, number in (("a funny feeling about my labs", "911"), ("I feel so very low", "988")):
        said = await (await assistant.chat(channel=channel)).say(text)
        assert len(said.messages) == 1 and number in said and "NO" in said.text


@pytest.mark.parametrize("no", ["no", "NO.", "No, I'm fine", "nobody is"])
async def test_after_a_no_the_message_is_handled_as_what_it_is(assistant: Assistant, no: str) -> None:
    chat = await assistant.chat("rosa")
    assert "911" in await chat.say("show my labs, I have a funny feeling about them")
    said = await chat.say(no)
    assert "let's go on" in said
    assert "A1c" in said


async def test_a_tapped_no_goes_on_too(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    question = await chat.say("show my labs, I have a funny feeling about them")
    assert question.choices == ["Yes", "No"]
    assert "A1c" in await chat.tap(question, "No")


@pytest.mark.parametrize(
    ("text", "number"), [("a funny feeling", "Call 911 now."), ("I feel so very low", "Call or text 988")]
)
@pytest.mark.parametrize("yes", ["yes", "yes she is", "i don't know"])
async def test_a_yes_or_a_doubt_gets_the_answer_to_the_danger(
    assistant: Assistant, text: str, number: str, yes: str
) -> None:
    chat = await assistant.chat()
    await chat.say(text)
    assert number in await chat.say(yes)


async def test_an_open_form_stays_open_and_a_no_is_not_its_answer(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    before = len(portal.search("Task", patient="Patient/rosa", _count=100))
    asked = await chat.say("refill my lisinopril")
    assert "911" in await chat.say("yes but I have a funny feeling")
    said = await chat.say("no")
    assert "let's go on" in said
    assert asked.messages[-1].get("text", "").splitlines()[-1] in said or "SENT" in said.text
    assert len(portal.search("Task", patient="Patient/rosa", _count=100)) - before in (0, 1)


async def test_another_request_instead_of_an_answer_is_served(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("a funny feeling")
    assert "A1c" in await chat.say("show my latest labs")


async def test_the_question_needs_neither_the_action_server_nor_the_portal(
    assistant: Assistant, portal: PortalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = await assistant.chat("rosa")
    monkeypatch.setattr(assistant.delivery.agent.processor.action_endpoint, "url", "http://127.0.0.1:9/webhook")
    with portal.away():
        assert "911" in await chat.say("a funny feeling")
        assert "Call 911 now." in await chat.say("yes")
