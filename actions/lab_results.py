"""Lab results and reports, read from FHIR (US Core Laboratory Result Observation, DiagnosticReport), and grouped."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from zoneinfo import ZoneInfo

from actions import fhir_time
from actions.lab_values import Fhir, LabRange, LabValue, concept_text, critical_limits, usual_range
from actions.periods import written_date
from actions.sensitivity import sensitivity

LOINC = "http://loinc.org"
EPOCH = datetime.fromisoformat("1900-01-01T00:00:00+00:00")


class Standing(Enum):
    """How far a result can be relied on, from the status of an Observation or a DiagnosticReport."""

    PENDING = "pending"
    PRELIMINARY = "preliminary"
    FINAL = "final"
    CORRECTED = "corrected"
    CANCELED = "canceled"
    WITHDRAWN = "withdrawn"


# https://hl7.org/fhir/R4/valueset-observation-status.html and valueset-diagnostic-report-status.html
_STANDINGS = {
    "registered": Standing.PENDING,
    "partial": Standing.PRELIMINARY,
    "preliminary": Standing.PRELIMINARY,
    "unknown": Standing.PRELIMINARY,
    "amended": Standing.CORRECTED,
    "corrected": Standing.CORRECTED,
    "appended": Standing.FINAL,
    "final": Standing.FINAL,
    "cancelled": Standing.CANCELED,
    "entered-in-error": Standing.WITHDRAWN,
}
HIDDEN = {Standing.PENDING, Standing.CANCELED, Standing.WITHDRAWN}


@dataclass(frozen=True)
class When:
    """A FHIR dateTime in the patient's zone; it may know only the day, the month or the year."""

    moment: datetime
    precision: int = 10

    @classmethod
    def from_fhir(cls, text: str | None, zone: ZoneInfo) -> When | None:
        """Read `2024`, `2024-05`, `2024-05-06` or a full instant."""
        moment = fhir_time.moment(text, zone)
        return cls(moment, min(len(text), 10)) if text and moment else None

    @property
    def day(self) -> date:
        """The day in the patient's zone."""
        return self.moment.date()

    @property
    def written(self) -> str:
        """`Nov 18, 2026`, `Nov 2026` or `2026`."""
        shapes = {4: f"{self.moment:%Y}", 7: f"{self.moment:%b %Y}"}
        return shapes.get(self.precision, written_date(self.day))


@dataclass(frozen=True)
class LabResult:
    """One measured thing. `key` is its test in the catalogue, or for others a key of its own; `lab_chart` fills it.

    `sensitive`: it is of a kind that is told only in the signed-in web chat.
    """

    id: str
    code: str
    name: str
    standing: Standing
    value: LabValue | None = None
    range: LabRange | None = None
    critical: LabRange | None = None
    interpretations: frozenset[str] = frozenset()
    taken: When | None = None
    issued: When | None = None
    note: str = ""
    absent: str = ""
    components: tuple[LabResult, ...] = ()
    key: str = ""
    sensitive: bool = False

    @classmethod
    def from_fhir(cls, observation: Fhir, zone: ZoneInfo) -> LabResult:
        """Read an Observation. Times are put into `zone`."""
        code, name = _code_and_name(observation.get("code", {}))
        standing = _STANDINGS.get(str(observation.get("status")), Standing.PRELIMINARY)
        period = observation.get("effectivePeriod", {})
        taken = observation.get("effectiveDateTime") or observation.get("effectiveInstant")
        taken = taken or period.get("end") or period.get("start") or observation.get("issued")
        whole = cls(
            id=str(observation.get("id", "")),
            code=code,
            name=name,
            standing=standing,
            taken=When.from_fhir(taken, zone),
            issued=When.from_fhir(observation.get("issued"), zone),
            note=" ".join(str(note["text"]).strip() for note in observation.get("note", []) if note.get("text")),
            components=tuple(
                cls.from_fhir({**component, "status": observation.get("status")}, zone)
                for component in observation.get("component", [])
            ),
            sensitive=any(map(sensitivity().of_result, (observation, *observation.get("component", [])))),
        )
        return whole if standing in HIDDEN else whole._with_value(observation)

    def _with_value(self, observation: Fhir) -> LabResult:
        references = observation.get("referenceRange", [])
        codes = (c for concept in observation.get("interpretation", []) for c in concept.get("coding", []))
        return replace(
            self,
            value=LabValue.from_fhir(observation),
            range=usual_range(references),
            critical=critical_limits(references),
            interpretations=frozenset(str(coding.get("code", "")).upper() for coding in codes),
            absent=concept_text(observation.get("dataAbsentReason", {})),
        )

    @property
    def order(self) -> datetime:
        """For sorting by time; unknown is oldest."""
        return self.taken.moment if self.taken else EPOCH

    @property
    def shown(self) -> bool:
        """Whether there is a value that may be shown."""
        return self.standing not in HIDDEN and (self.value is not None or any(c.shown for c in self.components))

    @property
    def number(self) -> Decimal | None:
        """The value as an exact number, for a trend; `None` for "<5" and for words."""
        return self.value.number if self.shown and self.value and not self.value.comparator else None


@dataclass(frozen=True)
class LabReport:
    """Results that were ordered together. `name` is empty for results that belong to no report.

    `seen_by` is the clinician who has looked at it: `None` if nobody is on record, empty if the name is not.
    `keys` are the tests that its panel has. What a `sensitive` report holds is sensitive with it.
    """

    id: str
    code: str
    name: str
    standing: Standing
    taken: When | None = None
    results: tuple[LabResult, ...] = ()
    seen_by: str | None = None
    conclusion: str = ""
    keys: frozenset[str] = frozenset()
    named_results: tuple[tuple[str, str], ...] = ()
    sensitive: bool = False

    @classmethod
    def from_fhir(cls, report: Fhir, zone: ZoneInfo) -> LabReport:
        """Read a DiagnosticReport; its results are put in by `group_by_report`."""
        code, name = _code_and_name(report.get("code", {}))
        period = report.get("effectivePeriod", {})
        taken = report.get("effectiveDateTime") or period.get("end") or period.get("start") or report.get("issued")
        interpreters = report.get("resultsInterpreter", [])
        return cls(
            id=str(report.get("id", "")),
            code=code,
            name=name,
            standing=_STANDINGS.get(str(report.get("status")), Standing.PRELIMINARY),
            taken=When.from_fhir(taken, zone),
            seen_by=str(interpreters[0].get("display") or "") if interpreters else None,
            conclusion=str(report.get("conclusion") or "").strip(),
            named_results=tuple(
                (str(ref.get("reference", "")).rsplit("/", 1)[-1], str(ref.get("display") or ""))
                for ref in report.get("result", [])
            ),
            sensitive=sensitivity().of_result(report),
        )

    @property
    def order(self) -> datetime:
        """For sorting by time; unknown is oldest."""
        return self.taken.moment if self.taken else EPOCH


def group_by_report(reports: Iterable[LabReport], results: Iterable[LabResult]) -> list[LabReport]:
    """Every result in its report, newest first; those without one stand by day in a report without a code.

    A result of a report that was canceled or withdrawn is hidden with it.
    """
    left = {result.id: result for result in sorted(results, key=lambda r: r.order, reverse=True)}
    grouped = []
    for report in reports:
        own = [left.pop(rid) for rid, _ in report.named_results if rid in left]
        own += [left.pop(result.id) for result in _waiting_for(report, left.values())]
        if own or report.standing in HIDDEN:
            grouped.append(replace(report, results=tuple(_subject_to(report, result) for result in own)))
    grouped += _by_moment(left.values())
    return sorted(grouped, key=lambda report: report.order, reverse=True)


def missing_names(report: LabReport) -> list[str]:
    """Names of what was ordered with a report and has no value yet."""
    return [result.name for result in report.results if result.standing is Standing.PENDING]


def _waiting_for(report: LabReport, results: Iterable[LabResult]) -> list[LabResult]:
    """Results without a value that belong to a report by draw and panel: a report lists only what it has."""
    if report.standing in (Standing.FINAL, Standing.CORRECTED) or report.taken is None:
        return []
    same_draw = (r for r in results if r.standing is Standing.PENDING and r.order == report.order)
    return [result for result in same_draw if not report.keys or result.key in report.keys]


def _subject_to(report: LabReport, result: LabResult) -> LabResult:
    result = replace(result, sensitive=result.sensitive or report.sensitive)
    if report.standing in HIDDEN and result.standing is not Standing.WITHDRAWN:
        return replace(result, standing=report.standing, value=None, components=(), note="")
    return result


def _by_moment(results: Iterable[LabResult]) -> list[LabReport]:
    days: dict[str, list[LabResult]] = {}
    for result in results:
        days.setdefault(result.taken.written if result.taken else "", []).append(result)
    return [
        LabReport(id="", code="", name="", standing=Standing.FINAL, taken=own[0].taken, results=tuple(own))
        for own in days.values()
    ]


def _code_and_name(concept: Fhir) -> tuple[str, str]:
    codings = concept.get("coding", [])
    coding = next((c for c in codings if c.get("system") == LOINC), codings[0] if codings else {})
    name = str(concept.get("text") or coding.get("display") or coding.get("code") or "")
    return str(coding.get("code") or ""), name.strip()
