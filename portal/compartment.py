"""Whose chart a resource is in, and what a patient, or who acts for one, may write into it.

http://hl7.org/fhir/R4/compartmentdefinition-patient.html; here every resource is in one chart at most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from portal.access import Access
from portal.errors import Forbidden
from portal.indexing import Target, target_of
from portal.paths import references, values
from portal.search_parameters import CHART_PARAMS, RESOURCE_TYPES, SELF, ResourceType

#: Tells the chart of a stored resource ('' for none), or None where there is no such resource.
ChartOf = Callable[[Target], "str | None"]
#: Where a resource says who wrote it: nobody writes in the name of another helper.
_AUTHOR = frozenset({"requester", "sender"})
_LETTER = {"create": "c", "read": "r", "update": "u", "search": "s"}


def require(access: Access, kind: ResourceType, interaction: str) -> None:
    """Raises Forbidden where the scopes, or the patient's role, do not allow the interaction."""
    if not access.allows(kind.name, interaction):
        raise Forbidden(f"The token's scopes do not allow {interaction} on {kind.name}")
    if access.patient_id is not None and _LETTER[interaction] not in kind.patient_may:
        raise Forbidden(f"A patient may not {interaction} {kind.name}")


def visible(access: Access, kind: ResourceType, chart: str) -> bool:
    """Whether a resource in this chart may be shown: one's own, or what belongs to no chart by its type."""
    return access.patient_id is None or kind.shared or chart == access.patient_id


def chart_of(resource: dict[str, Any], kind: ResourceType, base_url: str, stored: ChartOf) -> str:
    """The id of the patient that the resource itself names; '' where it names none."""
    for path in kind.compartment:
        if path == SELF:
            return str(resource.get("id", ""))
        for value in values(resource, path):
            target = target_of(value.get("reference") or "", base_url) if isinstance(value, dict) else None
            if target and target.type == "Patient":
                return target.id
            if target and kind.name == "Binary":  # http://hl7.org/fhir/R4/binary.html: its rights are the target's
                return stored(target) or ""
    return ""


def check_write(
    resource: dict[str, Any],
    kind: ResourceType,
    access: Access,
    base_url: str,
    stored: ChartOf,
    before: dict[str, Any] | None = None,
) -> None:
    """A patient writes: every reference must stay inside the own chart, or lead to what is shared.

    Who acts for a patient may point to what is open to them, and to what the version ``before`` pointed to already.
    What does not exist, what is another's and what is not open get the same answer. Raises Forbidden.
    """
    patient_id = str(access.patient_id)
    known = {reference.get("reference") for _, reference in references(before)}
    for path, reference in references(resource):
        literal = reference.get("reference")
        if not isinstance(literal, str):
            if reference["type"] in RESOURCE_TYPES and not RESOURCE_TYPES[reference["type"]].shared:
                raise Forbidden("A reference must name its target by its address", f"{kind.name}.{path}")
        elif not literal.startswith("#"):
            target = target_of(literal, base_url)
            if target is None or not _may_refer(target, patient_id, stored):
                raise Forbidden("A reference leads to nothing in this patient's chart", f"{kind.name}.{path}")
            if literal not in known and not _is_open(target, path, access):
                raise Forbidden("A reference leads to nothing in this patient's chart", f"{kind.name}.{path}")
    if kind.name == "Subscription":
        _check_criteria(str(resource.get("criteria", "")), access, base_url)


def _may_refer(target: Target, patient_id: str, stored: ChartOf) -> bool:
    if target.type not in RESOURCE_TYPES:
        return False
    if target.type == "Patient":
        return target.id == patient_id
    chart = stored(target)
    return chart is not None and (RESOURCE_TYPES[target.type].shared or chart == patient_id)


def _is_open(target: Target, path: str, access: Access) -> bool:
    """Whether a new reference may lead to a resource of the chart: who acts for the patient must not probe it."""
    proxy = access.proxy
    if target.type == "RelatedPerson" and proxy and target.id == proxy.related_person_id:
        return True
    if target.type == "RelatedPerson" and path in _AUTHOR:
        return False
    return proxy is None or target.type in proxy.types or target.type == "Patient" or RESOURCE_TYPES[target.type].shared


def _check_criteria(criteria: str, access: Access, base_url: str) -> None:
    """A subscription may only ask for what its owner may search: ``Task?patient=<own id>``."""
    name, _, search = criteria.partition("?")
    named = [value for name, value in parse_qsl(search, keep_blank_values=True) if name in CHART_PARAMS]
    targets = [target_of(value, base_url) or Target("Patient", value) for value in named]
    closed = access.proxy is not None and name not in access.proxy.types
    if closed or not targets or any(target != Target("Patient", str(access.patient_id)) for target in targets):
        raise Forbidden("A subscription must be about the patient's own chart", "Subscription.criteria")
