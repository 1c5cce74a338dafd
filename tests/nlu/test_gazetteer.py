"""Names in a text: as spelt, misspelt, and what is no name at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.nlu.gazetteer import Gazetteer
from bot.nlu.name_files import NameSource

NAMES = {
    "medication": {"lisinopril": "lisinopril", "zestril": "lisinopril", "water pill": "water pill"},
    "lab_test": {"a1c": "hemoglobin a1c", "hemoglobin a1c": "hemoglobin a1c"},
}
GAZETTEER = Gazetteer(NAMES, {"medication": 80}, frozenset({"listening", "refill"}))


def found(text: str) -> list[tuple[str, str]]:
    return [(text[span.start : span.end], span.value) for span in GAZETTEER.find(text)]


@pytest.mark.parametrize(
    ("text", "surface", "value"),
    [
        ("Refill my LISINOPRIL!", "LISINOPRIL", "lisinopril"),
        ("is zestril's dose ok", "zestril", "lisinopril"),
        ("refill my lisinoprel", "lisinoprel", "lisinopril"),
        ("refill my lysinopril", "lysinopril", "lisinopril"),
        ("only two left of my water pill", "water pill", "water pill"),
        ("a1c?", "a1c", "hemoglobin a1c"),
    ],
)
def test_a_name_is_found_with_the_value_it_stands_for(text: str, surface: str, value: str) -> None:
    assert found(text) == [(surface, value)]


def test_an_ordinary_word_is_never_a_misspelt_name() -> None:
    assert found("are you listening") == []


def test_types_that_are_not_fuzzy_need_the_exact_name() -> None:
    assert found("hemoglobim a1x") == []


def test_a_file_of_names_gives_the_value_for_each_other_name(tmp_path: Path) -> None:
    file = tmp_path / "names.yml"
    file.write_text(
        "tests:\n  bun: {name: blood urea nitrogen, aka: [BUN, urea]}\nclasses:\n  diuretic: {called: [water pill]}\n"
    )
    by_value = NameSource(str(file), "tests", ["aka"], value="name").read()
    assert by_value == {name: "blood urea nitrogen" for name in ("blood urea nitrogen", "bun", "urea")}
    assert NameSource(str(file), "classes", ["called"], as_said=True).read() == {"water pill": "water pill"}


def test_a_capability_left_out_has_no_names(tmp_path: Path) -> None:
    assert NameSource(str(tmp_path / "absent.yml"), "tests").read() == {}
