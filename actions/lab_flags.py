"""Where a lab value lies, and whether it is critical: by the lab's own interpretation, else by the ranges it gave."""

from __future__ import annotations

from decimal import Decimal
from enum import Enum

from actions.lab_results import LabResult
from actions.lab_values import LabRange, LabValue


class Flag(Enum):
    """Where a value lies. There is none for a critical value: that is for a clinician to say."""

    IN_RANGE = "in_range"
    HIGH = "high"
    LOW = "low"
    UNUSUAL = "unusual"


# https://terminology.hl7.org/CodeSystem-v3-ObservationInterpretation.html
_CRITICAL = {"HH", "LL", "AA"}
_FLAGS = {
    "N": Flag.IN_RANGE,
    "H": Flag.HIGH,
    "HU": Flag.HIGH,
    ">": Flag.HIGH,
    "L": Flag.LOW,
    "LU": Flag.LOW,
    "<": Flag.LOW,
    "A": Flag.UNUSUAL,
}


def flag(result: LabResult) -> Flag | None:
    """Where the value lies: by the lab's interpretation, else by its range. `None` where that cannot be known.

    "In range" is said only of a value with a range, and never against that range.
    """
    if not result.shown or is_critical(result):
        return None
    by_lab = next((_FLAGS[code] for code in sorted(result.interpretations) if code in _FLAGS), None)
    by_range = _flag_by_range(result.value, result.range)
    if by_lab is None:
        return by_range if not result.interpretations else None
    if by_lab is Flag.IN_RANGE:
        return None if result.range is None else by_range if by_range in (Flag.HIGH, Flag.LOW) else by_lab
    return by_lab


def is_critical(result: LabResult) -> bool:
    """Whether the lab calls the value critical (HH, LL, AA), or it is beyond the critical limits given."""
    if not result.shown:
        return False
    beyond = _flag_by_range(result.value, result.critical) in (Flag.HIGH, Flag.LOW)
    return bool(_CRITICAL & result.interpretations) or beyond or any(map(is_critical, result.components))


def _flag_by_range(value: LabValue | None, limits: LabRange | None) -> Flag | None:
    if value is None or value.number is None or limits is None or not limits.has_limits:
        return None
    if limits.unit and value.unit and limits.unit != value.unit:
        return None
    number, low, high = value.number, limits.low, limits.high
    if value.comparator in ("<", "<="):
        return _below(number, low, high, strict=value.comparator == "<")
    if value.comparator in (">", ">="):
        return _above(number, low, high, strict=value.comparator == ">")
    if low is not None and number < low:
        return Flag.LOW
    return Flag.HIGH if high is not None and number > high else Flag.IN_RANGE


def _below(bound: Decimal, low: Decimal | None, high: Decimal | None, strict: bool) -> Flag | None:
    """A value of which only an upper bound is known; amounts are never below zero."""
    if low is not None and low > 0:
        return Flag.LOW if bound < low or (strict and bound == low) else None
    return Flag.IN_RANGE if high is None or bound <= high else None


def _above(bound: Decimal, low: Decimal | None, high: Decimal | None, strict: bool) -> Flag | None:
    if high is not None:
        return Flag.HIGH if bound > high or (strict and bound == high) else None
    return Flag.IN_RANGE if low is None or bound >= low else None
