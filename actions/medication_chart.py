"""The patient's prescriptions, their fills and what was asked for, as one picture."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from actions.fhir_time import day, moment
from actions.medication import Medication, Place, Resource, place, read_medication
from actions.portal_client import PortalClient, PortalForbidden, PortalNotFound, PortalRejected

REQUEST_SYSTEM = "urn:chartline:request"
RENEWAL = ("urn:chartline:task", "renewal")

_STATUS_RANK = {"active": 0, "on-hold": 1, "unknown": 2, "stopped": 3, "cancelled": 4, "completed": 5}
_HIDDEN = {"entered-in-error", "draft"}
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # nothing that is read as something else


@dataclass(frozen=True)
class Fill:
    """A MedicationDispense. `handed_over` is None while the pharmacy still prepares it."""

    prescription: str
    status: str
    handed_over: date | None
    days: float | None
    pharmacy: Place | None
    started: date | None = None


@dataclass(frozen=True)
class Request:
    """A Task of the patient for a refill or a renewal. `note` and `reason` are the clinic's own words."""

    id: str
    prescription: str
    renewal: bool
    status: str
    authored: datetime | None
    reference: str
    key: str
    urgent: bool
    note: str
    reason: str
    pharmacy: Place | None

    @property
    def open(self) -> bool:
        """Whether somebody still works on it."""
        return self.status in ("draft", "requested", "received", "accepted", "ready", "in-progress", "on-hold")


@dataclass(frozen=True)
class MedicationChart:
    """What decides about a refill. `medications` holds one prescription a product: the one that counts now."""

    medications: tuple[Medication, ...]
    fills: tuple[Fill, ...]
    requests: tuple[Request, ...]

    def get(self, medication_id: str) -> Medication | None:
        """The prescription of that id, or None."""
        return next((m for m in self.medications if m.id == medication_id), None)

    def fills_of(self, medication: Medication) -> list[Fill]:
        """Its fills, the latest first."""
        found = [f for f in self.fills if f.prescription == medication.reference]
        return sorted(found, key=lambda f: f.handed_over or f.started or date.max, reverse=True)

    def requests_of(self, medication: Medication) -> list[Request]:
        """What was asked for it, the latest first."""
        return [r for r in self.requests if r.prescription == medication.reference]

    def pharmacies(self) -> list[Place]:
        """The pharmacies that this chart knows, each once."""
        places = [m.pharmacy for m in self.medications] + [f.pharmacy for f in self.fills]
        return list({p.display: p for p in places if p}.values())

    def pharmacy_of(self, medication: Medication) -> Place | None:
        """Where the prescription goes, else where it was last filled."""
        filled = (f.pharmacy for f in self.fills_of(medication) if f.pharmacy)
        return medication.pharmacy or next(filled, None)


async def load_chart(portal: PortalClient, patient: str, zone: ZoneInfo) -> MedicationChart:
    """The three searches side by side. A portal that keeps no dispenses or tasks has none; other errors are raised."""
    prescriptions, fills, tasks = await asyncio.gather(
        portal.search("MedicationRequest", patient=patient, limit=500),
        _optional(portal, "MedicationDispense", patient),
        _optional(portal, "Task", patient),
    )
    return make_chart(prescriptions, fills, tasks, zone)


def make_chart(
    prescriptions: Iterable[Resource], fills: Iterable[Resource], tasks: Iterable[Resource], zone: ZoneInfo
) -> MedicationChart:
    """The picture that these resources give."""
    orders = [p for p in prescriptions if p.get("intent", "order") not in ("proposal", "plan")]
    medications = [read_medication(p, zone) for p in orders if p.get("status") not in _HIDDEN]
    requests = [_read_request(t, zone) for t in tasks if is_request(t)]
    newest = sorted(requests, key=lambda r: r.authored.timestamp() if r.authored else 0, reverse=True)
    return MedicationChart(tuple(_current(medications)), tuple(_read_fill(f, zone) for f in fills), tuple(newest))


def is_request(task: Resource) -> bool:
    """Whether a Task asks for a refill or renewal and was not entered in error."""
    about = task.get("focus", {}).get("reference", "")
    return about.startswith("MedicationRequest/") and task.get("status") != "entered-in-error"


def request_reference(task: Resource) -> str:
    """The short reference a patient can read out: from our identifier, which the clinic sees too, else from the id."""
    return short_reference(_key(task) or task.get("id", ""))


def _key(task: Resource) -> str:
    ours = (i.get("value") for i in task.get("identifier", []) if i.get("system") == REQUEST_SYSTEM)
    return next(ours, None) or ""


def short_reference(key: str) -> str:
    """ "R-" and five letters or digits that are not mistaken for one another (30^5 of them)."""
    number = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big")
    letters = []
    for _ in range(5):
        number, rest = divmod(number, len(_ALPHABET))
        letters.append(_ALPHABET[rest])
    return "R-" + "".join(letters)


async def _optional(portal: PortalClient, kind: str, patient: str) -> list[Resource]:
    try:
        return await portal.search(kind, patient=patient, limit=500)
    except (PortalForbidden, PortalNotFound, PortalRejected):
        return []  # not offered, or not to patients


def _current(medications: list[Medication]) -> list[Medication]:
    """A renewed prescription is a new resource: of one product keep the live one, else the latest."""
    ranked = sorted(medications, key=lambda m: m.authored or date.min, reverse=True)
    ranked.sort(key=lambda m: _STATUS_RANK.get(m.status, 9))
    first: dict[str, Medication] = {}
    for medication in ranked:
        first.setdefault(medication.name, medication)
    return sorted(first.values(), key=lambda m: m.name)


def _read_fill(resource: Resource, zone: ZoneInfo) -> Fill:
    supply: dict[str, Any] = resource.get("daysSupply", {})
    prescription = next((p.get("reference", "") for p in resource.get("authorizingPrescription", [])), "")
    performer = next((p.get("actor") for p in resource.get("performer", [])), None)
    return Fill(
        prescription=prescription,
        status=resource.get("status", "unknown"),
        handed_over=day(resource.get("whenHandedOver"), zone),
        days=float(supply["value"]) if "value" in supply else None,
        pharmacy=place(performer),
        started=day(resource.get("whenPrepared"), zone),
    )


def _read_request(task: Resource, zone: ZoneInfo) -> Request:
    codes = {(c.get("system"), c.get("code")) for c in task.get("code", {}).get("coding", [])}
    inputs = {i["type"]["coding"][0]["code"]: i for i in task.get("input", []) if i.get("type", {}).get("coding")}
    pharmacy = inputs.get("pharmacy", {})
    return Request(
        id=task["id"],
        prescription=task["focus"]["reference"],
        renewal=RENEWAL in codes,
        status=task.get("status", "unknown"),
        authored=moment(task.get("authoredOn"), zone),
        reference=request_reference(task),
        key=_key(task),
        urgent=task.get("priority") in ("urgent", "asap", "stat"),
        note=_text(task.get("businessStatus", {})),
        reason=_text(task.get("statusReason", {})),
        pharmacy=place(pharmacy.get("valueReference")) or _said(pharmacy.get("valueString")),
    )


def _said(text: str | None) -> Place | None:
    return Place(text) if text else None


def _text(concept: Resource) -> str:
    displays = (c.get("display") for c in concept.get("coding", []))
    return str(concept.get("text") or next((d for d in displays if d), ""))
