"""HL7's own JSON Schema of FHIR R4 as a validator of single resources."""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft6Validator, RefResolver

_SCHEMA = Path(__file__).parents[1] / "vendor" / "fhir-r4" / "fhir.schema.json.gz"


def faults(resource: dict[str, Any]) -> list[str]:
    """Where a resource breaks the schema; empty if it is valid."""
    errors = _validator_of(resource["resourceType"]).iter_errors(resource)
    return [f"{'.'.join(map(str, error.path))}: {error.message}" for error in errors]


@cache
def _validator_of(resource_type: str) -> Draft6Validator:
    """One validator a type: the whole schema tries every one of 148 types, which takes minutes."""
    schema = _schema()
    resolver = RefResolver("", schema, cache_remote=False)
    return Draft6Validator(schema["definitions"][resource_type], resolver=resolver)


@cache
def _schema() -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(gzip.decompress(_SCHEMA.read_bytes()))
    del schema["oneOf"], schema["id"]
    return schema
