"""Allergies, conditions and vaccines as a chart has them (US Core), but what was ruled out or entered in error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo

from actions.record_dates import RecordDate, first_date, record_date
from actions.record_names import Kind, name_of, record_names, vaccine_name
from actions.sensitivity import sensitivity

Resource = dict[str, Any]

_UNTRUE = {"refuted", "entered-in-error"}
_DOUBTFUL = {"unconfirmed", "provisional", "differential"}
_OVER = {"inactive", "resolved", "remission"}
# SNOMED CT: no known allergy, and no known allergy to drugs, foods, the environment, latex, insects, animals
_NO_KNOWN_ALLERGY = "716186003"
_NO_KNOWN = {_NO_KNOWN_ALLERGY, "409137002", "429625007", "428607008", "716184000", "428197003", "716220001"}
_NO_KNOWN_WORDS = re.compile(r"^(no[- ]?known|nkd?a\b|nkfa\b|not allergic|no allerg(y|ies)$)", re.I)
_NOT_ASKED = re.compile(r"^no-(allergy|problem)-info", re.I)
_ANY = re.compile(r"^(no[- ]?known[- ]?allerg(y|ies)|nka|no allerg(y|ies))\b", re.I)


@dataclass(frozen=True)
class Allergy:
    """Something a patient should not have; or, with `none_known`, that somebody asked and there is nothing known."""

    name: str
    since: RecordDate
    reaction: str = ""
    severity: str = ""
    dangerous: bool = False
    over: bool = False
    doubtful: bool = False
    none_known: bool = False
    of_any_kind: bool = False
    sensitive: bool = False


class State(Enum):
    """How a condition stands now."""

    ACTIVE = "active"
    BACK = "back"
    OVER = "over"
    UNSAID = "unsaid"


@dataclass(frozen=True)
class Condition:
    """A health problem, when it began and, where that is known, ended."""

    name: str
    state: State
    since: RecordDate
    until: RecordDate
    doubtful: bool = False
    sensitive: bool = False

    @property
    def order(self) -> float:
        """Newest is greatest."""
        return max(self.since.order, self.until.order)


@dataclass(frozen=True)
class Vaccine:
    """One vaccine that was given on a day; or not, and why."""

    name: str
    kinds: tuple[Kind, ...]
    when: RecordDate
    given: bool
    maker: str = ""
    reason: str = ""
    sensitive: bool = False


def allergies(resources: Iterable[Resource], zone: ZoneInfo) -> list[Allergy]:
    """What stands on the list, the dangerous first. "No known allergies" does not stand beside an allergy."""
    found = [_allergy(r, zone) for r in resources if r.get("resourceType") == "AllergyIntolerance" and _is_said(r)]
    stated = [a for a in found if not (a.none_known and a.over)]
    real = any(not a.none_known and not a.over for a in stated)
    kept = [a for a in stated if not (real and a.of_any_kind)]
    return sorted(_once(kept), key=lambda a: (a.over, a.none_known, not a.dangerous, a.name.lower()))


def conditions(resources: Iterable[Resource], zone: ZoneInfo) -> list[Condition]:
    """What stands on the list, newest first; one that came several times stands once for each state."""
    found = [_condition(r, zone) for r in resources if r.get("resourceType") == "Condition" and _is_said(r)]
    latest: dict[tuple[str, State], Condition] = {}
    for condition in sorted(found, key=lambda c: c.order, reverse=True):
        latest.setdefault((condition.name.lower(), condition.state), condition)
    return list(latest.values())


def vaccines(resources: Iterable[Resource], zone: ZoneInfo) -> list[Vaccine]:
    """All vaccines, newest first."""
    known = {"completed", "not-done"}
    found = (r for r in resources if r.get("resourceType") == "Immunization" and r.get("status") in known)
    return sorted(_once([_vaccine(r, zone) for r in found]), key=lambda v: v.when.order, reverse=True)


def _allergy(resource: Resource, zone: ZoneInfo) -> Allergy:
    code = resource.get("code") or _first(resource.get("reaction")).get("substance") or {}
    name, codes = name_of(code), {str(c.get("code") or "") for c in code.get("coding", [])}
    none_known = bool(codes & _NO_KNOWN) or any(map(_NO_KNOWN_WORDS.search, (name, *codes)))
    reactions = resource.get("reaction") or []
    return Allergy(
        name=name,
        since=_since(resource, zone),
        reaction=", ".join(dict.fromkeys(name_of(m) for r in reactions for m in r.get("manifestation", []))),
        severity=_worst(str(r.get("severity") or "") for r in reactions),
        dangerous=resource.get("criticality") == "high",
        over=_status(resource) in _OVER,
        doubtful=_verification(resource) in _DOUBTFUL,
        none_known=none_known,
        of_any_kind=none_known and (_NO_KNOWN_ALLERGY in codes or any(map(_ANY.search, (name, *codes)))),
        sensitive=sensitivity().of_record(resource),
    )


def _condition(resource: Resource, zone: ZoneInfo) -> Condition:
    return Condition(
        name=record_names().condition(resource.get("code") or {}),
        state=_state(resource),
        since=_since(resource, zone),
        until=first_date(resource, "abatement", zone),
        doubtful=_verification(resource) in _DOUBTFUL,
        sensitive=sensitivity().of_record(resource),
    )


def _state(resource: Resource) -> State:
    status = _status(resource)
    if status in _OVER or any(key.startswith("abatement") for key in resource):
        return State.OVER
    if status in ("recurrence", "relapse"):
        return State.BACK
    categories = {c.get("code") for category in resource.get("category", []) for c in category.get("coding", [])}
    return State.ACTIVE if status == "active" or "problem-list-item" in categories else State.UNSAID


def _vaccine(resource: Resource, zone: ZoneInfo) -> Vaccine:
    concept = resource.get("vaccineCode") or {}
    kinds = record_names().vaccine(concept)
    when = first_date(resource, "occurrence", zone)
    return Vaccine(
        name=vaccine_name(name_of(concept), kinds),
        kinds=kinds,
        when=when if when.written else record_date(resource.get("recorded"), zone),
        given=resource["status"] == "completed",
        maker=str((resource.get("manufacturer") or {}).get("display") or ""),
        reason=name_of(resource.get("statusReason") or {}),
        sensitive=sensitivity().of_record(resource),
    )


def _is_said(resource: Resource) -> bool:
    """Whether the chart claims it, and it has a name."""
    code = resource.get("code") or _first(resource.get("reaction")).get("substance") or {}
    unasked = any(_NOT_ASKED.search(str(c.get("code") or "")) for c in code.get("coding", []))
    return _verification(resource) not in _UNTRUE and bool(name_of(code)) and not unasked


def _since(resource: Resource, zone: ZoneInfo) -> RecordDate:
    onset = first_date(resource, "onset", zone)
    return onset if onset.written else replace(record_date(resource.get("recordedDate"), zone), noted=True)


def _status(resource: Resource) -> str:
    return str(_first((resource.get("clinicalStatus") or {}).get("coding")).get("code") or "")


def _verification(resource: Resource) -> str:
    return str(_first((resource.get("verificationStatus") or {}).get("coding")).get("code") or "")


def _worst(severities: Iterable[str]) -> str:
    found = set(severities)
    return next((severity for severity in ("severe", "moderate", "mild") if severity in found), "")


def _first(found: list[Any] | None) -> Resource:
    return found[0] if found else {}


def _once(found: list[Any]) -> list[Any]:
    return list(dict.fromkeys(found))
