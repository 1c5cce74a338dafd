"""Disclosure tiers, proved: whatever is asked and whatever is said, a lower tier shows nothing of a higher one.

First every response of the domain by itself, then every action on the running system, then what goes around both.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rasa.core.policies.policy import PolicyPrediction

from accounts.consent import DETAILS
from accounts.tiers import Tier
from actions.lab_names import catalogue, normal
from actions.medication import read_medication
from actions.medication_names import names
from actions.sensitivity import sensitivity
from bot.delivery.turn import Collector
from bot.nlg import SENSITIVE, WITHHELD, WITHHELD_ROW
from tests.harness import Assistant, Chat, PortalServer
from tests.lab_desk import the_words

WORDS = the_words()
FACTS = WORDS._facts
CHANNELS = ["web", "sms", "telegram"]
PLACEHOLDER = re.compile(r"{([^\n{}]+)}")
CANARY = "canary-of-"
LINK = re.compile(r"https?://\S+")


def placeholders(name: str) -> set[str]:
    """All values that a response takes, but the clinic's facts."""
    written = json.dumps(WORDS.responses[name], ensure_ascii=False)
    return set(PLACEHOLDER.findall(written.replace("{tier", ""))) & _simple(written) - set(FACTS)


def _simple(written: str) -> set[str]:
    return {found for found in PLACEHOLDER.findall(written) if re.fullmatch(r"\w+", found)}


def canaries(name: str) -> dict[str, Any]:
    """A canary for each value of a response."""
    return {value: f"{CANARY}{value}" for value in placeholders(name)}


def shown(message: dict[str, Any]) -> dict[str, Any]:
    """What a person can see of a message: its words, its buttons but for their payloads, its picture."""
    buttons = [{k: b[k] for k in ("title", "url") if k in b} for b in message.get("buttons") or []]
    rest = {k: v for k, v in (message.get("custom") or {}).items() if k not in ("tier", "withheld")}
    return {"text": message.get("text"), "buttons": buttons, "custom": rest}


def render(name: str, channel: str, tier: Tier, /, **values: Any) -> dict[str, Any]:
    return shown(WORDS.render(name, FACTS, channel, values, tier))


def above(tier: Tier) -> list[str]:
    """The responses that may not be read at `tier`."""
    return sorted(name for name in WORDS.responses if WORDS.tier(name) > tier)


def readable(tier: Tier) -> list[str]:
    return sorted(name for name in WORDS.responses if WORDS.tier(name) <= tier)


def stand_in(name: str) -> str:
    return WORDS._stand_in(name) or WITHHELD


# --- every response


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("tier", list(Tier))
def test_a_response_above_the_tier_is_its_stand_in_to_the_letter(tier: Tier, channel: str) -> None:
    chart = {"title": CANARY, "alt": CANARY, "points": []}
    for name in above(tier):
        values = {**canaries(name), "chart": chart, "due": CANARY}
        assert render(name, channel, tier, **values) == render(stand_in(name), channel, tier), name


@pytest.mark.parametrize("channel", CHANNELS)
def test_a_sensitive_message_is_withheld_below_full_whatever_its_response(channel: str) -> None:
    for tier in (Tier.NONE, Tier.CONSENTED):
        for name in WORDS.responses:
            values = {**canaries(name), SENSITIVE: True}
            assert render(name, channel, tier, **values) == render(stand_in(name), channel, tier), name


def test_what_may_be_read_is_read() -> None:
    for tier in Tier:
        for name in readable(tier):
            for variation in WORDS.responses[name]:
                channel = variation.get("channel") or "web"
                said = json.dumps(render(name, channel, tier, **canaries(name)), ensure_ascii=False)
                expected = set(PLACEHOLDER.findall(str(variation.get("text")))) & placeholders(name)
                if sum((v.get("channel") or "web") == channel for v in WORDS.responses[name]) == 1:
                    assert [value for value in expected if f"{CANARY}{value}" not in said] == [], name


@pytest.mark.parametrize("channel", CHANNELS)
@pytest.mark.parametrize("tier", [Tier.NONE, Tier.CONSENTED])
def test_a_row_above_the_tier_reads_the_same_whatever_it_hides(tier: Tier, channel: str) -> None:
    """In each response that may be read, in each of its values, alone and in a list, with its picture left behind."""
    hidden = [
        {"response": "utter_labs_note", "note": CANARY},
        {"response": "utter_thank", "name": CANARY, SENSITIVE: True},
        {"response": "utter_labs_line", "row": {"response": "utter_labs_note", "note": CANARY}, SENSITIVE: True},
    ]
    instead = WORDS.render(WITHHELD_ROW, FACTS, channel, {}, tier)["text"]
    for name in readable(tier):
        for value in placeholders(name):
            plain = {**dict.fromkeys(placeholders(name), "x"), "chart": {"alt": CANARY}}
            once = render(name, channel, tier, **{**plain, value: instead, "chart": None})
            for row in hidden:
                assert render(name, channel, tier, **{**plain, value: row}) == once, (name, value)
                assert render(name, channel, tier, **{**plain, value: [row, row]}) == once, (name, value)


def test_every_response_as_a_row_is_its_stand_in_to_the_letter() -> None:
    for name in above(Tier.CONSENTED):
        said = render("utter_labs_line", "sms", Tier.CONSENTED, row={"response": name, **canaries(name)})["text"]
        assert said == "- " + render(WORDS._stand_in(name) or WITHHELD_ROW, "sms", Tier.CONSENTED)["text"], name


def test_a_stand_in_may_be_read_by_anybody_and_takes_no_values() -> None:
    for name in WORDS.responses:
        assert WORDS.tier(stand_in(name)) is Tier.NONE
        assert not placeholders(stand_in(name))
    for name in (WITHHELD, WITHHELD_ROW):
        assert WORDS.tier(name) is Tier.NONE and not placeholders(name)


# --- what anybody may read names nothing


def gazetteer() -> set[str]:
    """Names of tests, medicines and conditions: the assistant's own lists, and what the demo charts have."""
    tests = {n for e in catalogue().entries.values() for n in (e.name, e.title, *e.aliases)}
    medicines = {*names().generics, *(brand for g in names().generics.values() for brand in g["brands"])}
    classes = set(names().everyday)
    return {normal(name) for name in (*tests, *medicines, *classes, *conditions())} - ORDINARY


def conditions() -> set[str]:
    from datetime import datetime, timezone

    from portal.seed.demo.charts import DEMO_PATIENTS

    charts = (demo.chart(datetime.now(timezone.utc), "http://portal.test/fhir") for demo in DEMO_PATIENTS)
    return {
        re.sub(r"\s*\(.*\)$", "", str(resource["code"].get("text") or resource["code"]["coding"][0]["display"]))
        for chart in charts
        for resource in chart
        if resource["resourceType"] == "Condition"
    }


# Words of ordinary talk that are an everyday name of something as well.
ORDINARY: set[str] = set()
# The safety answers name what to call for; they are the same for everybody, whatever a chart holds.
FOR_EVERYBODY = {"utter_emergency", "utter_crisis", "utter_medical_advice"}


def test_what_anybody_may_read_takes_no_value_but_a_link() -> None:
    for name in readable(Tier.NONE):
        seen = [(v.get("text"), [(b["title"], b.get("url")) for b in v.get("buttons") or []]) for v in
                WORDS.responses[name]]  # fmt: skip
        assert _simple(json.dumps(seen)) - set(FACTS) <= {"link"}, name


def test_what_anybody_may_read_names_no_test_drug_or_condition() -> None:
    listed = gazetteer()
    assert {"hemoglobin a1c", "lisinopril", "zestril"} <= listed
    for name in readable(Tier.NONE):
        if name in FOR_EVERYBODY:
            continue
        said = " ".join(str(v.get("text")) + str([b["title"] for b in v.get("buttons") or []]) for v in
                        WORDS.responses[name])  # fmt: skip
        words = normal(LINK.sub("", PLACEHOLDER.sub(" ", said))).split()
        runs = {" ".join(words[at : at + size]) for size in range(1, 5) for at in range(len(words))}
        assert sorted(runs & listed) == [], name


def test_a_test_of_a_sensitive_kind_is_explained_in_the_web_chat_only() -> None:
    for key in catalogue().entries:
        members = [catalogue().entries[k] for k in {key, *catalogue().expand([key])}]
        if any(sensitivity().of_test(e.codes, (e.name, e.title)) for e in members):
            assert WORDS.tier(f"utter_explain_{key}") is Tier.FULL, key


# --- every action on the running system


class OneAction:
    """The agent, but that one action answers whatever is said."""

    def __init__(self, agent: Any) -> None:
        self.processor, self.action = agent.processor, ""

    async def handle_message(self, message: Any) -> None:
        await self.processor.log_message(message)
        prediction = PolicyPrediction.for_action_name(self.processor.domain, self.action, "test", 1.0)
        await self.processor.execute_action(
            message.sender_id, self.action, message.output_channel, self.processor.nlg, prediction
        )


class Counting:
    """The portal's application; how often its FHIR API was asked."""

    def __init__(self, app: Any) -> None:
        self.app, self.asked = app, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = str(scope.get("path", ""))
        self.asked += path.startswith("/fhir") and "/.well-known/" not in path  # that tells where to sign in and out
        await self.app(scope, receive, send)


@pytest.fixture
async def counted(portal: PortalServer) -> AsyncIterator[Counting]:
    inner = portal.app.app
    portal.app.app = counting = Counting(inner)
    yield counting
    portal.app.app = inner


def chart_terms(portal: PortalServer, patient: str) -> set[str]:
    """What a chart would be known by: its tests, drugs, conditions and people."""

    def written(concept: dict[str, Any]) -> Iterable[str]:
        return [concept.get("text", ""), *(c.get("display", "") for c in concept.get("coding", []))]

    terms: set[str] = set()
    for kind in ("Observation", "DiagnosticReport", "Condition", "AllergyIntolerance", "Immunization"):
        for resource in portal.search(kind, patient=patient, _count=500):
            terms |= set(written(resource.get("code") or resource.get("vaccineCode") or {}))
    for resource in portal.search("MedicationRequest", patient=patient, _count=500):
        terms |= set(read_medication(resource, ZoneInfo("UTC")).ingredients)
        terms.add(resource.get("requester", {}).get("display", ""))
    person = portal.search("Patient", _id=patient)[0]["name"][0]
    return {term.casefold() for term in (*terms, person["family"], *person["given"]) if len(term) > 2}


def leaks(payloads: Any, terms: set[str]) -> list[str]:
    said = LINK.sub("", json.dumps(payloads, ensure_ascii=False)).casefold()
    return sorted(term for term in terms if re.search(rf"(?<!\w){re.escape(term)}(?!\w)", said))


LAST = ("action_cancel_task", "action_sign_out")  # they forget what the others could give away


def own_actions(domain: Any) -> list[str]:
    """Forms, validations and actions of the project, those that forget at the end."""
    own = [name for name in domain.user_actions_and_forms if not name.startswith("utter_")]
    assert {"action_show_labs", "refill_form", "validate_refill_form", "action_repeat"} <= set(own)
    return sorted(own, key=lambda name: (LAST.index(name) if name in LAST else -1, "forget" in name, name))


@pytest.mark.parametrize("channel", ["sms", "telegram"])
@pytest.mark.parametrize("username", ["rosa", "james", "linda", "sam"])
async def test_no_action_tells_anything_at_tier_none_and_none_asks_the_portal(
    assistant: Assistant, portal: PortalServer, counted: Counting, username: str, channel: str
) -> None:
    chat = await assistant.chat("rosa" if username == "sam" else username, channel)
    for text in ("show my labs", "graph my a1c", "what medicines am I on", "refill my medicine"):
        await chat.say(text)  # so that there is something to give away
    patient = username if portal.search("Patient", _id=username) else "rosa"
    terms = chart_terms(portal, patient) | chart_terms(portal, "rosa" if username == "sam" else username)
    await assistant.accounts.agree(chat.key, DETAILS, False, "words")
    agent, counted.asked = OneAction(assistant.delivery.agent), 0
    assistant.delivery.agent = agent
    for action in own_actions(agent.processor.domain):
        agent.action = action
        said = await chat.say("and what about it")
        assert said.messages, action
        assert leaks(said.messages, terms) == [], action
    assert counted.asked == 0
    assert leaks([payload for address, payload in assistant.sent if address == chat.address], terms) or terms


# --- a held result reads the same


QUESTIONS = ["what was my hiv test", "show my labs", "graph my hiv test", "what does my hiv test mean", "my psa"]


def observation(value: str, status: str = "final", label: str = "", code: str = "56888-1") -> dict[str, Any]:
    flag = [{"coding": [{"code": "A" if value == "Reactive" else "N"}]}]
    security = [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": label}]
    names_ = {"56888-1": "HIV 1+2 antibody and antigen", "2857-1": "PSA", "718-7": "Hemoglobin"}
    return {
        "resourceType": "Observation",
        "id": "held",
        "status": status,
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category",
                                  "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}], "text": names_[code]},
        "subject": {"reference": "Patient/rosa"},
        "effectiveDateTime": "2026-11-20T09:00:00Z",
        "interpretation": flag,
        "valueString": value,
        **({"meta": {"security": security}} if label else {}),
    }  # fmt: skip


async def ask_all(assistant: Assistant, channel: str, questions: list[str]) -> list[str]:
    chat = await assistant.chat("rosa", channel)
    return [LINK.sub("<link>", json.dumps((await chat.say(question)).messages)) for question in questions]


def without_ids(answers: list[str]) -> list[str]:
    return [re.sub(r'"callback_data": "[^"]+"', '"callback_data": ""', answer) for answer in answers]


@pytest.mark.parametrize("channel", ["sms", "telegram"])
async def test_a_held_result_reads_the_same_good_or_bad_there_or_not(
    assistant: Assistant, portal: PortalServer, channel: str
) -> None:
    asked = []
    for value in ("Nonreactive", "Reactive"):
        portal.store.update(observation(value))
        asked.append(without_ids(await ask_all(assistant, channel, QUESTIONS)))
    assert asked[0] == asked[1]
    assert "eactive" not in "".join(asked[0]) and "hiv" not in "".join(asked[0]).casefold()
    portal.reset()
    without = without_ids(await ask_all(assistant, channel, QUESTIONS))
    named = [at for at, question in enumerate(QUESTIONS) if "hiv" in question]
    assert [asked[0][at] for at in named] == [without[at] for at in named]


async def test_a_result_that_its_writer_marked_restricted_is_held(assistant: Assistant, portal: PortalServer) -> None:
    portal.store.update(observation("11.1", label="R", code="718-7"))
    held = await ask_all(assistant, "sms", ["what is my hemoglobin"])
    portal.store.update(observation("11.1", code="718-7"))
    told = await ask_all(assistant, "sms", ["what is my hemoglobin"])
    assert "11.1" not in held[0] and "11.1" in told[0]


# --- what goes around the generator


@pytest.mark.parametrize("tier", list(Tier))
async def test_words_that_did_not_come_through_the_generator_are_left_out(tier: Tier) -> None:
    collector = Collector("sms", tier)
    await collector.send_response("someone", {"text": "Your potassium is 6.8"})
    await collector.send_response("someone", {"text": "hm", "custom": {"tier": "nonsense"}})
    assert [reply.text for reply in collector.replies] == (["Your potassium is 6.8", "hm"] if tier is Tier.FULL
                                                           else ["hm"])  # fmt: skip
    assert collector.withheld is (tier is not Tier.FULL)


@pytest.mark.parametrize("channel", ["sms", "telegram"])
@pytest.mark.parametrize("again", ["say that again", "MORE", "more", "1", "2", "and last year?"])
async def test_after_details_were_turned_off_nothing_of_before_comes_again(
    assistant: Assistant, channel: str, again: str
) -> None:
    chat = await assistant.chat("rosa", channel)
    assert "Glucose" in await chat.say("show my latest labs")
    await assistant.accounts.agree(chat.key, DETAILS, False, "words")
    said = await chat.say(again)
    assert said.messages and not leaks(said.messages, {"glucose", "potassium", "calcium", "hemoglobin a1c", "6.9"})


async def test_a_medicine_of_a_sensitive_kind_leads_to_the_page(assistant: Assistant) -> None:
    chat: Chat = await assistant.chat("rosa", "sms")
    for text in ("refill my sertraline", "refill viagra", "how do I take sertraline", "is my sertraline ready"):
        said = await chat.say(text)
        assert not leaks(said.messages, {"sertraline", "viagra", "sildenafil"}), text
        assert LINK.search(said.text), text
