"""The list of medicines and the details of each: the real actions, the real embedded portal, the real words."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from rasa.shared.core.domain import Domain

from accounts.tiers import Tier
from actions.medications import dose_words
from bot.nlg import ChartlineNLG
from tests.medication_desk import Desk, Portal

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def words() -> ChartlineNLG:
    return ChartlineNLG(domain=Domain.load([str(ROOT / "domain.yml"), str(ROOT / "domain")]))


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeded")
    Portal(folder / "portal.db").store.engine.dispose()
    return folder


@pytest.fixture
def desk(seeded: Path, tmp_path: Path, words: ChartlineNLG) -> Desk:
    shutil.copytree(seeded, tmp_path / "db")
    return Desk(Portal(tmp_path / "db" / "portal.db", seeded=True), words)


async def test_the_list_groups_what_is_taken_held_and_prescribed_elsewhere(desk: Desk) -> None:
    taken, elsewhere, held = (await desk.say("what am I on", "list_medications")).split("\n\n")
    assert "lisinopril 10 mg: Take 1 tablet by mouth once a day. For: High blood pressure" in taken
    assert "levothyroxine 50 mcg" in elsewhere
    assert "warfarin 5 mg" in held


async def test_the_list_leaves_out_what_was_stopped_or_finished(desk: Desk) -> None:
    said = await desk.say("what am I on", "list_medications")
    assert "sertraline" not in said and "azithromycin" not in said


async def test_a_chart_without_medicines_says_so(desk: Desk) -> None:
    for medication in desk.portal.all("MedicationRequest"):
        desk.portal.put({**medication, "status": "entered-in-error"})
    assert "don't see any medicines" in await desk.say("what am I on", "list_medications")
    assert "don't see any medicines" in await desk.say("how do I take it", "medication_details")


async def test_details_tell_dose_prescriber_refills_and_last_fill(desk: Desk) -> None:
    said = await desk.say("how do I take my lisinopril", "medication_details")
    assert "How to take it: Take 1 tablet by mouth once a day." in said
    assert "Prescribed by: Dr. Priya Shah" in said
    assert "Refills left: 3" in said
    assert "Last filled: " in said and "doesn't say" not in said


async def test_a_follow_up_means_the_one_last_spoken_of(desk: Desk) -> None:
    await desk.say("how do I take my metformin", "medication_details")
    assert "metformin 500 mg" in await desk.say("how many refills are left on it", "medication_details")


async def test_a_name_that_is_two_medicines_shows_both(desk: Desk) -> None:
    said = await desk.say("metoprolol", "medication_details")
    assert "metoprolol succinate ER 25 mg" in said and "metoprolol tartrate 50 mg" in said


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("oxycodone", "each fill needs a new prescription"),
        ("levothyroxine", "Another clinic prescribes this one"),
        ("warfarin", "on hold right now"),
        ("zoloft", "was stopped"),
        ("azithromycin", "is finished"),
        ("viagra", 'I don\'t see "viagra" on your list'),
    ],
)
async def test_details_say_what_is_special_about_it(desk: Desk, name: str, expected: str) -> None:
    assert expected in await desk.say(f"tell me about {name}", "medication_details")


async def test_no_name_and_nothing_spoken_of_asks_which(desk: Desk) -> None:
    assert "Which medicine do you mean?" in await desk.say("what is the dose", "medication_details")


async def test_an_entity_of_the_nlu_counts_where_the_text_names_nothing(desk: Desk) -> None:
    said = await desk.say("the little white thing", "medication_details", medication="lisinopril")
    assert "lisinopril 10 mg" in said


@pytest.mark.parametrize(
    ("dosage", "said"),
    [
        ({"text": "Take 1 tablet at bedtime."}, "Take 1 tablet at bedtime."),
        ({"asNeededBoolean": True}, "Take as needed."),
        ({}, "your chart doesn't say"),
        ({"timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}, "take it once a day"),
        (
            {
                "timing": {"repeat": {"frequency": 2, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 1.0, "unit": "tablet"}}],
            },
            "1 tablet 2 times a day",
        ),
        (
            {
                "timing": {"repeat": {"frequency": 1, "period": 6, "periodUnit": "h"}},
                "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "puffs"}}],
                "asNeededBoolean": True,
            },
            "2 puffs every 6 hours, as needed",
        ),
        ({"timing": {"repeat": {"frequency": 3, "period": 2, "periodUnit": "wk"}}}, "take it 3 times every 2 weeks"),
    ],
)
def test_a_dose_is_the_labels_words_or_read_from_its_timing(
    dosage: dict[str, Any], said: str, words: ChartlineNLG
) -> None:
    message = words.render("utter_medication_row", {}, "web", {"name": "it", "dose": dose_words(dosage)}, Tier.FULL)
    assert message["text"] == f"• it: {said}"
