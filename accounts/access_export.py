"""The access log as FHIR R4 AuditEvents (https://hl7.org/fhir/R4/auditevent.html), for a clinic's own audit system.

One entry gives an event for each kind of interaction in it, because an AuditEvent has one action.
"""

from __future__ import annotations

from typing import Any

from accounts.access_log import CREATE, DONE, READ, SEARCH, UPDATE, Entry

Resource = dict[str, Any]

_TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
_DICOM = "http://dicom.nema.org/resources/ontology/DCM"  # DICOM PS3.16, CID 400 and 402
_SUBTYPES = {READ: "read", SEARCH: "search-type", CREATE: "create", UPDATE: "update"}
_ACTIONS = {READ: "R", SEARCH: "E", CREATE: "C", UPDATE: "U"}  # a query is "execute": audit-event-action


def audit_events(entry: Entry) -> list[Resource]:
    """The AuditEvents of one entry. They name people by reference, and never by an address of theirs."""
    interactions = dict.fromkeys(interaction for interaction, _ in entry.access.accessed)
    return [_event(entry, interaction) for interaction in interactions]


def _event(entry: Entry, interaction: str) -> Resource:
    access = entry.access
    kinds = [kind for done, kind in access.accessed if done == interaction]
    return {
        "resourceType": "AuditEvent",
        "id": f"access-{entry.seq}-{interaction}",
        "type": _coding(_DICOM, "110110", "Patient Record"),
        "subtype": [_coding("http://hl7.org/fhir/restful-interaction", _SUBTYPES[interaction])],
        "action": _ACTIONS[interaction],
        "recorded": f"{entry.at.isoformat(timespec='milliseconds')}Z",
        "outcome": "0" if access.outcome == DONE else "4",  # 4: minor failure
        "purposeOfEvent": [{"coding": [_purpose(entry)], "text": access.purpose}],
        "agent": [_person(entry), _assistant()],
        "source": {
            "observer": {"display": "Chartline"},
            "type": [_coding(f"{_TERMINOLOGY}/security-source-type", "4", "Application Server")],
        },
        "entity": [_chart(entry), *(_kind(kind) for kind in kinds)],
    }


def _purpose(entry: Entry) -> Resource:
    own = entry.access.who == f"Patient/{entry.access.patient}"
    code, display = ("PATRQT", "patient requested") if own else ("FAMRQT", "family requested")
    return _coding(f"{_TERMINOLOGY}/v3-ActReason", code, display)


def _person(entry: Entry) -> Resource:
    recipient = _coding(f"{_TERMINOLOGY}/v3-ParticipationType", "IRCP", "information recipient")
    return {
        "type": {"coding": [recipient]},
        "who": {"reference": entry.access.who},
        "altId": entry.access.conversation,
        "requestor": True,
    }


def _assistant() -> Resource:
    application = _coding(_DICOM, "110150", "Application")
    return {"type": {"coding": [application]}, "who": {"display": "Chartline"}, "requestor": False}


def _chart(entry: Entry) -> Resource:
    access = entry.access
    return {
        "what": {"reference": f"Patient/{access.patient}"},
        "type": _coding(f"{_TERMINOLOGY}/audit-entity-type", "1", "Person"),
        "role": _coding(f"{_TERMINOLOGY}/object-role", "1", "Patient"),
        "detail": [
            {"type": "channel", "valueString": access.channel},
            {"type": "disclosure-tier", "valueString": access.tier},
        ],
    }


def _kind(kind: str) -> Resource:
    return {
        "type": _coding("http://hl7.org/fhir/resource-types", kind),
        "role": _coding(f"{_TERMINOLOGY}/object-role", "4", "Domain Resource"),
        "name": kind,
    }


def _coding(system: str, code: str, display: str = "") -> Resource:
    return {"system": system, "code": code, **({"display": display} if display else {})}
