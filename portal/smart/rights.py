"""What somebody who acts for a patient may open: the patient's age, the clinic's policy, and the consents on file.

A child's proxy opens what the Consent names: all of it below `full_under`, from there on only the policy's limited
types, and nothing from `none_from` on. Then a Consent that the patient gave, as an adult, is what counts.

Consent: http://hl7.org/fhir/R4/consent.html. One that is narrowed by anything but types (a security label, a purpose,
an exception) opens nothing, because the portal does not filter by it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from portal.dates import as_datetime, interval_of, microseconds
from portal.indexing import Target, target_of
from portal.paths import values
from portal.search_parameters import RESOURCE_TYPES

Resource = dict[str, Any]

WHOLE_CHART = frozenset(RESOURCE_TYPES)
#: Comes with every right: who the patient is, and the clinic's directory, which is in no chart.
BASIC = frozenset(name for name, kind in RESOURCE_TYPES.items() if kind.shared) | {"Patient"}
_TYPES_SYSTEM = "http://hl7.org/fhir/resource-types"
_PRIVACY = "patient-privacy"
_NARROWING = ("securityLabel", "purpose", "code", "dataPeriod", "data", "provision", "modifierExtension")


@dataclass(frozen=True)
class Policy:
    """Ages in years: `full_under` ends the full access, `none_from` ends the limited one to `limited_types`."""

    full_under: int
    none_from: int
    limited_types: frozenset[str]


@dataclass(frozen=True)
class Related:
    """A RelatedPerson and the chart that it is in; `base_url` is this server's, for absolute references."""

    resource: Resource
    patient_id: str
    base_url: str

    def is_named_by(self, references: Iterable[Any]) -> bool:
        """Whether one of the references leads to this person."""
        return self._one_is(Target("RelatedPerson", self.resource["id"]), references)

    def patient_is_named_by(self, references: Iterable[Any]) -> bool:
        """Whether one of the references leads to the patient."""
        return self._one_is(Target("Patient", self.patient_id), references)

    def stands(self, moment: datetime) -> bool:
        """Whether the relationship holds at `moment`."""
        return self.resource.get("active") is True and _holds(self.resource.get("period"), moment)

    def _one_is(self, target: Target, references: Iterable[Any]) -> bool:
        found = (reference.get("reference") for reference in references)
        return any(target_of(literal, self.base_url) == target for literal in found if literal)


def age_of(patient: Resource, day: date) -> int | None:
    """Full years on `day`; where only month or year of birth is known, as if born on its first day."""
    born = interval_of(patient.get("birthDate"))
    if born is None:
        return None
    first = as_datetime(born.start).date()
    return day.year - first.year - ((day.month, day.day) < (first.month, first.day))


def open_types(
    policy: Policy, patient: Resource, related: Related, consents: Iterable[Resource], moment: datetime
) -> frozenset[str]:
    """The types of the patient's chart that are open to the related person at `moment`; none: no right at all."""
    if not related.stands(moment):
        return frozenset()
    standing = [consent for consent in consents if _stands(consent, related, moment)]
    age = age_of(patient, moment.date())
    adult = age is None or age >= policy.none_from
    permits = [c for c in standing if _permits(c) and (not adult or _chosen_by_adult(c, patient, related, policy))]
    granted = _types(permits) - _types(c for c in standing if c["provision"].get("type") == "deny")
    if age is not None and policy.full_under <= age < policy.none_from:
        granted &= policy.limited_types
        return granted | (BASIC & policy.limited_types) if granted else granted
    return granted | BASIC if granted else granted


def _stands(consent: Resource, related: Related, moment: datetime) -> bool:
    """Whether it is in force, and about who may see the chart, and about this person."""
    provision = consent.get("provision", {})
    return (
        consent["status"] == "active"
        and _PRIVACY in [coding.get("code") for coding in values(consent, "scope.coding")]
        and related.is_named_by(values(provision, "actor.reference"))
        and _holds(provision.get("period"), moment)
    )


def _permits(consent: Resource) -> bool:
    provision = consent["provision"]
    actions = [coding.get("code") for coding in values(provision, "action.coding")]
    understood = "modifierExtension" not in consent and not any(name in provision for name in _NARROWING)
    return provision.get("type") == "permit" and understood and (not actions or "access" in actions)


def _chosen_by_adult(consent: Resource, patient: Resource, related: Related, policy: Policy) -> bool:
    """Whether the patient gave it, and was of age then."""
    if not related.patient_is_named_by(values(consent, "performer")):
        return False
    given = interval_of(consent.get("dateTime"))
    age = age_of(patient, as_datetime(given.start).date()) if given else None
    return age is None or age >= policy.none_from


def _types(consents: Iterable[Resource]) -> frozenset[str]:
    return frozenset().union(*(_classes(consent["provision"]) for consent in consents))


def _classes(provision: Resource) -> frozenset[str]:
    if not provision.get("class"):
        return WHOLE_CHART
    codes = {coding.get("code") for coding in provision["class"] if coding.get("system") == _TYPES_SYSTEM}
    return WHOLE_CHART & codes


def _holds(period: Resource | None, moment: datetime) -> bool:
    interval = interval_of(period or {})
    return interval is None or interval.start <= microseconds(moment) <= interval.end
