"""The record on the running system: allergies, conditions, vaccines and vital signs, in the web chat and by SMS."""

from __future__ import annotations

from tests.harness import Assistant


async def test_allergies_are_told_and_none_known_differs_from_nothing_on_file(assistant: Assistant) -> None:
    assert "Penicillin (can be DANGEROUS): Hives" in await (await assistant.chat("rosa", "sms")).say("my allergies")
    assert "No known allergies" in await (await assistant.chat("linda", "sms")).say("what are my allergies")
    assert "doesn't mean you have none" in await (await assistant.chat("james")).say("what are my allergies")


async def test_conditions_are_told_as_now_and_over(assistant: Assistant) -> None:
    said = await (await assistant.chat("rosa")).say("what conditions do I have")
    now, over = said.text.split("OVER:")
    assert "Type 2 diabetes" in now and "bronchitis" in over


async def test_the_last_tetanus_shot_is_told_by_its_date(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms")
    said = await chat.say("when was my last tetanus shot")
    assert "(Tdap): " in said and "Shingles" not in said
    assert "NOT given: RSV" in await chat.say("show my vaccines")


async def test_vital_signs_are_told_and_one_over_time_has_a_picture(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    assert "Blood pressure: 133/79 mmHg" in await chat.say("show my vitals")
    said = await chat.say("how has my weight changed")
    assert "from 181 lb" in said and said.pictured


async def test_a_helper_reads_the_vaccines_of_the_chart_that_is_open(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("show my grandson's shots")
    assert "Flu" not in said and said.links


async def test_nothing_of_the_record_is_told_before_the_patient_agreed(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa", "sms", details=False)
    for text in ("my allergies", "what conditions do I have", "my vaccines", "my blood pressure"):
        said = await chat.say(text)
        assert "Penicillin" not in said and "diabetes" not in said and "Flu" not in said and "mmHg" not in said
        assert said.links or "http" in said.text
