"""Which response of the domain says what was decided or became of a refill, and with which values."""

from __future__ import annotations

from datetime import date
from typing import Any

from actions.fhir_time import spoken
from actions.medication import Medication
from actions.medication_chart import Fill, MedicationChart, Request
from actions.medication_mentions import How, Mention
from actions.refill_plan import Plan, Question
from actions.refill_rules import Decision, Outcome
from actions.refill_sending import Order, Receipt

Said = dict[str, Any]


def row(response: str, **values: Any) -> Said:
    """A response inside another (`bot/nlg.py` renders it)."""
    return {"response": response, **values}


def decision_words(medication: Medication, decision: Decision, today: date) -> Said:
    """What can happen with one prescription, why, and what next. A refill that can be sent is only asked about."""
    facts: Said = {"name": medication.name}
    if decision.outcome is Outcome.TOO_SOON:
        facts |= {"earliest": spoken(decision.earliest, today), "runs_out": spoken(decision.runs_out, today)}
        facts |= {"filled": spoken(decision.last_filled, today)}
    elif decision.outcome is Outcome.EXPIRED:
        facts["expired"] = spoken(decision.valid_until, today)
    elif decision.outcome in (Outcome.STOPPED, Outcome.ON_HOLD):
        facts["who_when"] = _who_when(medication, today)
        reason = medication.halt_reason
        facts["why"] = row("utter_refill_why", reason=reason) if reason else ""
    elif decision.outcome is Outcome.REQUESTED and decision.request:
        facts["status"] = status_words(decision.request, today)
    elif decision.outcome is Outcome.ELSEWHERE:
        facts["who"] = _whose(medication)
    return row(f"utter_refill_{decision.outcome.value}", **facts)


def mention_words(mention: Mention) -> Said | None:
    """How a name was understood, where the patient should know; None where they used the very name."""
    if not mention.found:
        return row("utter_refill_not_on_list", said=mention.said)
    if len(mention.found) > 1 or mention.how is How.LOOK_ALIKE:
        return None  # asked about
    name = mention.found[0].name
    if mention.strength:
        return row("utter_refill_other_strength", asked=mention.strength, name=name)
    if mention.how is How.SPELLING:
        return row("utter_refill_read_as", said=mention.said, name=name)
    if mention.how is How.BRAND:
        return row("utter_refill_is_your", said=mention.known, name=name)
    if mention.how is How.EVERYDAY and mention.said.lower() not in name:
        return row("utter_refill_everyday", said=mention.said, name=name)
    return None


def question_words(plan: Plan, chart: MedicationChart) -> Said:
    """The open question of the plan, ready to be asked, now and again."""
    question = plan.question
    if question in (Question.CHOICE, Question.MEANT):
        return _which(plan, chart)
    if question is Question.CONFIRM:
        return _read_back(plan, chart)
    if question is Question.REMIND:
        return row("utter_ask_refill_remind", names=_names(plan.remind, chart))
    medication = chart.get(plan.renew[0])
    name = medication.name if medication else ""
    if question is Question.DAYS_LEFT:
        return row("utter_ask_refill_days_left", name=name)
    by = medication.prescriber if medication else ""
    return row("utter_ask_refill_renew", name=name, who=by or row("utter_refill_your_prescriber"))


def receipt_words(order: Order, receipt: Receipt) -> Said:
    """The line that ends an order: SENT with its reference, or NOT SENT."""
    name, arrival = order.medication.name, receipt.arrival.value
    if not receipt.reference:
        return row(f"utter_{'renewal' if order.renewal else 'refill'}_{arrival}", name=name)
    if order.renewal:
        return _renewal_receipt(order, receipt)
    where = row("utter_refill_to", pharmacy=order.pharmacy.display) if order.pharmacy else ""
    return row(f"utter_refill_{arrival}", name=name, where=where, reference=receipt.reference)


def _renewal_receipt(order: Order, receipt: Receipt) -> Said:
    return row(
        f"utter_renewal_{receipt.arrival.value}",
        name=order.medication.name,
        who=order.medication.prescriber or row("utter_refill_your_prescriber"),
        pharmacy=row("utter_renewal_pharmacy", pharmacy=order.pharmacy.display) if order.pharmacy else "",
        urgency=row("utter_renewal_urgent") if order.urgent else "",
        reference=receipt.reference,
    )


def status_words(request: Request, today: date, fill: Fill | None = None) -> Said:
    """Where a request stands and what happens next. `fill`: what the pharmacy did for it since."""
    asked = spoken(request.authored.date() if request.authored else None, today)
    values = {"asked": asked, "reference": request.reference}
    if fill:
        return _fill_words(request, fill, today)
    if request.status in ("rejected", "failed", "cancelled"):
        reason = row("utter_refill_why", reason=request.reason) if request.reason else ""
        return row("utter_status_cancelled" if request.status == "cancelled" else "utter_status_rejected",
                   reason=reason, **values)  # fmt: skip
    note = row("utter_status_note", note=request.note) if request.note else ""
    known = {"requested", "received", "accepted", "in-progress", "completed", "on-hold"}
    name = request.status.replace("-", "_") if request.status in known else "requested"
    renewal = "_renewal" if request.renewal and name in ("requested", "accepted", "completed") else ""
    return row(f"utter_status_{name}{renewal}", note=note, **values)


def _fill_words(request: Request, fill: Fill, today: date) -> Said:
    if fill.handed_over:
        return row("utter_status_filled", filled=spoken(fill.handed_over, today), reference=request.reference)
    place = fill.pharmacy or request.pharmacy
    where = place.display if place else row("utter_refill_your_pharmacy")
    state = "preparing" if fill.status == "preparation" else "ready"
    return row(f"utter_status_{state}", pharmacy=where, reference=request.reference)


def choice_buttons(plan: Plan, chart: MedicationChart) -> list[Said]:
    """The prescriptions to choose from, as buttons. Their payloads come back only as we made them."""
    if plan.question is not Question.CHOICE:
        return []
    found = [m for m in map(chart.get, plan.unclear[0].found) if m]
    return [{"title": m.name, "payload": f'/choose{{"choice": "{m.id}"}}'} for m in found]


def _which(plan: Plan, chart: MedicationChart) -> Said:
    unclear = plan.unclear[0]
    if plan.question is Question.CHOICE:
        return row("utter_ask_refill_choice" if unclear.said else "utter_ask_refill_which", said=unclear.said)
    medication = chart.get(unclear.found[0])
    name = medication.name if medication else ""
    if unclear.known and not (medication and set(unclear.known.lower().split()) & set(medication.ingredients)):
        return row("utter_ask_refill_look_alike", said=unclear.said, known=unclear.known, name=name)
    return row("utter_ask_refill_meant", said=unclear.said, name=name)


def _read_back(plan: Plan, chart: MedicationChart) -> Said:
    found = [m for m in map(chart.get, plan.refill) if m]
    rows = [_read_back_row(m, plan, chart) for m in found]
    if len(rows) == 1:
        return row("utter_ask_refill_confirm", medicine=rows[0])
    return row("utter_ask_refill_confirm_several", rows=rows)


def _read_back_row(medication: Medication, plan: Plan, chart: MedicationChart) -> Said:
    pharmacy = plan.pharmacy or chart.pharmacy_of(medication)
    if not pharmacy:
        return row("utter_refill_row_no_pharmacy", name=medication.name)
    known = pharmacy.reference is not None
    return row("utter_refill_row" if known else "utter_refill_row_new_pharmacy", name=medication.name,
               pharmacy=pharmacy.display)  # fmt: skip


def _names(ids: list[str], chart: MedicationChart) -> str:
    return ", ".join(m.name for m in map(chart.get, ids) if m)


def _whose(medication: Medication) -> Said:
    if medication.prescriber:
        return row("utter_refill_whose", who=medication.prescriber)
    return row("utter_refill_whose_unknown")


def _who_when(medication: Medication, today: date) -> Said:
    who = medication.halted_by or row("utter_refill_your_care_team")
    when = row("utter_refill_when", when=spoken(medication.halted_on, today)) if medication.halted_on else ""
    return row("utter_refill_who_when", who=who, when=when)
