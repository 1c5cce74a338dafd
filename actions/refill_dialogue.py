"""One turn of a refill: what the patient's message does to the plan."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from actions.medication import Medication, Place, per_day
from actions.medication_mentions import How, Mention, find_mentions, narrowed, says_all
from actions.refill_answers import (
    Concern,
    adds,
    concern,
    days_left,
    days_mentioned,
    is_clear_yes,
    is_only,
    is_unsure,
    leaves_out,
    ordinal,
    pharmacy_named,
)
from actions.refill_desk import RefillDesk
from actions.refill_plan import Plan, Question
from actions.refill_words import row

_ANSWERS = {"affirm", "deny", "choose", "refill_medication", "nlu_fallback", ""}
_MISSES = _ANSWERS | {"out_of_scope"}


class RefillDialogue(RefillDesk):
    """Listens: what the patient's message does to the plan."""

    async def start(self) -> None:
        """Find what the request names and decide about each."""
        if self._leave_for_safety():
            return
        self.plan.pharmacy = self._pharmacy()
        mentions = self._mentions()
        if mentions:
            self.plan.days_left = days_mentioned(self.turn.text) if len(mentions) == 1 else None
            self._resolve(mentions)
        else:
            self._without_a_name()
        self._ask()

    async def hear(self) -> bool:
        """Take the message as the answer to the open question; False where it is none and the rules should have it."""
        if self.turn.intent == "cancel_task":
            self.turn.say("utter_refill_cancelled")
            self.plan = Plan()
            return True
        if self._leave_for_safety():
            return True
        if not await self._answers()[self._question]():
            return self._miss()
        self.plan.misses = 0
        self._ask()
        return True

    @property
    def _question(self) -> Question:
        if self.plan.question is None:
            raise ValueError("no question is open")
        return self.plan.question

    def _answers(self) -> dict[Question, Callable[[], Awaitable[bool]]]:
        return {
            Question.CHOICE: self._hear_which,
            Question.MEANT: self._hear_which,
            Question.CONFIRM: self._hear_confirm,
            Question.RENEW: self._hear_renew,
            Question.DAYS_LEFT: self._hear_days_left,
            Question.REMIND: self._hear_remind,
        }

    # what the patient answers

    async def _hear_which(self) -> bool:
        unclear = self.plan.unclear[0]
        candidates = [m for m in map(self.chart.get, unclear.found) if m]
        chosen = self._chosen(candidates)
        if chosen:
            self.plan.unclear.pop(0)
            for medication in chosen:
                self._decide(medication)
            return True
        if self._corrected():
            return True
        if self.turn.intent == "deny":
            self.plan.unclear.pop(0)
            self._lines.append(row("utter_refill_none_of_these"))
            return True
        return False

    def _chosen(self, candidates: list[Medication]) -> list[Medication]:
        picked = [m for m in candidates if m.id in self.turn.entities("choice")]
        if picked or not self._speaks_to_us(candidates):
            return picked
        text = self.turn.text
        if says_all(text) or (len(candidates) == 1 and self._yes):
            return candidates
        named = {m for mention in find_mentions(text, candidates) for m in mention.found}
        if len(candidates) == 1:
            return candidates if named and self.turn.intent != "deny" else []
        fitting, _ = narrowed(text, [m for m in candidates if not named or m in named])
        if len(fitting) < len(candidates):
            return fitting if len(fitting) == 1 or "both" in text.lower() else self._fewer(fitting)
        position = ordinal(text)
        return candidates[position : position + 1] if position is not None else []

    def _fewer(self, fitting: list[Medication]) -> list[Medication]:
        self.plan.unclear[0].found = [m.id for m in fitting]
        return []

    async def _hear_confirm(self) -> bool:
        if self._other_pharmacy() or self._corrected():
            return True
        if self._yes:
            await self._send(self.plan.refill, renewal=False)
        elif self.turn.intent == "deny":
            self._not_wanted(self.plan.refill)
        else:
            return False
        self.plan.refill = []
        return True

    async def _hear_renew(self) -> bool:
        self.plan.days_left = self._days_left() if self._days_left() is not None else self.plan.days_left
        if self._other_pharmacy() or self._corrected():
            return True
        if self.turn.intent == "deny":
            medication = self.chart.get(self.plan.settle_renewal())
            self._lines.append(row("utter_renewal_not_wanted", name=medication.name if medication else ""))
            return True
        if self._yes or (self.turn.intent == "affirm" and self._days_left() is not None):
            self.plan.agreed = True
            if self.plan.days_left is not None:
                await self._send([self.plan.renew[0]], renewal=True, days=self.plan.days_left)
                self.plan.settle_renewal()
            return True
        return self._days_left() is not None

    async def _hear_days_left(self) -> bool:
        days = self._days_left()
        if days is None and not is_unsure(self.turn.text):
            return self._other_pharmacy() or self._corrected()
        await self._send([self.plan.renew[0]], renewal=True, days=days)
        self.plan.settle_renewal()
        return True

    async def _hear_remind(self) -> bool:
        if self._corrected():
            return True
        if not self._yes and self.turn.intent != "deny":
            return False
        for medication in filter(None, map(self.chart.get, self.plan.remind)):
            self._remind(medication, wanted=self._yes)
        self.plan.remind = []
        return True

    @property
    def _yes(self) -> bool:
        return is_clear_yes(self.turn.intent, self.turn.text)

    def _speaks_to_us(self, named: list[Medication] | None = None) -> bool:
        """Whether the message can be about this refill: by its intent, or because it is nothing but names."""
        if self.turn.intent in _ANSWERS:
            return True
        spans = [m.said for m in find_mentions(self.turn.text, named or self.chart.medications)]
        return is_only(self.turn.text, spans)

    def _days_left(self) -> int | None:
        medication = self.chart.get(self.plan.renew[0])
        return days_left(self.turn.text, per_day(medication.dosage) if medication else None)

    # what else a message may change

    def _leave_for_safety(self) -> bool:
        """A side effect or an overdose goes before any refill."""
        found = concern(self.turn.text)
        if self.turn.intent in ("report_emergency", "ask_medical_advice") and not found:
            found = Concern.SIDE_EFFECT
        if not found:
            return False
        self.turn.say(f"utter_{found.value}_redirect")
        self.plan = Plan()
        return True

    def _corrected(self) -> bool:
        """ "Actually the metoprolol", "no, the 20 mg one", "and my water pill", "not the metformin"."""
        if not self._speaks_to_us():
            return False
        mentions, current = self._mentions(), self._current()
        named = [m for mention in mentions for m in mention.found]
        if not mentions:
            return self._other_strength(current)
        if named and set(named) <= set(current):
            return self._of_the_current(named)
        if not adds(self.turn.text):
            self.plan = Plan(pharmacy=self.plan.pharmacy)
        self._resolve(mentions)
        return True

    def _of_the_current(self, named: list[Medication]) -> bool:
        """They name something that is asked about already: to leave it out, to have it only, or just to repeat it."""
        ids = {m.id for m in named}
        without = leaves_out(self.turn.text) or (self.turn.intent == "deny" and len(self.plan.refill) > 1)
        if self.plan.question is not Question.CONFIRM or len(ids) == len(self.plan.refill):
            return False
        self.plan.refill = [i for i in self.plan.refill if (i in ids) != without]
        return True

    def _other_strength(self, current: list[Medication]) -> bool:
        """A strength alone: another prescription of the same drug, else say that there is none."""
        family = [m for m in self.chart.medications if any(set(m.ingredients) & set(c.ingredients) for c in current)]
        fitting, unmet = narrowed(self.turn.text, family)
        if unmet and current:
            self._lines.append(row("utter_refill_other_strength", asked=unmet, name=current[0].name))
            return True
        if not family or len(fitting) == len(family) or set(fitting) <= set(current):
            return False
        self.plan = Plan(pharmacy=self.plan.pharmacy)
        self._resolve([Mention("", How.NAME, fitting[0].ingredients[0], tuple(fitting))])
        return True

    def _other_pharmacy(self) -> bool:
        """Another pharmacy: what is read back changes, so it needs a yes of its own."""
        found = self._pharmacy()
        if not found or found == self.plan.pharmacy:
            return False
        self.plan.pharmacy = found
        return True

    def _pharmacy(self) -> Place | None:
        return pharmacy_named(self.turn.text, self.turn.entities("pharmacy"), self.chart.pharmacies())

    def _current(self) -> list[Medication]:
        ids = {
            Question.CONFIRM: self.plan.refill,
            Question.REMIND: self.plan.remind,
            Question.RENEW: self.plan.renew[:1],
            Question.DAYS_LEFT: self.plan.renew[:1],
        }.get(self._question, self.plan.unclear[0].found if self.plan.unclear else [])
        return [m for m in map(self.chart.get, ids) if m]

    def _miss(self) -> bool:
        """Not understood: ask again, then help, then stop. A request of another kind is no miss."""
        if self.turn.intent not in _MISSES:
            return False
        self.plan.misses += 1
        if self.plan.misses > 2:
            self.turn.say("utter_refill_gave_up")
            self.plan = Plan()
            return True
        self.turn.say("utter_refill_not_understood" if self.plan.misses == 1 else "utter_refill_help")
        return True
