"""The record: allergies, conditions, vaccines and vital signs. What is read and decided stands in `record_*.py`."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions.periods import Period, find_period, parse_period
from actions.portal_action import PortalAction, Turn
from actions.portal_client import PortalNotFound, PortalRejected
from actions.record_entries import Vaccine, allergies, conditions, vaccines
from actions.record_names import Kind, asked, record_names
from actions.record_rows import (
    Row,
    allergy_row,
    condition_rows,
    dated_vital_row,
    no_known_row,
    vaccine_row,
    vital_row,
)
from actions.record_vitals import BLOOD_PRESSURE, Vital, latest, picture, series, vitals
from actions.sensitivity import sensitivity

EVERYTHING = 500  # entries of one kind that are read
PAGE = 15  # rows of a page
_OVER_TIME = re.compile(
    r"\b(chang\w*|trends?|graph\w*|plot\w*|over (?:time|the)|histor\w*|readings|progress|growth|all|every"
    r"|(?:gone|going|went|go|been) (?:up|down)|los[te]|losing|gain\w*|higher|lower|last \d+|(?<!my )(?<!the )chart)\b",
    re.I,
)
_ALL_VACCINES = re.compile(r"\b(all|every|list of|entire|whole) (my |the )?(shots|vaccines|immuni[sz]ations)\b", re.I)
_DUE = re.compile(
    r"\b(due|missing|up.?to.?date|current|overdue|need(?:ed)? (?:any|a|another|more)|next)\b(?! record)", re.I
)
_PROOF = re.compile(
    r"\b(proof|card|certificate|download\w*|papers?|pdf|print\w*|copy|form|cartilla|for (?:school|work|camp))\b", re.I
)


class RecordAction(PortalAction):
    """A part of the record that is one search. Subclasses write `name`, `kind`, `search` and `tell`."""

    kind = ""

    async def perform(self, turn: Turn) -> list[EventType]:
        """Answer from the chart. A portal without this part of the record is told apart from an empty chart."""
        if sensitivity().of_record_name(turn.text):
            turn.keep_private()  # whoever asks for something sensitive reads the same whether it is there or not
        try:
            found = await turn.portal.search(
                self.kind, patient=turn.patient, _count=200, limit=EVERYTHING, **self.search
            )
        except (PortalNotFound, PortalRejected):
            turn.say("utter_record_not_offered")
            return []
        return self.tell(turn, found)

    @property
    def search(self) -> dict[str, Any]:
        """More parameters of the search."""
        return {}

    @abstractmethod
    def tell(self, turn: Turn, found: list[dict[str, Any]]) -> list[EventType]:
        """Answer from what the portal has."""

    def say_page(self, turn: Turn, response: str, rows: Sequence[Row], after: str = "") -> list[EventType]:
        """The rows from where "more" left off, and `after` behind the last of them."""
        start = int(turn.slot("record_page") or 0) if turn.intent == "show_more" else 0
        more = start + PAGE < len(rows)
        intro = "utter_record_continued" if start else response
        turn.say("utter_record_page_more" if more else "utter_record_page",
                 intro={"response": intro}, rows=list(rows[start : start + PAGE]))  # fmt: skip
        if after and not more:
            turn.say(after)
        following = start + PAGE if more else None
        return [SlotSet("record_page", following), SlotSet("more_action", self.name() if more else None)]


class ActionShowAllergies(RecordAction):
    """The whole allergy list: medicines are related, so that no single one is ever said not to be on it."""

    kind = "AllergyIntolerance"

    def name(self) -> str:
        return "action_show_allergies"

    def tell(self, turn: Turn, found: list[dict[str, Any]]) -> list[EventType]:
        """ "None known" was asked and answered; an empty list was not."""
        listed = allergies(found, turn.zone)
        if not listed:
            turn.say("utter_allergies_empty")
            return []
        if all(allergy.none_known for allergy in listed):
            turn.say("utter_allergies_none_known", rows=list(map(no_known_row, listed)))
            return []
        return self.say_page(turn, "utter_allergies", list(map(allergy_row, listed)), "utter_allergies_after")


class ActionShowConditions(RecordAction):
    """Health problems: those of now, then those that are over."""

    kind = "Condition"

    def name(self) -> str:
        return "action_show_conditions"

    def tell(self, turn: Turn, found: list[dict[str, Any]]) -> list[EventType]:
        """Each under how it stands now."""
        rows = condition_rows(conditions(found, turn.zone))
        if not rows:
            turn.say("utter_conditions_empty")
            return []
        return self.say_page(turn, "utter_conditions", rows, "utter_conditions_after")


class ActionShowImmunizations(RecordAction):
    """Vaccines, newest first; those of a kind that is asked for. Which are due is for the care team to say."""

    kind = "Immunization"

    def name(self) -> str:
        return "action_show_immunizations"

    def tell(self, turn: Turn, found: list[dict[str, Any]]) -> list[EventType]:
        """The list, or the newest of one kind; then what cannot be done here."""
        listed = vaccines(found, turn.zone)
        kinds = asked(record_names().vaccines, turn.text)
        if kinds and not _wants_all(turn.text):
            events = self._tell_kinds(turn, listed, kinds)
        elif listed:
            events = self.say_page(turn, "utter_vaccines", list(map(vaccine_row, listed)), "utter_vaccines_after")
        else:
            turn.say("utter_vaccines_empty")
            events = []
        for response, wish in (("utter_vaccines_proof", _PROOF), ("utter_vaccines_due", _DUE)):
            if wish.search(turn.text):
                turn.say(response)
        return events

    def _tell_kinds(self, turn: Turn, listed: list[Vaccine], kinds: Sequence[Kind]) -> list[EventType]:
        for kind in kinds:
            same = [vaccine for vaccine in listed if kind in vaccine.kinds]
            turn.say(
                _answer(same),
                vaccine=kind.name,
                date=next((vaccine.when.written for vaccine in same if vaccine.given), ""),
                rows=list(map(vaccine_row, same[:PAGE])),
                sensitive=any(vaccine.sensitive for vaccine in same),
            )
        return [SlotSet("record_page", None), SlotSet("more_action", None)]


class ActionShowVitals(RecordAction):
    """The latest of each measurement; of one that is named, how it changed where that is asked, with a picture."""

    kind = "Observation"

    def name(self) -> str:
        return "action_show_vitals"

    @property
    def search(self) -> dict[str, Any]:
        """Only vital signs, newest first."""
        return {"category": "vital-signs", "_sort": "-date"}

    def tell(self, turn: Turn, found: list[dict[str, Any]]) -> list[EventType]:
        """Narrowed to the kinds and the time that are named."""
        measured = vitals(found, turn.zone)
        kinds = asked(record_names().vitals, turn.text)
        of_kind = [vital for vital in measured if not kinds or vital.key in {kind.key for kind in kinds}]
        period = _period(turn)
        within = [v for v in of_kind if period is None or (v.when.at and period.contains(v.when.at))]
        if not within:
            _say_no_vitals(turn, measured, of_kind, kinds)
        elif len(kinds) == 1 and (period or _OVER_TIME.search(turn.text)) and len(series(within)) > 1:
            _say_trend(turn, series(within))
        else:
            rows = list(map(vital_row, latest(within)))
            events = self.say_page(turn, "utter_vitals", rows)
            _after_vitals(turn, of_kind, kinds)
            return events
        return [SlotSet("record_page", None), SlotSet("more_action", None)]


def _say_trend(turn: Turn, measured: Sequence[Vital]) -> None:
    first, last = measured[0], measured[-1]
    pressure = last.key == BLOOD_PRESSURE
    title = f"{last.name}, upper number" if pressure else last.name
    turn.say(
        "utter_vitals_trend",
        vital=last.name,
        count=str(len(measured)),
        first=first.written,
        first_date=first.when.written,
        last=last.written,
        last_date=last.when.written,
        rows=list(map(dated_vital_row, measured[::-1][:PAGE])),
        chart=picture(measured, title),
        sensitive=any(vital.sensitive for vital in measured),
    )


def _say_no_vitals(turn: Turn, measured: Sequence[Vital], of_kind: Sequence[Vital], kinds: Sequence[Kind]) -> None:
    """Whether that is the time, the kind, or everything; and what there is."""
    if not measured:
        turn.say("utter_vitals_empty")
    elif of_kind:
        newest = latest(of_kind)
        turn.say("utter_vitals_none_then", rows=list(map(vital_row, newest)))
    else:
        named = ", ".join(kind.name for kind in kinds)
        turn.say("utter_vitals_none_of", vital=named, rows=list(map(vital_row, latest(measured))))


def _period(turn: Turn) -> Period | None:
    """The time that is asked about, if it lies behind us; "last time" and "my last visit" are the newest anyway."""
    readings = [find_period(turn.text, turn.now), *(parse_period(said, turn.now) for said in turn.entities("period"))]
    return next((p for p in readings if p and p.start is not None and p.start <= turn.now), None)


def _wants_all(text: str) -> bool:
    """Whether the whole list is meant, whatever kind is named beside it."""
    return bool(_ALL_VACCINES.search(text))


def _answer(same: Sequence[Vaccine]) -> str:
    """What is said of the vaccines of one kind, newest first."""
    given = [vaccine for vaccine in same if vaccine.given]
    if not given:
        return "utter_vaccine_not_given" if same else "utter_vaccine_not_found"
    return "utter_vaccine_last" if len(same) == 1 or not given[0].when.written else "utter_vaccine_last_of"


def _after_vitals(turn: Turn, of_kind: Sequence[Vital], kinds: Sequence[Kind]) -> None:
    """How to see one over time, where there is something to see."""
    if not kinds:
        turn.say("utter_vitals_after")
    elif len(kinds) == 1 and len(series(of_kind)) > 1:
        turn.say("utter_vital_after", vital=kinds[0].name[0].lower() + kinds[0].name[1:])
