"""What a message about privacy asks for, and how the access log reads."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from accounts.access_log import Access, Entry
from actions.access_rows import group, row
from actions.privacy_words import Asked, asked

NEW_YORK = ZoneInfo("America/New_York")
NOON = datetime(2026, 11, 3, 17, 0)


@pytest.mark.parametrize(
    "text",
    [
        "who looked at my record?",
        "Who’s been in my chart",
        "whos been looking at my records",
        "has anyone else looked at my record",
        "did my ex look at my chart",
        "was my chart opened by somebody",
        "when was my chart last opened",
        "show me the access log",
        "I want to know who has seen my record",
        "can i see who looked in my file",
        "I think somebody is snooping in my chart",
        "give me the list of people who saw my chart",
    ],
)
def test_who_looked(text: str) -> None:
    assert asked(text) is Asked.WHO_LOOKED


@pytest.mark.parametrize(
    "text",
    [
        "forget this chat",
        "delete our conversation",
        "erase what I wrote",
        "Please delete all my messages",
        "can you erase what I wrote",
        "delete my data",
        "how do I delete this conversation",
        "wipe everything I told you",
        "forget me",
        "I want this conversation gone",
        "delete all this before my husband sees it",
        "yes delete it",
        "would you please delete my texts",
    ],
)
def test_forgetting_is_asked_for(text: str) -> None:
    assert asked(text) is Asked.FORGET


@pytest.mark.parametrize("text", ["don't delete my messages", "no dont erase it", "do not forget what i said"])
def test_keeping_is_asked_for(text: str) -> None:
    assert asked(text) is Asked.KEEP


@pytest.mark.parametrize(
    "text",
    [
        "is this private",
        "who can see this",
        "who can read my messages",
        "who has access to my data",
        "can my husband see my results",
        "will my insurance see this",
        "do you delete my messages",
        "how long until you delete my messages",
        "are my texts deleted after a while",
        "will you forget what I wrote",
        "has anyone read my messages",
        "does the doctor see this chat",
        "how do you protect my privacy",
        "if i lose my phone can someone see my stuff",
        "who gets to see what i type here",
        "can other patients see my stuff",
    ],
)
def test_a_question_about_privacy_neither_lists_nor_deletes(text: str) -> None:
    assert asked(text) is Asked.GENERAL


def entry(seq: int, ago: timedelta = timedelta(), **more: object) -> Entry:
    given = {
        "patient": "p1",
        "who": "Patient/p1",
        "purpose": "action_show_labs",
        "accessed": (("search", "Observation"),),
        "channel": "sms",
        "tier": "consented",
        "conversation": "c",
    }
    return Entry(seq, NOON - ago, Access(**{**given, **more}))  # type: ignore[arg-type]


def kinds_of(entries: list[Entry]) -> list[list[str]]:
    return [list(looks.kinds) for looks in group(entries, NEW_YORK)]


def test_the_looks_of_a_day_are_one_row_with_each_kind_once() -> None:
    medicines = (("search", "MedicationRequest"), ("search", "Organization"), ("search", "MedicationDispense"))
    entries = [entry(3), entry(2, accessed=medicines), entry(1)]
    assert kinds_of(entries) == [["labs", "medicines"]]


def test_another_day_person_or_channel_is_another_row() -> None:
    entries = [
        entry(4),
        entry(3, channel="web"),
        entry(2, channel="web", who="RelatedPerson/r1"),
        entry(1, timedelta(days=1), channel="web", who="RelatedPerson/r1"),
    ]
    looks = group(entries, NEW_YORK)
    assert [(each.day, each.who, each.channel, each.oldest) for each in looks] == [
        (date(2026, 11, 3), "Patient/p1", "sms", 4),
        (date(2026, 11, 3), "Patient/p1", "web", 3),
        (date(2026, 11, 3), "RelatedPerson/r1", "web", 2),
        (date(2026, 11, 2), "RelatedPerson/r1", "web", 1),
    ]


def test_a_day_is_one_of_the_clinics_calendar() -> None:
    late = entry(1, timedelta(hours=14))  # 03:00 UTC is still the evening before
    assert [looks.day for looks in group([late], NEW_YORK)] == [date(2026, 11, 2)]


def test_what_was_written_is_told_apart() -> None:
    assert kinds_of([entry(1, accessed=(("search", "MedicationRequest"), ("create", "Task")))]) == [
        ["medicines", "refills", "sent"]
    ]


def test_that_something_was_sent_is_told_after_all_that_was_looked_at() -> None:
    entries = [entry(2), entry(1, accessed=(("search", "MedicationRequest"), ("create", "Task")))]
    assert kinds_of(entries) == [["medicines", "refills", "labs", "sent"]]


def test_an_unknown_kind_is_named_all_the_same() -> None:
    (looks,) = group([entry(1, accessed=(("read", "Basic"),), channel="fax")], NEW_YORK)
    line = row(looks, {"response": "utter_access_you"}, date(2026, 11, 4))
    assert line["kinds"] == {"response": "utter_access_kind_other"}
    assert line["channel"] == {"response": "utter_access_by_other"}
    assert line["date"] == "November 3"
