"""Refills from the request to the receipt: the real form logic, the real embedded portal, the real words."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest
from rasa.shared.core.domain import Domain

from bot.nlg import ChartlineNLG
from tests.medication_desk import REJECTED, Desk, Portal

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


async def test_a_refill_is_read_back_with_strength_and_pharmacy_and_sent_after_a_yes(desk: Desk) -> None:
    assert "lisinopril 10 mg at Corner Pharmacy" in await desk.say("refill my lisinopril")
    assert desk.portal.tasks() == []
    said = await desk.tap("Yes")
    (task,) = desk.portal.tasks()
    assert said.startswith("SENT: lisinopril 10 mg, to Corner Pharmacy. Reference R-")
    assert "What happens next" in said
    assert not desk.open
    assert task["description"].rstrip(".")[-7:] in said


async def test_the_task_is_what_the_rooms_agreed_on(desk: Desk) -> None:
    await desk.say("refill my lisinopril")
    await desk.say("yes", "affirm")
    (task,) = desk.portal.tasks()
    assert (task["status"], task["intent"], task["priority"]) == ("requested", "order", "routine")
    assert task["code"]["coding"] == [{"system": "http://hl7.org/fhir/CodeSystem/task-code", "code": "fulfill"}]
    assert task["focus"]["reference"] == "MedicationRequest/rosa-rx-lisinopril"
    assert task["for"] == task["requester"] == {"reference": "Patient/rosa"}
    assert task["identifier"][0]["system"] == "urn:chartline:request"
    assert task["input"][0]["type"]["coding"] == [{"system": "urn:chartline:task-input", "code": "pharmacy"}]
    assert task["input"][0]["valueReference"]["display"] == "Corner Pharmacy"


async def test_a_no_sends_nothing_and_says_so(desk: Desk) -> None:
    await desk.say("refill my lisinopril")
    assert (await desk.say("no", "deny")).startswith("NOT SENT")
    assert not desk.open
    assert desk.portal.tasks() == []


@pytest.mark.parametrize("text", ["yes but not today", "yes wait", "yes later please"])
async def test_a_yes_with_a_but_sends_nothing(desk: Desk, text: str) -> None:
    await desk.say("refill my lisinopril")
    assert "Shall I send it?" in await desk.say(text, "affirm")
    assert desk.portal.tasks() == []


async def test_the_same_delivery_twice_makes_one_request_and_the_same_receipt(desk: Desk) -> None:
    await desk.say("refill my lisinopril")
    before = dict(desk.slots)
    first = await desk.say("yes", "affirm")
    desk.slots = before  # the turn was lost after the portal had done its work
    assert await desk.say("yes", "affirm", again=True) == first
    assert len(desk.portal.tasks()) == 1


async def test_a_confirmation_is_single_use(desk: Desk) -> None:
    await desk.say("refill my lisinopril")
    await desk.say("yes", "affirm")
    assert desk.slots["refill_plan"] is None
    assert "already asked" in await desk.say("refill my lisinopril")
    assert len(desk.portal.tasks()) == 1


async def test_none_left_offers_a_renewal_at_once_and_asks_how_long_it_lasts(desk: Desk) -> None:
    said = await desk.say("refill atorvastatin")
    assert "no refills left" in said and "Shall I ask Dr. Priya Shah to renew" in said
    assert "How many days" in await desk.say("yes", "affirm")
    said = await desk.say("about 10 days", "nlu_fallback")
    (task,) = desk.portal.tasks()
    assert "SENT: renewal of atorvastatin 20 mg, to Dr. Priya Shah" in said
    assert task["code"]["coding"] == [{"system": "urn:chartline:task", "code": "renewal"}]
    assert task["priority"] == "routine"
    assert task["input"][1]["valueInteger"] == 10


@pytest.mark.parametrize(("days", "priority"), [("3", "urgent"), ("4", "routine"), ("none", "urgent")])
async def test_three_days_or_fewer_are_urgent(desk: Desk, days: str, priority: str) -> None:
    await desk.say("refill hydrochlorothiazide")
    await desk.say("yes", "affirm")
    said = await desk.say(days, "nlu_fallback")
    assert desk.portal.tasks()[0]["priority"] == priority
    assert ("marked urgent" in said) == (priority == "urgent")


async def test_an_expired_prescription_says_since_when(desk: Desk) -> None:
    said = await desk.say("refill hctz")
    assert "hydrochlorothiazide 25 mg ended on" in said
    assert desk.open


async def test_days_left_said_with_the_request_are_not_asked_again(desk: Desk) -> None:
    await desk.say("only two pills left of my water pill")
    assert "SENT" in await desk.say("yes", "affirm")
    assert desk.portal.tasks()[0]["priority"] == "urgent"


async def test_a_patient_who_does_not_know_the_days_left_gets_the_renewal_all_the_same(desk: Desk) -> None:
    await desk.say("refill atorvastatin")
    await desk.say("yes", "affirm")
    assert "SENT" in await desk.say("not sure", "nlu_fallback")
    assert [i["type"]["text"] for i in desk.portal.tasks()[0]["input"]] == ["Pharmacy"]


async def test_no_renewal_is_sent_without_a_yes(desk: Desk) -> None:
    await desk.say("refill atorvastatin")
    assert "NOT SENT" in await desk.say("no thanks", "deny")
    assert desk.portal.tasks() == []


async def test_too_soon_names_the_earliest_day_and_reminds_on_it(desk: Desk) -> None:
    said = await desk.say("refill metformin")
    assert said.startswith("NOT SENT") and "Shall I remind you" in said
    said = await desk.say("yes", "affirm")
    (reminder,) = desk.reminders
    due = datetime.fromisoformat(reminder["custom"]["due"])
    filled = datetime.now(timezone.utc) - timedelta(days=10)
    assert abs((due - filled).days - 77) <= 1
    assert "metformin 500 mg" in reminder["text"]
    assert f"{due:%B} {due.day}" in said
    assert desk.portal.tasks() == []


async def test_no_reminder_is_promised_that_was_not_wanted(desk: Desk) -> None:
    await desk.say("refill metformin")
    assert "no reminder" in await desk.say("no", "deny")
    assert desk.reminders == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("oxycodone", ["NOT SENT", "By law", "555-0100"]),
        ("zoloft", ["Zoloft is your sertraline 50 mg", "stopped by Dr. Priya Shah on", "It upset your stomach"]),
        ("warfarin", ["NOT SENT", "on hold by Dr. Alan Whitfield on", "Upcoming procedure"]),
        ("amlodipine", ["already asked", "In progress", "Reference R-"]),
        ("synthroid", ["NOT SENT", "another clinic", "Lakeside Endocrine Center"]),
        ("viagra", ["NOT SENT", 'I don\'t see "viagra" on your list', "555-0100"]),
        ("azithromycin", ["NOT SENT", "finished"]),
    ],
)
async def test_what_cannot_be_refilled_says_why_and_what_to_do(desk: Desk, name: str, expected: list[str]) -> None:
    said = await desk.say(f"refill my {name}")
    assert all(word in said for word in expected), said
    assert not desk.open
    assert desk.portal.tasks() == []


async def test_two_of_one_name_are_a_choice_and_the_tapped_one_is_sent(desk: Desk) -> None:
    await desk.say("refill metoprolol")
    assert desk.choices == ["metoprolol succinate ER 25 mg", "metoprolol tartrate 50 mg"]
    assert "metoprolol tartrate 50 mg at Corner Pharmacy" in await desk.tap("metoprolol tartrate 50 mg")
    await desk.say("yes", "affirm")
    assert desk.portal.tasks()[0]["focus"]["reference"] == "MedicationRequest/rosa-rx-metoprolol-tartrate"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("the 50 mg one", "tartrate 50"),
        ("50", "tartrate 50"),
        ("the second one", "tartrate 50"),
        ("the extended release", "succinate ER 25"),
        ("succinate", "succinate ER 25"),
        ("the first", "succinate ER 25"),
    ],
)
async def test_a_choice_is_understood_in_words(desk: Desk, text: str, name: str) -> None:
    await desk.say("refill metoprolol")
    assert f"Refill metoprolol {name} mg" in await desk.say(text, "nlu_fallback")


async def test_both_of_them_can_be_chosen_and_each_has_its_own_receipt(desk: Desk) -> None:
    await desk.say("refill metoprolol")
    await desk.say("both", "nlu_fallback")
    said = await desk.say("yes", "affirm")
    assert said.count("SENT: metoprolol") == 2
    assert len({t["identifier"][0]["value"] for t in desk.portal.tasks()}) == 2


async def test_a_yes_chooses_nothing_out_of_several(desk: Desk) -> None:
    await desk.say("refill metoprolol")
    assert "Which one?" in await desk.say("yes", "affirm")


async def test_a_look_alike_is_asked_about_and_only_a_yes_goes_on(desk: Desk) -> None:
    said = await desk.say("refill hydroxyzine")
    assert "hydroxyzine is not on your list" in said and "Did you mean hydralazine 25 mg?" in said
    assert "NOT SENT" in await desk.say("no", "deny")
    await desk.say("refill hydroxyzine")
    assert "Refill hydralazine 25 mg" in await desk.say("yes", "affirm")


async def test_a_misspelt_name_is_read_back(desk: Desk) -> None:
    said = await desk.say("refil my lisinoprel")
    assert 'I read "lisinoprel" as lisinopril 10 mg.' in said and "Shall I send it?" in said


async def test_a_brand_name_is_translated(desk: Desk) -> None:
    assert "Zestril is your lisinopril 10 mg." in await desk.say("refill zestril")


async def test_several_in_one_message_are_each_answered(desk: Desk) -> None:
    said = await desk.say("refill lisinopril, oxycodone and albuterol")
    assert "oxycodone 5 mg can't be refilled" in said
    assert "lisinopril 10 mg at" in said and "albuterol inhaler 90 mcg at" in said
    said = await desk.say("yes", "affirm")
    assert said.count("SENT: ") == 2


async def test_all_of_them_go_through_the_same_rule_one_by_one(desk: Desk) -> None:
    said = await desk.say("refill all my meds")
    for words in (
        "oxycodone 5 mg can't",
        "warfarin 5 mg was put on hold",
        "early for metformin",
        "asked for amlodipine",
    ):
        assert words in said
    await desk.say("yes", "affirm")
    sent = {t["focus"]["display"] for t in desk.portal.tasks()}
    assert sent == {"albuterol inhaler 90 mcg", "hydralazine 25 mg", "lisinopril 10 mg",
                    "metoprolol succinate ER 25 mg", "metoprolol tartrate 50 mg"}  # fmt: skip


async def test_one_of_several_can_be_left_out_before_the_yes(desk: Desk) -> None:
    await desk.say("refill lisinopril and albuterol")
    said = await desk.say("not the albuterol", "deny")
    assert "Refill lisinopril 10 mg" in said and "albuterol" not in said
    await desk.say("yes", "affirm")
    assert [t["focus"]["display"] for t in desk.portal.tasks()] == ["lisinopril 10 mg"]


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("actually the hydralazine", "refill_medication"),
        ("no, hydralazine", "deny"),
        ("wait I meant hydralazine", "out_of_scope"),
    ],
)
async def test_a_correction_replaces_what_was_asked_for(desk: Desk, text: str, intent: str) -> None:
    await desk.say("refill lisinopril")
    assert "Refill hydralazine 25 mg" in await desk.say(text, intent)
    await desk.say("yes", "affirm")
    assert [t["focus"]["display"] for t in desk.portal.tasks()] == ["hydralazine 25 mg"]


async def test_a_strength_corrects_the_choice_within_one_name(desk: Desk) -> None:
    await desk.say("refill metoprolol 25")
    assert "Refill metoprolol tartrate 50 mg" in await desk.say("no, the 50 mg one", "deny")


async def test_a_strength_that_is_not_there_is_said_and_sends_nothing(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    assert "I don't see 20 mg on your list" in await desk.say("no, the 20 mg one", "deny")
    assert desk.open
    assert desk.portal.tasks() == []


async def test_something_added_joins_what_is_asked_already(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    said = await desk.say("and my puffer too", "refill_medication")
    assert "lisinopril 10 mg at" in said and "albuterol inhaler 90 mcg at" in said


async def test_another_pharmacy_is_read_back_and_needs_its_own_yes(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    said = await desk.say("yes but send it to Riverbend Mail Pharmacy", "affirm", pharmacy="Riverbend Mail Pharmacy")
    assert "lisinopril 10 mg at Riverbend Mail Pharmacy" in said
    assert desk.portal.tasks() == []
    await desk.say("yes", "affirm")
    assert desk.portal.tasks()[0]["input"][0]["valueReference"]["reference"].endswith("riverbend-mail-pharmacy")


async def test_a_pharmacy_that_nobody_knows_is_passed_on_in_the_patients_words(desk: Desk) -> None:
    assert "Walgreens on 5th" in await desk.say("refill lisinopril at Walgreens on 5th")
    await desk.say("yes", "affirm")
    assert desk.portal.tasks()[0]["input"][0]["valueString"] == "Walgreens on 5th"


@pytest.mark.parametrize("intent", ["show_labs", "list_medications", "medication_details", "refill_status", "help"])
async def test_a_digression_is_left_to_the_rules_and_changes_nothing(desk: Desk, intent: str) -> None:
    await desk.say("refill lisinopril")
    before = dict(desk.slots)
    assert await desk.say("what were my latest labs", intent) == REJECTED
    assert desk.slots == before


async def test_never_mind_ends_it_and_says_that_nothing_was_sent(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    assert "NOT SENT" in await desk.say("never mind", "cancel_task")
    assert not desk.open
    assert desk.portal.tasks() == []


async def test_two_misses_bring_help_and_a_third_ends_it(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    assert "didn't get that" in await desk.say("blah", "nlu_fallback")
    assert "never mind" in await desk.say("blah", "nlu_fallback")
    assert "NOT SENT" in await desk.say("blah", "nlu_fallback")
    assert not desk.open


async def test_an_answer_between_clears_the_misses(desk: Desk) -> None:
    await desk.say("refill metoprolol")
    await desk.say("blah", "nlu_fallback")
    await desk.say("the 50", "nlu_fallback")
    assert "didn't get that" in await desk.say("blah", "nlu_fallback")


@pytest.mark.parametrize(
    ("text", "intent", "expected"),
    [
        ("it makes me cough a lot", "ask_medical_advice", "555-0100"),
        ("lisinopril gave me a rash", "refill_medication", "555-0100"),
        ("I took too many of them", "affirm", "1-800-222-1222"),
        ("my tongue is swelling", "nlu_fallback", "911"),
    ],
)
async def test_a_side_effect_or_an_overdose_leaves_the_refill(
    desk: Desk, text: str, intent: str, expected: str
) -> None:
    await desk.say("refill lisinopril")
    said = await desk.say(text, intent)
    assert expected in said and said.startswith("NOT SENT")
    assert not desk.open
    assert desk.portal.tasks() == []


async def test_an_overdose_in_the_request_itself_starts_no_refill(desk: Desk) -> None:
    assert "1-800-222-1222" in await desk.say("refill my metformin my son ate them all")
    assert not desk.open


async def test_a_yes_after_an_emergency_sends_nothing(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    emergency = {"intent": {"name": "report_emergency"}}
    desk.events.append({"event": "user", "text": "I have chest pain", "parse_data": emergency})
    assert "your safety comes first" in await desk.say("yes", "affirm")
    assert not desk.open
    assert desk.portal.tasks() == []


async def test_no_name_asks_which_and_it_means_what_was_just_spoken_of(desk: Desk) -> None:
    assert "Which medicine" in await desk.say("I need a refill")
    await desk.say("never mind", "cancel_task")
    await desk.say("how do I take lisinopril", "medication_details")
    assert "Refill lisinopril 10 mg" in await desk.say("ok refill it")


async def test_signed_out_nothing_starts_and_a_link_is_offered(desk: Desk) -> None:
    desk.signed_in = False
    said = await desk.say("refill lisinopril")
    assert "sign in" in said
    assert not desk.open


# the portal fails


def posting(outcome: Callable[[], Any]) -> Callable[[httpx.Request], Any]:
    return lambda request: outcome() if request.method == "POST" else None


def without(*kinds: str) -> Callable[[httpx.Request], httpx.Response | None]:
    def metadata(request: httpx.Request) -> httpx.Response | None:
        if not request.url.path.endswith("/metadata"):
            return None
        offered = [
            {"type": k, "interaction": [{"code": "create"}]} for k in ("Task", "Communication") if k not in kinds
        ]
        body = {"resourceType": "CapabilityStatement", "rest": [{"resource": offered}]}
        return httpx.Response(200, json=body, headers={"content-type": "application/fhir+json"})

    return metadata


async def test_an_answer_lost_on_the_way_back_is_looked_for_and_found(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    desk.after = posting(lambda: httpx.ReadTimeout("lost"))
    said = await desk.say("yes", "affirm")
    assert said.startswith("SENT")
    assert len(desk.portal.tasks()) == 1


async def test_a_request_that_never_arrived_is_not_claimed(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    desk.before = posting(lambda: httpx.ReadTimeout("lost"))
    said = await desk.say("yes", "affirm")
    assert said.startswith("NOT SENT: lisinopril 10 mg")
    assert desk.portal.tasks() == []


async def test_where_nobody_can_be_asked_it_says_so(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    failing = []

    def down_after_the_post(request: httpx.Request) -> Exception | None:
        failing.append(request) if request.method == "POST" else None
        return httpx.ConnectError("down") if failing else None

    desk.before = down_after_the_post
    assert "as far as I can tell" in await desk.say("yes", "affirm")
    assert not desk.open


@pytest.mark.parametrize("status", [400, 422, 500, 503])
async def test_a_portal_that_refuses_is_never_a_sent(desk: Desk, status: int) -> None:
    await desk.say("refill lisinopril")
    desk.before = posting(lambda: httpx.Response(status))
    assert (await desk.say("yes", "affirm")).startswith("NOT SENT")


async def test_a_portal_that_is_down_in_the_middle_ends_it_with_not_sent(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    desk.before = lambda request: httpx.ConnectError("down")
    said = await desk.say("yes", "affirm")
    assert "can't reach your records" in said and "NOT SENT" in said
    assert not desk.open


async def test_one_of_several_may_fail_and_the_others_are_sent(desk: Desk) -> None:
    await desk.say("refill lisinopril and albuterol")
    posts = []

    def second_post_fails(request: httpx.Request) -> httpx.Response | None:
        posts.append(request) if request.method == "POST" else None
        return httpx.Response(500) if request.method == "POST" and len(posts) == 2 else None

    desk.before = second_post_fails
    said = await desk.say("yes", "affirm")
    assert "SENT: lisinopril" in said and "NOT SENT: albuterol" in said
    assert len(desk.portal.tasks()) == 1


async def test_a_portal_without_tasks_gets_a_message_and_says_so(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    desk.before = without("Task")
    assert "SENT as a message to your clinic" in await desk.say("yes", "affirm")
    sent = [c for c in desk.portal.all("Communication") if "Refill of lisinopril" in str(c.get("payload"))]
    assert len(sent) == 1
    assert desk.portal.tasks() == []


async def test_a_portal_that_takes_neither_gives_the_clinics_number(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    desk.before = without("Task", "Communication")
    said = await desk.say("yes", "affirm")
    assert said.startswith("NOT SENT") and "555-0100" in said


async def test_the_rule_is_asked_again_at_the_moment_of_sending(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    lisinopril = next(m for m in desk.portal.all("MedicationRequest") if m["id"] == "rosa-rx-lisinopril")
    desk.portal.put({**lisinopril, "status": "stopped"})
    assert "was stopped" in await desk.say("yes", "affirm")
    assert desk.portal.tasks() == []


# what became of it


async def test_the_status_of_all_requests_the_newest_first(desk: Desk) -> None:
    await desk.say("refill lisinopril")
    await desk.say("yes", "affirm")
    rows = (await desk.say("is my refill ready", "refill_status")).splitlines()
    assert rows[0].startswith("lisinopril 10 mg: Sent on")
    assert rows[1].startswith("amlodipine 5 mg: In progress")


async def test_the_status_of_one_medication(desk: Desk) -> None:
    assert "amlodipine" in await desk.say("is my norvasc ready", "refill_status")
    assert "don't see a refill request for lisinopril" in await desk.say("is my lisinopril ready", "refill_status")


async def test_a_rejection_says_why_and_what_to_do(desk: Desk) -> None:
    task = desk.portal.all("Task")[0]
    desk.portal.put({**task, "status": "rejected", "statusReason": {"text": "A visit is due first"}})
    said = await desk.say("is my refill ready", "refill_status")
    assert "said no" in said and "A visit is due first" in said and "555-0100" in said


@pytest.mark.parametrize(
    ("elements", "expected"),
    [
        ({"status": "preparation"}, "Corner Pharmacy is filling it now"),
        ({"status": "in-progress"}, "Ready to pick up at Corner Pharmacy"),
        ({"status": "completed"}, "Ready to pick up at Corner Pharmacy"),
        ({"status": "completed", "whenHandedOver": datetime.now(timezone.utc).isoformat()}, "Picked up on"),
    ],
)
async def test_what_the_pharmacy_did_since_is_told(desk: Desk, elements: dict[str, Any], expected: str) -> None:
    fills = desk.portal.all("MedicationDispense")
    old = next(f for f in fills if f["id"].startswith("rosa-rx-amlodipine"))
    new = {k: v for k, v in old.items() if k not in ("id", "whenHandedOver", "meta")}
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    if "whenHandedOver" in elements:
        elements = {**elements, "whenHandedOver": now}
    desk.portal.put({**new, "id": "rosa-new-fill", "whenPrepared": now, **elements})
    assert expected in await desk.say("is my amlodipine ready", "refill_status")
