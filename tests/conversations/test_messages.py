"""Messages with the trained model, the real action server and the real portal: one test a behaviour of the dialogue."""

from __future__ import annotations

import re
from typing import Any

import pytest

from bot.delivery.opt_out import wish
from tests.harness import Assistant, PortalServer

COUGH = "tell my cardiologist the cough is back"


def sent(portal: PortalServer, patient: str = "rosa") -> list[dict[str, Any]]:
    """The messages that did not come with the seed."""
    found = portal.search("Communication", patient=f"Patient/{patient}", _count=200)
    return [c for c in found if c.get("identifier") and c.get("payload")]


async def test_a_message_is_read_back_and_ends_in_a_receipt_that_the_portal_has_on_file(
    assistant: Assistant, portal: PortalServer
) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say(COUGH)
    assert 'Your message to Dr. Alan Whitfield:\n"The cough is back"' in said.text
    assert "usually answer within" in said.text and said.choices == ["Send", "Edit", "Discard"]
    assert sent(portal) == []
    assert re.search(r"SENT to Dr. Alan Whitfield. Reference R-\w{5}\.", (await chat.tap(said, "Send")).text)
    assert len(sent(portal)) == 1


async def test_the_whole_way_by_text_message(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa", "sms")
    assert "1 Dr. Priya Shah" in await chat.say("I need to message my doctor")
    assert "tell Dr. Alan Whitfield" in await chat.say("2")
    assert '"The cough is back at night."' in await chat.say("The cough is back at night.")
    assert "I added that" in await chat.say("And my ankles are a little swollen in the evening")
    assert "1 Send\n2 Edit\n3 Discard" in await chat.say("what medicines am I on?")
    assert "SENT to Dr. Alan Whitfield" in await chat.say("send")
    (message,) = sent(portal)
    assert message["payload"][0]["contentString"].count("\n") == 1


async def test_no_word_that_a_draft_asks_for_ends_texting(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms")
    said = await chat.say(COUGH)
    words = re.findall(r"^\d (\w+)$", said.text, re.MULTILINE)
    assert words == ["Send", "Edit", "Discard"] and not any(wish(word) for word in words)


async def test_an_interruption_is_answered_and_the_draft_survives_it(
    assistant: Assistant, portal: PortalServer
) -> None:
    chat = await assistant.chat("rosa")
    await chat.say(COUGH)
    said = await chat.say("what was my A1c?")
    assert "6.9" in said and '"The cough is back"' in said
    assert "SENT" in await chat.say("yes")


async def test_an_interruption_where_the_text_was_asked_for(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("message dr chen")
    said = await chat.say("what was my A1c?")
    assert "6.9" in said and "That's my message" in said.choices
    assert '"what was my A1c?"' in await chat.tap(said, "That's my message")


async def test_a_refill_in_between_is_done_and_the_draft_taken_up_again(
    assistant: Assistant, portal: PortalServer
) -> None:
    chat = await assistant.chat("rosa")
    await chat.say(COUGH)
    said = await chat.say("refill my lisinopril")
    assert "I keep your message" in said and "lisinopril 10 mg at Corner Pharmacy" in said
    assert "SENT: lisinopril" in await chat.say("yes")
    assert '"The cough is back"' in await chat.say("my draft")
    assert "SENT to Dr. Alan Whitfield" in await chat.say("send it")


@pytest.mark.parametrize("opening", ["tell my cardiologist", "message dr shah"])
async def test_an_emergency_in_a_draft_is_answered_first_and_nothing_is_sent(
    assistant: Assistant, portal: PortalServer, opening: str
) -> None:
    chat = await assistant.chat("rosa")
    await chat.say(COUGH if opening.startswith("tell") else opening)
    assert "911" in await chat.say("I have crushing chest pain and I can't breathe")
    await chat.say("yes")
    assert sent(portal) == []


async def test_a_crisis_in_the_request_itself_is_no_message(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    assert "988" in await chat.say("tell my doctor I want to kill myself")
    assert "988" not in await chat.say("yes") and sent(portal) == []


async def test_after_an_emergency_a_yes_asks_once_more(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    await chat.say(COUGH)
    await chat.say("I have crushing chest pain")
    assert "I haven't sent your message" in await chat.say("yes")
    assert "SENT" in await chat.say("send it")


async def test_never_mind_and_discard_end_in_not_sent(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    await chat.say(COUGH)
    assert "NOT SENT" in await chat.say("never mind")
    await chat.say(COUGH)
    assert "NOT SENT" in await chat.say("discard")
    assert "Okay! What else" in await chat.say("yes")
    assert sent(portal) == []


async def test_an_edit_is_read_back_again(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    await chat.say(COUGH)
    assert "write the new text" in await chat.say("edit")
    assert '"The cough is better now."' in await chat.say("The cough is better now.")
    assert "SENT" in await chat.say("send")
    assert sent(portal)[0]["payload"][0]["contentString"] == "The cough is better now."


async def test_a_lost_answer_of_the_portal_sends_it_once(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    await chat.say(COUGH)
    with portal.away():
        assert "NOT SENT" in await chat.say("send")
    assert "SENT to Dr. Alan Whitfield" in await chat.say("send")
    assert len(sent(portal)) == 1


async def test_the_inbox_and_one_opened_by_number(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("any new messages?")
    assert "1 message you haven't read, from Dr. Alan Whitfield" in said
    assert "evening of your procedure" in await chat.say("1")
    assert "read all your messages" in await chat.say("show my inbox")


async def test_did_my_doctor_write_back_and_a_reply(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("Did my doctor write back?")
    assert "Yes, Dr. Alan Whitfield wrote to you on" in said and "evening of your procedure" in said
    assert "tell Dr. Alan Whitfield" in await chat.tap(said, "Reply")
    await chat.say("Thank you, I will do that.")
    assert "SENT" in await chat.say("send")
    assert sent(portal)[0]["partOf"] == [{"reference": "Communication/rosa-thread-warfarin"}]


async def test_a_body_is_read_on_the_safe_page(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms")
    said = await chat.say("read me the message from Dr. Whitfield")
    assert "Dr. Alan Whitfield" in said and "evening of your procedure" not in said and "/signin/" in said


async def test_without_details_a_text_message_names_nobody(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms", details=False)
    for text in (COUGH, "any messages"):
        said = await chat.say(text)
        assert "Whitfield" not in said and "cough" not in said and "/signin/" in said


async def test_an_empty_chart(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("wei")
    assert "You have no messages" in await chat.say("do I have any messages")
    assert "Your message to Riverbend Clinic" in await chat.say("tell my doctor I have a new phone number")
    await chat.say("send")
    assert len(sent(portal, "wei")) == 1


async def test_a_grandmother_writes_about_the_child_in_her_own_name(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    asked = await chat.say("switch to my grandson")
    await chat.sign_in(asked.links[0], "rosa", "sam")
    said = await chat.say("tell his pediatrician that he wheezes when he runs")
    assert "Your message about Samuel to Dr. Hannah Brooks" in said
    assert "SENT to Dr. Hannah Brooks" in await chat.say("send")
    (message,) = sent(portal, "sam")
    assert message["sender"]["reference"].startswith("RelatedPerson/")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("msg dr chen pls", "tell Dr. Mei Chen"),
        ("I have a question for my doctor", "Who should get your message?"),
        ("let dr shah know the new dose works", '"The new dose works"'),
        ("TELL DR SHAH I NEED THE FORM SIGNED", '"I NEED THE FORM SIGNED"'),
        ("message the clinic about a form", "tell Riverbend Clinic about a form"),
        ("ask the nurse if I need to fast", '"Ask the nurse if I need to fast"'),
        ("any word from dr shah", "Not yet. You wrote to Dr. Priya Shah"),
        ("was my message read", "was read on"),
    ],
)
async def test_each_wish_gets_its_own_answer(assistant: Assistant, text: str, words: str) -> None:
    chat = await assistant.chat("rosa")
    assert words in await chat.say(text)


async def test_ten_thousand_letters_get_a_clear_answer_and_the_draft_is_still_there(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("message dr shah")
    assert "too long" in await chat.say("word " * 2000)
    assert '"Short now."' in await chat.say("Short now.")
