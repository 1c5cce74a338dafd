"""Allergies, conditions, immunizations and vital signs (US Core)."""

from dataclasses import dataclass

from portal.seed.build.chart import (
    LOINC,
    SNOMED,
    TERMINOLOGY,
    US_CORE,
    Chart,
    Resource,
    coded,
    concept,
    quantity,
)
from portal.seed.build.people import CLINIC, practitioner

_CVX = "http://hl7.org/fhir/sid/cvx"


@dataclass(frozen=True)
class Condition:
    """A problem in plain words, its SNOMED CT code and wording, when it began and, if it is over, ended."""

    key: str
    name: str
    snomed: str
    display: str
    since: str
    until: str | None = None


@dataclass(frozen=True)
class Allergy:
    """An allergy in plain words; no SNOMED CT code where it is not certain."""

    key: str
    name: str
    since: str
    snomed: str | None = None
    display: str | None = None
    category: str | None = "medication"
    criticality: str | None = None
    reaction: str | None = None
    severity: str | None = None


@dataclass(frozen=True)
class Vaccine:
    """One immunization by CVX code; `refused` is why it was not given."""

    key: str
    name: str
    cvx: str
    display: str
    when: str
    lot: str | None = None
    refused: str | None = None


@dataclass(frozen=True)
class Vitals:
    """What the nurse measured at a visit; None was not measured. US customary units, as the clinic uses them."""

    when: str
    blood_pressure: tuple[int, int] | None = None
    pulse: int | None = None
    weight: float | None = None
    height: float | None = None
    temperature: float | None = None
    oxygen: int | None = None


def add_condition(chart: Chart, item: Condition, recorder: str = "shah") -> Resource:
    """File a problem of the problem list."""
    status = "resolved" if item.until else "active"
    return chart.add(
        "Condition",
        f"condition-{item.key}",
        meta={"profile": [f"{US_CORE}/us-core-condition-problems-health-concerns"]},
        clinicalStatus=coded(f"{TERMINOLOGY}/condition-clinical", status, status.capitalize()),
        verificationStatus=coded(f"{TERMINOLOGY}/condition-ver-status", "confirmed", "Confirmed"),
        category=[coded(f"{TERMINOLOGY}/condition-category", "problem-list-item", "Problem List Item")],
        code=concept(item.name, SNOMED, item.snomed, item.display),
        subject=chart.patient,
        onsetDateTime=chart.clock.day(item.since),
        abatementDateTime=chart.clock.day(item.until) if item.until else None,
        recordedDate=chart.clock.day(item.since),
        recorder=practitioner(recorder),
    )


def add_allergy(chart: Chart, item: Allergy) -> Resource:
    """File an allergy. "No known allergies" is an entry too, and not the same as nothing on file."""
    reaction: Resource = {"manifestation": [{"text": item.reaction}]} if item.reaction else {}
    if item.severity:
        reaction["severity"] = item.severity
    return chart.add(
        "AllergyIntolerance",
        f"allergy-{item.key}",
        meta={"profile": [f"{US_CORE}/us-core-allergyintolerance"]},
        clinicalStatus=coded(f"{TERMINOLOGY}/allergyintolerance-clinical", "active", "Active"),
        verificationStatus=coded(f"{TERMINOLOGY}/allergyintolerance-verification", "confirmed", "Confirmed"),
        type="allergy" if reaction else None,
        category=[item.category] if item.category else None,
        criticality=item.criticality,
        code=concept(item.name, SNOMED, item.snomed, item.display),
        patient=chart.patient,
        recordedDate=chart.clock.day(item.since),
        reaction=[reaction] if reaction else None,
    )


def add_vaccine(chart: Chart, item: Vaccine) -> Resource:
    """File an immunization that was given, or declined."""
    return chart.add(
        "Immunization",
        f"vaccine-{item.key}",
        meta={"profile": [f"{US_CORE}/us-core-immunization"]},
        status="not-done" if item.refused else "completed",
        statusReason={"text": item.refused} if item.refused else None,
        vaccineCode=concept(item.name, _CVX, item.cvx, item.display),
        patient=chart.patient,
        occurrenceDateTime=chart.clock.day(item.when),
        primarySource=True,
        lotNumber=item.lot,
        performer=None if item.refused else [{"actor": CLINIC}],
    )


def add_vitals(chart: Chart, visit: Vitals) -> None:
    """File each measurement of a visit, and the body mass index where weight and height are known."""
    for slug, loinc, display, value in _measurements(visit):
        _vital_sign(chart, visit, slug, loinc, display, valueQuantity=value)
    if visit.blood_pressure:
        _vital_sign(
            chart,
            visit,
            "blood-pressure",
            "85354-9",
            "Blood pressure",
            component=[
                _pressure("8480-6", "Systolic blood pressure", visit.blood_pressure[0]),
                _pressure("8462-4", "Diastolic blood pressure", visit.blood_pressure[1]),
            ],
        )


def _measurements(visit: Vitals) -> list[tuple[str, str, str, Resource]]:
    measured = [
        ("pulse", "8867-4", "Heart rate", visit.pulse, "beats/min", "/min"),
        ("weight", "29463-7", "Body weight", visit.weight, "lb", "[lb_av]"),
        ("height", "8302-2", "Body height", visit.height, "in", "[in_i]"),
        ("bmi", "39156-5", "Body mass index (BMI)", _bmi(visit), "kg/m2", "kg/m2"),
        ("temperature", "8310-5", "Body temperature", visit.temperature, "°F", "[degF]"),
        ("oxygen", "59408-5", "Oxygen saturation by pulse oximetry", visit.oxygen, "%", "%"),
    ]
    return [
        (slug, loinc, name, quantity(value, unit, ucum))
        for slug, loinc, name, value, unit, ucum in measured
        if value is not None
    ]


def _bmi(visit: Vitals) -> float | None:
    if visit.weight is None or visit.height is None:
        return None
    return round(visit.weight * 0.45359237 / (visit.height * 0.0254) ** 2, 1)


def _pressure(loinc: str, name: str, value: int) -> Resource:
    return {"code": concept(name, LOINC, loinc), "valueQuantity": quantity(value, "mmHg", "mm[Hg]")}


def _vital_sign(chart: Chart, visit: Vitals, slug: str, loinc: str, name: str, **content: object) -> None:
    chart.add(
        "Observation",
        f"vital-{slug}-{abs(chart.clock.moment(visit.when).toordinal() - chart.clock.now.toordinal())}",
        status="final",
        category=[coded(f"{TERMINOLOGY}/observation-category", "vital-signs", "Vital Signs")],
        code=concept(name, LOINC, loinc),
        subject=chart.patient,
        effectiveDateTime=chart.clock.instant(visit.when),
        performer=[CLINIC],
        **content,
    )
