"""The rows of the record: which responses of the domain say an entry, and with what values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actions.record_dates import RecordDate
from actions.record_entries import Allergy, Condition, State, Vaccine
from actions.record_vitals import Vital

Row = dict[str, Any]

_HEADINGS = {
    State.ACTIVE: "utter_conditions_now",
    State.BACK: "utter_conditions_now",
    State.UNSAID: "utter_conditions_unsaid",
    State.OVER: "utter_conditions_over",
}


def allergy_row(allergy: Allergy) -> Row:
    """A line of the allergy list."""
    if allergy.none_known:
        return {**no_known_row(allergy), "sensitive": allergy.sensitive}
    return {
        "response": "utter_allergy_row_over" if allergy.over else "utter_allergy_row",
        "sensitive": allergy.sensitive,
        "name": allergy.name,
        "reaction": _reaction(allergy),
        "risk": _if(allergy.dangerous, "utter_allergy_dangerous"),
        "doubt": _if(allergy.doubtful, "utter_record_doubtful"),
        "since": _since(allergy.since),
    }


def no_known_row(allergy: Allergy) -> Row:
    """A line that says that nothing is known, and when that was written down."""
    return {"response": "utter_allergy_row_none_known", "name": allergy.name, "since": _since(allergy.since)}


def condition_rows(conditions: Sequence[Condition]) -> list[Row]:
    """The lines of the problem list, under a heading for each state: now, not said, over."""
    rows: list[Row] = []
    for heading in dict.fromkeys(_HEADINGS.values()):
        group = [condition for condition in conditions if _HEADINGS[condition.state] == heading]
        rows += [{"response": heading}] * bool(group) + [_condition_row(condition) for condition in group]
    return rows


def vaccine_row(vaccine: Vaccine) -> Row:
    """A line of the vaccine list; one that was not given says so first."""
    return {
        "response": "utter_vaccine_row" if vaccine.given else "utter_vaccine_row_not_given",
        "sensitive": vaccine.sensitive,
        "vaccine": vaccine.name,
        "date": vaccine.when.written or {"response": "utter_record_no_date"},
        "maker": {"response": "utter_vaccine_maker", "name": vaccine.maker} if vaccine.maker else "",
        "reason": {"response": "utter_vaccine_reason", "reason": vaccine.reason} if vaccine.reason else "",
    }


def vital_row(vital: Vital) -> Row:
    """The latest of one kind."""
    return {**dated_vital_row(vital), "response": "utter_vital_row", "vital": vital.name}


def dated_vital_row(vital: Vital) -> Row:
    """One of many of a kind."""
    return {
        "response": "utter_vital_row_dated",
        "sensitive": vital.sensitive,
        "value": vital.written,
        "date": vital.when.written or {"response": "utter_record_no_date"},
    }


def _condition_row(condition: Condition) -> Row:
    span = {"since": _since(condition.since)}
    if condition.state is State.OVER and condition.until.written:
        span = {"since": {"response": "utter_condition_until", "date": condition.until.written}}
    return {
        "response": "utter_condition_row",
        "sensitive": condition.sensitive,
        "name": condition.name,
        "back": _if(condition.state is State.BACK, "utter_condition_back"),
        "doubt": _if(condition.doubtful, "utter_record_doubtful"),
        **span,
    }


def _reaction(allergy: Allergy) -> Any:
    if not allergy.reaction:
        return ""
    severity = {"response": f"utter_allergy_{allergy.severity}"} if allergy.severity else ""
    return {"response": "utter_allergy_reaction", "reaction": allergy.reaction, "severity": severity}


def _since(date: RecordDate) -> Any:
    if not date.written:
        return ""
    return {"response": "utter_record_noted" if date.noted else "utter_record_since", "date": date.written}


def _if(true: bool, response: str) -> Any:
    return {"response": response} if true else ""
