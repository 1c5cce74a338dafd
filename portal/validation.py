"""Is it a valid R4 resource? fhir.resources checks structure and types; the codes of required bindings, which it
leaves alone, are checked against ``required_codes.json`` (made from HL7's own JSON schema of R4 4.0.1)."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from fhir.resources import get_fhir_model_class
from pydantic import BaseModel, ValidationError

from portal.errors import BadRequest, Invalid
from portal.search_parameters import RESOURCE_TYPES

MAX_FAULTS = 20
_CODES = Path(__file__).with_name("required_codes.json")


def validate(resource: Any, expected_type: str = "") -> None:
    """Raises BadRequest where it is no resource of the expected type at all, Invalid where it has faults."""
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(name, str) or name not in RESOURCE_TYPES:
        raise BadRequest("The body is not a resource of a type that this server has", "resourceType", "structure")
    if expected_type and name != expected_type:
        raise BadRequest(f"The body is not of type {expected_type}", "resourceType", "invariant")
    try:
        model = get_fhir_model_class(name).parse_obj(resource)
    except ValidationError as error:
        raise Invalid([_fault(name, found) for found in error.errors()[:MAX_FAULTS]]) from error
    except (RecursionError, ArithmeticError, TypeError, ValueError, KeyError, AttributeError, LookupError) as error:
        raise Invalid([("The resource cannot be read", name)]) from error
    faults = _wrong_codes(model, name)
    if faults:
        raise Invalid(faults[:MAX_FAULTS])


def _fault(name: str, error: Any) -> tuple[str, str]:
    """A message without the value, which may be the patient's data, and where the fault is."""
    path = name
    for step in error["loc"]:
        path += f"[{step}]" if isinstance(step, int) else "" if step == "__root__" else f".{step}"
    kind = str(error["type"])
    if kind == "value_error.extra":
        return "This element does not exist", path
    if kind.endswith("missing"):
        return "A required element is missing", path
    if kind.startswith("type_error"):
        return "The value has the wrong type", path
    return "The value is not allowed here, or a required element is missing", path


@lru_cache(maxsize=1)
def required_codes() -> dict[str, dict[str, frozenset[str]]]:
    """For each type of element, its coded elements and the codes that they may have."""
    table = json.loads(_CODES.read_text(encoding="utf-8"))
    return {name: {field: frozenset(codes) for field, codes in fields.items()} for name, fields in table.items()}


def _wrong_codes(value: Any, path: str) -> list[tuple[str, str]]:
    faults: list[tuple[str, str]] = []
    rules = required_codes().get(value.resource_type, {})
    for name, item in value.__dict__.items():
        if item is None or name == "resource_type":
            continue
        if name in rules:
            codes = item if isinstance(item, list) else [item]
            faults += [
                ("Not a code of the required value set", f"{path}.{name}") for c in codes if c not in rules[name]
            ]
        for number, child in enumerate(item if isinstance(item, list) else [item]):
            if isinstance(child, BaseModel):
                place = f"{path}.{name}[{number}]" if isinstance(item, list) else f"{path}.{name}"
                faults += _wrong_codes(child, place)
    return faults
