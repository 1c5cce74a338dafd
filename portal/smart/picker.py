"""Whose chart: the question after the password, for people who may open more than one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from portal.smart.browser import Browser
from portal.smart.choices import Choices
from portal.smart.gate import STALE, Gate, Refused
from portal.smart.grants import Opening
from portal.smart.plain import describe_types
from portal.smart.proxies import Chart, Proxies
from portal.smart.tables import User

Form = dict[str, str]
#: The hidden field by which a form says that its sender can be asked whose chart; without it the own one is meant.
CAN_BE_ASKED = ("whose", "ask")


@dataclass(frozen=True)
class Question:
    """Whose chart? `preferred` is the id that is marked; `refused`: a chart was named that is not open to `user`."""

    user: User
    charts: list[Chart]
    preferred: str
    refused: bool


class Picker:
    """Finds out whose chart a person opens to an app: it asks only where there is more than one answer."""

    def __init__(self, gate: Gate, proxies: Proxies, choices: Choices, browser: Browser) -> None:
        self._gate = gate
        self._proxies = proxies
        self._choices = choices
        self._browser = browser

    def opening(self, request: Request, form: Form) -> Opening | Question | Refused:
        """What a sent form opens. The person is known by the password, or by the ticket of the question."""
        person = self._ticket_holder(request, form) if "ticket" in form else self._gate.check(request, form)
        if isinstance(person, Refused):
            return person
        charts = self._proxies.charts(person)
        named, asked = form.get("patient", ""), dict([CAN_BE_ASKED]).items() <= form.items()
        hint = request.query_params.get("patient", "")[:64] if asked else ""
        wanted = next((chart for chart in charts if chart.patient_id == (named or hint)), None)
        if (wanted and named) or (len(charts) == 1 and wanted):
            return Opening(person, wanted)
        if not named and not hint and (len(charts) == 1 or not asked):
            return Opening(person, charts[0])
        return Question(person, charts, (wanted or charts[0]).patient_id, refused=bool(named or hint) and not wanted)

    def fields(self, request: Request, question: Question) -> dict[str, Any]:
        """What the page of the question shows, with a new ticket."""
        return {
            "ticket": self._choices.begin(question.user, self._bound_to(request)),
            "name": question.user.display_name,
            "charts": [_shown(chart) for chart in question.charts],
            "preferred": question.preferred,
            "not_open": question.refused,
        }

    def _ticket_holder(self, request: Request, form: Form) -> User | Refused:
        return self._choices.end(form["ticket"], self._bound_to(request)) or STALE

    def _bound_to(self, request: Request) -> str:
        return f"{self._browser.secret(request)} {request.url.query}"


def _shown(chart: Chart) -> dict[str, Any]:
    return {
        "id": chart.patient_id,
        "name": chart.name,
        "own": chart.proxy is None,
        "age": chart.age,
        "parts": [] if chart.whole or not chart.proxy else describe_types(chart.proxy.types),
    }
