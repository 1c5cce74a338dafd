"""Reference ranges and interpretations of lab results, from `reference_ranges.csv`.

A range applies to a LOINC code, a UCUM unit, and where it matters a sex and an age in whole years. Nothing is
assumed where no row applies: such a result gets no range and no interpretation. The `source` column:

ABIM   American Board of Internal Medicine, Laboratory Test Reference Ranges (adults).
ADA    American Diabetes Association, Standards of Care: diagnosis and glycemic targets.
KDIGO  Kidney Disease: Improving Global Outcomes, CKD guideline: eGFR and albuminuria categories.
NCEP   National Cholesterol Education Program, Adult Treatment Panel III: desirable levels.
WHO    World Health Organization: haemoglobin in children and adolescents.
CRIT   Critical limits as commonly adopted by US laboratories (after Kost, JAMA 1990;263:704-7); illustrative.

These serve demo data. A clinic's own laboratory gives its own ranges with its results.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from portal.seed.build.chart import LOINC, TERMINOLOGY, UCUM, Resource, coded

_MEANINGS = {"N": "Normal", "L": "Low", "H": "High", "LL": "Critical low", "HH": "Critical high"}


@dataclass(frozen=True)
class Range:
    """One row: limits in `unit`, each None where there is none; `low` and `high` themselves are normal."""

    loinc: str
    unit: str
    sex: str
    age_from: float
    age_to: float
    low: float | None
    high: float | None
    critical_low: float | None
    critical_high: float | None

    def applies(self, sex: str, age: int) -> bool:
        """Whether it is for a person of this FHIR administrative gender and age in years."""
        return self.sex in ("", sex) and self.age_from <= age <= self.age_to

    def interpret(self, value: float) -> str:
        """The HL7 v3 ObservationInterpretation code of a value: N, L, H, LL or HH."""
        if self.critical_low is not None and value < self.critical_low:
            return "LL"
        if self.critical_high is not None and value > self.critical_high:
            return "HH"
        if self.low is not None and value < self.low:
            return "L"
        return "H" if self.high is not None and value > self.high else "N"


def find_range(loinc: str, unit: str, sex: str, age: int) -> Range | None:
    """The range of a test in a unit for a person, or None."""
    rows = _ranges().get((loinc, unit), [])
    return next((row for row in rows if row.applies(sex, age)), None)


def annotate(observation: Resource, sex: str, age: int) -> None:
    """Add the reference range and the interpretation to a numeric lab Observation that has neither."""
    value = observation.get("valueQuantity", {})
    if "value" not in value or "referenceRange" in observation:
        return
    found = find_range(_loinc_code(observation), value.get("code", ""), sex, age)
    if found:
        observation["referenceRange"] = [_reference_range(found, value.get("unit", found.unit))]
        observation["interpretation"] = [interpretation(found.interpret(value["value"]))]


def interpretation(code: str) -> Resource:
    """The interpretation as a CodeableConcept."""
    return coded(f"{TERMINOLOGY}/v3-ObservationInterpretation", code, _MEANINGS[code])


def _loinc_code(observation: Resource) -> str:
    codings = observation["code"].get("coding", [])
    return next((coding["code"] for coding in codings if coding.get("system") == LOINC), "")


def _reference_range(found: Range, unit: str) -> Resource:
    limits: dict[str, Any] = {
        name: {"value": limit, "unit": unit, "system": UCUM, "code": found.unit}
        for name, limit in (("low", found.low), ("high", found.high))
        if limit is not None
    }
    return limits | {"type": coded(f"{TERMINOLOGY}/referencerange-meaning", "normal", "Normal Range")}


@cache
def _ranges() -> dict[tuple[str, str], list[Range]]:
    table: dict[tuple[str, str], list[Range]] = {}
    with (files("portal.seed") / "reference_ranges.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            table.setdefault((row["loinc"], row["unit"]), []).append(_parse(row))
    return table


def _parse(row: dict[str, str]) -> Range:
    limits = (row["low"], row["high"], row["critical_low"], row["critical_high"])
    return Range(
        row["loinc"],
        row["unit"],
        row["sex"],
        float(row["age_from"] or 0),
        float(row["age_to"] or 200),
        *(_number(limit) for limit in limits),
    )


def _number(text: str) -> float | None:
    if not text:
        return None
    return float(text) if "." in text else int(text)
