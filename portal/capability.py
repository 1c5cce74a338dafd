"""``/metadata``: what the portal can do, told from the table that it runs on.

http://hl7.org/fhir/R4/capabilitystatement.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from portal.query import REVINCLUDES
from portal.search_parameters import DATE, RESOURCE_TYPES, TOKEN, ResourceType

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
SECURITY_SERVICE = "http://terminology.hl7.org/CodeSystem/restful-security-service"
#: Addresses of the sign-in, relative to the portal's own address.
OAUTH_PATHS = {
    "authorize": "/oauth/authorize",
    "token": "/oauth/token",
    "revoke": "/oauth/revoke",
    "introspect": "/oauth/introspect",
}


@lru_cache(maxsize=8)
def capability_statement(fhir_url: str) -> dict[str, Any]:
    """The CapabilityStatement of the service at ``fhir_url``. Do not change what it returns: it is kept."""
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-11-22",
        "kind": "instance",
        "software": {"name": "Chartline portal"},
        "implementation": {"description": "The portal that comes with Chartline", "url": fhir_url},
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [
            {
                "mode": "server",
                "security": _security(fhir_url.removesuffix("/fhir")),
                "resource": [_resource(kind) for kind in RESOURCE_TYPES.values()],
                "interaction": [{"code": "transaction", "documentation": "With system access"}],
            }
        ],
    }


def _security(base_url: str) -> dict[str, Any]:
    uris = [{"url": name, "valueUri": base_url + path} for name, path in OAUTH_PATHS.items()]
    return {
        "cors": False,
        "service": [{"coding": [{"system": SECURITY_SERVICE, "code": "SMART-on-FHIR"}]}],
        "extension": [{"url": OAUTH_URIS, "extension": uris}],
    }


def _resource(kind: ResourceType) -> dict[str, Any]:
    interactions = ["read", "search-type", "create", "update"]
    found: dict[str, Any] = {
        "type": kind.name,
        "interaction": [{"code": code} for code in interactions],
        "versioning": "versioned-update",
        "readHistory": False,
        "updateCreate": True,
        "conditionalCreate": True,
        "conditionalRead": "not-match",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
        "referencePolicy": ["literal", "local"],
        "searchParam": [{"name": "_id", "type": TOKEN}, {"name": "_lastUpdated", "type": DATE}]
        + [{"name": p.name, "type": p.kind} for p in kind.params.values() if p.name != "_lastUpdated"],
    }
    if kind.includes:
        found["searchInclude"] = [f"{kind.name}:{name}" for name in kind.includes]
    if REVINCLUDES[kind.name]:
        found["searchRevInclude"] = REVINCLUDES[kind.name]
    return found
