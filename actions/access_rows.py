"""The access log in a patient's words: one row for each day, person and channel, with all that was looked at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timezone
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from accounts.access_log import CREATE, UPDATE, Entry
from actions.fhir_time import spoken

Row = dict[str, Any]

_CHANNELS = {"sms", "telegram", "web"}
_KINDS = {
    "labs": ("Observation", "DiagnosticReport", "Specimen"),
    "medicines": ("MedicationRequest", "MedicationDispense", "MedicationStatement", "Medication"),
    "refills": ("Task",),
    "messages": ("Communication", "CommunicationRequest"),
    "visits": ("Appointment", "Slot", "Schedule", "Encounter"),
    "notes": ("DocumentReference", "Composition", "Binary", "ClinicalImpression"),
    "allergies": ("AllergyIntolerance",),
    "conditions": ("Condition",),
    "vaccines": ("Immunization", "ImmunizationRecommendation"),
    "bills": ("Account", "Invoice", "ExplanationOfBenefit", "Claim", "Coverage", "PaymentNotice"),
    "care_plan": ("CarePlan", "CareTeam", "Goal", "Procedure", "ServiceRequest"),
    "person": ("Patient", "RelatedPerson", "Consent"),
}
_KIND_OF = {resource: kind for kind, resources in _KINDS.items() for resource in resources}
_BESIDE = {"Practitioner", "PractitionerRole", "Organization", "Location", "Device"}  # of the clinic, not of a chart


@dataclass(frozen=True)
class Looks:
    """What one person looked at on one day by one channel; `oldest` is the number of the first entry of it."""

    day: date
    who: str
    channel: str
    oldest: int
    kinds: tuple[str, ...]


def group(entries: Iterable[Entry], zone: ZoneInfo) -> list[Looks]:
    """Entries, the newest first, as looks, the newest first. Kinds are in the order in which they were looked at.

    Only what follows one another is put together: a page of looks then leaves out no entry between its first and last.
    """

    def key(entry: Entry) -> tuple[date, str, str]:
        day = entry.at.replace(tzinfo=timezone.utc).astimezone(zone).date()
        return day, entry.access.who, entry.access.channel

    return [_looks(which, list(together)) for which, together in groupby(entries, key)]


def _looks(which: tuple[date, str, str], together: list[Entry]) -> Looks:
    kinds = dict.fromkeys(kind for entry in reversed(together) for kind in _kinds(entry))
    in_order = sorted(kinds, key="sent".__eq__)  # what was looked at, and at the end that something was sent
    return Looks(*which, oldest=together[-1].seq, kinds=tuple(in_order))


def row(looks: Looks, who: Row, today: date) -> Row:
    """One line of the list."""
    channel = looks.channel if looks.channel in _CHANNELS else "other"
    return {
        "response": "utter_access_row",
        "who": who,
        "channel": {"response": f"utter_access_by_{channel}"},
        "date": spoken(looks.day, today),
        "kinds": _joined([{"response": f"utter_access_kind_{kind}"} for kind in looks.kinds]),
    }


def _kinds(entry: Entry) -> list[str]:
    pairs = [(interaction, kind) for interaction, kind in entry.access.accessed if kind not in _BESIDE]
    wrote = ["sent"] if any(interaction in (CREATE, UPDATE) for interaction, _ in pairs) else []
    return [*(_KIND_OF.get(kind, "other") for _, kind in pairs or [("", "")]), *wrote]


def _joined(kinds: list[Row]) -> Row:
    first, *rest = kinds
    return {"response": "utter_access_kinds", "first": first, "rest": _joined(rest)} if rest else first
