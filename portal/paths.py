"""Reading values out of a resource by a path of element names: ``participant.actor``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def values(resource: Any, path: str) -> list[Any]:
    """Every value at the path, lists flattened. A name that is not there gives nothing."""
    found = [resource]
    for name in path.split("."):
        found = [item for value in found if isinstance(value, dict) for item in _items(value.get(name))]
    return found


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def references(value: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every ``Reference`` element inside, contained resources and extensions too, with its path."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str) or ("identifier" in value and "type" in value and path):
            yield path, value
        for name, item in value.items():
            yield from references(item, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for item in value:
            yield from references(item, path)


def rewrite(value: Any, mapping: dict[str, str]) -> Any:
    """A copy in which each string that is a key of ``mapping`` is replaced."""
    if isinstance(value, dict):
        return {name: rewrite(item, mapping) for name, item in value.items()}
    if isinstance(value, list):
        return [rewrite(item, mapping) for item in value]
    return mapping.get(value, value) if isinstance(value, str) else value
