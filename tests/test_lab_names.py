"""Which tests people mean by what they write."""

import re
from pathlib import Path

import pytest
import yaml

from actions.lab_names import catalogue

ROOT = Path(__file__).parents[1]
CATALOGUE = catalogue()


@pytest.mark.parametrize(
    ("said", "key"),
    [
        ("sugar", "sugar_panel"),
        ("A1c", "hemoglobin_a1c"),
        ("hemoglobin a1c", "hemoglobin_a1c"),
        ("hgb a1c", "hemoglobin_a1c"),
        ("4548-4", "hemoglobin_a1c"),
        ("kidney numbers", "kidney_panel"),
        ("my kidney's", "kidney_panel"),
        ("chol", "cholesterol_panel"),
        ("cholestrol", "cholesterol_panel"),
        ("lipid pannel", "cholesterol_panel"),
        ("bad cholestrol", "ldl"),
        ("my blood count", "blood_count"),
        ("thyroid", "thyroid_panel"),
        ("tyroid", "thyroid_panel"),
        ("TSH level", "tsh"),
        ("creatnine", "creatinine"),
        ("trigliserides", "triglycerides"),
        ("potasium", "potassium"),
        ("ferratin", "ferritin"),
        ("protien in urine", "urine_protein"),
        ("vitamin dee", "vitamin_d"),
        ("b-12", "vitamin_b12"),
        ("e-GFR", "egfr"),
        ("PT", "prothrombin_time"),
        ("liver enzimes", "liver_panel"),
        ("haemoglobin", "hemoglobin"),
        ("urinalisis", "urinalysis"),
    ],
)
def test_a_name_is_known_by_code_common_name_abbreviation_and_misspelling(said: str, key: str) -> None:
    assert CATALOGUE.named(said)[:1] == [key]


def test_similar_codes_are_no_misspellings_of_each_other() -> None:
    assert CATALOGUE.named("free t3") == ["free_t3"]
    assert CATALOGUE.named("t4") == ["total_t4"]
    assert CATALOGUE.named("vitamin b6") == []


@pytest.mark.parametrize(
    ("sentence", "keys"),
    [
        ("what was my A1c and my colesterol last year", ["hemoglobin_a1c", "cholesterol_panel"]),
        ("my hemaglobin a1c trend", ["hemoglobin_a1c"]),
        ("HOW IS MY SUGAR", ["sugar_panel"]),
        ("my k level", ["potassium"]),
        ("show T3 and T4", ["total_t3", "total_t4"]),
        ("my lead level", ["lead"]),
        ("whats my PT", ["prothrombin_time"]),
        ("red blood cells and platlets pls", ["rbc", "platelets"]),
        ("read me 4548-4", ["hemoglobin_a1c"]),
        ("iron saturation?", ["transferrin_saturation"]),
    ],
)
def test_names_are_found_within_a_sentence(sentence: str, keys: list[str]) -> None:
    assert CATALOGUE.mentioned(sentence) == keys


@pytest.mark.parametrize(
    "sentence",
    [
        "show me my latest results",
        "did my blood work come back",
        "what were the numbers from tuesday",
        "is there anything new from the lab",
        "Ana told me my results are ready",
        "lead me to my lab results",
        "I have diabetes, show me my labs",
        "I HAVE GOUT SHOW LABS",
        "my physical was monday, are the results in",
        "what is the total count of my labs",
        "can i see tests from my pt",
        "has it been creating problems",
        "anything abnormal in the march labs",
        "is that normal",
        "why is it high",
        "compare with last time",
        "the cold weather changed my levels",
        "I got my blood taken at the Potomac clinic",
        "my provider said calm down",
        "whats my blood pressure",
        "since i started the iron pills",
        "i take vitamin d gummies and cholesterol medicine",
        "give me the whole list again",
        "graph it",
        "trend of my weight",
        "need my latest report for work please",
    ],
)
def test_ordinary_words_name_no_test(sentence: str) -> None:
    assert CATALOGUE.mentioned(sentence) == []


def test_a_result_outside_the_catalogue_is_known_by_the_labs_own_name() -> None:
    own = CATALOGUE.with_names({"Ceruloplasmin": "own:2064-4"})
    assert own.named("ceruloplasmin") == ["own:2064-4"]
    assert own.mentioned("whats my cerulaplasmin") == ["own:2064-4"]


def test_a_lab_without_loinc_is_matched_by_its_own_name() -> None:
    assert CATALOGUE.key_of("", "Hemoglobin A1c") == "hemoglobin_a1c"
    assert CATALOGUE.key_of("", "Cholesterol panel").startswith("own:")


def test_a_panel_stands_for_its_tests() -> None:
    assert CATALOGUE.expand(["thyroid_panel", "egfr"]) >= {"tsh", "free_t4", "egfr"}


def test_codes_have_right_check_digits_and_belong_to_one_entry() -> None:
    codes = [code for entry in CATALOGUE.entries.values() for code in entry.codes]
    assert len(codes) == len(set(codes))
    for code in codes:
        number, check = code.split("-")
        doubled = str(2 * int(number[::-1][::2][::-1]))  # Mod 10, as in the LOINC Users' Guide
        total = sum(map(int, doubled + number[::-1][1::2]))
        assert (-total) % 10 == int(check), code


def test_no_word_means_two_tests() -> None:
    seen: dict[str, str] = {}
    for key, entry in CATALOGUE.entries.items():
        for name in {entry.name, *entry.aliases, *entry.short}:
            assert seen.setdefault(name, key) == key, name


def test_every_entry_has_its_explanation_and_nothing_else_has() -> None:
    file = ROOT / "domain" / "lab_explanations.yml"
    responses = yaml.safe_load(file.read_text("utf-8"))["responses"]
    assert set(responses) == {f"utter_explain_{key}" for key in CATALOGUE.entries}
    for (variant,) in responses.values():
        assert "Source: MedlinePlus" in variant["text"]
        assert len(variant["text"]) <= 306  # two text messages


def test_no_lab_response_says_normal() -> None:
    for name in ("labs.yml", "lab_explanations.yml"):
        words = yaml.safe_load((ROOT / "domain" / name).read_text("utf-8"))["responses"]
        texts = " ".join(variant["text"] for variants in words.values() for variant in variants)
        assert not re.search(r"\b(ab)?normal", texts, re.IGNORECASE)
