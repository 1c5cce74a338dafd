"""What the patient takes: the list, and the details of each."""

from __future__ import annotations

from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions.fhir_time import spoken
from actions.medication import Medication, Resource
from actions.medication_chart import MedicationChart, load_chart
from actions.medication_mentions import How, Mention, find_mentions, says_all
from actions.portal_action import PortalAction, Turn
from actions.refill_rules import refills_left
from actions.sensitivity import sensitivity

_MOST_DETAILS = 3
_UNITS = {"h": "hour", "d": "day", "wk": "week", "mo": "month"}


class ActionListMedications(PortalAction):
    """All that the patient is meant to take, what is on hold and what other clinics prescribe apart."""

    def name(self) -> str:
        return "action_list_medications"

    async def perform(self, turn: Turn) -> list[EventType]:
        chart = await load_chart(turn.portal, turn.patient, turn.zone)
        groups = {
            "utter_medications_list": [
                m for m in chart.medications if m.status in ("active", "unknown") and not m.elsewhere
            ],
            "utter_medications_elsewhere": [m for m in chart.medications if m.live and m.elsewhere],
            "utter_medications_on_hold": [m for m in chart.medications if m.status == "on-hold" and not m.elsewhere],
        }
        for response, found in groups.items():
            if found:
                turn.say(response, rows=[_list_row(m) for m in found])
        if not any(groups.values()):
            turn.say("utter_medications_none")
        return []


class ActionMedicationDetails(PortalAction):
    """Dose, how to take it, who prescribed it, refills left and last fill, of those that the message names."""

    def name(self) -> str:
        return "action_medication_details"

    async def perform(self, turn: Turn) -> list[EventType]:
        chart = await load_chart(turn.portal, turn.patient, turn.zone)
        found, missing = _named(turn, chart)
        if any(m.sensitive for m in found) or sensitivity().of_drugs(m.known for m in missing):
            turn.keep_private()  # it reads the same whether the patient takes it or not
        for mention in missing:
            turn.say("utter_medication_not_on_list", said=mention.said)
        for medication in found[:_MOST_DETAILS]:
            turn.say("utter_medication_details", **details(medication, chart, turn))
        if len(found) > _MOST_DETAILS or not (found or missing):
            rest = found[_MOST_DETAILS:] or [m for m in chart.medications if m.live]
            turn.say("utter_medication_which" if rest else "utter_medications_none", names=[_name_row(m) for m in rest])
        return [SlotSet("last_medications", [m.id for m in found[:_MOST_DETAILS]])] if found else []


def details(medication: Medication, chart: MedicationChart, turn: Turn) -> dict[str, Any]:
    """The values of `utter_medication_details`; what the chart does not say is a response that says so."""
    today, fills = turn.now.date(), chart.fills_of(medication)
    last = next((f.handed_over for f in fills if f.status == "completed" and f.handed_over), None)
    reason = ", ".join(medication.reasons)
    return {
        "sensitive": medication.sensitive,
        "name": medication.name,
        "purpose": _row("utter_medication_for", reason=reason) if reason else "",
        "dose": dose_words(medication.dosage),
        "prescriber": medication.prescriber or _row("utter_medication_not_said"),
        "refills": _refills(medication, chart),
        "filled": spoken(last, today) or _row("utter_medication_not_said"),
        "standing": _standing(medication),
    }


def dose_words(dosage: Resource) -> Any:
    """The label's own words, else the structured dose and timing as responses (Dosage, Timing.repeat of FHIR R4)."""
    if text := dosage.get("text") or dosage.get("patientInstruction"):
        return text
    repeat = dosage.get("timing", {}).get("repeat", {})
    timing = dosage.get("timing", {}).get("code", {}).get("text") or _how_often(repeat)
    amount = _amount(dosage)
    if not timing and not amount:
        return _row("utter_medication_as_needed" if dosage.get("asNeededBoolean") else "utter_medication_not_said")
    needed = _row("utter_dose_as_needed") if dosage.get("asNeededBoolean") else ""
    return _row("utter_dose", amount=amount or _row("utter_dose_unknown_amount"), timing=timing, needed=needed)


def _amount(dosage: Resource) -> str:
    for each in dosage.get("doseAndRate", []):
        quantity = each.get("doseQuantity") or each.get("doseRange", {}).get("high") or {}
        if "value" in quantity:
            return f"{quantity['value']:g} {quantity.get('unit', '')}".strip()
    return ""


def _how_often(repeat: Resource) -> Any:
    unit, period, times = _UNITS.get(repeat.get("periodUnit", "")), repeat.get("period"), repeat.get("frequency", 1)
    if not unit or not period:
        return ""
    if period == 1:
        return _row(f"utter_dose_a_{unit}", times=times) if times > 1 else _row(f"utter_dose_once_a_{unit}")
    if times == 1:
        return _row(f"utter_dose_every_{unit}s", period=f"{period:g}")
    return _row(f"utter_dose_times_every_{unit}s", times=times, period=f"{period:g}")


def _refills(medication: Medication, chart: MedicationChart) -> Any:
    if medication.elsewhere:
        return _row("utter_medication_refills_elsewhere")
    if medication.schedule == 2:
        return _row("utter_medication_refills_by_law")
    left = refills_left(medication, chart.fills_of(medication))
    return _row("utter_medication_not_said") if left is None else str(left)


def _standing(medication: Medication) -> Any:
    if medication.elsewhere:
        return _row("utter_medication_is_elsewhere")
    known = {"on-hold": "on_hold", "stopped": "stopped", "cancelled": "stopped", "completed": "finished"}
    return _row(f"utter_medication_is_{known[medication.status]}") if medication.status in known else ""


def _named(turn: Turn, chart: MedicationChart) -> tuple[list[Medication], list[Mention]]:
    """Those that the message names, else those last spoken of; and the names that are not on the list."""
    mentions = find_mentions(turn.text, chart.medications)
    for value in [] if mentions else turn.entities("medication"):
        mentions += find_mentions(value, chart.medications) or [Mention(value, How.NAME, value, ())]
    found = list(dict.fromkeys(m for mention in mentions for m in mention.found))
    if mentions or says_all(turn.text):
        return found or ([] if mentions else [m for m in chart.medications if m.live]), [
            m for m in mentions if not m.found
        ]
    last = map(chart.get, turn.slot("last_medications") or [])
    return [m for m in last if m], []


def _list_row(medication: Medication) -> dict[str, Any]:
    values = {
        "name": medication.name,
        "dose": dose_words(medication.dosage),
        "sensitive": medication.sensitive,
    }
    if medication.reasons:
        return _row("utter_medication_row_for", **values, reason=", ".join(medication.reasons))
    return _row("utter_medication_row", **values)


def _name_row(medication: Medication) -> dict[str, Any]:
    return _row("utter_medication_name", name=medication.name, sensitive=medication.sensitive)


def _row(response: str, **values: Any) -> dict[str, Any]:
    return {"response": response, **values}
