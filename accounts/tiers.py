"""How much of a chart may be told at one person's end of one channel.

- `NONE`: nobody known, or known and not agreed: a message names no test, drug, person or condition.
- `CONSENTED`: the patient signed in, and agreed to read details there: short, and nothing sensitive.
- `FULL`: the web chat, signed in and not locked.
"""

from __future__ import annotations

from enum import IntEnum


class Tier(IntEnum):
    """Ordered: a higher tier may be told all that a lower one may."""

    NONE = 0
    CONSENTED = 1
    FULL = 2

    @property
    def word(self) -> str:
        """As it is written in a domain file and in a message's metadata."""
        return self.name.lower()

    @classmethod
    def named(cls, word: object) -> Tier:
        """The tier of this name; `NONE` for anything else, because what is not understood opens nothing."""
        return cls.__members__.get(str(word).upper(), cls.NONE) if isinstance(word, str) else cls.NONE
