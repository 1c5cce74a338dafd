"""Lab results read from FHIR: values, units, ranges, flags, statuses, reports."""

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from actions.lab_flags import Flag, flag, is_critical
from actions.lab_results import LabReport, LabResult, Standing, group_by_report
from actions.lab_rows import latest_of_each, pages, pages_by_day, report_block, result_row
from actions.lab_series import main_series
from actions.lab_values import readable_unit

ZONE = ZoneInfo("America/New_York")


def observation(value: float | None = 5.0, unit: str = "mg/dL", **more: Any) -> dict[str, Any]:
    quantity = {"valueQuantity": {"value": value, "code": unit, "unit": unit}} if value is not None else {}
    code = {"coding": [{"system": "http://loinc.org", "code": "2160-0"}], "text": "Creatinine"}
    taken = {"effectiveDateTime": "2026-11-18T08:00:00-05:00"}
    return {"resourceType": "Observation", "id": "o1", "status": "final", "code": code, **taken, **quantity, **more}


def result(*args: Any, **kwargs: Any) -> LabResult:
    return LabResult.from_fhir(observation(*args, **kwargs), ZONE)


def range_(low: float | None = None, high: float | None = None, **more: Any) -> list[dict[str, Any]]:
    sides = {"low": low, "high": high}
    return [{name: {"value": v, "code": "mg/dL"} for name, v in sides.items() if v is not None} | more]


def read_as(*codes: str) -> list[dict[str, Any]]:
    return [{"coding": [{"code": code}]} for code in codes]


@pytest.mark.parametrize(
    ("value", "unit", "written"),
    [
        (6.9, "%", "6.9 %"),
        (1.0, "mg/dL", "1.0 mg/dL"),
        (140, "mmol/L", "140 mmol/L"),
        (6.8999999999999995, "%", "6.9 %"),
        (76.59403716, "mg/dL", "76.59 mg/dL"),
        (0.000123456, "ng/mL", "0.000123 ng/mL"),
        (0.0125, "ng/mL", "0.0125 ng/mL"),
        (7.1, "10*3/uL", "7.1 thousand/µL"),
        (62, "mL/min/{1.73_m2}", "62 mL/min/1.73 m²"),
        (2.4, "{INR}", "2.4"),
        (1200000, "U/L", "1200000 U/L"),
    ],
)
def test_a_value_is_written_as_the_lab_sent_it(value: float, unit: str, written: str) -> None:
    shown = result(value, unit).value
    assert shown is not None
    assert shown.written == written


@pytest.mark.parametrize(
    ("ucum", "readable"),
    [
        ("u[IU]/mL", "µIU/mL"),
        ("m[IU]/L", "mIU/L"),
        ("[IU]/L", "IU/L"),
        ("ug/dL", "µg/dL"),
        ("umol/L", "µmol/L"),
        ("mg/g{creat}", "mg/g"),
        ("{nominal}", ""),
        ("[pH]", ""),
        ("10*6/uL", "million/µL"),
        ("K/µL", "thousand/µL"),
        ("U/L", "U/L"),
        ("mm/h", "mm/hour"),
    ],
)
def test_units_are_written_for_people(ucum: str, readable: str) -> None:
    assert readable_unit(ucum) == readable


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"valueQuantity": {"value": 0.01, "comparator": "<", "code": "ng/mL"}}, "<0.01 ng/mL"),
        ({"valueQuantity": {"value": 90, "comparator": ">=", "unit": "mL/min"}}, "≥90 mL/min"),
        ({"valueCodeableConcept": {"text": "Negative"}}, "Negative"),
        ({"valueCodeableConcept": {"coding": [{"display": "Translucent (qualifier value)"}]}}, "Translucent"),
        ({"valueString": "Recommend culture"}, "Recommend culture"),
        ({"valueInteger": 3}, "3"),
        ({"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 40}}}, "1:40"),
        ({"valueRange": {"low": {"value": 2}, "high": {"value": 5, "code": "/[HPF]"}}}, "2–5 per high-power field"),
    ],
)
def test_every_kind_of_value_is_read(value: dict[str, Any], written: str) -> None:
    shown = result(None, **value).value
    assert shown is not None
    assert shown.written == written


@pytest.mark.parametrize(
    ("value", "references", "expected"),
    [
        (5, range_(4, 6), Flag.IN_RANGE),
        (4, range_(4, 6), Flag.IN_RANGE),
        (6.1, range_(4, 6), Flag.HIGH),
        (3.9, range_(4, 6), Flag.LOW),
        (59, range_(60, None), Flag.LOW),
        (200, range_(None, 199), Flag.HIGH),
        (43, range_(46, 38), None),
        (5, [], None),
        (5, [{"text": "see note"}], None),
        (5, range_(4, 6, type={"coding": [{"code": "therapeutic"}]}), None),
        (5, range_(4, 6) + range_(1, 2, type={"coding": [{"code": "therapeutic"}]}), Flag.IN_RANGE),
        (5, range_(4, 6, type={"coding": [{"code": "normal"}]}) + range_(1, 2, type={"text": "pre"}), Flag.IN_RANGE),
        (5, range_(4, 6) + range_(1, 2), None),
        (5, range_(4, 6) + range_(1, 2, appliesTo=[{"text": "pregnant"}]), Flag.IN_RANGE),
        (5, [{"low": {"value": 4, "code": "g/L"}}], None),
    ],
)
def test_without_an_interpretation_the_range_decides(value: float, references: Any, expected: Flag | None) -> None:
    assert flag(result(value, referenceRange=references)) is expected


@pytest.mark.parametrize(
    ("comparator", "value", "expected"),
    [("<", 4, Flag.LOW), ("<", 5, None), ("<", 7, None), (">", 6, Flag.HIGH), (">=", 6, None), (">", 3, None)],
)
def test_a_bound_is_flagged_only_where_it_is_certain(comparator: str, value: float, expected: Flag | None) -> None:
    quantity = {"value": value, "comparator": comparator, "code": "mg/dL"}
    assert flag(result(None, valueQuantity=quantity, referenceRange=range_(4, 6))) is expected


@pytest.mark.parametrize(
    ("codes", "references", "expected"),
    [
        (["H"], [], Flag.HIGH),
        (["L"], range_(4, 6), Flag.LOW),
        (["N"], range_(4, 6), Flag.IN_RANGE),
        (["N"], [], None),
        (["N"], range_(46, 38), None),
        (["N"], range_(1, 2), Flag.HIGH),
        (["A"], [], Flag.UNUSUAL),
        (["POS"], range_(4, 6), None),
    ],
)
def test_the_labs_interpretation_goes_before_ours(codes: list[str], references: Any, expected: Flag | None) -> None:
    assert flag(result(5, referenceRange=references, interpretation=read_as(*codes))) is expected


@pytest.mark.parametrize("code", ["HH", "LL", "AA"])
def test_a_critical_value_has_no_flag(code: str) -> None:
    critical = result(6.8, referenceRange=range_(3.5, 5), interpretation=read_as("H", code))
    assert is_critical(critical)
    assert flag(critical) is None


def test_a_value_beyond_the_critical_limits_given_is_critical() -> None:
    limits = range_(3.5, 5) + range_(2.8, 6.2, type={"text": "Critical range"})
    assert is_critical(result(6.3, referenceRange=limits))
    assert not is_critical(result(6.2, referenceRange=limits))


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled", "registered"])
def test_these_statuses_hide_the_value(status: str) -> None:
    hidden = result(5, status=status, interpretation=read_as("HH"), valueString="secret")
    assert hidden.value is None
    assert not hidden.shown
    assert not is_critical(hidden)


@pytest.mark.parametrize(
    ("more", "response"),
    [
        ({"status": "registered"}, "utter_labs_row_pending"),
        ({"status": "cancelled"}, "utter_labs_row_canceled"),
        ({"status": "entered-in-error"}, "utter_labs_row_withdrawn"),
        ({"status": "preliminary"}, "utter_labs_row_preliminary"),
        ({}, "utter_labs_row_plain_no_range"),
        ({"referenceRange": [{"text": "under 6"}]}, "utter_labs_row_plain"),
        ({"referenceRange": range_(4, 6)}, "utter_labs_row_in_range"),
        ({"interpretation": read_as("H")}, "utter_labs_row_high_no_range"),
        ({"interpretation": read_as("HH")}, "utter_labs_row_critical_no_range"),
    ],
)
def test_a_row_says_what_its_status_and_flag_allow(more: dict[str, Any], response: str) -> None:
    assert result_row(result(5, **more))["response"] == response


def test_a_yes_or_no_is_worded_by_the_domain() -> None:
    assert result_row(result(None, valueBoolean=False))["value"] == {"response": "utter_labs_value_no"}


def test_a_value_that_is_missing_has_its_reason() -> None:
    row = result_row(result(None, dataAbsentReason={"coding": [{"code": "not-performed", "display": "Not Performed"}]}))
    told = {"test": "Creatinine", "reason": "Not Performed", "sensitive": False}
    assert row == {"response": "utter_labs_row_absent", **told}


def test_components_are_rows_of_their_own() -> None:
    parts = [
        {"code": {"text": "Albumin"}, "valueQuantity": {"value": 30, "code": "mg/L"}},
        {"code": {"text": "Creatinine"}, "valueString": "pending review"},
    ]
    row = result_row(result(None, component=parts))
    assert row["response"] == "utter_labs_row_parts"
    assert [(line["row"]["test"], line["row"]["value"]) for line in row["rows"]] == [
        ("Albumin", "30 mg/L"),
        ("Creatinine", "pending review"),
    ]


def test_a_critical_component_makes_the_result_critical() -> None:
    part = {"code": {"text": "Potassium"}, "valueString": "7", "interpretation": read_as("HH")}
    assert is_critical(result(None, component=[part]))


@pytest.mark.parametrize(
    ("time", "written"),
    [
        ("2026-11-19T02:30:00Z", "Nov 18, 2026"),
        ("2026-11-18T23:30:00.123456789-05:00", "Nov 18, 2026"),
        ("2005-07-05", "Jul 5, 2005"),
        ("2024-05", "May 2024"),
        ("2024", "2024"),
    ],
)
def test_dates_are_in_the_patients_zone_and_no_more_exact_than_the_lab_was(time: str, written: str) -> None:
    taken = result(effectiveDateTime=time).taken
    assert taken is not None
    assert taken.written == written


def report(key: str, taken: str, *results: str, status: str = "final", **more: Any) -> LabReport:
    fhir = {
        "id": key,
        "status": status,
        "code": {"text": key},
        "effectiveDateTime": taken,
        "result": [{"reference": f"Observation/{name}"} for name in results],
    }
    return LabReport.from_fhir(fhir | more, ZONE)


def many(count: int, day: str = "2026-11-18", prefix: str = "r") -> list[LabResult]:
    made = []
    for number in range(count):
        code = {"coding": [{"code": f"{prefix}{number}"}], "text": f"Test {prefix}{number}"}
        fhir = observation(number, code=code, id=f"{prefix}{number}", effectiveDateTime=f"{day}T08:00:00-05:00")
        made.append(LabResult.from_fhir(fhir, ZONE))
    return made


def test_results_stand_in_their_report_newest_first_and_the_rest_by_day() -> None:
    results = many(2) + many(1, "2026-11-20", "x")
    grouped = group_by_report([report("BMP", "2026-11-18", "r1", "r0")], results)
    assert [(r.name, [x.id for x in r.results]) for r in grouped] == [("", ["x0"]), ("BMP", ["r1", "r0"])]


def test_a_report_not_ready_yet_is_kept_and_a_final_one_without_results_is_not() -> None:
    reports = [report("Vitamin D", "2026-11-20", status="registered"), report("Note", "2026-11-19")]
    assert [r.name for r in group_by_report(reports, [])] == ["Vitamin D"]


@pytest.mark.parametrize("status", ["cancelled", "entered-in-error"])
def test_a_report_that_was_taken_back_hides_its_results(status: str) -> None:
    grouped = group_by_report([report("BMP", "2026-11-18", "r0", status=status)], many(1))
    assert [r.shown for r in grouped[0].results] == [False]
    assert grouped[0].results[0].value is None


def test_an_early_report_lists_what_is_missing() -> None:
    waiting = result(None, status="registered", id="w", code={"text": "Lymphocytes"})
    taken = "2026-11-18T08:00:00-05:00"
    grouped = group_by_report([report("CBC", taken, "r0", status="preliminary")], [*many(1), waiting])
    block = report_block(grouped[0])
    assert block["response"] == "utter_labs_panel_preliminary"
    assert block["rows"][-1] == {"response": "utter_labs_missing", "tests": "Lymphocytes", "sensitive": False}


def test_a_correction_stands_first() -> None:
    changed = result(4.4, status="corrected", id="c", note=[{"text": "Was 5.9."}])
    grouped = group_by_report([report("BMP", "2026-11-18", "r0", "c", status="corrected")], [*many(1), changed])
    first = report_block(grouped[0])["rows"][0]
    told = {"test": "Creatinine", "change": "Was 5.9.", "sensitive": False}
    assert first == {"response": "utter_labs_corrected", **told}


def test_a_page_has_at_most_twelve_rows_and_loses_none() -> None:
    reports = [report("A", "2026-11-18", *(f"r{n}" for n in range(30))), report("B", "2026-11-17", "x0", "x1")]
    book = pages(group_by_report(reports, many(30) + many(2, "2026-11-17", "x")))
    sizes = [sum(len(part.results) for part in page) for page in book]
    assert max(sizes) <= 12
    assert sum(sizes) == 32


def test_a_report_that_fits_on_a_page_is_not_split() -> None:
    reports = [
        report("A", "2026-11-18", *(f"a{n}" for n in range(7))),
        report("B", "2026-11-17", *(f"b{n}" for n in range(7))),
    ]
    book = pages(group_by_report(reports, many(7, prefix="a") + many(7, "2026-11-17", "b")))
    assert [[part.name for part in page] for page in book] == [["A"], ["B"]]


def test_what_is_not_ready_goes_with_the_latest_day_that_has_values() -> None:
    reports = [
        report("Vitamin D", "2026-11-20", status="registered"),
        report("A", "2026-11-18", "a0"),
        report("B", "2026-11-17", "b0"),
    ]
    book = pages_by_day(group_by_report(reports, many(1, prefix="a") + many(1, "2026-11-17", "b")))
    assert [[part.name for part in page] for page in book] == [["Vitamin D", "A"], ["B"]]


def test_the_newest_of_each_test_leaves_the_rest_for_more() -> None:
    old, new = (
        LabResult(id=i, code="c", name="A", standing=Standing.FINAL, value=result().value, key="a")
        for i in ("old", "new")
    )
    reports = [
        LabReport("1", "", "", Standing.FINAL, results=(new,)),
        LabReport("2", "", "", Standing.FINAL, results=(old,)),
    ]
    newest, older = latest_of_each(reports)
    assert [r.results[0].id for r in newest] == ["new"]
    assert [r.results[0].id for r in older] == ["old"]


def creatinine(day: str, value: float, unit: str = "mg/dL", **more: Any) -> LabResult:
    return result(value, unit, effectiveDateTime=day, id=day, **more)


def test_a_trend_has_one_code_and_one_unit() -> None:
    other_code = {"coding": [{"system": "http://loinc.org", "code": "14682-9"}]}
    series = main_series(
        [
            creatinine("2026-01-01", 1.0),
            creatinine("2026-02-01", 82, "umol/L"),
            creatinine("2026-03-01", 80, code=other_code),
            creatinine("2026-04-01", 1.2, status="preliminary"),
            creatinine("2026-05-01", 9.9, status="entered-in-error"),
            creatinine("2026-06-01", 1.1),
        ]
    )
    assert series is not None
    assert series.chart()["points"] == [["2026-01-01", 1.0], ["2026-06-01", 1.1]]


def test_one_value_is_no_trend() -> None:
    assert main_series([creatinine("2026-01-01", 1.0), creatinine("2026-02-01", 82, "umol/L")]) is None


def test_the_picture_of_a_critical_value_shows_no_range() -> None:
    values = [
        creatinine("2026-01-01", 1.0, referenceRange=range_(0.5, 1.1)),
        creatinine("2026-06-01", 9.0, referenceRange=range_(0.5, 1.1), interpretation=read_as("HH")),
    ]
    first, both = (
        main_series([values[0], creatinine("2026-03-01", 1.1, referenceRange=range_(0.5, 1.1))]),
        main_series(values),
    )
    assert first is not None and both is not None
    assert (first.chart()["low"], first.chart()["high"]) == (0.5, 1.1)
    assert (both.chart()["low"], both.chart()["high"]) == (None, None)
