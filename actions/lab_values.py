"""Lab values and reference ranges of FHIR Observations, and how they are written.

A value is shown as the lab sent it; only the noise of binary floats is rounded away. Units come as UCUM
(https://ucum.org) or as the lab's own text and are written the way people read them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

Fhir = dict[str, Any]

COMPARATORS = {"<": "<", ">": ">", "<=": "≤", ">=": "≥"}
_UNITS = {
    "10*3/uL": "thousand/µL",
    "K/uL": "thousand/µL",
    "10*6/uL": "million/µL",
    "M/uL": "million/µL",
    "10*9/L": "billion/L",
    "10*12/L": "trillion/L",
    "mL/min/{1.73_m2}": "mL/min/1.73 m²",
    "mL/min/1.73.m2": "mL/min/1.73 m²",
    "mm[Hg]": "mmHg",
    "mm/h": "mm/hour",
    "s": "seconds",
    "meq/L": "mEq/L",
    "/[HPF]": "per high-power field",
    "/[LPF]": "per low-power field",
    "[pH]": "",
    "pH": "",
    "1": "",
    "INR": "",
}
_SNOMED_TAG = re.compile(r"\s*\((finding|qualifier value|substance|organism|observable entity|disorder)\)$")


@dataclass(frozen=True)
class LabValue:
    """A measured amount (`number`, `comparator`, `unit`), an answer in words (`text`), or a yes or no (`truth`)."""

    number: Decimal | None = None
    comparator: str = ""
    unit: str = ""
    text: str = ""
    truth: bool | None = None

    @classmethod
    def from_fhir(cls, observation: Fhir) -> LabValue | None:
        """The value of an Observation or one of its components; `None` where there is none."""
        if quantity := observation.get("valueQuantity"):
            return cls.from_quantity(quantity)
        if concept := observation.get("valueCodeableConcept"):
            return _worded(concept_text(concept))
        if observation.get("valueString"):
            return _worded(str(observation["valueString"]))
        if "valueInteger" in observation:
            return cls(number=_decimal(observation["valueInteger"]))
        if "valueBoolean" in observation:
            return cls(truth=bool(observation["valueBoolean"]))
        return _several(observation)

    @classmethod
    def from_quantity(cls, quantity: Fhir) -> LabValue | None:
        """A Quantity; its `unit` text is preferred only where the UCUM `code` is missing."""
        if quantity.get("value") is None:
            return None
        unit = str(quantity.get("code") or quantity.get("unit") or "")
        return cls(_decimal(quantity["value"]), str(quantity.get("comparator") or ""), unit)

    @property
    def amount(self) -> str:
        """The number with its comparator, without the unit."""
        return f"{COMPARATORS.get(self.comparator, '')}{plain(self.number)}" if self.number is not None else self.text

    @property
    def written(self) -> str:
        """The value with its unit, such as `6.9 %` or `<0.01 ng/mL`."""
        return f"{self.amount} {readable_unit(self.unit)}".strip()


@dataclass(frozen=True)
class LabRange:
    """The lab's reference range: one or two limits, themselves within, or words only."""

    low: Decimal | None = None
    high: Decimal | None = None
    unit: str = ""
    text: str = ""

    @classmethod
    def from_fhir(cls, reference: Fhir) -> LabRange | None:
        """One `referenceRange`; `None` where it says nothing, or nothing that can be true (low above high)."""
        low, high = reference.get("low", {}), reference.get("high", {})
        bottom = _decimal(low["value"]) if "value" in low else None
        top = _decimal(high["value"]) if "value" in high else None
        if bottom is not None and top is not None and bottom > top:
            return None
        text = str(reference.get("text") or "").strip()
        if bottom is None and top is None and not text:
            return None
        unit = next((str(side.get("code") or side.get("unit") or "") for side in (low, high) if side), "")
        return cls(bottom, top, unit, text)

    @property
    def has_limits(self) -> bool:
        """Whether a number can be compared with it."""
        return self.low is not None or self.high is not None


def usual_range(references: list[Fhir]) -> LabRange | None:
    """The one range for a healthy person; `None` where several are given and nothing says which one applies."""
    usual = [reference for reference in references if _meaning(reference) in ("", "normal")]
    if len(usual) > 1:
        unconditional = [r for r in usual if not r.get("appliesTo") and not r.get("age")]
        usual = unconditional or usual
    return LabRange.from_fhir(usual[0]) if len(usual) == 1 else None


def critical_limits(references: list[Fhir]) -> LabRange | None:
    """The limits beyond which a value is critical, where the lab gives them as a range of that name."""
    ranges = (LabRange.from_fhir(r) for r in references if re.search("critical|panic|alert", _meaning(r)))
    return next((found for found in ranges if found and found.has_limits), None)


def concept_text(concept: Fhir) -> str:
    """What a CodeableConcept says, without SNOMED's semantic tag."""
    displays = (str(coding.get("display") or "") for coding in concept.get("coding", []))
    text = str(concept.get("text") or next((display for display in displays if display), ""))
    return _SNOMED_TAG.sub("", text).strip()


def readable_unit(unit: str) -> str:
    """A UCUM unit for people: `10*3/uL` is `thousand/µL`, annotations such as `{nominal}` go."""
    plain_unit = unit.replace("μ", "u").replace("µ", "u")
    if plain_unit in _UNITS:
        return _UNITS[plain_unit]
    without_notes = re.sub(r"\{[^}]*\}", "", plain_unit).rstrip("/")
    units = re.sub(r"\bu\[IU\]", "µIU", without_notes)
    units = units.replace("[IU]", "IU").replace("[arb'U]", "units").replace("[", "").replace("]", "")
    return re.sub(r"\bu(?=(g|mol|L|m|U)\b)", "µ", units)


def plain(number: Decimal | None) -> str:
    """A number as people write it. More than four decimals are float noise and are rounded to a sensible length."""
    if number is None:
        return ""
    if -int(number.as_tuple().exponent) > 4:
        small = abs(number) < 1
        number = Decimal(f"{number:.3g}") if small else round(number, 2)
        number = number.normalize()
    return f"{number:f}"


def _worded(text: str) -> LabValue | None:
    text = _SNOMED_TAG.sub("", text.strip())
    return LabValue(text=text) if text else None


def _several(observation: Fhir) -> LabValue | None:
    """`valueRange` ("2 to 5 /HPF") and `valueRatio` ("1:40")."""
    if span := observation.get("valueRange"):
        sides = [LabValue.from_quantity(span.get(side, {})) for side in ("low", "high")]
        amounts = [side.amount for side in sides if side]
        unit = next((side.unit for side in sides if side and side.unit), "")
        return LabValue(text=f"{'–'.join(amounts)} {readable_unit(unit)}".strip()) if amounts else None
    if ratio := observation.get("valueRatio"):
        parts = [LabValue.from_quantity(ratio.get(part, {})) for part in ("numerator", "denominator")]
        return LabValue(text=":".join(part.amount for part in parts if part)) if all(parts) else None
    return None


def _decimal(value: Any) -> Decimal:
    return Decimal(repr(value) if isinstance(value, float) else str(value))


def _meaning(reference: Fhir) -> str:
    kind = reference.get("type", {})
    words = [str(coding.get("code") or coding.get("display") or "") for coding in kind.get("coding", [])]
    return (words[0] if words else str(kind.get("text") or "")).lower()
