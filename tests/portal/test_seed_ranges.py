"""Reference ranges by test, unit, sex and age, and what they say about a value."""

import csv
from importlib.resources import files

import pytest

from portal.seed.ranges import annotate, find_range, interpretation
from tests.portal.seeded import code, flag, of


def result(loinc, value, unit):
    return {"code": {"coding": [{"system": "http://loinc.org", "code": loinc}]},
            "valueQuantity": {"value": value, "unit": unit, "code": unit}}  # fmt: skip


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2.7, "LL"), (2.8, "L"), (3.4, "L"), (3.5, "N"), (5.0, "N"), (5.1, "H"), (6.2, "H"), (6.3, "HH")],
)
def test_limits_belong_to_the_range_and_critical_values_lie_beyond_theirs(value, expected):
    potassium = result("2823-3", value, "mmol/L")
    annotate(potassium, "female", 67)
    assert flag(potassium) == expected


def test_a_range_depends_on_sex_where_it_matters():
    assert find_range("718-7", "g/dL", "female", 40).low == 12.0
    assert find_range("718-7", "g/dL", "male", 40).low == 14.0


def test_a_range_depends_on_age_where_it_matters():
    assert find_range("718-7", "g/dL", "male", 9).low == 11.5


@pytest.mark.parametrize(
    ("loinc", "unit", "sex", "age"),
    [
        ("3016-3", "m[IU]/L", "female", 67),
        ("2823-3", "mg/dL", "female", 67),
        ("2160-0", "mg/dL", "unknown", 40),
        ("2093-3", "mg/dL", "male", 9),
    ],
)
def test_where_no_range_applies_nothing_is_said(loinc, unit, sex, age):
    assert find_range(loinc, unit, sex, age) is None
    seen = result(loinc, 4.2, unit)
    annotate(seen, sex, age)
    assert "referenceRange" not in seen and "interpretation" not in seen


def test_a_one_sided_range_has_one_limit():
    hdl = result("2085-9", 61, "mg/dL")
    annotate(hdl, "female", 67)
    assert set(hdl["referenceRange"][0]) == {"low", "type"}
    assert flag(hdl) == "N"


def test_a_laboratorys_own_range_is_left_alone():
    own = result("2823-3", 5.4, "mmol/L") | {"referenceRange": [{"high": {"value": 5.5}}]}
    annotate(own, "female", 67)
    assert own["referenceRange"] == [{"high": {"value": 5.5}}]
    assert "interpretation" not in own


def test_interpretations_are_of_hl7s_code_system():
    (coding,) = interpretation("HH")["coding"]
    assert coding["system"] == "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
    assert coding["display"] == "Critical high"


def test_every_row_is_in_order_and_names_its_source():
    with (files("portal.seed") / "reference_ranges.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            limits = [row[name] for name in ("critical_low", "low", "high", "critical_high")]
            numbers = [float(limit) for limit in limits if limit]
            assert numbers == sorted(numbers), row
            assert set(row["source"].split("+")) <= {"ABIM", "ADA", "KDIGO", "NCEP", "WHO", "CRIT"}, row


def test_most_sample_results_have_a_range():
    found = [r for r in of("renea", "Observation") if code(r["category"][0]) == "laboratory"]
    assert sum("referenceRange" in r for r in found) > 0.8 * len(found)
