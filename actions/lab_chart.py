"""A patient's lab results as the portal has them, for one query: two searches side by side, then grouped."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from actions.lab_names import Catalogue
from actions.lab_query import LabQuery
from actions.lab_results import HIDDEN, LOINC, LabReport, LabResult, group_by_report
from actions.portal_client import PortalClient

OVERVIEW = 200  # results in which a name outside the catalogue is looked for
_FORMAL_NAME = re.compile(
    r"[\[\]/\u200b]|SerPl|\b(Blood|Serum|Urine|Plasma) by\b|\bin (Blood|Serum|Urine)\b|\d{4} panel"
)


@dataclass(frozen=True)
class LabChart:
    """Reports, newest first, with their results; and the words that named no result of this patient."""

    reports: tuple[LabReport, ...]
    asked: tuple[str, ...] = ()
    not_found: tuple[str, ...] = ()

    @property
    def results(self) -> list[LabResult]:
        """All results, newest first."""
        return [result for report in self.reports for result in report.results]

    def of(self, key: str) -> LabChart:
        """The same reduced to one test."""
        return LabChart(tuple(_about(self.reports, frozenset({key}))))

    def name_of(self, key: str) -> str | None:
        """What a test is called in this patient's results."""
        return next((result.name for result in self.results if result.key == key), None)

    def names(self) -> dict[str, bool]:
        """What is there, by report and by single test, each once, newest first; and whether it is sensitive."""
        names = (
            (name, sensitive)
            for report in self.reports
            for name, sensitive in (
                [(report.name, report.sensitive)] if report.name else [(r.name, r.sensitive) for r in report.results]
            )
        )
        return {name: sensitive for name, sensitive in names if name}


class LabShelf:
    """Fetches results of one patient and settles what the words of a query mean among them."""

    def __init__(self, portal: PortalClient, patient: str, zone: ZoneInfo, catalogue: Catalogue) -> None:
        self._portal, self._patient, self._zone, self._catalogue = portal, patient, zone, catalogue

    async def find(self, query: LabQuery, limit: int) -> LabChart:
        """The results that a query is about. Names that only this patient's results have are found as well."""
        keys = self._catalogue.expand(query.keys)
        codes = self._catalogue.codes(keys)
        if not query.said:
            return await self._fetch(query, (), limit)
        fetched = await self._fetch(query, codes, limit) if codes else LabChart(())
        chart = self._settle(query, fetched, self._catalogue)
        if not chart.not_found:
            return chart
        overview = await self._fetch(query, (), max(limit, OVERVIEW))
        own = {result.name: result.key for result in overview.results}
        merged = LabChart(tuple(_merge(fetched.reports, overview.reports)))
        return self._settle(query, merged, self._catalogue.with_names(own))

    async def overview(self) -> LabChart:
        """The newest results of any kind, to say what there is."""
        return await self._fetch(LabQuery(), (), OVERVIEW)

    async def _fetch(self, query: LabQuery, codes: Iterable[str], limit: int) -> LabChart:
        common: dict[str, Any] = {"patient": self._patient, "_sort": "-date", "_count": limit, "limit": limit}
        if query.period and (dates := query.period.search_values()):
            common["date"] = dates
        wanted = ",".join(f"{LOINC}|{code}" for code in codes)
        kind: dict[str, Any] = {"code": wanted} if wanted else {"category": "laboratory"}
        observations, reports = await asyncio.gather(
            self._portal.search("Observation", **common, **kind),
            self._portal.search("DiagnosticReport", **common, category="LAB"),
        )
        results = (self._result(LabResult.from_fhir(o, self._zone)) for o in _only("Observation", observations))
        read = (self._report(LabReport.from_fhir(r, self._zone)) for r in _only("DiagnosticReport", reports))
        period = query.period
        grouped = group_by_report(read, results)
        return LabChart(tuple(r for r in grouped if period is None or (r.taken and period.contains(r.taken.moment))))

    def _result(self, result: LabResult) -> LabResult:
        key = self._catalogue.key_of(result.code, result.name)
        return replace(
            result,
            key=key,
            name=_plain_name(result.name, self._catalogue.title(key)),
            components=tuple(self._result(component) for component in result.components),
        )

    def _report(self, report: LabReport) -> LabReport:
        panel = self._catalogue.panel_of(report.code, report.name)
        keys = self._catalogue.expand([panel]) if panel else frozenset()
        return replace(
            report, keys=keys, name=_plain_name(report.name, self._catalogue.title(panel) if panel else None)
        )

    def _settle(self, query: LabQuery, chart: LabChart, catalogue: Catalogue) -> LabChart:
        """Keep what is meant: for each word its best reading that this patient has."""
        asked: list[str] = []
        not_found: list[str] = []
        for said, reading in zip(query.said, query.readings, strict=True):
            options = dict.fromkeys([*reading, *catalogue.named(said)])
            chosen = next((key for key in options if _about(chart.reports, catalogue.expand([key]))), None)
            (asked if chosen else not_found).append(chosen or said)
        kept = _about(chart.reports, catalogue.expand(asked)) if asked else []
        return LabChart(tuple(kept), tuple(asked), tuple(not_found))


def _about(reports: Iterable[LabReport], keys: frozenset[str]) -> list[LabReport]:
    """The reports reduced to some tests; one without results stays if its panel has such a test."""
    kept = []
    for report in reports:
        results = tuple(result for result in report.results if result.key in keys)
        if results or (not report.results and report.standing in HIDDEN and report.keys & keys):
            kept.append(replace(report, results=results))
    return kept


def _merge(first: Iterable[LabReport], second: Iterable[LabReport]) -> list[LabReport]:
    """Reports of two searches, each once; the second may know more of a report's results than the first."""
    reports: dict[tuple[str, str], LabReport] = {}
    for report in (*first, *second):
        at = (report.id, report.taken.written if report.taken else "")
        known = {r.id for r in reports[at].results} if at in reports else set()
        earlier = reports[at].results if at in reports else ()
        reports[at] = replace(report, results=(*earlier, *(r for r in report.results if r.id not in known)))
    return sorted(reports.values(), key=lambda report: report.order, reverse=True)


def _plain_name(name: str, title: str | None) -> str:
    """The lab's own name, unless it is written for machines and we have one for people."""
    formal = not name or len(name) > 40 or name.isupper() or _FORMAL_NAME.search(name)
    return title if title and formal else name


def _only(kind: str, resources: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return [resource for resource in resources if resource.get("resourceType") == kind]
