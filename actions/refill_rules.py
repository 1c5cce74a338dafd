"""The one rule that decides what can happen with a refill, for every way to ask for one.

It follows what pharmacies and the law do in the United States:

- Schedule II: "The refilling of a prescription ... is prohibited" (21 CFR 1306.12(a)).
- Schedules III and IV: at most five refills, none later than six months after the date of issue
  (21 CFR 1306.22(a)). Federal law leaves schedule V to the prescriber.
- Too soon: insurers pay for a refill once 75 to 85 percent of the last fill should be used up. Here a refill is due
  `early_days` before the last fill runs out or once `used_by` of it is used, whichever comes first, and never before
  `used_at_least`: with 7 days, 85 and 75 percent that is day 23 of 30, day 77 of 90, day 11 of 14.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum

from actions.medication import Medication
from actions.medication_chart import Fill, Request

_FILLED = ("completed", "in-progress", "preparation", "on-hold")


class Outcome(str, Enum):
    """What can happen."""

    REFILL = "refill"
    NONE_LEFT = "none_left"
    EXPIRED = "expired"
    TOO_SOON = "too_soon"
    CONTROLLED = "controlled"
    STOPPED = "stopped"
    ON_HOLD = "on_hold"
    FINISHED = "finished"
    REQUESTED = "requested"
    ELSEWHERE = "elsewhere"


class NextStep(str, Enum):
    """What to do about it."""

    CONFIRM = "confirm"
    OFFER_RENEWAL = "offer_renewal"
    OFFER_REMINDER = "offer_reminder"
    SHOW_STATUS = "show_status"
    CALL_CLINIC = "call_clinic"
    CALL_PRESCRIBER = "call_prescriber"


_NEXT = {
    Outcome.REFILL: NextStep.CONFIRM,
    Outcome.NONE_LEFT: NextStep.OFFER_RENEWAL,
    Outcome.EXPIRED: NextStep.OFFER_RENEWAL,
    Outcome.TOO_SOON: NextStep.OFFER_REMINDER,
    Outcome.REQUESTED: NextStep.SHOW_STATUS,
    Outcome.ELSEWHERE: NextStep.CALL_PRESCRIBER,
}


@dataclass(frozen=True)
class Decision:
    """The outcome, and the facts that are its reason. `refills_left` is None where the chart does not say."""

    outcome: Outcome
    refills_left: int | None = None
    valid_until: date | None = None
    last_filled: date | None = None
    runs_out: date | None = None
    earliest: date | None = None
    request: Request | None = None

    @property
    def next_step(self) -> NextStep:
        """What can be done now."""
        return _NEXT.get(self.outcome, NextStep.CALL_CLINIC)


@dataclass(frozen=True)
class RefillPolicy:
    """How early a refill may be asked for; see the top of this module."""

    early_days: int = 7
    used_by: float = 0.85
    used_at_least: float = 0.75

    @classmethod
    def from_environment(cls) -> RefillPolicy:
        """`CHARTLINE_REFILL_EARLY_DAYS`, a number from 0 to 90; ValueError names it where it is not."""
        text = os.environ.get("CHARTLINE_REFILL_EARLY_DAYS", str(cls.early_days))
        if not text.isdigit() or int(text) > 90:
            raise ValueError("CHARTLINE_REFILL_EARLY_DAYS: must be a number from 0 to 90")
        return cls(int(text))

    def earliest(self, filled: date, days_supply: float) -> date:
        """The first day on which a fill of that day may be refilled."""
        due = min(days_supply - self.early_days, days_supply * self.used_by)
        return filled + timedelta(days=math.ceil(max(due, days_supply * self.used_at_least)))


def decide(
    medication: Medication,
    dispenses: Sequence[Fill],
    tasks: Sequence[Request],
    now: datetime,
    policy: RefillPolicy | None = None,
) -> Decision:
    """What can happen with this prescription at `now` (aware, in the clinic's zone), given its fills and requests."""
    today, policy = now.date(), policy or RefillPolicy()
    facts = _facts(medication, dispenses, policy)
    outcome = _closed(medication, tasks, dispenses)
    if outcome is Outcome.REQUESTED:
        return replace(facts, outcome=outcome, request=_open_request(tasks, dispenses))
    if outcome is None:
        outcome = _by_supply(facts, today)
    return replace(facts, outcome=outcome)


def refills_left(medication: Medication, dispenses: Sequence[Fill]) -> int | None:
    """Repeats allowed minus the fills after the first; None where the prescription does not say how many."""
    if medication.repeats is None:
        return None
    allowed = min(medication.repeats, 5) if medication.schedule in (3, 4) else medication.repeats
    allowed = 0 if medication.schedule == 2 else allowed
    fills = sum(1 for fill in dispenses if fill.status in _FILLED)
    return max(allowed - max(fills - 1, 0), 0)


def last_valid_day(medication: Medication) -> date | None:
    """The last day on which it may be filled."""
    days = [medication.valid_until]
    if medication.schedule in (3, 4) and medication.authored:
        days.append(_six_months_after(medication.authored))
    return min((d for d in days if d), default=None)


def _closed(medication: Medication, tasks: Sequence[Request], dispenses: Sequence[Fill]) -> Outcome | None:
    """The outcomes that no count of refills can change, the gravest first."""
    if medication.elsewhere:
        return Outcome.ELSEWHERE
    if medication.status == "on-hold":
        return Outcome.ON_HOLD
    if medication.status == "completed":
        return Outcome.FINISHED
    if not medication.live:
        return Outcome.STOPPED
    if _open_request(tasks, dispenses):
        return Outcome.REQUESTED
    return Outcome.CONTROLLED if medication.schedule == 2 else None


def _by_supply(facts: Decision, today: date) -> Outcome:
    if facts.valid_until and facts.valid_until < today:
        return Outcome.EXPIRED
    if facts.refills_left == 0 and facts.last_filled:
        return Outcome.NONE_LEFT
    return Outcome.TOO_SOON if facts.earliest and today < facts.earliest else Outcome.REFILL


def _facts(medication: Medication, dispenses: Sequence[Fill], policy: RefillPolicy) -> Decision:
    filled = [f for f in dispenses if f.status == "completed" and f.handed_over]
    last = max(filled, key=lambda f: f.handed_over or date.min, default=None)
    base = Decision(
        Outcome.REFILL,
        refills_left(medication, dispenses),
        last_valid_day(medication),
        last.handed_over if last else None,
    )
    supply = (last and last.days) or medication.supply_days
    if not base.last_filled or not supply:
        return base
    runs_out = base.last_filled + timedelta(days=math.ceil(supply))
    return replace(base, runs_out=runs_out, earliest=policy.earliest(base.last_filled, supply))


def _open_request(tasks: Sequence[Request], dispenses: Sequence[Fill]) -> Request | None:
    """The latest that is open and that no later fill has answered."""
    handed = max((f.handed_over for f in dispenses if f.status == "completed" and f.handed_over), default=None)
    for task in tasks:
        answered = handed and task.authored and handed >= task.authored.date()
        if task.open and not answered:
            return task
    return None


def _six_months_after(issued: date) -> date:
    year, month = divmod(issued.year * 12 + issued.month - 1 + 6, 12)
    for last in (issued.day, 30, 29, 28):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise ValueError(f"no such month: {month + 1}")
