"""Vital signs: what was measured, the latest of each kind, and a kind over time with its picture.

Systolic and diastolic pressure are one measurement, also where a portal sends them as two.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from actions.lab_values import LabValue, plain, readable_unit
from actions.record_dates import RecordDate, first_date, record_date
from actions.record_names import name_of, record_names
from actions.sensitivity import LOINC, sensitivity

Resource = dict[str, Any]

MAX_POINTS = 60
BLOOD_PRESSURE = "blood_pressure"
_SYSTOLIC, _DIASTOLIC = "8480-6", "8462-4"
_SAID = {"final", "amended", "corrected"}
# UCUM unit to (unit to compare in, factor, offset): exact by definition, https://www.nist.gov/pml/owm/metric-si/unit-conversion
_TO_US = {
    "kg": ("[lb_av]", Decimal(1) / Decimal("0.45359237"), Decimal(0)),
    "g": ("[lb_av]", Decimal(1) / Decimal("453.59237"), Decimal(0)),
    "cm": ("[in_i]", Decimal(1) / Decimal("2.54"), Decimal(0)),
    "m": ("[in_i]", Decimal(100) / Decimal("2.54"), Decimal(0)),
    "Cel": ("[degF]", Decimal("1.8"), Decimal(32)),
}
_WRITTEN_UNITS = {"[lb_av]": "lb", "[in_i]": "in", "[degF]": "°F", "Cel": "°C", "/min": "a minute", "{score}": ""}
_UCUM = {"lb": "[lb_av]", "lbs": "[lb_av]", "in": "[in_i]", "inches": "[in_i]", "°F": "[degF]", "°C": "Cel"}


@dataclass(frozen=True)
class Vital:
    """One measurement. `number` and `unit` are compared and drawn; of a blood pressure, the upper number."""

    key: str
    name: str
    when: RecordDate
    written: str
    number: Decimal | None
    unit: str
    sensitive: bool = False


def vitals(resources: Iterable[Resource], zone: ZoneInfo) -> list[Vital]:
    """All measurements that were final, newest first, each once."""
    said = (r for r in resources if r.get("resourceType") == "Observation" and r.get("status") in _SAID)
    found = [vital for vital in (_vital(r, zone) for r in said) if vital]
    return sorted(dict.fromkeys(_joined(found)), key=lambda v: v.when.order, reverse=True)


def latest(found: Sequence[Vital]) -> list[Vital]:
    """The newest of each kind, the kinds in the order of our list and then those that only this chart has."""
    newest: dict[str, Vital] = {}
    for vital in found:
        newest.setdefault(vital.key, vital)
    order = [*record_names().vitals, *newest]
    return sorted(newest.values(), key=lambda vital: order.index(vital.key))


def series(found: Sequence[Vital]) -> list[Vital]:
    """Those of the newest one's kind and unit, with a number and a day; oldest first."""
    measured = [v for v in found if v.number is not None and v.when.at]
    same = [v for v in measured if (v.key, v.unit) == (measured[0].key, measured[0].unit)]
    return same[::-1]


def picture(measured: Sequence[Vital], title: str) -> dict[str, Any]:
    """The picture's values, of a blood pressure the upper number."""
    shown = [v for v in measured[-MAX_POINTS:] if v.when.at and v.number is not None]
    points = [[v.when.at.date().isoformat(), round(float(v.number), 1)] for v in shown if v.when.at and v.number]
    alt = f"{title}: " + ", ".join(f"{v.when.written}: {v.written}" for v in shown)
    return {"title": title, "unit": _unit(shown[-1].unit), "low": None, "high": None, "points": points, "alt": alt}


def _vital(resource: Resource, zone: ZoneInfo) -> Vital | None:
    code = resource.get("code") or {}
    codes = _codes(code)
    when = first_date(resource, "effective", zone)
    when = when if when.written else record_date(resource.get("effectiveInstant"), zone)
    kind = record_names().vital(codes)
    half = next((part for part in (_SYSTOLIC, _DIASTOLIC) if part in codes), "")
    base = Vital(
        key=half or (kind.key if kind else f"own:{name_of(code).lower()}"),
        name=kind.name if kind else name_of(code),
        when=when,
        written="",
        number=None,
        unit="",
        sensitive=sensitivity().of_result(resource),
    )
    if kind and kind.key == BLOOD_PRESSURE:
        return _pressure(base, _part(resource, _SYSTOLIC), _part(resource, _DIASTOLIC))
    value = LabValue.from_fhir(resource)
    return _measured(base, value, kind.unit if kind else "") if value and base.name else None


def _measured(base: Vital, value: LabValue, wanted: str) -> Vital:
    """The value as it was sent, and in the unit that people here know where that is another."""
    unit = _UCUM.get(value.unit, value.unit)
    written = f"{value.amount} {_unit(unit)}".strip()
    if value.number is None or value.comparator:
        return replace(base, written=written, unit=unit)
    number = value.number
    if unit in _TO_US and _TO_US[unit][0] == wanted:
        unit, factor, offset = _TO_US[unit]
        number = round(number * factor + offset, 1)
        written += f" ({plain(number)} {_unit(unit)})"
    return replace(base, written=written, number=number, unit=unit)


def _pressure(base: Vital, upper: Decimal | None, lower: Decimal | None) -> Vital | None:
    if upper is None or lower is None:
        return None
    written = f"{upper.normalize():f}/{lower.normalize():f} mmHg"
    return replace(base, key=BLOOD_PRESSURE, written=written, number=upper, unit="mm[Hg]")


def _joined(found: Sequence[Vital]) -> list[Vital]:
    """Upper and lower pressure of one moment, sent as two measurements, made one."""
    halves = {(v.key, v.when.at): v for v in found if v.key in (_SYSTOLIC, _DIASTOLIC)}
    name = record_names().vitals[BLOOD_PRESSURE].name
    pairs = [
        _pressure(replace(upper, name=name), upper.number, halves[_DIASTOLIC, at].number)
        for (key, at), upper in halves.items()
        if key == _SYSTOLIC and (_DIASTOLIC, at) in halves
    ]
    return [*(v for v in found if v.key not in (_SYSTOLIC, _DIASTOLIC)), *(pair for pair in pairs if pair)]


def _part(resource: Resource, loinc: str) -> Decimal | None:
    parts = (part for part in resource.get("component", []) if loinc in _codes(part.get("code") or {}))
    values = (LabValue.from_fhir(part) for part in parts)
    return next((value.number for value in values if value and value.number is not None), None)


def _codes(code: Resource) -> set[str]:
    return {str(c.get("code") or "") for c in code.get("coding", []) if c.get("system") == LOINC}


def _unit(unit: str) -> str:
    return _WRITTEN_UNITS[unit] if unit in _WRITTEN_UNITS else readable_unit(unit)
