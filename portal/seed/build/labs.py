"""Lab draws: one DiagnosticReport with its Observations (US Core laboratory results).

What is not ready is a report of status `registered`; a report with `resultsInterpreter` was seen by a clinician.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from portal.seed.build.catalog import PANELS, TESTS, LabTest
from portal.seed.build.chart import LOINC, TERMINOLOGY, Chart, Resource, coded, concept, quantity, to
from portal.seed.build.people import LAB, practitioner
from portal.seed.ranges import annotate

_REPORTED_AFTER = timedelta(hours=6)
# Why a result has no value, by its status (US Core asks for a reason).
_ABSENT = {"registered": ("temp-unknown", "Temporarily Unknown"), "cancelled": ("not-performed", "Not Performed")}


@dataclass(frozen=True)
class Correction:
    """A result that was first reported wrong: the value that was withdrawn, and when it was put right."""

    test: str
    was: float
    on: str


@dataclass(frozen=True)
class Draw:
    """What one blood draw gave. `values` maps keys of `TESTS` to numbers or to words;
    `missing` are tests that were ordered and have no result yet, or none ever where the draw is `cancelled`."""

    when: str
    panel: str
    values: dict[str, float | str] = field(default_factory=dict)
    status: str = "final"
    reviewed_by: str | None = None
    missing: tuple[str, ...] = ()
    correction: Correction | None = None
    performer: Resource = field(default_factory=lambda: LAB)
    note: str | None = None


def add_draw(chart: Chart, draw: Draw) -> Resource:
    """File a draw; returns its DiagnosticReport. The tests in `missing` have no result."""
    slug = f"{draw.panel}-{_count(chart, draw.panel) + 1}"
    results = [_result(chart, slug, test, draw) for test in (*draw.values, *draw.missing)]
    filled = [result for result in results if result["status"] != "registered"]
    return _report(chart, slug, draw, filled)


def _count(chart: Chart, panel: str) -> int:
    prefix = f"{chart.key}-{panel}-"
    reports = (r["id"] for r in chart.resources if r["resourceType"] == "DiagnosticReport")
    return sum(1 for key in reports if key.startswith(prefix) and key.removeprefix(prefix).isdigit())


def _report(chart: Chart, slug: str, draw: Draw, results: list[Resource]) -> Resource:
    panel = PANELS[draw.panel]
    reviewer = practitioner(draw.reviewed_by) if draw.reviewed_by else None
    return chart.add(
        "DiagnosticReport",
        slug,
        status=draw.status,
        category=[coded(f"{TERMINOLOGY}/v2-0074", "LAB", "Laboratory")],
        code=concept(panel.name, LOINC, panel.loinc, panel.display),
        subject=chart.patient,
        effectiveDateTime=chart.clock.instant(draw.when),
        issued=_issued(chart, draw) if draw.status != "registered" else None,
        performer=[draw.performer],
        resultsInterpreter=[reviewer] if reviewer else None,
        result=[to(result, result["code"]["text"]) for result in results] or None,
        conclusion=draw.note,
    )


def _issued(chart: Chart, draw: Draw) -> str:
    if draw.correction:
        return chart.clock.instant(draw.correction.on)
    return chart.clock.instant(draw.when, plus=_REPORTED_AFTER)


def _result(chart: Chart, slug: str, key: str, draw: Draw) -> Resource:
    test = TESTS[key]
    corrected = draw.correction if draw.correction and draw.correction.test == key else None
    status = _status(key, draw, corrected is not None)
    observation = chart.add(
        "Observation",
        f"{slug}-{key}",
        status=status,
        category=[coded(f"{TERMINOLOGY}/observation-category", "laboratory", "Laboratory")],
        code=concept(test.name, LOINC, test.loinc, test.display),
        subject=chart.patient,
        effectiveDateTime=chart.clock.instant(draw.when),
        issued=_issued(chart, draw) if status != "registered" else None,
        performer=[draw.performer],
        note=[{"text": _correction_note(chart, test, draw)}] if corrected else None,
        **_value(test, draw.values.get(key), status),
    )
    annotate(observation, chart.sex, chart.age)
    return observation


def _status(key: str, draw: Draw, corrected: bool) -> str:
    """A component of a corrected or a partly ready report has a status of its own."""
    if key in draw.missing and draw.status != "cancelled":
        return "registered"
    if draw.status in ("corrected", "preliminary"):
        return "corrected" if corrected else "final"
    return draw.status


def _value(test: LabTest, value: float | str | None, status: str) -> dict[str, Resource]:
    if value is None:
        return {"dataAbsentReason": coded(f"{TERMINOLOGY}/data-absent-reason", *_ABSENT[status])}
    if isinstance(value, str):
        return {"valueCodeableConcept": {"text": value}}
    return {"valueQuantity": quantity(value, test.unit, test.ucum or test.unit)}


def _correction_note(chart: Chart, test: LabTest, draw: Draw) -> str:
    assert draw.correction is not None  # noqa: S101  for the type checker; the caller has looked
    return (
        f"Corrected on {chart.clock.spoken_day(draw.correction.on)}: first reported as "
        f"{draw.correction.was} {test.unit}; the right value is {draw.values[draw.correction.test]} {test.unit}."
    )
