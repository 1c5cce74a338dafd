"""Who looks after this patient: clinicians and practice, found in the chart, with their specialties.

From Patient.generalPractitioner, CareTeam, visits and messages; their specialties from PractitionerRole
(https://hl7.org/fhir/R4/practitionerrole.html). What a portal does not serve is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from rapidfuzz import fuzz
from ruamel.yaml import YAML

from actions.portal_client import PortalClient, PortalForbidden, PortalNotFound, PortalRejected

Resource = dict[str, Any]

CLOSE = 80  # of 100: how alike a misspelt family name must be
_TITLES = {"dr", "dr.", "doctor", "doc", "md", "md.", "mr", "mr.", "mrs", "mrs.", "ms", "ms.", "np", "pa", "nurse"}
_NOT_SERVED = (PortalForbidden, PortalNotFound, PortalRejected)


@dataclass(frozen=True)
class Clinician:
    """A clinician, or the practice. `primary`: the patient's general practitioner. `specialties` as written."""

    reference: str
    name: str
    specialties: tuple[str, ...] = ()
    primary: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The words of the name without titles, lower case: given names, then the family name."""
        words = re.sub(r"[,;].*", "", self.name.lower()).split()
        return tuple(word.strip(".") for word in words if word not in _TITLES)

    def is_called(self, said: str) -> bool:
        """Whether `said` is this person's name, the family name also misspelt."""
        words = [w.strip(".,") for w in said.lower().removesuffix("'s").removesuffix("’s").split()]
        words = [w for w in words if w and w not in _TITLES]
        if not words or not self.names:
            return False
        return words[-1] in self.names or fuzz.ratio(words[-1], self.names[-1]) >= CLOSE

    def has_specialty(self, called: str) -> bool:
        """Whether this is a `called` ("heart doctor")."""
        meant = specialties().get(called.lower(), (called.lower(),))
        found = any(part in written.lower() for part in meant for written in self.specialties)
        return found or (self.primary and "primary care" in meant)


@dataclass(frozen=True)
class CareTeam:
    """The patient's own clinicians, the general practitioner first, and the practice where one is on file."""

    clinicians: tuple[Clinician, ...] = ()
    practice: Clinician | None = None

    def called(self, said: str) -> list[Clinician]:
        """Those with this name; the very name goes before one that is spelt alike."""
        found = [c for c in self.clinicians if c.is_called(said)]
        words = {w.strip(".,") for w in said.lower().split()}
        return [c for c in found if c.names[-1] in words] or found

    def with_specialty(self, called: str) -> list[Clinician]:
        """Those who are what patients call a heart doctor, a pcp and so on."""
        return [c for c in self.clinicians if c.has_specialty(called)]


@lru_cache(maxsize=1)
def specialties() -> dict[str, tuple[str, ...]]:
    """For each name that people use: the parts of a specialty's text that say it (`specialties.yml`)."""
    kinds: dict[str, dict[str, list[str]]] = YAML(typ="safe").load(Path(__file__).with_name("specialties.yml"))
    return {called: tuple(kind["written"]) for kind in kinds.values() for called in kind["called"]}


async def load_care_team(portal: PortalClient, patient: str, messages: Iterable[Resource] = ()) -> CareTeam:
    """Ask the portal. `messages` are the patient's Communications, where they were read already."""
    person = await portal.read("Patient", patient.removeprefix("Patient/"))
    found = _Found()
    general = [await _practitioner_of(portal, one) for one in person.get("generalPractitioner") or []]
    found.add(general)
    teams = await _search(portal, "CareTeam", patient=patient, status="active")
    found.add(p.get("member") for team in teams for p in team.get("participant") or [])
    visits = await _search(portal, "Appointment", patient=patient)
    found.add(p.get("actor") for visit in visits for p in visit.get("participant") or [])
    found.add(who for m in messages for who in [m.get("sender"), *(m.get("recipient") or [])])
    primary = {one.get("reference", "") for one in general}
    return await _described(portal, found.people, primary, _practice(person, general))


@dataclass
class _Found:
    """Practitioners by reference, in the order in which they were found, with the first name that was given."""

    people: dict[str, str] = field(default_factory=dict)

    def add(self, references: Iterable[Resource | None]) -> None:
        for one in filter(None, references):
            reference = str(one.get("reference") or "")
            if reference.startswith("Practitioner/") and not self.people.get(reference):
                self.people[reference] = str(one.get("display") or "")


async def _described(
    portal: PortalClient, people: dict[str, str], primary: set[str], practice: Clinician | None
) -> CareTeam:
    if not people:
        return CareTeam((), practice)
    roles = await _search(portal, "PractitionerRole", practitioner=",".join(people))
    spoken: dict[str, list[str]] = {reference: [] for reference in people}
    for role in roles:
        reference = (role.get("practitioner") or {}).get("reference", "")
        spoken.setdefault(reference, []).extend(_texts(role.get("specialty") or []))
    described = [
        Clinician(reference, name, tuple(dict.fromkeys(spoken[reference])), reference in primary)
        for reference, given in people.items()
        if (name := given or await _name(portal, reference))
    ]
    return CareTeam(tuple(sorted(described, key=lambda c: not c.primary)), practice)


async def _practitioner_of(portal: PortalClient, reference: Resource) -> Resource:
    """Whom a PractitionerRole stands for; any other reference as it is."""
    kind, _, known = str(reference.get("reference") or "").partition("/")
    if kind != "PractitionerRole":
        return reference
    try:
        return dict((await portal.read(kind, known)).get("practitioner") or {})
    except _NOT_SERVED:
        return {}


def _practice(person: Resource, general: list[Resource]) -> Clinician | None:
    for one in [person.get("managingOrganization") or {}, *general]:
        reference = str(one.get("reference") or "")
        if reference.startswith("Organization/"):
            return Clinician(reference, str(one.get("display") or ""))
    return None


async def _name(portal: PortalClient, reference: str) -> str:
    try:
        person = await portal.read("Practitioner", reference.removeprefix("Practitioner/"))
    except _NOT_SERVED:
        return ""
    name: Resource = next(iter(person.get("name") or []), {})
    parts = [*(name.get("prefix") or []), *(name.get("given") or []), name.get("family") or ""]
    return str(name.get("text") or " ".join(parts)).strip()


async def _search(portal: PortalClient, kind: str, **params: Any) -> list[Resource]:
    try:
        found = await portal.search(kind, **params)
    except _NOT_SERVED:
        return []
    return [resource for resource in found if resource.get("resourceType") == kind]


def _texts(concepts: list[Resource]) -> list[str]:
    found = [c.get("text") or next((x.get("display") for x in c.get("coding") or []), "") for c in concepts]
    return [str(text) for text in found if text]
