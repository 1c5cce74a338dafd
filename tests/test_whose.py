"""Whose chart a message is about."""

from __future__ import annotations

import pytest

from actions.whose import gives_access, is_own, is_someone_elses


@pytest.mark.parametrize(
    "text",
    [
        "show my son's labs",
        "what meds is my mom's doctor giving her, show my moms medications",
        "refill my daughter’s inhaler",
        "my 7 year old son's shots",
        "MY HUSBANDS RESULTS",
        "our grandsons next visit",
    ],
)
def test_another_persons_chart_is_meant(text: str) -> None:
    assert is_someone_elses(text)


@pytest.mark.parametrize(
    "text",
    [
        "show my labs",
        "my son told me to ask for my results",
        "refill my lisinopril, my wife picks it up",
        "tell my doctor my husband has the flu",
        "my dad",
        "is the parent company still around",
    ],
)
def test_a_person_in_the_sentence_is_not_yet_another_chart(text: str) -> None:
    assert not is_someone_elses(text)


@pytest.mark.parametrize(
    "text", ["back to my own chart", "switch back", "now for myself", "mine please", "go back to me"]
)
def test_going_back_to_ones_own(text: str) -> None:
    assert is_own(text)


@pytest.mark.parametrize(
    "text",
    [
        "give my daughter access",
        "can my wife use this for me",
        "let my husband see my chart",
        "add my son to my account",
    ],
)
def test_giving_access_is_not_switching(text: str) -> None:
    assert gives_access(text)


@pytest.mark.parametrize("text", ["switch to my son", "I want to see my son's chart", "open my daughter's record"])
def test_switching_is_not_giving_access(text: str) -> None:
    assert not gives_access(text)
