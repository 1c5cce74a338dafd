"""Acting for someone else: Rosa may open all of her grandson Samuel's chart, and parts of her granddaughter Ava's."""

from __future__ import annotations

from tests.harness import Assistant, Chat, PortalServer

SAM, AVA = "sam", "ava"


async def switch(chat: Chat, words: str, chart: str, username: str = "rosa") -> list[str]:
    said = await chat.say(words)
    return [answer.text for answer in await chat.sign_in(said.links[0], username, chart)]


async def test_a_grandmother_opens_her_grandsons_chart_and_every_answer_says_whose_it_is(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    (hello,) = await switch(chat, "switch to my grandson", SAM)
    assert "Samuel's chart is open" in hello
    labs = await chat.say("show my latest labs")
    assert labs.text.startswith("From Samuel's chart:") and "Hemoglobin" in labs
    medicines = await chat.say("what medicines am I on")
    assert medicines.text.startswith("From Samuel's chart:")
    assert "albuterol" in medicines and "lisinopril" not in medicines


async def test_a_question_about_someone_else_waits_until_that_chart_is_open(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    asked = await chat.say("show my grandson's labs")
    assert "choose whose chart" in asked and "A1c" not in asked
    hello, labs = [answer.text for answer in await chat.sign_in(asked.links[0], "rosa", SAM)]
    assert "Samuel's chart is open" in hello and labs.startswith("From Samuel's chart:")


async def test_going_back_is_as_explicit_and_leaves_nothing_behind(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    before = await chat.say("what medicines am I on")
    await switch(chat, "switch to my grandson", SAM)
    assert (await chat.say("what medicines am I on")).text != before.text
    await switch(chat, "back to my own chart", "")
    own = await chat.say("what medicines am I on")
    assert "lisinopril" in own and own.text == before.text
    assert "own chart is open" in await chat.say("switch back to my own chart")


async def test_of_a_teenagers_chart_only_what_policy_and_consent_allow(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await switch(chat, "switch to my granddaughter", AVA)
    labs = await chat.say("show my latest labs")
    assert "Hemoglobin" not in labs and "11.2" not in labs and "may not open that in Ava's chart" in labs


async def test_a_right_that_was_withdrawn_ends_at_the_next_message(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    await switch(chat, "switch to my grandson", SAM)
    assert "Hemoglobin" in await chat.say("show my latest labs")
    (consent,) = portal.search("Consent", patient=f"Patient/{SAM}")
    portal.change(consent, status="inactive")
    labs = await chat.say("show my latest labs")
    assert "Hemoglobin" not in labs and "may not open that in Samuel's chart" in labs


async def test_on_sms_nothing_is_said_of_whose_chart_until_details_are_agreed(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms", details=False)
    said = await chat.say("show my grandson's labs")
    assert "Samuel" not in said and "grandson" not in said and "sign in" in said
