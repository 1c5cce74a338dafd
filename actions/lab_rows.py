"""Lab results as values for the responses of `domain/labs.yml`: rows, panels, pages, the notice of a critical value."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from actions.lab_flags import Flag, flag, is_critical
from actions.lab_results import LabReport, LabResult, Standing, missing_names
from actions.lab_values import LabRange, LabValue, plain, readable_unit

Row = dict[str, Any]
ROWS_PER_PAGE = 12
_WITHOUT_VALUE = {
    Standing.PENDING: "utter_labs_row_pending",
    Standing.CANCELED: "utter_labs_row_canceled",
    Standing.WITHDRAWN: "utter_labs_row_withdrawn",
}


def result_row(result: LabResult) -> Row:
    """One line: name, value, unit, range and flag, as far as its status allows."""
    row = _plain_row(result)
    if result.standing is Standing.PRELIMINARY and result.shown:
        row = {"response": "utter_labs_row_preliminary", "row": row}
    return {**row, "sensitive": is_private(result)}


def is_private(result: LabResult) -> bool:
    """Whether it is told only in the signed-in web chat: of a sensitive kind, or for a clinician to tell."""
    return result.sensitive or is_critical(result)


def dated_line(result: LabResult) -> Row:
    """A line of a history: the same with its date in place of the name."""
    return _line(replace(result, name=result.taken.written if result.taken else result.name))


def report_block(report: LabReport) -> Row:
    """A panel with its lines, led by what was corrected and closed by what is missing."""
    values: Row = {"panel": report.name, "date": report.taken.written if report.taken else ""}
    values["sensitive"] = report.sensitive or (bool(report.results) and all(map(is_private, report.results)))
    if not report.results:
        return {"response": f"{_WITHOUT_VALUE[report.standing]}_report", **values}
    header, lines = _header(report), _corrections_of(report)
    lines += [_line(result) for result in report.results if not _is_missing(report, result)]
    if report.standing is Standing.PRELIMINARY:
        lines += _still_to_come(report)
    elif report.conclusion and not any(map(is_critical, report.results)):
        private = any(map(is_private, report.results))
        lines.append({"response": "utter_labs_note", "note": report.conclusion, "sensitive": private})
    if header == "utter_labs_day" and len(lines) == 1 and report.taken:
        return result_row(replace(report.results[0], name=f"{report.results[0].name}, {report.taken.written}"))
    return {"response": header, **values, "rows": lines}


def critical_notices(reports: Iterable[LabReport]) -> list[Row]:
    """What cannot wait: the critical values, by who has seen them; those that nobody has seen come first."""
    by_reader: dict[str | None, list[str]] = {}
    for report in reports:
        date_ = f" ({report.taken.written})" if report.taken else ""
        tests = [f"{result.name}{date_}" for result in report.results if is_critical(result)]
        if tests:
            by_reader.setdefault(report.seen_by, []).extend(tests)
    kinds = {None: "unseen", "": "seen_by_someone"}
    return [
        {"response": f"utter_labs_critical_{kinds.get(reader, 'seen')}", "tests": ", ".join(tests), "clinician": reader}
        for reader, tests in sorted(by_reader.items(), key=lambda item: item[0] is not None)
    ]


def latest_of_each(reports: Sequence[LabReport]) -> tuple[list[LabReport], list[LabReport]]:
    """The reports reduced to the newest result of each test, with what is not ready yet; and the rest."""
    seen: set[str] = set()
    newest, older = [], []
    for report in reports:
        first = tuple(r for r in report.results if r.key not in seen)
        rest = tuple(r for r in report.results if r.key in seen)
        if first or (not report.results and not seen):
            newest.append(replace(report, results=first))
        if rest or (not report.results and seen):
            older.append(replace(report, results=rest))
        seen |= {result.key for result in first if result.shown}
    return newest, older


def pages_by_day(reports: Sequence[LabReport]) -> list[list[LabReport]]:
    """A day with values a page; days without any (not ready yet) go with the day before them."""
    days: list[list[LabReport]] = []
    for report in reports:
        if days and (_day(days[-1][-1]) == _day(report) or not any(r.shown for d in days[-1] for r in d.results)):
            days[-1].append(report)
        else:
            days.append([report])
    return [page for day in days for page in pages(day)]


def pages(reports: Sequence[LabReport]) -> list[list[LabReport]]:
    """Pages of at most `ROWS_PER_PAGE` lines. A report is split only where it does not fit on a page of its own."""
    result: list[list[LabReport]] = []
    room = 0
    for report in reports:
        for part in _parts(report):
            lines = max(1, sum(not _is_missing(part, result) for result in part.results))
            if lines > room:
                result.append([])
                room = ROWS_PER_PAGE
            result[-1].append(part)
            room -= lines
    return result


def _plain_row(result: LabResult) -> Row:
    if result.standing in _WITHOUT_VALUE:
        return {"response": _WITHOUT_VALUE[result.standing], "test": result.name}
    if result.components:
        rows = [_line(component) for component in result.components]
        own = replace(result, components=())
        rows = [_line(own), *rows] if own.value else rows
        return {"response": "utter_labs_row_parts", "test": result.name, "rows": rows}
    if result.value is None:
        suffix = "" if result.absent else "_unknown"
        return {"response": f"utter_labs_row_absent{suffix}", "test": result.name, "reason": result.absent}
    return _value_row(result)


def _value_row(result: LabResult) -> Row:
    assert result.value is not None  # noqa: S101  for the type checker; the caller has looked
    kind = "critical" if is_critical(result) else _kind(flag(result))
    known = "" if result.range else "_no_range"
    return {
        "response": f"utter_labs_row_{kind}{known}",
        "test": result.name,
        "value": _value_words(result.value),
        "range": range_words(result.range, result.value.unit) if result.range else "",
    }


def _value_words(value: LabValue) -> Row | str:
    if value.truth is None:
        return value.written
    return {"response": "utter_labs_value_yes" if value.truth else "utter_labs_value_no"}


def _kind(found: Flag | None) -> str:
    return found.value if found else "plain"


def range_words(limits: LabRange, unit: str) -> Row | str:
    """The range in words; its unit only where it differs from the value's."""
    if not limits.has_limits:
        return limits.text
    shown_unit = readable_unit(limits.unit) if limits.unit and limits.unit != unit else ""
    low, high = (
        f"{plain(side)} {shown_unit}".strip() if side is not None else "" for side in (limits.low, limits.high)
    )
    if low and high:
        return {"response": "utter_labs_range_between", "low": plain(limits.low), "high": high}
    return (
        {"response": "utter_labs_range_to", "high": high} if high else {"response": "utter_labs_range_from", "low": low}
    )


def _line(result: LabResult) -> Row:
    return {"response": "utter_labs_line", "row": result_row(result)}


def _still_to_come(report: LabReport) -> list[Row]:
    missing = missing_names(report)
    if missing:
        private = any(result.sensitive for result in report.results)
        return [{"response": "utter_labs_missing", "tests": ", ".join(missing), "sensitive": private}]
    return [{"response": "utter_labs_missing_unknown"}] if _is_whole(report) else []


def _is_whole(report: LabReport) -> bool:
    """Whether all results of a report are shown, not those of one test alone."""
    return len(report.results) == len(report.named_results)


def corrections(results: Iterable[LabResult]) -> list[Row]:
    """What changed in those that were corrected."""
    return [_correction(result) for result in results if result.standing is Standing.CORRECTED]


def _corrections_of(report: LabReport) -> list[Row]:
    found = corrections(report.results)
    if not found and _is_whole(report) and report.standing is Standing.CORRECTED:
        return [{"response": "utter_labs_corrected_report"}]
    return found


def _correction(result: LabResult) -> Row:
    about: Row = {"test": result.name, "sensitive": is_private(result)}
    if result.note:
        return {"response": "utter_labs_corrected", **about, "change": result.note}
    return {"response": "utter_labs_corrected_unknown", **about, "date": result.issued.written if result.issued else ""}


def _header(report: LabReport) -> str:
    if report.standing is Standing.PRELIMINARY:
        return "utter_labs_panel_preliminary" if report.name else "utter_labs_day_preliminary"
    single = len(report.results) == 1 and report.results[0].name == report.name
    return "utter_labs_day" if single or not report.name else "utter_labs_panel"


def _is_missing(report: LabReport, result: LabResult) -> bool:
    return report.standing is Standing.PRELIMINARY and result.standing is Standing.PENDING


def _day(report: LabReport) -> date | None:
    return report.taken.day if report.taken else None


def _parts(report: LabReport) -> list[LabReport]:
    """A long report in parts; what is missing is listed once, with the first."""
    missing = tuple(result for result in report.results if _is_missing(report, result))
    there = [result for result in report.results if result not in missing]
    parts = [tuple(there[cut : cut + ROWS_PER_PAGE]) for cut in range(0, max(1, len(there)), ROWS_PER_PAGE)]
    return [replace(report, results=part + (missing if part is parts[0] else ())) for part in parts]
