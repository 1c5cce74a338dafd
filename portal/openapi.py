"""``/fhir/openapi.json``: the same table as an OpenAPI 3.0 page, for tools and for the fuzz tests."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from portal.negotiation import FHIR_JSON, FORM
from portal.search_parameters import DATE, RESOURCE_TYPES, ResourceType

_REFUSALS = (400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422)
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string", "pattern": r"^[A-Za-z0-9\-.]{1,64}$"}}


@lru_cache(maxsize=8)
def openapi(fhir_url: str) -> dict[str, Any]:
    """The OpenAPI document of the service at ``fhir_url``. Do not change what it returns: it is kept."""
    paths: dict[str, Any] = {"/metadata": {"get": _operation("metadata", "What the portal can do", [200])}}
    for kind in RESOURCE_TYPES.values():
        paths |= _paths(kind)
    paths["/"] = {"post": _operation("transaction", "A transaction bundle", [200]) | _body({"type": "object"})}
    return {
        "openapi": "3.0.3",
        "info": {"title": "Chartline portal", "version": "FHIR 4.0.1"},
        "servers": [{"url": fhir_url}],
        "security": [{"smart": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"smart": {"type": "http", "scheme": "bearer"}},
            "schemas": {"OperationOutcome": _typed("OperationOutcome", "issue")},
        },
    }


def _paths(kind: ResourceType) -> dict[str, Any]:
    name, resource = kind.name, _body(_typed(kind.name))
    parameters = _search_parameters(kind)
    form = {"type": "object", "properties": {p["name"]: p["schema"] for p in parameters}}
    return {
        f"/{name}": {
            "get": _operation(f"search{name}", f"Search {name}", [200]) | {"parameters": parameters},
            "post": _operation(f"create{name}", f"Create {name}", [200, 201]) | resource,
        },
        f"/{name}/_search": {"post": _operation(f"postSearch{name}", f"Search {name}", [200]) | _body(form, FORM)},
        f"/{name}/{{id}}": {
            "parameters": [_ID],
            "get": _operation(f"read{name}", f"Read {name}", [200, 304]),
            "put": _operation(f"update{name}", f"Update {name}", [200, 201]) | resource,
        },
    }


def _search_parameters(kind: ResourceType) -> list[dict[str, Any]]:
    names = ["_id", *kind.params, "_sort", "_include", "_revinclude", "_elements", "_cursor"]
    found = [_parameter(name, {"type": "string"}) for name in names]
    found += [_parameter(p.name, {"type": "string", "format": "date"}) for p in kind.params.values() if p.kind == DATE]
    found = list({parameter["name"]: parameter for parameter in found}.values())
    found.append(_parameter("_count", {"type": "integer", "minimum": 0}))
    found.append(_parameter("_summary", {"type": "string", "enum": ["count", "false"]}))
    found.append(_parameter("_total", {"type": "string", "enum": ["none", "estimate", "accurate"]}))
    return found


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


def _operation(name: str, summary: str, successes: list[int]) -> dict[str, Any]:
    outcome = {
        "description": "Refused",
        "content": {FHIR_JSON: {"schema": {"$ref": "#/components/schemas/OperationOutcome"}}},
    }
    answers: dict[str, Any] = {str(status): {"description": "Done"} for status in successes}
    return {"operationId": name, "summary": summary, "responses": answers | {str(s): outcome for s in _REFUSALS}}


def _body(schema: dict[str, Any], media_type: str = FHIR_JSON) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {media_type: {"schema": schema}}}}


def _typed(name: str, *required: str) -> dict[str, Any]:
    properties = {"resourceType": {"type": "string", "enum": [name]}}
    return {"type": "object", "required": ["resourceType", *required], "properties": properties}
