"""What a request may do: the chart that is open, who opened it, and the SMART scopes that were granted.

Scopes follow SMART App Launch, v1 (``patient/Task.write``) and v2 (``patient/Task.cru``):
https://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

_SCOPE = re.compile(r"(patient|system)/(\*|[A-Za-z]+)\.(read|write|\*|c?r?u?d?s?)")
_LETTERS = {"read": "rs", "write": "cud", "*": "cruds"}
_LETTER_OF = {"create": "c", "read": "r", "update": "u", "delete": "d", "search": "s"}


@dataclass(frozen=True)
class Proxy:
    """Somebody who acts for the patient: the RelatedPerson in the chart, and the types that are open now."""

    related_person_id: str
    types: frozenset[str]

    def allows(self, resource_type: str, interaction: str) -> bool:
        """Whether the type is open. Nobody but the patient and the clinic changes who may open a chart."""
        if resource_type == "Consent" and interaction in ("create", "update"):
            return False
        # The note of who looked may always be left; reading it is not a patient's right either.
        return resource_type in self.types or (resource_type, interaction) == ("AuditEvent", "create")


@dataclass(frozen=True)
class Access:
    """Who asks. ``patient_id`` None is system access: seeding and the back office."""

    patient_id: str | None
    scopes: frozenset[str]
    client_id: str = ""
    proxy: Proxy | None = None

    def allows(self, resource_type: str, interaction: str) -> bool:
        """Whether scope and proxy grant ``interaction`` (create, read, update, delete, search) on the type."""
        if self.proxy is not None and not self.proxy.allows(resource_type, interaction):
            return False
        context = "system" if self.patient_id is None else "patient"
        granted = _granted(self.scopes, context)
        return any(_LETTER_OF[interaction] in granted.get(name, "") for name in (resource_type, "*"))


@lru_cache(maxsize=1024)
def _granted(scopes: frozenset[str], context: str) -> dict[str, str]:
    """The letters of ``cruds`` for each type. A scope narrowed by a query grants nothing: we cannot honour it."""
    granted: dict[str, str] = {}
    for scope in scopes:
        match = _SCOPE.fullmatch(scope)
        if match and match[1] == context:
            granted[match[2]] = granted.get(match[2], "") + _LETTERS.get(match[3], match[3])
    return granted


SYSTEM = Access(None, frozenset({"system/*.*"}))
