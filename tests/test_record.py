"""What a patient is told of their record: the real actions on the real portal with the demo charts and edge cases."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timezone
from typing import Any

import pytest
from starlette.types import ASGIApp

from accounts.tiers import Tier
from actions.record_names import record_names, vaccine_name
from bot.nlg import ChartlineNLG
from portal.seed.build.people import directory
from portal.seed.demo.charts import DEMO_PATIENTS
from tests.lab_desk import portal_with, the_words
from tests.record_desk import Desk, coded

NOW = datetime.now(timezone.utc)
OPEN_DESK = Callable[..., Desk]
SNOMED, LOINC, CVX = "http://snomed.info/sct", "http://loinc.org", "http://hl7.org/fhir/sid/cvx"
TERMS = "http://terminology.hl7.org/CodeSystem"
VITAL = [coded("vital-signs", f"{TERMS}/observation-category")]


def patient(key: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient",
        "id": key,
        "name": [{"family": key}],
        "gender": "male",
        "birthDate": "1945-01-01",
    }


def allergy(key: str, name: str, code: str = "", verified: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance",
        "id": f"a-{key}",
        "clinicalStatus": coded("active", f"{TERMS}/allergyintolerance-clinical"),
        "verificationStatus": coded(verified, f"{TERMS}/allergyintolerance-verification"),
        "code": coded(code, SNOMED, name) if code else {"text": name},
    } | more


def condition(key: str, name: str, status: str, verified: str = "confirmed", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Condition",
        "id": f"c-{key}",
        "clinicalStatus": coded(status, f"{TERMS}/condition-clinical"),
        "verificationStatus": coded(verified, f"{TERMS}/condition-ver-status"),
        "code": {"text": name},
    } | more


def vaccine(key: str, name: str, when: str, cvx: str = "", status: str = "completed", **more: Any) -> dict[str, Any]:
    code = coded(cvx, CVX, name) if cvx else {"text": name}
    return {"resourceType": "Immunization", "id": f"i-{key}", "status": status, "vaccineCode": code,
            "occurrenceDateTime": when} | more  # fmt: skip


def vital(key: str, loinc: str, when: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": f"v-{key}",
        "status": "final",
        "category": VITAL,
        "code": coded(loinc, LOINC, "as the machine calls it"),
        "effectiveDateTime": when,
        "valueQuantity": {"value": value, "unit": unit, "code": unit, "system": "http://unitsofmeasure.org"},
    } | more


def chart(key: str, *resources: dict[str, Any]) -> list[dict[str, Any]]:
    of = {"reference": f"Patient/{key}"}
    owned = [{**r, "id": f"{key}-{r['id']}",
              ("patient" if r["resourceType"] in ("AllergyIntolerance", "Immunization") else "subject"): of}
             for r in resources]  # fmt: skip
    return [patient(key), *owned]


EDGES = [
    chart(
        "edge",
        allergy("refuted", "Codeine", verified="refuted"),
        allergy("wrong", "Aspirin", verified="entered-in-error"),
        allergy("none", "No known allergies", "716186003"),
        allergy("maybe", "Latex", verified="unconfirmed", onsetDateTime="2019"),
        condition("gone", "Pneumonia", "resolved", onsetDateTime="2020-03", abatementDateTime="2020-05-04"),
        condition("no", "Lupus", "active", verified="refuted"),
        condition("wrong", "Gout of error", "active", verified="entered-in-error"),
        condition("back", "Shingles", "recurrence", onsetDateTime="2024-02-01"),
        condition("mood", "Major depressive disorder", "active", onsetDateTime="2021-02-01"),
        vaccine("td", "Td (adult)", "2011-06-02", "09"),
        vaccine("tdap", "Tdap", "2019-09", "115"),
        vaccine("no", "Flu shot", "2025-10-01", status="not-done", statusReason={"text": "You were ill."}),
        vaccine("wrong", "Rabies", "2025-10-01", "18", status="entered-in-error"),
        vital("old", "29463-7", "2023-05-01T10:00:00Z", 80, "kg"),
        vital("new", "29463-7", "2024-05-01T10:00:00Z", 170, "[lb_av]"),
        vital("wrong", "29463-7", "2025-05-01T10:00:00Z", 999, "[lb_av]", status="entered-in-error"),
        vital("upper", "8480-6", "2024-05-01T10:00:00Z", 131, "mm[Hg]"),
        vital("lower", "8462-4", "2024-05-01T10:00:00Z", 77, "mm[Hg]"),
    ),
    chart("nka", allergy("ips", "None known", "no-known-allergies")),
    chart("drugs", allergy("d", "No known drug allergy", "409137002"), allergy("f", "Eggs")),
    chart("unasked", allergy("unasked", "No information", "no-allergy-info")),
    chart("many", *(condition(str(i), f"Problem {i:02}", "active", onsetDateTime=f"{2050 - i}-01-01")
                    for i in range(30, 47))),
    chart("bare"),
]  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> ASGIApp:
    charts = [demo.chart(NOW, "http://portal.test/fhir") for demo in DEMO_PATIENTS]
    return portal_with(tmp_path_factory.mktemp("portal") / "portal.db", [directory(), *charts, *EDGES])


@pytest.fixture(scope="module")
def words() -> ChartlineNLG:
    return the_words()


@pytest.fixture
def desk(app: ASGIApp, words: ChartlineNLG) -> OPEN_DESK:
    return lambda patient, **more: Desk(app, patient, words, **more)


# --- allergies


def test_an_allergy_is_told_with_its_reaction_danger_and_date(desk: OPEN_DESK) -> None:
    said = desk("rosa").ask("show_allergies", "am I allergic to amoxicillin")
    assert "- Penicillin (can be DANGEROUS): Hives, moderate, written down " in said
    assert "- Shellfish: Swelling of the lips, SEVERE" in said
    assert "ask your pharmacist" in said and "amoxicillin" not in said


def test_none_known_differs_from_nothing_on_file(desk: OPEN_DESK) -> None:
    for key in ("linda", "nka"):
        assert "Your care team asked, and your chart says:" in desk(key).ask("show_allergies")
    for key in ("james", "unasked", "bare"):
        said = desk(key).ask("show_allergies")
        assert "nothing on your allergy list" in said and "doesn't mean you have none" in said


def test_none_known_does_not_stand_beside_an_allergy_and_what_is_untrue_never_stands(desk: OPEN_DESK) -> None:
    said = desk("edge").ask("show_allergies")
    assert "- Latex, since 2019, not confirmed yet" in said
    assert "No known" not in said and "Codeine" not in said and "Aspirin" not in said


def test_none_known_of_one_kind_stands_beside_an_allergy_of_another(desk: OPEN_DESK) -> None:
    said = desk("drugs").ask("show_allergies")
    assert "- Eggs" in said and "- No known drug allergy" in said


# --- conditions


def test_conditions_are_now_or_over_and_in_plain_names(desk: OPEN_DESK) -> None:
    now, over = desk("rosa").ask("show_conditions").split("OVER:")
    assert "NOW:\n- Irregular heartbeat (atrial fibrillation), since " in now
    assert "- Type 2 diabetes, since " in now and "bronchitis" not in now
    assert "- Chest cold (acute bronchitis), over since " in over


def test_conditions_that_were_ruled_out_or_wrong_are_not_told(desk: OPEN_DESK) -> None:
    said = desk("edge").ask("show_conditions")
    assert "Lupus" not in said and "error" not in said
    assert "- Pneumonia, over since May 4, 2020" in said
    assert "- Shingles, since February 1, 2024, came back" in said


def test_a_sensitive_condition_is_told_in_the_web_chat_only(desk: OPEN_DESK) -> None:
    assert "depressive" in desk("edge").ask("show_conditions")
    told = desk("edge", tier=Tier.CONSENTED, channel="sms").ask("show_conditions")
    assert "depressive" not in told and "Shingles" in told


def test_who_asks_for_something_sensitive_reads_the_same_whether_it_is_there(desk: OPEN_DESK) -> None:
    question = ("show_conditions", "do they have my depression in the record")
    there, absent = (desk(key, tier=Tier.CONSENTED, channel="sms").ask(*question) for key in ("edge", "bare"))
    assert set(there.split("\n\n")) == set(absent.split("\n\n"))


def test_a_long_list_goes_on_with_more_to_its_end(desk: OPEN_DESK) -> None:
    asked = desk("many")
    first, second = asked.ask("show_conditions"), asked.ask("show_more", "more")
    assert 'Say "more"' in first and 'Say "more"' not in second
    assert (first + second).count("- Problem") == 17
    assert asked.slots["more_action"] is None


# --- vaccines


def test_vaccines_come_newest_first_and_what_was_not_given_says_so(desk: OPEN_DESK) -> None:
    rows = desk("rosa").ask("show_immunizations", "my shots").splitlines()[1:-2]
    assert rows[0].startswith("- NOT given: RSV, ") and rows[0].endswith("Reason: You chose to wait.")
    years = [int(row.split(". Reason")[0][-4:]) for row in rows]
    assert years == sorted(years, reverse=True) and len(rows) == 9


def test_the_last_of_a_kind_is_told_with_all_of_that_kind_and_no_other(desk: OPEN_DESK) -> None:
    said = desk("edge").ask("show_immunizations", "when was my last tetanus shot")
    assert "Tetanus vaccine, the last one in your chart: September 2019." in said
    assert "- Tetanus (Tdap): September 2019\n- Tetanus (Td, adult): June 2, 2011" in said
    assert "Flu" not in said
    said = desk("edge").ask("show_immunizations", "whooping cough shot?")
    assert "Tdap" in said and "Td, adult" not in said


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("did I get my flu shot", "Flu vaccine: I don't see that you had it."),
        ("flu shot?", "- NOT given: Flu shot, October 1, 2025. Reason: You were ill."),
        ("have I had MMR", "Measles, mumps and rubella vaccine: I don't see one"),
        ("was I vaccinated for rabies", "Rabies vaccine: I don't see one"),
        ("I need proof of vaccination", "can't make a vaccine card"),
        ("am I due for any shots", "is for your care team to say"),
    ],
)
def test_a_question_about_vaccines_has_its_answer(desk: OPEN_DESK, question: str, answer: str) -> None:
    assert answer in desk("edge").ask("show_immunizations", question)


@pytest.mark.parametrize(
    ("written", "cvx", "name"),
    [
        ("Influenza, seasonal, injectable, preservative free", "140", "Flu"),
        ("zoster", "187", "Shingles (zoster)"),
        ("Flu shot", "140", "Flu shot"),
        ("Something new", "9999", "Something new"),
    ],
)
def test_a_vaccine_has_a_plain_name(written: str, cvx: str, name: str) -> None:
    assert vaccine_name(written, record_names().vaccine(coded(cvx, CVX, written))) == name


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("Hypertensive disorder", "High blood pressure (hypertensive disorder)"),
        ("Body mass index 30+ - obesity (finding)", "Obesity"),
        ("Something rare (disorder)", "Something rare"),
    ],
)
def test_a_condition_has_a_plain_name(written: str, name: str) -> None:
    assert record_names().condition({"text": written}) == name


# --- vital signs


def test_vitals_are_the_latest_of_each_with_unit_and_date_blood_pressure_as_one(desk: OPEN_DESK) -> None:
    said = desk("rosa").ask("show_vitals", "vitals")
    assert "- Blood pressure: 133/79 mmHg, " in said
    assert said.count("Weight: ") == 1 and "- Weight: 171.5 lb, " in said


def test_upper_and_lower_pressure_sent_apart_are_told_as_one(desk: OPEN_DESK) -> None:
    said = desk("edge").ask("show_vitals", "vitals")
    assert "- Blood pressure: 131/77 mmHg, May 1, 2024" in said and "machine" not in said


def test_a_measurement_over_time_has_rows_and_a_picture_in_one_unit(desk: OPEN_DESK) -> None:
    asked = desk("edge")
    said = asked.ask("show_vitals", "how has my weight changed")
    assert "from 80 kg (176.4 lb) (May 1, 2023) to 170 lb (May 1, 2024)" in said
    assert "999" not in said
    assert asked.said[0]["chart"]["points"] == [["2023-05-01", 176.4], ["2024-05-01", 170.0]]
    assert asked.said[0]["chart"]["unit"] == "lb"


def test_blood_pressure_over_time_has_both_numbers_and_draws_the_upper(desk: OPEN_DESK) -> None:
    asked = desk("rosa")
    assert "from 152/88 mmHg" in asked.ask("show_vitals", "blood pressure trend")
    assert [value for _, value in asked.said[0]["chart"]["points"]] == [152, 146, 144, 138, 136, 133]


def test_no_measurement_of_that_time_or_kind_says_which_there_is(desk: OPEN_DESK) -> None:
    said = desk("edge").ask("show_vitals", "what was my weight in 2015")
    assert "don't see one from that time" in said and "- Weight: 170 lb" in said
    assert "Peak flow: I don't see any" in desk("edge").ask("show_vitals", "my peak flow")


# --- all of them


@pytest.mark.parametrize(
    ("intent", "answer"),
    [
        ("show_allergies", "nothing on your allergy list"),
        ("show_conditions", "don't see any health conditions"),
        ("show_immunizations", "don't see any vaccines"),
        ("show_vitals", "don't see any vital signs"),
    ],
)
def test_an_empty_chart_has_a_clear_answer_with_a_number_to_call(desk: OPEN_DESK, intent: str, answer: str) -> None:
    for text in ("", "\u202e🙂\u0000", "a" * 10_000):
        said = desk("bare").ask(intent, text)
        assert answer in said and "555-0100" in said


@pytest.mark.parametrize("status", [400, 404])
@pytest.mark.parametrize("intent", ["show_allergies", "show_conditions", "show_immunizations", "show_vitals"])
def test_a_portal_without_this_part_says_so(words: ChartlineNLG, intent: str, status: int) -> None:
    async def lacking(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    said = Desk(lacking, "rosa", words).ask(intent, "my record")
    assert "can't see this part of your record" in said and "555-0100" in said
