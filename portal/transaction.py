"""Transaction bundles: all or nothing. http://hl7.org/fhir/R4/http.html#transaction

Entries may create (POST, with ``ifNoneExist``) and update (PUT, with ``ifMatch``). References between entries by
``fullUrl`` and conditional references (``Practitioner?identifier=system|value``) are replaced by real ones.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from typing import Any

from portal.errors import BadRequest, FhirError, PreconditionFailed
from portal.paths import references, rewrite
from portal.query import Pairs
from portal.search_parameters import RESOURCE_TYPES, ResourceType
from portal.session import ID, Session, checked, criterion_of

_CONDITIONAL = re.compile(r"([A-Z][A-Za-z]+)\?(.+)")


@dataclass
class _Entry:
    """One entry, and what became of it: ``found`` is a resource that its ``ifNoneExist`` met."""

    place: str
    method: str
    kind: ResourceType
    id: str
    full_url: str
    resource: dict[str, Any]
    criterion: Pairs
    if_match: str
    found: dict[str, Any] | None = None

    @property
    def address(self) -> str:
        return f"{self.kind.name}/{self.id}"


def run_transaction(session: Session, bundle: Any) -> dict[str, Any]:
    """Carry out a transaction inside the session's own. Raises a FhirError whose expression names the entry."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction":
        raise BadRequest("The body is not a transaction bundle", "Bundle.type", "invariant")
    given = bundle.get("entry", [])
    if not isinstance(given, list):
        raise BadRequest("The entries are not a list", "Bundle.entry", "structure")
    entries = [_read(number, entry) for number, entry in enumerate(given)]
    _meet_existing(session, entries)
    addresses = {entry.full_url: entry.address for entry in entries if entry.full_url}
    done = [_carry_out(session, entry, _resolved(session, entry, addresses)) for entry in entries]
    session.flush()
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": done}


def _read(number: int, entry: Any) -> _Entry:
    place = f"Bundle.entry[{number}]"
    request = entry.get("request") if isinstance(entry, dict) else None
    resource = entry.get("resource") if isinstance(entry, dict) else None
    if not isinstance(request, dict) or not isinstance(resource, dict):
        raise BadRequest("An entry needs a request and a resource", place, "required")
    texts = [request.get(name, "") for name in ("method", "url", "ifNoneExist", "ifMatch")]
    texts.append(entry.get("fullUrl", ""))
    if not all(isinstance(text, str) for text in texts):
        raise BadRequest("An entry's request is not valid", place, "structure")
    method, url, if_none_exist, if_match, full_url = texts
    name, _, id = url.partition("/")
    if method not in ("POST", "PUT") or name not in RESOURCE_TYPES or (method == "PUT") != bool(ID.fullmatch(id)):
        raise BadRequest("An entry must POST to a type, or PUT to a type and id", f"{place}.request", "not-supported")
    if method == "PUT" and resource.get("id", id) != id:
        raise BadRequest("The resource's id differs from the request's", f"{place}.resource.id", "invariant")
    return _Entry(
        place, method, RESOURCE_TYPES[name], id or str(uuid.uuid4()), full_url, resource,
        criterion_of(if_none_exist) if method == "POST" else [], if_match,
    )  # fmt: skip


def _meet_existing(session: Session, entries: list[_Entry]) -> None:
    """Where ``ifNoneExist`` finds a resource, or an earlier entry with the same condition, that one is meant."""
    met: dict[tuple[str, str], _Entry] = {}
    for entry in entries:
        if not entry.criterion:
            continue
        twin = met.setdefault((entry.kind.name, repr(sorted(entry.criterion))), entry)
        if twin is entry:
            entry.found = session.existing(entry.kind, entry.criterion)
            entry.id = entry.found["id"] if entry.found else entry.id
        else:
            entry.id, entry.found = twin.id, twin.found or twin.resource


def _resolved(session: Session, entry: _Entry, addresses: dict[str, str]) -> dict[str, Any]:
    """The resource with its own id and real references."""
    resource = rewrite({**entry.resource, "id": entry.id}, addresses)
    conditional = {ref["reference"] for _, ref in references(resource) if "?" in str(ref.get("reference"))}
    if conditional:
        resource = rewrite(resource, {text: _resolve(session, text, entry, addresses) for text in conditional})
    if any(str(ref.get("reference")).startswith("urn:") for _, ref in references(resource)):
        raise BadRequest("A reference leads to no entry of the bundle", f"{entry.place}.resource", "not-found")
    return resource


def _resolve(session: Session, text: str, entry: _Entry, resolved: dict[str, str]) -> str:
    match = _CONDITIONAL.fullmatch(text)
    if not match or match[1] not in RESOURCE_TYPES:
        return text
    if text not in resolved:
        found = session.existing(RESOURCE_TYPES[match[1]], criterion_of(match[2]))
        if found is None:
            raise PreconditionFailed("A conditional reference finds nothing", f"{entry.place}.resource", "not-found")
        resolved[text] = f"{match[1]}/{found['id']}"
    return resolved[text]


def _carry_out(session: Session, entry: _Entry, resource: dict[str, Any]) -> dict[str, Any]:
    try:
        if entry.found is not None:
            stored, status = entry.found, "200 OK"
        else:
            stored, created = _write(session, entry, resource)
            status = "201 Created" if created else "200 OK"
    except FhirError as error:
        error.within(f"{entry.place}.resource")
        raise
    meta = stored.get("meta", {})
    response = {"status": status, "location": entry.address}
    if "versionId" in meta:
        response |= {"etag": f'W/"{meta["versionId"]}"', "lastModified": meta["lastUpdated"]}
    return {"response": response}


def _write(session: Session, entry: _Entry, resource: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    if checked(resource) is not entry.kind:
        raise BadRequest("The resource is not of the type that is asked for", code="invariant")
    if entry.method == "PUT":
        return session.update(resource, entry.kind, entry.if_match)
    return session.insert(resource, entry.kind, entry.criterion), True
