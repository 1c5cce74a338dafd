"""Messages from the request to the receipt, and the inbox: the real embedded portal, the real words of the domain."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from rasa.shared.core.domain import Domain

from accounts.tiers import Tier
from actions.message_plan import LONGEST
from actions.message_threads import mailbox
from bot.nlg import ChartlineNLG
from portal.seed import transaction_bundle
from portal.seed.demo.charts import DEMO_PATIENTS
from tests.medication_desk import ZONE, Portal
from tests.message_desk import ASIDE, Desk

ROOT = Path(__file__).parents[1]
COUGH = "tell my cardiologist the cough is back"


@pytest.fixture(scope="module")
def words() -> ChartlineNLG:
    return ChartlineNLG(domain=Domain.load([str(ROOT / "domain.yml"), str(ROOT / "domain")]))


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("seeded")
    portal = Portal(folder / "portal.db")
    for person in ("wei", "linda"):
        demo = next(d for d in DEMO_PATIENTS if d.person.key == person)
        chart = demo.chart(datetime.now(ZONE), "http://portal.test/fhir")
        portal.store.transaction(transaction_bundle([r for r in chart if r["resourceType"] != "RelatedPerson"]))
    portal.store.engine.dispose()
    return folder


@pytest.fixture
def desk(seeded: Path, tmp_path: Path, words: ChartlineNLG) -> Desk:
    shutil.copytree(seeded, tmp_path / "db")
    return Desk(Portal(tmp_path / "db" / "portal.db", seeded=True), words)


def lost(method: str, error: Callable[[], Exception], times: int = 99, to: str = "Communication") -> Callable[..., Any]:
    """A way to the portal on which these requests fail, the first `times` of them."""
    left = [times]

    def fault(request: httpx.Request) -> Exception | None:
        if request.method != method or to not in request.url.path or not left[0]:
            return None
        left[0] -= 1
        return error()

    return fault


def timeout() -> Exception:
    return httpx.ReadTimeout("no answer")


def no_connection() -> Exception:
    return httpx.ConnectError("nobody there")


# writing


async def test_recipient_and_text_are_filled_at_once_and_read_back_before_anything_is_sent(desk: Desk) -> None:
    said = await desk.say(COUGH, specialty="cardiologist")
    assert 'Your message to Dr. Alan Whitfield:\n"The cough is back"' in said
    assert "within 2 business days" in said and "Shall I send it?" in said
    assert desk.choices == ["Send", "Edit", "Discard"]
    assert desk.sent() == []


async def test_it_is_sent_as_a_thread_and_ends_in_a_receipt(desk: Desk) -> None:
    await desk.say(COUGH)
    said = await desk.tap("Send")
    (head,) = [c for c in desk.sent() if not c.get("payload")]
    (message,) = desk.messages()
    assert said.startswith("SENT to Dr. Alan Whitfield. Reference R-")
    assert "partOf" not in head and message["partOf"] == [{"reference": f"Communication/{head['id']}"}]
    assert message["payload"] == [{"contentString": "The cough is back"}]
    assert message["sender"]["reference"] == message["subject"]["reference"] == "Patient/rosa"
    assert message["recipient"][0]["reference"] == head["recipient"][0]["reference"] == "Practitioner/dr-whitfield"
    assert {c["identifier"][0]["system"] for c in (head, message)} == {"urn:chartline:request"}
    assert not desk.open


@pytest.mark.parametrize("word", ["send", "SEND", "Send it please", "yes send it", "sned", "ok send"])
async def test_send_is_heard_however_it_is_written(desk: Desk, word: str) -> None:
    await desk.say(COUGH)
    assert (await desk.say(word, "nlu_fallback")).startswith("SENT")


@pytest.mark.parametrize(
    ("text", "intent"), [("yes but not now", "affirm"), ("don't send it", "deny"), ("wait", "nlu_fallback")]
)
async def test_what_is_no_clear_yes_sends_nothing(desk: Desk, text: str, intent: str) -> None:
    await desk.say(COUGH)
    await desk.say(text, intent)
    assert desk.sent() == []


async def test_the_clinic_can_say_what_an_answer_takes_and_costs(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTLINE_MESSAGE_REPLY_DAYS", "3")
    monkeypatch.setenv("CHARTLINE_MESSAGE_FEE", "$35")
    said = await desk.say(COUGH)
    assert "within 3 business days" in said and "may cost up to $35" in said


async def test_who_answered_often_enough_is_told_from_the_past_threads(desk: Desk) -> None:
    for number in range(3):
        asked = datetime(2026, 3, 1 + number, 9, tzinfo=ZONE)
        for who, when in (("Patient/rosa", asked), ("Practitioner/dr-whitfield", asked + timedelta(hours=30))):
            desk.portal.put(_message(f"past-{number}-{who[:4].lower()}", who, when, part_of=f"past-{number}"))
    assert "Dr. Alan Whitfield usually answers you in about 2 days" in await desk.say(COUGH)


def _message(known: str, sender: str, when: datetime, part_of: str = "", text: str = "Hello") -> dict[str, Any]:
    people = {"reference": "Patient/rosa"}, {"reference": "Practitioner/dr-whitfield", "display": "Dr. Alan Whitfield"}
    mine = sender.startswith("Patient")
    return {
        "resourceType": "Communication",
        "id": known,
        "status": "completed",
        **({"partOf": [{"reference": f"Communication/{part_of}"}]} if part_of else {}),
        "subject": people[0],
        "sender": people[0 if mine else 1],
        "recipient": [people[1 if mine else 0]],
        "sent": when.isoformat(),
        "payload": [{"contentString": text}],
    }


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("message dr chen", "Dr. Mei Chen"),
        ("write to Dr. Whitfeild", "Dr. Alan Whitfield"),
        ("message my diabetes doctor", "Dr. Mei Chen"),
        ("i want to write to my pcp", "Dr. Priya Shah"),
        ("send the nurse a message", "Riverbend Clinic"),
        ("message the office", "Riverbend Clinic"),
    ],
)
async def test_a_recipient_is_one_of_the_patients_own(desk: Desk, text: str, who: str) -> None:
    assert f"tell {who}" in await desk.say(text)


async def test_several_are_offered_by_number_with_the_practice(desk: Desk) -> None:
    assert "Who should get" in await desk.say("message my doctor")
    assert [c.split(" (")[0] for c in desk.choices] == [
        "Dr. Priya Shah",
        "Dr. Alan Whitfield",
        "Dr. Mei Chen",
        "Riverbend Clinic",
    ]
    assert "tell Dr. Mei Chen" in await desk.tap("Dr. Mei Chen (Endocrinology)")


async def test_who_is_offered_can_be_named_too(desk: Desk) -> None:
    await desk.say("message my doctor")
    assert "tell Dr. Alan Whitfield" in await desk.say("whitfield", "nlu_fallback")


async def test_a_stranger_is_said_to_be_none_of_the_patients_clinicians_and_the_text_is_kept(desk: Desk) -> None:
    said = await desk.say("tell Dr. Patel I moved to Mill Lane")
    assert "I don't see Dr. Patel" in said and "Who should get" in said
    assert '"I moved to Mill Lane"' in await desk.tap("Riverbend Clinic")


async def test_who_has_no_clinician_yet_writes_to_the_practice(desk: Desk) -> None:
    desk.patient = "wei"
    assert "Your message to Riverbend Clinic" in await desk.say("tell my doctor I have a new phone number")
    await desk.say("send", "nlu_fallback")
    assert desk.messages()[0]["recipient"][0]["reference"] == "Organization/riverbend-clinic"


async def test_another_recipient_is_a_draft_of_its_own_key(desk: Desk) -> None:
    await desk.say(COUGH)
    assert "Your message to Dr. Mei Chen" in await desk.say("no, to dr chen instead", "nlu_fallback")
    assert (await desk.say("send", "affirm")).startswith("SENT to Dr. Mei Chen")


async def test_the_draft_can_be_changed_or_left_as_it_was(desk: Desk) -> None:
    await desk.say(COUGH)
    assert "write the new text" in await desk.tap("Edit")
    assert '"The cough is back"' in await desk.tap("Keep the old one")
    await desk.say("change it", "nlu_fallback")
    said = await desk.say("The cough is gone again.", "ask_medical_advice")
    assert '"The cough is gone again."' in said and "is back" not in said
    assert desk.sent() == []


async def test_discard_ends_in_not_sent(desk: Desk) -> None:
    await desk.say(COUGH)
    assert (await desk.tap("Discard")).startswith("NOT SENT")
    assert not desk.open and desk.slots["message_plan"] is None and desk.sent() == []


@pytest.mark.parametrize(("text", "intent"), [("change it", "cancel_task"), ("edit it please", "cancel_task")])
async def test_to_change_it_is_not_to_leave_it(desk: Desk, text: str, intent: str) -> None:
    await desk.say(COUGH)
    assert "write the new text" in await desk.say(text, intent)


async def test_never_mind_leaves_it(desk: Desk) -> None:
    await desk.say("message dr shah")
    assert (await desk.say("never mind", "cancel_task")).startswith("NOT SENT")
    assert not desk.open


async def test_a_no_throws_nothing_away_at_once(desk: Desk) -> None:
    await desk.say(COUGH)
    assert "I haven't sent it" in await desk.say("no", "deny")
    assert desk.open
    assert (await desk.say("no", "deny")).startswith("NOT SENT")


async def test_several_texts_are_one_message(desk: Desk) -> None:
    await desk.say("message dr shah")
    await desk.say("I have been coughing for two weeks, mostly at night,", "ask_medical_advice")
    said = await desk.say("and my chest feels tight when I climb the stairs. It is worse on cold days.", "nlu_fallback")
    assert "I added that" in said
    await desk.say("send", "affirm")
    (message,) = desk.messages()
    assert message["payload"][0]["contentString"] == (
        "I have been coughing for two weeks, mostly at night,\n"
        "My chest feels tight when I climb the stairs. It is worse on cold days."
    )


async def test_a_text_that_sounds_like_a_request_to_us_is_part_of_the_letter_where_it_is_long(desk: Desk) -> None:
    await desk.say("message dr shah")
    text = "My blood pressure at home was 150 over 90 on Monday, 148 over 88 on Tuesday and 152 over 91 this morning."
    assert f'"{text}"' in await desk.say(text, "show_vitals")


async def test_a_question_in_between_is_answered_and_the_draft_survives(desk: Desk) -> None:
    await desk.say(COUGH)
    assert await desk.say("what was my a1c?", "show_labs") == ASIDE
    assert '"The cough is back"' in await desk.ask()
    assert (await desk.say("send", "affirm")).startswith("SENT")


async def test_a_question_where_the_text_was_asked_for_may_be_the_text(desk: Desk) -> None:
    await desk.say("message dr chen")
    assert await desk.say("what was my a1c?", "show_labs") == ASIDE
    assert 'your message: "what was my a1c?"' in await desk.ask()
    assert '"what was my a1c?"' in await desk.tap("That's my message")


async def test_another_task_takes_over_and_the_draft_waits(desk: Desk) -> None:
    await desk.say(COUGH)
    assert "I keep your message" in await desk.say("refill my metformin", "refill_medication")
    desk.slots["requested_slot"] = None  # the other form came to its end
    said = await desk.say("my message")
    assert "Here is the message you started" in said and '"The cough is back"' in said


async def test_a_second_message_does_not_lose_the_first(desk: Desk) -> None:
    await desk.say(COUGH)
    assert "Your message to Dr. Mei Chen" in await desk.say("tell dr chen my sugar is fine", provider="dr chen")
    said = await desk.say("send", "affirm")
    assert said.startswith("SENT to Dr. Mei Chen") and "earlier message" in said and '"The cough is back"' in said
    assert (await desk.say("send", "affirm")).startswith("SENT to Dr. Alan Whitfield")
    assert len(desk.messages()) == 2


async def test_after_an_emergency_the_draft_is_asked_about_again(desk: Desk) -> None:
    await desk.say(COUGH)
    chest = {"text": "my chest", "intent": {"name": "report_emergency"}}
    desk.events += [
        {"event": "user", "text": "my chest", "parse_data": chest},
        {"event": "action", "name": "utter_emergency"},
    ]
    assert "I haven't sent your message" in await desk.say("yes", "affirm")
    assert desk.sent() == []
    assert (await desk.say("send", "affirm")).startswith("SENT")


async def test_gibberish_is_helped_with_and_then_left_and_nothing_is_lost(desk: Desk) -> None:
    await desk.say(COUGH)
    assert "Pick one of the choices" in await desk.say("xqzv", "nlu_fallback")
    await desk.say("wlorp", "nlu_fallback")
    assert "NOT SENT" in await desk.say("blorf", "nlu_fallback")
    assert not desk.open
    assert '"The cough is back"' in await desk.say("my message")


async def test_a_text_that_is_too_long_is_said_to_be_and_the_rest_is_kept(desk: Desk) -> None:
    await desk.say("message dr shah")
    for number in range(5):
        said = await desk.say(f"{number} " + "word " * (LONGEST // 5 // 5 - 10), "nlu_fallback")
        assert "more than one message can hold" not in said
    assert "more than one message can hold" in await desk.say("more " * 400, "nlu_fallback")
    await desk.say("send", "affirm")
    assert len(desk.messages()[0]["payload"][0]["contentString"]) <= LONGEST


@pytest.mark.parametrize(
    "text", ["👍👍👍", "Здравствуйте, доктор", "قلبي", "{curly} {name} %s \\ <b>", "0[", '"quoted"']
)
async def test_any_script_and_any_sign_arrives_as_it_was_written(desk: Desk, text: str) -> None:
    await desk.say("message dr shah")
    await desk.say(text, "nlu_fallback")
    await desk.say("send", "affirm")
    assert desk.messages()[0]["payload"][0]["contentString"] == text.strip('"')


# exactly once


@pytest.mark.parametrize("times", [1, 2])
async def test_an_answer_that_got_lost_is_looked_for(desk: Desk, times: int) -> None:
    await desk.say(COUGH)
    desk.after = lost("POST", timeout, times)
    assert (await desk.say("send", "affirm")).startswith("SENT")
    assert len(desk.messages()) == 1 and len(desk.sent()) == 2


async def test_nothing_is_claimed_where_nobody_knows_and_the_next_send_makes_it_one(desk: Desk) -> None:
    await desk.say(COUGH)
    posts = iter([False, True, True])
    desk.after = lambda r: timeout() if r.method == "POST" and next(posts) else None
    desk.before = lambda r: no_connection() if r.method == "GET" and "identifier" in str(r.url) else None
    assert "NOT SURE" in await desk.say("send", "affirm")
    desk.after = desk.before = lambda r: None
    assert (await desk.say("send", "affirm")).startswith("SENT")
    assert len(desk.messages()) == 1 and len(desk.sent()) == 2


async def test_what_did_not_arrive_is_kept_and_can_be_sent_again(desk: Desk) -> None:
    await desk.say(COUGH)
    desk.before = lost("POST", no_connection)
    said = await desk.say("send", "affirm")
    assert said.startswith("NOT SENT") and "Say SEND" in said and desk.sent() == []
    desk.before = lambda r: None
    assert (await desk.say("send", "affirm")).startswith("SENT")
    assert len(desk.messages()) == 1


async def test_a_thread_without_its_message_is_used_again(desk: Desk) -> None:
    await desk.say(COUGH)
    posts = iter([False, True])
    desk.before = lambda r: no_connection() if r.method == "POST" and next(posts) else None
    assert (await desk.say("send", "affirm")).startswith("NOT SENT")
    desk.before = lambda r: None
    await desk.say("send", "affirm")
    assert len(desk.messages()) == 1 and len(desk.sent()) == 2


async def test_the_same_delivery_again_sends_nothing_twice(desk: Desk) -> None:
    await desk.say(COUGH)
    slots, events = dict(desk.slots), list(desk.events)
    await desk.say("send", "affirm")
    desk.slots, desk.events = slots, events  # the process died before the turn was saved
    assert (await desk.say("send", "affirm", again=True)).startswith("SENT")
    assert len(desk.messages()) == 1 and len(desk.sent()) == 2


async def test_a_changed_text_is_another_message_for_the_portal_too(desk: Desk) -> None:
    await desk.say(COUGH)
    before = desk.slots["message_plan"]["drafts"][0]["key"]
    await desk.say("and the fever too, since Monday", "nlu_fallback")
    assert desk.slots["message_plan"]["drafts"][0]["key"] != before


# what a portal may lack


def _without_communication(request: httpx.Request) -> httpx.Response | None:
    if request.url.path.endswith("/metadata"):
        return httpx.Response(200, json={"resourceType": "CapabilityStatement", "rest": [{"resource": []}]})
    if "Communication" in request.url.path:
        outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "not-supported"}]}
        return httpx.Response(404, json=outcome)
    return None


@pytest.fixture
def bare(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Desk:
    def fault(request: httpx.Request) -> httpx.Response | None:
        answer = _without_communication(request)
        if answer is not None:
            answer.headers["content-type"] = "application/fhir+json"
        return answer

    desk.before = fault
    return desk


async def test_a_portal_that_takes_no_messages_is_told_before_anything_is_written(bare: Desk) -> None:
    said = await bare.say(COUGH)
    assert said.startswith("NOT SENT") and "call" in said.lower()
    assert not bare.open


async def test_a_portal_that_shows_no_messages_is_told(bare: Desk) -> None:
    assert "I can't open your messages" in await bare.say("any messages", "read_messages")


async def test_a_token_that_may_not_write_ends_in_not_sent(desk: Desk) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
    await desk.say(COUGH)
    desk.before = lambda r: httpx.Response(403, json=outcome) if r.method == "POST" else None
    assert "NOT SENT: your records don't let me" in await desk.say("send", "affirm")
    assert not desk.open


async def test_a_portal_that_is_down_keeps_the_draft(desk: Desk) -> None:
    await desk.say("message dr shah")
    await desk.say("I feel better.", "nlu_fallback")
    desk.signed_in = False
    assert "NOT SENT" in await desk.say("send", "affirm")
    desk.signed_in = True
    assert '"I feel better."' in await desk.say("my message")


async def test_someone_elses_doctor_is_in_someone_elses_chart(desk: Desk) -> None:
    said = await desk.say("tell my son's doctor he has a fever")
    assert not desk.open and desk.slots.get("message_plan") is None
    assert "chart" in said


# reading


async def test_the_inbox_is_newest_first_with_who_when_and_unread(desk: Desk) -> None:
    said = await desk.say("any messages", "read_messages")
    assert "1 message you haven't read, from Dr. Alan Whitfield" in said
    assert said.index("NEW: Dr. Alan Whitfield") < said.index("- Dr. Priya Shah")
    assert "Warfarin before my procedure" in said
    assert [c.split(",")[0] for c in desk.choices] == ["Dr. Alan Whitfield", "Dr. Priya Shah"]


async def test_one_is_opened_and_is_read_from_then_on(desk: Desk) -> None:
    await desk.say("any messages", "read_messages")
    said = await desk.tap(desk.choices[0])
    assert "Start again the evening of your procedure" in said and "You, " in said and " at 10:02 AM" in said
    assert "You have read all your messages" in await desk.say("my messages", "read_messages")


async def test_a_portal_that_lets_no_patient_update_keeps_it_unread(desk: Desk) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "forbidden"}]}
    desk.before = lambda r: httpx.Response(403, json=outcome) if r.method == "PUT" else None
    assert "evening of your procedure" in await desk.say("did dr whitfield write back", "read_messages")
    assert "1 message you haven't read" in await desk.say("my messages", "read_messages")


async def test_a_helper_marks_nothing_as_read(desk: Desk) -> None:
    desk.user = "RelatedPerson/rosa-daughter"
    await desk.say("did dr whitfield write back", "read_messages")
    assert "1 message you haven't read" in await desk.say("my messages", "read_messages")


async def test_below_full_no_body_and_no_topic_is_told_and_nothing_is_marked_as_read(desk: Desk) -> None:
    desk.tier = Tier.CONSENTED
    said = await desk.say("any messages", "read_messages")
    assert "Warfarin" not in said and "from Dr. Alan Whitfield" in said and not desk.withheld
    said = await desk.tap(desk.choices[0])
    assert "evening" not in said and "Warfarin" not in said and desk.withheld
    assert "1 message you haven't read" in await desk.say("my messages", "read_messages")


async def test_a_sensitive_draft_is_not_repeated_in_a_text_message(desk: Desk) -> None:
    desk.tier, desk.channel = Tier.CONSENTED, "sms"
    said = await desk.say("tell dr shah I need my HIV test result")
    assert "HIV" not in said and "just as you wrote it" in said and not desk.withheld
    await desk.say("send", "affirm")
    assert "HIV" in desk.messages()[0]["payload"][0]["contentString"]


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("did my doctor write back?", "Yes, Dr. Alan Whitfield wrote to you on"),
        ("what did Dr. Shah write", "Please come in next week"),
        ("did my cardiologist get back to me", "evening of your procedure"),
        ("open the thread about warfarin", "evening of your procedure"),
        ("latest message please", "evening of your procedure"),
        ("did dr shah answer", "Not yet. You wrote to Dr. Priya Shah"),
        ("was my message read", "was read on"),
        ("messages from dr chen", "I don't see any messages with"),
    ],
)
async def test_each_question_gets_its_own_answer(desk: Desk, text: str, answer: str) -> None:
    assert answer in await desk.say(text, "read_messages")


async def test_nothing_new_is_said_to_be_nothing_new(desk: Desk) -> None:
    desk.patient = "linda"
    assert "Nothing new. The last message is from Dr. Alan Whitfield" in await desk.say(
        "did my doctor write back", "read_messages"
    )
    assert "Keep your legs up" in await desk.say("read it", "read_messages")


async def test_an_empty_chart_has_no_messages(desk: Desk) -> None:
    desk.patient = "wei"
    assert "You have no messages" in await desk.say("any messages", "read_messages")


async def test_a_reply_goes_into_the_thread_that_was_read(desk: Desk) -> None:
    await desk.say("did my doctor write back", "read_messages")
    assert "tell Dr. Alan Whitfield" in await desk.tap("Reply")
    assert "Your reply to Dr. Alan Whitfield" in await desk.say("Thank you, I will.", "thank")
    await desk.say("send", "affirm")
    (reply,) = desk.sent()
    assert reply["partOf"] == [{"reference": "Communication/rosa-thread-warfarin"}]
    assert reply["inResponseTo"] == [{"reference": "Communication/rosa-thread-warfarin-2"}]


async def test_a_reply_in_words_fills_recipient_thread_and_text(desk: Desk) -> None:
    said = await desk.say("reply to dr shah that I feel better", provider="dr shah")
    assert 'Your reply to Dr. Priya Shah:\n"I feel better"' in said


async def test_older_threads_and_older_messages_come_with_more(desk: Desk) -> None:
    for number in range(12):
        at = datetime(2025, 1, 1 + number, 9, tzinfo=ZONE)
        desk.portal.put(_message(f"old-{number}", "Patient/rosa", at, "", f"text {number}"))
    assert "Say MORE" in await desk.say("my messages", "read_messages")
    assert "Dr. Alan Whitfield, January" in " ".join(desk.choices)
    await desk.say("more", "show_more")
    assert len(desk.choices) == 5 and "Say MORE" in desk.text
    for number in range(6):
        at = datetime(2025, 2, 1 + number, 9, tzinfo=ZONE)
        desk.portal.put(_message(f"long-{number}", "Patient/rosa", at, "rosa-thread-warfarin", f"part {number}"))
    said = await desk.say("what did dr whitfield write", "read_messages")
    assert "older, say MORE" in said and "part 0" not in said
    assert "part 0" in await desk.say("more", "show_more")


async def test_an_unsent_draft_is_mentioned_in_the_inbox(desk: Desk) -> None:
    await desk.say(COUGH)
    await desk.say("refill my metformin", "refill_medication")
    desk.slots["requested_slot"] = None
    assert "isn't sent yet" in await desk.say("my messages", "read_messages")


def test_messages_that_answer_each_other_without_a_header_are_one_thread() -> None:
    first = _message("a", "Patient/rosa", datetime(2026, 1, 1, tzinfo=ZONE))
    second = _message("b", "Practitioner/dr-whitfield", datetime(2026, 1, 2, tzinfo=ZONE))
    second["inResponseTo"] = [{"reference": "Communication/a"}]
    first["inResponseTo"] = [{"reference": "Communication/b"}]  # a circle ends
    assert sorted(m.id for t in mailbox([second, first], ZONE).threads for m in t.messages) == ["a", "b"]
    del first["inResponseTo"]
    (thread,) = mailbox([second, first], ZONE).threads
    assert [m.id for m in thread.messages] == ["a", "b"] and not thread.awaits_answer


def test_a_portal_that_never_says_what_was_read_is_not_believed_to_say_unread() -> None:
    box = mailbox([_message("b", "Practitioner/dr-whitfield", datetime(2026, 1, 2, tzinfo=ZONE))], ZONE)
    assert not box.knows_read and not box.unread(box.threads[0])


def test_what_was_entered_in_error_is_not_there() -> None:
    wrong = _message("b", "Practitioner/dr-whitfield", datetime(2026, 1, 2, tzinfo=ZONE)) | {
        "status": "entered-in-error"
    }
    assert mailbox([wrong], ZONE).threads == ()
