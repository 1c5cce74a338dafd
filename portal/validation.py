"""Is it a valid R4 resource? fhir.resources checks structure and values.

What it leaves alone is checked here: JSON's own types (it takes 5 for "5"), elements that are empty, and the codes of
required bindings, by ``required_codes.json`` (made from HL7's JSON schema of R4 4.0.1 and, where that names none, from
the definitions in fhir.resources).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from fhir.resources import get_fhir_model_class
from pydantic import BaseModel, ValidationError

from portal.errors import BadRequest, Invalid
from portal.search_parameters import RESOURCE_TYPES

MAX_FAULTS = 20
WRONG_TYPE = "The value has the wrong type"
Fault = tuple[str, str]
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
    faults = list(_faults(model, resource, name))
    if faults:
        raise Invalid(faults[:MAX_FAULTS])


def _fault(name: str, error: Any) -> Fault:
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
        return WRONG_TYPE, path
    return "The value is not allowed here, or a required element is missing", path


@lru_cache(maxsize=1)
def required_codes() -> dict[str, dict[str, frozenset[str]]]:
    """For each type of element, its coded elements and the codes that they may have."""
    table = json.loads(_CODES.read_text(encoding="utf-8"))
    return {name: {field: frozenset(codes) for field, codes in fields.items()} for name, fields in table.items()}


@cache
def _attributes(model: type[BaseModel]) -> dict[str, str]:
    """For each element's name in JSON the attribute of the model."""
    return {field.alias: field.name for field in model.__fields__.values()}


def _faults(model: Any, raw: dict[str, Any], path: str) -> Iterator[Fault]:
    """What is wrong with an element: ``raw`` is the JSON that ``model`` was read from."""
    codes = required_codes().get(model.resource_type, {})
    attributes = _attributes(type(model))  # type: ignore[arg-type]  # classes are hashable
    for name, raw_value in raw.items():
        place = f"{path}.{name}"
        if raw_value is None or raw_value in ("", [], {}):
            yield "An element must not be empty", place
            continue
        value = getattr(model, attributes.get(name, ""), None)
        if value is None:
            continue
        many = isinstance(raw_value, list) and isinstance(value, list)
        for number, (item, raw_item) in enumerate(zip(value, raw_value) if many else [(value, raw_value)]):  # noqa: B905
            yield from _item_faults(item, raw_item, f"{place}[{number}]" if many else place)
            if name in codes and raw_item is not None and raw_item not in codes[name]:
                yield "Not a code of the required value set", place


def _item_faults(item: Any, raw_item: Any, place: str) -> Iterator[Fault]:
    if isinstance(item, BaseModel) and isinstance(raw_item, dict):
        yield from _faults(item, raw_item, place)
    elif raw_item is None or raw_item == "":
        return  # a gap in a list that its extensions fill, or already told as empty
    elif isinstance(item, bool) or isinstance(raw_item, bool):
        if not (isinstance(item, bool) and isinstance(raw_item, bool)):
            yield WRONG_TYPE, place
    elif isinstance(item, (int, float, Decimal)) != isinstance(raw_item, (int, float, Decimal)):
        yield WRONG_TYPE, place
