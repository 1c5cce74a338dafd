"""How a value changed over time: only results of one code and one unit make a trend."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from actions.lab_flags import is_critical
from actions.lab_results import LabResult, Standing
from actions.lab_values import readable_unit

MAX_POINTS = 60


@dataclass(frozen=True)
class LabSeries:
    """Final results of one code and unit, oldest first."""

    results: tuple[LabResult, ...]

    @property
    def first(self) -> LabResult:
        """The oldest."""
        return self.results[0]

    @property
    def last(self) -> LabResult:
        """The newest."""
        return self.results[-1]

    def chart(self) -> dict[str, Any]:
        """The picture's values: points in time order, and the lab's range unless the newest value is critical."""
        value, limits = self.last.value, self.last.range
        shown = self.results[-MAX_POINTS:]
        unit = readable_unit(value.unit) if value else ""
        same_unit = bool(value and limits and limits.unit in ("", value.unit) and not is_critical(self.last))
        points = [(r.taken.day.isoformat(), float(r.number)) for r in shown if r.taken and r.number is not None]
        return {
            "title": self.last.name,
            "unit": unit,
            "low": float(limits.low) if same_unit and limits and limits.low is not None else None,
            "high": float(limits.high) if same_unit and limits and limits.high is not None else None,
            "points": [list(point) for point in points],
            "alt": f"{self.last.name}: "
            + ", ".join(f"{r.taken.written}: {r.value.written}" for r in shown if r.taken and r.value),
        }


def series_of(results: Iterable[LabResult]) -> list[LabSeries]:
    """All series of final, exact numbers among results, the one with the newest result first."""
    groups: dict[tuple[str, str], list[LabResult]] = {}
    for result in sorted(results, key=lambda r: r.order):
        if result.number is not None and result.taken and result.standing in (Standing.FINAL, Standing.CORRECTED):
            unit = result.value.unit if result.value else ""
            groups.setdefault((result.code or result.key, unit), []).append(result)
    series = [LabSeries(tuple(group)) for group in groups.values()]
    return sorted(series, key=lambda s: s.last.order, reverse=True)


def main_series(results: Iterable[LabResult]) -> LabSeries | None:
    """The newest series with at least two results, or `None`."""
    return next((series for series in series_of(results) if len(series.results) > 1), None)
