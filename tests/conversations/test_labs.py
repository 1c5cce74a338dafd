"""Lab results with the trained model, the real action server and the real portal: show, trend, explain, go on."""

from __future__ import annotations

import re
from datetime import date

import pytest

from tests.harness import Assistant, Said

WITHDRAWN_VALUE = "4321"
DAY = r"[A-Z][a-z]{2} \d{1,2}, \d{4}"


def lines(said: Said) -> list[str]:
    """The lines of an answer."""
    return said.text.splitlines()


async def test_the_latest_labs_are_grouped_by_panel_with_value_unit_range_and_flag(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("show my latest labs")
    panel = next(i for i, line in enumerate(lines(said)) if re.fullmatch(f"Basic metabolic panel, {DAY}", line))
    assert lines(said)[panel + 1] == "- Glucose: 118 mg/dL, HIGH (range: 70 to 99)"
    assert "- Potassium: 4.6 mmol/L, in range (3.5 to 5.0)" in lines(said)
    assert re.search(f"^Hemoglobin A1c, {DAY}: 6.9 %, HIGH", said.text, re.M)


async def test_results_come_newest_first_and_more_pages_on_to_the_end(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("show me all of my lab results")
    pages = [said]
    while "More" in said.choices:
        said = await chat.say("more")
        pages.append(said)
        assert len(pages) < 30
    years = [int(year) for page in pages for year in re.findall(r", [A-Z][a-z]{2} \d{1,2}, (\d{4})", page.text)]
    newest_first = [y for page in pages for y in re.findall(f"^.*?, {DAY}", page.text, re.M) if "CORRECTED" not in y]
    days = [int(entry[-4:]) for entry in newest_first]
    assert days == sorted(days, reverse=True)
    assert max(years) - min(years) >= 3
    assert not any(WITHDRAWN_VALUE in page for page in pages)
    assert "That was everything" in await chat.say("more")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("A1c", "Hemoglobin A1c"),
        ("what's my hemoglobin a1c", "6.9 %"),
        ("hemaglobin", "Hemoglobin: 11.8 g/dL"),
        ("sugar", "Glucose: 118 mg/dL"),
        ("kidney numbers", "Creatinine: 1.0 mg/dL"),
        ("chol", "Total cholesterol: 168 mg/dL"),
        ("cholestrol", "Total cholesterol: 168 mg/dL"),
        ("my bad cholesterol", "LDL cholesterol: 91 mg/dL"),
        ("potasium", "Potassium: 4.6 mmol/L"),
        ("tsh", "TSH (thyroid)"),
        ("how is my thyroid", "TSH (thyroid)"),
        ("show lab 4548-4", "6.9 %"),
        ("sodium", "Sodium: 140 mmol/L"),
        ("creatinine you know", "Creatinine: 1.0 mg/dL"),
    ],
)
async def test_a_test_is_found_by_common_name_abbreviation_misspelling_and_code(
    assistant: Assistant, text: str, words: str
) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say(text)
    assert words in said
    assert "Chloride" not in said


async def test_two_tests_are_answered_together(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("A1C and cholesterol")
    assert "Hemoglobin A1c" in said and "LDL cholesterol" in said


async def test_a_period_shows_what_is_from_then_and_nothing_else(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("my labs from the last 6 months")
    assert "Basic metabolic panel" in said and "Lipid panel" not in said
    assert "don't see lab results from that time" in await chat.say("labs from 2019")


async def test_yesterday_is_a_day(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("labs from yesterday")
    assert "Vitamin D" in said and "Glucose" not in said


async def test_what_is_not_ready_is_said_so_and_has_no_trend(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    assert "not ready yet" in await chat.say("vitamin d")
    assert "not ready yet" in await chat.say("graph it")


async def test_early_results_are_labelled_and_list_what_is_missing(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("show me my cbc")
    assert "EARLY RESULTS, they can still change" in said
    assert re.search("^Still to come: .*Neutrophils", said.text, re.M)


async def test_a_corrected_result_leads_with_what_changed(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    for text in ("show my potassium from the past year", "graph my potassium"):
        said = await chat.say(text)
        assert said.text.index("first reported as 5.9 mmol/L") < said.text.index(": 4.4 mmol/L, in range")


@pytest.mark.parametrize(
    "text", ["ferritin", "graph my ferritin", "what does ferritin mean", "show everything from last year", "my iron"]
)
async def test_a_result_that_was_taken_back_never_shows_its_value(assistant: Assistant, text: str) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say(text)
    assert WITHDRAWN_VALUE not in said and "4,321" not in said
    if "ferritin" in text:
        assert "took this result back" in said


async def test_a_canceled_test_says_why_and_shows_no_value(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("urine culture")
    assert "canceled, so there is no result" in said and "The sample leaked" in said


@pytest.mark.parametrize("text", ["tsh", "is my tsh normal?", "graph my tsh"])
async def test_without_a_range_nothing_is_called_normal(assistant: Assistant, text: str) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say(text)
    assert "3.4 mIU/L" in said
    assert not re.search("normal|in range|HIGH|LOW", said.text)


@pytest.mark.parametrize(
    "text", ["show my labs", "is my potassium normal?", "graph my potassium", "am I ok? potassium"]
)
async def test_a_critical_value_comes_with_the_urgent_number_and_without_interpretation(
    assistant: Assistant, text: str
) -> None:
    chat = await assistant.chat("james")
    said = await chat.say(text)
    assert said.text.startswith("IMPORTANT: please call the clinic's urgent line now, 555-0199")
    assert "can't see yet that a clinician has looked at it" in said
    row = next(line for line in lines(said) if "6.8 mmol/L (" in line and line.startswith("- "))
    assert not re.search("HIGH|LOW|in range|normal|danger", row)


async def test_a_critical_value_that_was_seen_says_by_whom(assistant: Assistant) -> None:
    chat = await assistant.chat("james")
    said = await chat.say("show all my glucose results")
    assert "Dr. Priya Shah has looked at Glucose" in said
    assert "555-0199" in said


@pytest.mark.parametrize("text", ["show my labs", "graph my a1c", "my cholesterol", "labs from last year"])
async def test_an_empty_chart_is_said_kindly(assistant: Assistant, text: str) -> None:
    chat = await assistant.chat("wei")
    said = await chat.say(text)
    assert "don't see any lab results in your chart" in said and "555-0100" in said


async def test_a_test_the_patient_never_had_says_which_there_are_and_takes_one_of_them(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("show my psa")
    assert 'don\'t see a result for "psa"' in said and "Lipid panel" in said and "Which one" in said
    assert "LDL cholesterol: 91" in await chat.say("the lipid panel")


async def test_a_trend_is_text_and_a_picture(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("how has my a1c changed over time?")
    assert "8 results: from 8.4 %" in said and "to 6.9 %" in said
    assert said.pictured


async def test_a_trend_never_mixes_units_or_codes(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("graph my creatinine")
    values = [line for line in lines(said) if line.startswith("- ")]
    assert len(values) == 5 and all("mg/dL" in line for line in values)
    assert "measured in another way or unit" in said


async def test_a_test_is_explained_with_its_source_the_own_value_and_no_diagnosis(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    said = await chat.say("what does A1c mean?")
    assert "average sugar in your blood" in said and "Source: MedlinePlus" in said and "6.9 %" in said
    assert "best answered by your care team" in said
    assert not re.search("you have|you are diabetic|prediabet", said.text, re.I)


async def test_follow_ups_are_about_what_was_shown_last(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    await chat.say("what's my A1c")
    assert "8 results" in await chat.say("graph it")
    assert "average sugar" in await chat.say("what does that mean?")
    said = await chat.say("and last year?")
    assert set(re.findall(r", (\d{4}):", said.text)) == {str(date.today().year - 1)}
    assert "HDL cholesterol: 51" in await chat.say("what about hdl?")


async def test_what_to_graph_is_asked_and_the_answer_is_taken(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    assert "Which test would you like to see over time?" in await chat.say("draw me a graph please")
    assert "8 results" in await chat.say("a1c")


async def test_no_answer_shows_the_marks_of_a_broken_template(assistant: Assistant) -> None:
    chat = await assistant.chat("rosa")
    for text in ("labs", "more", "more", "kidney numbers", "graph it", "what does that mean", "labs last year"):
        said = await chat.say(text)
        assert not re.search(r"\bNone\b|\{|\}|\n\n|nan\b|  ", said.text), said.text
