"""What a refill conversation still has to settle, kept in the slot `refill_plan` between the turns."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import Any

from actions.medication import Place

SLOT = "refill_plan"


class Question(str, Enum):
    """What the patient is asked; at most one at a time."""

    CHOICE = "choice"
    MEANT = "meant"
    CONFIRM = "confirm"
    RENEW = "renew"
    DAYS_LEFT = "days_left"
    REMIND = "remind"


@dataclass
class Unclear:
    """A name that can be several prescriptions, or one that looks alike. `known` is what was understood."""

    said: str
    known: str
    found: list[str]


@dataclass
class Plan:
    """Ids of prescriptions by what is still open about them. The chart itself is asked anew in each turn.

    `agreed` is that the patient wants the first renewal; `days_left` how long the medicine lasts, if already said;
    `ask` the open question as a response with its values, so that it can be asked again without the portal.
    """

    unclear: list[Unclear] = field(default_factory=list)
    refill: list[str] = field(default_factory=list)
    renew: list[str] = field(default_factory=list)
    remind: list[str] = field(default_factory=list)
    agreed: bool = False
    days_left: int | None = None
    pharmacy: Place | None = None
    misses: int = 0
    ask: dict[str, Any] = field(default_factory=dict)

    @property
    def question(self) -> Question | None:
        """The open question; None when everything is settled."""
        if self.unclear:
            return Question.MEANT if len(self.unclear[0].found) == 1 else Question.CHOICE
        if self.refill:
            return Question.CONFIRM
        if self.renew:
            return Question.DAYS_LEFT if self.agreed else Question.RENEW
        return Question.REMIND if self.remind else None

    def settle_renewal(self) -> str:
        """Take the first renewal off the list."""
        self.agreed, self.days_left = False, None
        return self.renew.pop(0)

    def to_slot(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_slot(cls, value: Any) -> Plan | None:
        """The plan in a slot's value; None where there is none."""
        if not value:
            return None
        plan = cls(**value)
        plan.unclear = [Unclear(**u) for u in value["unclear"]]
        plan.pharmacy = Place(**value["pharmacy"]) if value["pharmacy"] else None
        return plan
