"""What is done about the medications of a refill: found in the chart, decided, sent, reminded of, asked about."""

from __future__ import annotations

import re
from datetime import datetime, time
from typing import Any

from actions.fhir_time import spoken
from actions.medication import Medication
from actions.medication_chart import MedicationChart
from actions.medication_mentions import How, Mention, find_mentions, says_all
from actions.portal_action import NeedsPage, Turn
from actions.refill_plan import Plan, Unclear
from actions.refill_rules import Decision, NextStep, Outcome, RefillPolicy, decide
from actions.refill_sending import Order, send
from actions.refill_words import choice_buttons, decision_words, mention_words, question_words, receipt_words, row
from actions.sensitivity import sensitivity

_PRONOUN = re.compile(r"\b(it|that|this|them|those|these|that one|this one|the same( one)?)\b")
_REMINDER_TIME = time(10, 0)


class RefillDesk:
    """The plan of a refill and the chart it is about, in one turn. What is found out is said at the end, in `_ask`.

    `reminders`: whether the patient wants to be offered any.
    """

    def __init__(self, turn: Turn, chart: MedicationChart, plan: Plan, reminders: bool = True) -> None:
        self.turn, self.chart, self.plan = turn, chart, plan
        self._reminders = reminders
        self.last_named: list[str] = []
        self._policy = RefillPolicy.from_environment()
        self._lines: list[dict[str, Any]] = []

    # names

    def _mentions(self) -> list[Mention]:
        found = find_mentions(self.turn.text, self.chart.medications)
        if found:
            return found
        return [m for value in self.turn.entities("medication") for m in self._of_entity(value)]

    def _of_entity(self, value: str) -> list[Mention]:
        """What was understood as a name and is none that anybody here knows is not on the list."""
        return find_mentions(value, self.chart.medications) or [Mention(value, How.NAME, value, ())]

    def _without_a_name(self) -> None:
        mine = [m for m in self.chart.medications if m.live and not m.elsewhere]
        told = [m for m in mine if self.turn.tells_all or not m.sensitive]
        last = [m for m in map(self.chart.get, self.turn.slot("last_medications") or []) if m]
        hidden = len(told) < len(mine)
        if hidden and not told:
            raise NeedsPage()
        if says_all(self.turn.text):
            for medication in told:
                self._decide(medication)
        elif last and _PRONOUN.search(self.turn.text.lower()):
            self._resolve([Mention("", How.NAME, "", tuple(last))])
        elif told:
            self.plan.unclear.append(Unclear("", "", [m.id for m in told]))
        else:
            self._lines.append(row("utter_refill_no_medications"))
        if hidden and self.plan.question:
            self._lines.append(row("utter_refill_others", sensitive=True))

    def _resolve(self, mentions: list[Mention]) -> None:
        everything = says_all(self.turn.text)
        for mention in mentions:
            self._check_private(mention)
            if words := mention_words(mention):
                self._lines.append(words)
            if len(mention.found) == 1 and mention.how is not How.LOOK_ALIKE:
                self._decide(mention.found[0])
            elif mention.found and everything and mention.how is not How.LOOK_ALIKE:
                for medication in mention.found:
                    self._decide(medication)
            elif mention.found:
                known = mention.known if mention.how is How.LOOK_ALIKE else ""
                self.plan.unclear.append(Unclear(mention.said, known, [m.id for m in mention.found]))

    def _check_private(self, mention: Mention) -> None:
        """A medicine of a sensitive kind is asked for in the web chat only, whether it is on the list or not."""
        private = any(m.sensitive for m in mention.found) or sensitivity().of_drugs([mention.known])
        if private and not self.turn.tells_all:
            raise NeedsPage()

    # decisions and what follows

    def _decision(self, medication: Medication) -> Decision:
        return decide(
            medication,
            self.chart.fills_of(medication),
            self.chart.requests_of(medication),
            self.turn.now,
            self._policy,
        )

    def _decide(self, medication: Medication) -> None:
        decision, plan = self._decision(medication), self.plan
        self.last_named.append(medication.id)
        queue = {
            NextStep.CONFIRM: plan.refill,
            NextStep.OFFER_RENEWAL: plan.renew,
            NextStep.OFFER_REMINDER: plan.remind if self._reminders else None,
        }.get(decision.next_step)
        if queue is not None and medication.id in queue:
            return
        if queue is not None:
            queue.append(medication.id)
        if decision.outcome is not Outcome.REFILL:
            self._lines.append(decision_words(medication, decision, self.turn.now.date()))

    async def _send(self, ids: list[str], renewal: bool, days: int | None = None) -> None:
        """Send each one, if the rule still allows it, and say what became of it."""
        sent = False
        for medication in filter(None, map(self.chart.get, ids)):
            decision, order = self._decision(medication), self._order(medication, renewal, days)
            allowed = NextStep.OFFER_RENEWAL if renewal else NextStep.CONFIRM
            again = decision.request and decision.request.key == order.key  # this turn once more, after a crash
            if decision.next_step is not allowed and not again:
                self._lines.append(decision_words(medication, decision, self.turn.now.date()))
                continue
            receipt = await send(self.turn.portal, order)
            sent = sent or bool(receipt.reference)
            self._lines.append(receipt_words(order, receipt))
        if sent:
            self._lines.append(row("utter_renewal_next" if renewal else "utter_refill_next"))

    def _order(self, medication: Medication, renewal: bool, days: int | None) -> Order:
        return Order(
            medication=medication,
            renewal=renewal,
            patient=self.turn.patient,
            key=self.turn.key(medication.reference),
            at=self.turn.now,
            pharmacy=self.plan.pharmacy or self.chart.pharmacy_of(medication),
            days_left=days,
        )

    def _not_wanted(self, ids: list[str]) -> None:
        names = ", ".join(m.name for m in map(self.chart.get, ids) if m)
        self._lines.append(row("utter_refill_not_wanted", names=names))

    def _remind(self, medication: Medication, wanted: bool) -> None:
        decision = self._decision(medication)
        earliest = decision.earliest
        when = spoken(earliest, self.turn.now.date())
        if wanted and earliest:
            at = datetime.combine(earliest, _REMINDER_TIME, self.turn.zone)
            self.turn.remind(at, "utter_refill_reminder", name=medication.name)
        response = "utter_refill_reminder_set" if wanted and earliest else "utter_refill_reminder_declined"
        self._lines.append(row(response, name=medication.name, when=when))

    def _ask(self) -> None:
        """Say what was found, and keep the next question."""
        if self._lines:
            self.turn.say("utter_refill_lines", rows=self._lines)
        if self.plan.question:
            self.plan.ask = question_words(self.plan, self.chart)
            if buttons := choice_buttons(self.plan, self.chart):
                self.plan.ask["buttons"] = buttons
