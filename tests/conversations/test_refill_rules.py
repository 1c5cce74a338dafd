"""What can happen to a refill request, as the patient reads it: each reason with its next step."""

from __future__ import annotations

import pytest

from tests.harness import Assistant, PortalServer


def requests(portal: PortalServer) -> list[str]:
    return [task["status"] for task in portal.search("Task", patient="rosa")]


@pytest.mark.parametrize(
    ("request_", "told"),
    [
        ("refill my metformin", ["NOT SENT", "early", "last filled", "from January"]),
        ("refill hydrochlorothiazide", ["ended on", "renew", "Dr. Priya Shah"]),
        ("i need more atorvastatin", ["no refills left", "renew", "Dr. Priya Shah"]),
        ("refill my oxycodone", ["NOT SENT", "new prescription", "555-0100"]),
        ("refill sertraline", ["NOT SENT", "stopped by Dr. Priya Shah", "555-0100"]),
        ("refill my warfarin", ["NOT SENT", "on hold by Dr. Alan Whitfield", "555-0100"]),
        ("refill amlodipine", ["In progress"]),
        ("refill levothyroxine", ["NOT SENT", "another clinic", "Lakeside Endocrine Center"]),
        ("refill my viagra", ["NOT SENT", "don't see"]),
        ("refill metoprolol", ["more than one", "metoprolol succinate ER 25 mg", "metoprolol tartrate 50 mg"]),
        ("refill lisinoprel", ["lisinopril 10 mg", "Corner Pharmacy", "Shall I send it?"]),
        ("refill my zestril", ["Zestril is your lisinopril 10 mg", "Shall I send it?"]),
        ("refill hydroxyzine", ["not on your list", "hydralazine 25 mg", "different medicines", "Did you mean"]),
        ("refill my water pill", ["hydrochlorothiazide 25 mg", "renew"]),
    ],
)
async def test_each_reason_is_told_with_the_next_step_and_nothing_is_sent_without_a_yes(
    assistant: Assistant, portal: PortalServer, request_: str, told: list[str]
) -> None:
    chat, before = await assistant.chat("rosa"), requests(portal)
    said = await chat.say(request_)
    shown = f"{said.text} {' '.join(said.choices)}"
    if "from January" in told:  # the date moves with the day of the test
        told = [words for words in told if words != "from January"]
        assert "You can ask for it from" in shown
    missing = [words for words in told if words not in shown]
    assert not missing, shown
    assert requests(portal) == before


async def test_a_look_alike_is_only_ordered_after_it_was_confirmed(assistant: Assistant, portal: PortalServer) -> None:
    chat, before = await assistant.chat("rosa"), requests(portal)
    await chat.say("refill hydroxyzine")
    await chat.say("no")
    assert requests(portal) == before


async def test_a_correction_in_the_middle_changes_the_medicine(assistant: Assistant, portal: PortalServer) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("refill my lisinopril")
    said = await chat.say("no wait, i meant the hydralazine")
    assert "hydralazine 25 mg" in said and "Shall I send it?" in said
    assert "SENT: hydralazine 25 mg" in await chat.say("yes")
    sent = [t for t in portal.search("Task", patient="rosa") if t["status"] == "requested"]
    assert len(sent) == 1


async def test_the_strength_can_be_named_instead_of_the_number(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("refill my metoprolol")
    assert "Refill metoprolol tartrate 50 mg" in await chat.say("the 50 mg one")


async def test_two_medicines_in_one_request_each_get_their_line(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("refill lisinopril and metformin please")
    assert "lisinopril 10 mg" in said and "metformin 500 mg" in said


async def test_a_side_effect_on_the_way_leaves_the_refill_for_safety(
    assistant: Assistant, portal: PortalServer
) -> None:
    chat, before = await assistant.chat("rosa"), requests(portal)
    await chat.say("refill my lisinopril")
    said = await chat.say("it gives me a terrible rash though")
    assert "555-01" in said
    await chat.say("yes")
    assert requests(portal) == before


async def test_the_list_has_every_medicine_with_how_to_take_it(assistant: Assistant) -> None:
    said = await (await assistant.chat("rosa")).say("what am i taking")
    for words in (
        "lisinopril 10 mg: Take 1 tablet by mouth once a day",
        "From another clinic",
        "levothyroxine",
        "warfarin",
    ):
        assert words in said
    assert "sertraline" not in said


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("how do i take my metformin", "2 times a day"),
        ("who prescribed my lisinopril", "Dr."),
        ("how many refills are left on lisinopril", "Refills left: 3"),
        ("when was my metformin last filled", "Last filled"),
    ],
)
async def test_one_medicine_is_told_in_full(assistant: Assistant, question: str, told: str) -> None:
    assert told in await (await assistant.chat("rosa")).say(question)


async def test_a_sent_request_shows_in_the_status(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("refill my lisinopril")
    await chat.say("yes")
    said = await chat.say("what happened to my refill request")
    assert "lisinopril 10 mg: Sent on" in said
    assert "amlodipine 5 mg: In progress" in said
