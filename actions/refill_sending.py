"""Sends a refill or renewal to the clinic and finds out whether it arrived, before anything is claimed.

As a FHIR Task where the portal takes one from patients, else as a Communication, else not at all: then the patient
calls. https://hl7.org/fhir/R4/task.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from actions.medication import Medication, Place, Resource
from actions.medication_chart import RENEWAL, REQUEST_SYSTEM, request_reference
from actions.portal_client import PortalClient, PortalError, PortalForbidden, PortalUnauthorized

URGENT_DAYS = 3

_FULFILL = ("http://hl7.org/fhir/CodeSystem/task-code", "fulfill")
_INPUT = "urn:chartline:task-input"


class Arrival(str, Enum):
    """What became of it. `UNKNOWN`: it may have arrived, and the portal cannot be asked."""

    SENT = "sent"
    SENT_AS_MESSAGE = "sent_as_message"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    NOT_OFFERED = "not_offered"


@dataclass(frozen=True)
class Order:
    """What the patient asks for. `key` makes it one request however often it is sent."""

    medication: Medication
    renewal: bool
    patient: str
    key: str
    at: datetime
    pharmacy: Place | None = None
    days_left: int | None = None

    @property
    def urgent(self) -> bool:
        """Whether the medicine lasts for three days or fewer."""
        return self.days_left is not None and self.days_left <= URGENT_DAYS


@dataclass(frozen=True)
class Receipt:
    """What became of an order, and the reference that patient and clinic share."""

    arrival: Arrival
    reference: str = ""


async def send(portal: PortalClient, order: Order) -> Receipt:
    """Send it once. Raises only PortalUnauthorized, so that it can be sent again with a new token."""
    for kind, make, arrival in (
        ("Task", task, Arrival.SENT),
        ("Communication", communication, Arrival.SENT_AS_MESSAGE),
    ):
        try:
            if not await portal.can_create(kind):
                continue
        except PortalUnauthorized:
            raise
        except PortalError:
            return Receipt(Arrival.NOT_SENT)
        try:
            created = await portal.create(make(order), if_none_exist=f"identifier={REQUEST_SYSTEM}|{order.key}")
            return Receipt(arrival, request_reference(created))
        except PortalUnauthorized:
            raise
        except PortalForbidden:
            continue  # offered, but not to this patient's token
        except PortalError:
            return await _look_for(portal, kind, order, arrival)
    return Receipt(Arrival.NOT_OFFERED)


async def _look_for(portal: PortalClient, kind: str, order: Order, arrival: Arrival) -> Receipt:
    try:
        found = await portal.search(kind, identifier=f"{REQUEST_SYSTEM}|{order.key}", patient=order.patient)
    except PortalUnauthorized:
        raise
    except PortalError:
        return Receipt(Arrival.UNKNOWN)
    return Receipt(arrival, request_reference(found[0])) if found else Receipt(Arrival.NOT_SENT)


def task(order: Order) -> Resource:
    """The Task of docs/architecture.md, "A refill or renewal"."""
    system, code = RENEWAL if order.renewal else _FULFILL
    return {
        "resourceType": "Task",
        "identifier": [_identifier(order)],
        "status": "requested",
        "intent": "order",
        "priority": "urgent" if order.urgent else "routine",
        "code": {"coding": [{"system": system, "code": code}], "text": "Renewal" if order.renewal else "Refill"},
        "description": f"{_summary(order)}. Reference {request_reference({'identifier': [_identifier(order)]})}.",
        "focus": {"reference": order.medication.reference, "display": order.medication.name},
        "for": {"reference": order.patient},
        "requester": {"reference": order.patient},
        "authoredOn": order.at.isoformat(timespec="seconds"),
        **({"input": inputs} if (inputs := _inputs(order)) else {}),
    }


def communication(order: Order) -> Resource:
    """The same as a message to the clinic, for portals that take no Task from patients."""
    return {
        "resourceType": "Communication",
        "identifier": [_identifier(order)],
        "status": "completed",
        "priority": "urgent" if order.urgent else "routine",
        "subject": {"reference": order.patient},
        "sender": {"reference": order.patient},
        "about": [{"reference": order.medication.reference, "display": order.medication.name}],
        "sent": order.at.isoformat(timespec="seconds"),
        "payload": [{"contentString": _summary(order)}],
    }


def _identifier(order: Order) -> Resource:
    return {"system": REQUEST_SYSTEM, "value": order.key}


def _summary(order: Order) -> str:
    """What the clinic's staff reads."""
    parts = [f"{'Renewal' if order.renewal else 'Refill'} of {order.medication.name}"]
    if order.pharmacy:
        parts.append(f"pharmacy: {order.pharmacy.display}")
    if order.days_left is not None:
        parts.append(f"days left: {order.days_left}")
    return "; ".join(parts)


def _inputs(order: Order) -> list[Resource]:
    found: list[Resource] = []
    if order.pharmacy and order.pharmacy.reference:
        reference = {"reference": order.pharmacy.reference, "display": order.pharmacy.display}
        found.append({"type": _input_type("pharmacy", "Pharmacy"), "valueReference": reference})
    elif order.pharmacy:
        found.append({"type": _input_type("pharmacy", "Pharmacy"), "valueString": order.pharmacy.display})
    if order.days_left is not None:
        found.append({"type": _input_type("days-left", "Days left"), "valueInteger": order.days_left})
    return found


def _input_type(code: str, text: str) -> Resource:
    return {"coding": [{"system": _INPUT, "code": code}], "text": text}
