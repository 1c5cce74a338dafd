"""Names of things from a YAML file of a capability, read as training data."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml


@dataclass(frozen=True)
class NameSource:
    """Where names stand in a YAML file.

    Under `section` is a mapping of entries; the lists under the keys `names` of an entry are its other names.
    The value is the entry's own `value` field where one is named, else its key. With `as_said`, each name stands for
    itself: "water pill" means whichever diuretic this patient takes, which only the chart can tell.
    """

    file: str
    section: str
    names: list[str] = field(default_factory=list)
    value: str | None = None
    as_said: bool = False

    def read(self) -> dict[str, str]:
        """Each name in lower case with its value; nothing where the file is absent (a capability left out).

        Raises:
            KeyError: the file has no such section or value.
        """
        path = Path(self.file)
        if not path.is_file():
            return {}
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))[self.section]
        return {
            name: name if self.as_said else self._value(key, entry)
            for key, entry in entries.items()
            for name in self._names(key, entry)
        }

    def _value(self, key: str, entry: dict[str, Any]) -> str:
        return str(entry[self.value]) if self.value else key

    def _names(self, key: str, entry: dict[str, Any]) -> list[str]:
        others = [name for part in self.names for name in entry.get(part) or []]
        own = [] if self.as_said else [self._value(key, entry)]
        return [str(name).lower() for name in [*own, *others]]
