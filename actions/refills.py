"""Refills and renewals: the form `refill_form`, its question, and what became of earlier requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from accounts.consent import REMINDERS
from actions.medication_chart import Fill, MedicationChart, Request, load_chart
from actions.medication_mentions import find_mentions
from actions.portal_action import PortalAction, PortalFormValidation, Turn
from actions.refill_dialogue import RefillDialogue
from actions.refill_plan import SLOT, Plan
from actions.refill_words import row, status_words
from actions.safety_since import safety_since
from actions.sensitivity import sensitivity

ANSWER = "refill_answer"
ASK = "action_ask_refill_answer"
FORM = "refill_form"


class ValidateRefillForm(PortalFormValidation):
    """Drives the form. It has one slot, `refill_answer`, that is never filled: the plan knows what is asked.

    `requested_slot` goes back as it was when the message is no answer; then Rasa lets the rules take it, and the
    question is asked again afterwards.
    """

    def name(self) -> str:
        return "validate_refill_form"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """As every form; where the portal or the sign-in failed, the form ends and says that nothing was sent."""
        events = await super().run(dispatcher, tracker, domain)
        if any(event.get("name") == REQUESTED_SLOT for event in events):
            return events
        if tracker.get_slot(REQUESTED_SLOT):
            dispatcher.utter_message(response="utter_refill_nothing_sent")
        return [*events, SlotSet(SLOT, None), SlotSet(REQUESTED_SLOT, None)]

    async def advance(self, turn: Turn) -> list[EventType]:
        """Start with the request, or read the answer to the open question."""
        plan = Plan.from_slot(turn.slot(SLOT))
        if plan is None or not turn.slot(REQUESTED_SLOT):
            return await self._start(turn)
        if safety_since(turn.tracker, FORM, ASK):
            turn.say("utter_refill_left_for_safety")
            return _end(turn, plan=None)
        dialogue = await self._dialogue(turn, plan)
        if not await dialogue.hear():
            return [SlotSet(REQUESTED_SLOT, ANSWER)]
        return _end(turn, dialogue.plan, dialogue.last_named)

    async def _start(self, turn: Turn) -> list[EventType]:
        dialogue = await self._dialogue(turn, Plan())
        await dialogue.start()
        return _end(turn, dialogue.plan, dialogue.last_named)

    async def _dialogue(self, turn: Turn, plan: Plan) -> RefillDialogue:
        chart = await load_chart(turn.portal, turn.patient, turn.zone)
        reminders = await self._services.accounts.agreed(turn.tracker.sender_id, REMINDERS)
        return RefillDialogue(turn, chart, plan, reminders)


class ActionAskRefillAnswer(Action):
    """Asks the open question, without the portal, so that it can always be asked again."""

    def name(self) -> str:
        return ASK

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        plan = Plan.from_slot(tracker.get_slot(SLOT))
        if plan and plan.ask:
            dispatcher.utter_message(**plan.ask)
        return []


class ActionRefillStatus(PortalAction):
    """What became of the requests for refills, the newest first."""

    def name(self) -> str:
        return "action_refill_status"

    async def perform(self, turn: Turn) -> list[EventType]:
        chart = await load_chart(turn.portal, turn.patient, turn.zone)
        mentions = find_mentions(turn.text, chart.medications)
        wanted = {m.reference for mention in mentions for m in mention.found}
        if sensitivity().of_drugs(mention.known for mention in mentions) or any(
            m.sensitive for m in chart.medications if m.reference in wanted
        ):
            turn.keep_private()  # it reads the same whether the patient takes it or not
        if mentions and not wanted:
            turn.say("utter_refill_not_on_list", said=mentions[0].said)
            return []
        requests = [r for r in _latest_by_prescription(chart) if not wanted or r.prescription in wanted]
        if not requests:
            names = ", ".join(m.name for m in chart.medications if m.reference in wanted)
            turn.say("utter_status_none_for" if names else "utter_status_none", names=names)
            return []
        turn.say("utter_status_list", rows=[_status_row(chart, r, turn) for r in requests[:8]])
        last = [r.prescription.removeprefix("MedicationRequest/") for r in requests]
        return [SlotSet("last_medications", last)]


def _latest_by_prescription(chart: MedicationChart) -> list[Request]:
    """Of each prescription the latest request; a row for each earlier one would only bury it."""
    return list({r.prescription: r for r in reversed(chart.requests)}.values())[::-1]


def _status_row(chart: MedicationChart, request: Request, turn: Turn) -> dict[str, Any]:
    medication = next((m for m in chart.medications if m.reference == request.prescription), None)
    name = medication.name if medication else row("utter_status_a_medicine")
    fill = _fill_since(chart.fills_of(medication), request) if medication else None
    status = status_words(request, turn.now.date(), fill)
    return row("utter_status_row", name=name, status=status, sensitive=bool(medication and medication.sensitive))


def _fill_since(fills: list[Fill], request: Request) -> Fill | None:
    """The pharmacy's work on this request: the latest fill that it began or handed over since."""
    since = request.authored.date() if request.authored else None
    done = (f for f in fills if f.status in ("completed", "in-progress", "preparation"))
    return next((f for f in done if since and (f.handed_over or f.started or since) >= since), None)


def _end(turn: Turn, plan: Plan | None, last_named: Sequence[str] = ()) -> list[EventType]:
    """What the conversation remembers: the plan while a question is open, nothing once all is settled."""
    open_ = plan is not None and plan.question is not None
    named: list[EventType] = [SlotSet("last_medications", list(last_named))] if last_named else []
    return [
        *named,
        SlotSet(SLOT, plan.to_slot() if plan and open_ else None),
        SlotSet(REQUESTED_SLOT, ANSWER if open_ else None),
    ]
