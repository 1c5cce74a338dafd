"""A prescription as the patient knows it, read from FHIR R4 MedicationRequest."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from actions.fhir_time import day
from actions.medication_names import Names, names
from actions.sensitivity import sensitivity

Resource = dict[str, Any]

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
STATUS_CHANGED = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationRequest.statusChanged"

_STRENGTH = re.compile(
    r"(?P<value>\d[\d,]*(?:\.\d+)?)\s*(?P<unit>mg|mcg|unt|units?|meq|%|g)\b(?P<per>/(?:actuat|hr|ml))?", re.I
)
_EXTENDED = re.compile(r"\b(extended[ -]release|\d+ hr|er|xr|xl|sr)\b", re.I)


@dataclass(frozen=True)
class Place:
    """A pharmacy: its Organization where the chart knows it, or only the words the patient used."""

    display: str
    reference: str | None = None


@dataclass(frozen=True)
class Medication:
    """One prescription. `schedule` is that of the Controlled Substances Act, 2 to 5, or None.

    `sensitive`: it is of a kind that is talked about only in the signed-in web chat.
    """

    id: str
    name: str
    ingredients: tuple[str, ...]
    strength: str
    brands: tuple[str, ...]
    schedule: int | None
    status: str
    elsewhere: bool
    authored: date | None
    prescriber: str
    reasons: tuple[str, ...]
    dosage: Resource = field(compare=False)
    repeats: int | None
    valid_until: date | None
    supply_days: float | None
    pharmacy: Place | None
    halted_on: date | None
    halted_by: str
    halt_reason: str
    sensitive: bool = False

    @property
    def reference(self) -> str:
        """Literal reference to the MedicationRequest."""
        return f"MedicationRequest/{self.id}"

    @property
    def live(self) -> bool:
        """Whether the patient is meant to take it, or will again."""
        return self.status in ("active", "on-hold", "unknown")


def read_medication(resource: Resource, zone: ZoneInfo) -> Medication:
    """The medication of a MedicationRequest. What the resource leaves out is None or empty."""
    known, display = names(), _display(resource)
    ingredients = known.ingredients(display) or (_leading_words(display),)
    dispense = resource.get("dispenseRequest", {})
    note: Resource = next((n for n in reversed(resource.get("note", [])) if "authorReference" in n), {})
    return Medication(
        id=resource["id"],
        name=_plain_name(known, ingredients, display),
        ingredients=ingredients,
        strength=_strength(display),
        brands=tuple(b.lower() for b in re.findall(r"\[([^\]]+)\]", display)),
        schedule=known.schedule(ingredients),
        status=resource.get("status", "unknown"),
        elsewhere=bool(resource.get("reportedBoolean") or resource.get("reportedReference")),
        authored=day(resource.get("authoredOn"), zone),
        prescriber=resource.get("requester", {}).get("display", ""),
        reasons=tuple(text for c in resource.get("reasonCode", []) if (text := _concept_text(c))),
        dosage=next(iter(resource.get("dosageInstruction", [])), {}),
        repeats=dispense.get("numberOfRepeatsAllowed"),
        valid_until=day(dispense.get("validityPeriod", {}).get("end"), zone),
        supply_days=_days(dispense.get("expectedSupplyDuration", {})),
        pharmacy=place(dispense.get("performer")),
        halted_on=_halted_on(resource, zone),
        halted_by=note.get("authorReference", {}).get("display", ""),
        halt_reason=_concept_text(resource.get("statusReason", {})),
        sensitive=sensitivity().of_medication(resource, ingredients),
    )


def place(reference: Resource | None) -> Place | None:
    """The pharmacy that a Reference names; without a display nobody could read it back."""
    if not reference or not reference.get("display"):
        return None
    return Place(reference["display"], reference.get("reference"))


def per_day(dosage: Resource) -> float | None:
    """Units (tablets, puffs) a day by the structured timing; None where it is as needed or not said."""
    repeat = dosage.get("timing", {}).get("repeat", {})
    hours = {"h": 1, "d": 24, "wk": 168}.get(repeat.get("periodUnit", ""))
    if dosage.get("asNeededBoolean") or not hours or not repeat.get("period"):
        return None
    dose = next((d["doseQuantity"]["value"] for d in dosage.get("doseAndRate", []) if "doseQuantity" in d), 1)
    return float(dose) * float(repeat.get("frequency", 1)) * 24 / (hours * float(repeat["period"]))


def _display(resource: Resource) -> str:
    """The product's name, RxNorm's before anybody else's."""
    concept = resource.get("medicationCodeableConcept") or _contained(resource).get("code", {})
    codings = sorted(concept.get("coding", []), key=lambda c: c.get("system") != RXNORM)
    texts = [concept.get("text"), *(c.get("display") for c in codings)]
    texts.append(resource.get("medicationReference", {}).get("display"))
    return str(next((text for text in texts if text), "medicine"))


def _contained(resource: Resource) -> Resource:
    wanted = resource.get("medicationReference", {}).get("reference", "").removeprefix("#")
    return next((c for c in resource.get("contained", []) if c.get("id") == wanted), {})


def _concept_text(concept: Resource) -> str:
    displays = (c.get("display") for c in concept.get("coding", []))
    return str(concept.get("text") or next((d for d in displays if d), ""))


def _plain_name(known: Names, ingredients: tuple[str, ...], display: str) -> str:
    """ "24 HR metoprolol succinate 25 MG Extended Release Oral Tablet" is "metoprolol succinate ER 25 mg"."""
    lower = display.lower()
    form = next((home for rxnorm, home in known.forms.items() if rxnorm in lower), "")
    extended = "ER" if _EXTENDED.search(display) and not form else ""
    drugs = " / ".join(_with_salt(known, one, lower) for one in _drugs(known, ingredients, display))
    return " ".join(part for part in (drugs, extended, form, _strength(display)) if part)


def _drugs(known: Names, ingredients: tuple[str, ...], display: str) -> tuple[str, ...]:
    """The ingredients, those of a combination that nobody here knows included."""
    parts = display.split(" / ")
    if len(parts) == 1:
        return ingredients
    return tuple(" / ".join(known.ingredients(part)) or _leading_words(part) for part in parts)


def _with_salt(known: Names, ingredient: str, display: str) -> str:
    salt = next((s for s in known.salts(ingredient) if s in display), "")
    return f"{ingredient} {salt}".strip()


def _strength(display: str) -> str:
    return " / ".join(_amount(m) for m in _STRENGTH.finditer(display))


def _amount(match: re.Match[str]) -> str:
    value, unit, per = match["value"].replace(",", ""), match["unit"].lower(), (match["per"] or "").lower()
    unit = "units" if unit.startswith("un") else unit
    if per == "/actuat":  # inhalers are known by micrograms a puff
        return f"{float(value) * 1000:g} mcg" if unit == "mg" else f"{value} {unit}"
    return f"{value}{'' if unit == '%' else ' '}{unit}{per.replace('ml', 'mL')}"


def _leading_words(display: str) -> str:
    head = re.split(r"\s+\d|\[", display, maxsplit=1)[0].strip().lower()
    return head or display.lower()


def _days(duration: Resource) -> float | None:
    factor = {"d": 1, "day": 1, "days": 1, "wk": 7, "mo": 30}.get(duration.get("code") or duration.get("unit", ""))
    return float(duration["value"]) * factor if factor and "value" in duration else None


def _halted_on(resource: Resource, zone: ZoneInfo) -> date | None:
    changed = (e.get("valueDateTime") for e in resource.get("extension", []) if e.get("url") == STATUS_CHANGED)
    return day(next(changed, None), zone)
