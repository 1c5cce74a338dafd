"""Reads a YAML file of names: a mapping from the value to its other names, however a capability nests them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml


def read_names(path: Path) -> dict[str, str]:
    """Each name in lower case with the value it stands for.

    Raises:
        ValueError: the file is not a mapping of values to names.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path.name} must map each value to its names.")
    return {name.lower(): value for value, names in content.items() for name in [value, *_strings(names)]}


def _strings(names: Any) -> Iterator[str]:
    if isinstance(names, str):
        yield names
    elif isinstance(names, list):
        for name in names:
            yield from _strings(name)
