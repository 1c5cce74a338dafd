"""Acting for someone else: whose charts a person may open, looked up anew each time that it matters.

A RelatedPerson in a chart that carries an identifier of the helper's own Patient stands for the helper there; what it
opens is told by `portal.smart.rights`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, or_, select
from sqlalchemy.engine import Connection, Engine, Row

from portal.access import Proxy
from portal.dates import as_datetime
from portal.db import reading
from portal.indexing import bounded
from portal.paths import values
from portal.smart.rights import WHOLE_CHART, Policy, Related, age_of, open_types
from portal.smart.tables import Grant, User
from portal.smart.values import Clock
from portal.tables import Resource, SearchValue

SECOND = 1_000_000
_resources, _values = Resource.__table__, SearchValue.__table__

# Made once, because each request of a helper asks them: to build a statement takes longer than to carry it out.
_PEOPLE = select(_resources.c.type, _resources.c.id, _resources.c.patient_id, _resources.c.body).where(
    or_(
        and_(_resources.c.type == "RelatedPerson", _resources.c.id == bindparam("related_id")),
        and_(_resources.c.type == "Patient", _resources.c.id == bindparam("patient_id")),
        and_(_resources.c.type == "Patient", _resources.c.id == bindparam("helper_id")),
    )
)
_CONSENTS = (
    select(_resources.c.body)
    .join(_values, _values.c.pk == _resources.c.pk)
    .where(
        _values.c.type == "Consent", _values.c.param == "actor", _values.c.qualifier == "RelatedPerson",
        _values.c.value == bindparam("related_id"), _values.c.patient_id == bindparam("patient_id"),
    )
)  # fmt: skip


@dataclass(frozen=True)
class Chart:
    """A chart that a person may open. `proxy` None: it is their own; `age` is told of others only."""

    patient_id: str
    name: str
    age: int | None = None
    proxy: Proxy | None = None

    @property
    def whole(self) -> bool:
        """Whether every part of it is open."""
        return self.proxy is None or self.proxy.types >= WHOLE_CHART


class Proxies:
    """Reads RelatedPerson, Consent and Patient as they are on file at this moment. `base_url`: this FHIR service's."""

    def __init__(self, engine: Engine, policy: Policy, base_url: str, clock: Clock) -> None:
        self._engine = engine
        self._policy = policy
        self._base_url = base_url
        self._clock = clock

    def charts(self, user: User) -> list[Chart]:
        """The person's own chart, then those of others by name."""
        own = Chart(user.patient_id, user.display_name)
        with reading(self._engine) as connection:
            helper = _patient(connection, user.patient_id)
            found = [self._chart(connection, helper, row) for row in _standing_for(connection, helper)]
        others = {chart.patient_id: chart for chart in found if chart and chart.patient_id != user.patient_id}
        return [own, *sorted(others.values(), key=lambda chart: chart.name)]

    def chart_of(self, grant: Grant) -> Chart | None:
        """The chart that a person's grant opens now; None where the right to it has ended."""
        if grant.related_person_id is None:
            return Chart(grant.patient_id, grant.user.display_name)
        with reading(self._engine) as connection:
            rows = _people(connection, grant.related_person_id, grant.patient_id, grant.user.patient_id)
            related = rows.get(("RelatedPerson", grant.related_person_id))
            if related is None or related.patient_id != grant.patient_id:
                return None
            return self._opened(connection, rows, related, grant.user.patient_id)

    def _chart(self, connection: Connection, helper: Any, related: Row) -> Chart | None:
        rows = _people(connection, related.id, related.patient_id, helper["id"])
        return self._opened(connection, rows, related, helper["id"])

    def _opened(
        self, connection: Connection, rows: dict[tuple[str, str], Row], related: Row, helper_id: str
    ) -> Chart | None:
        """What the related person may open now; `rows` hold the patient and the helper's own Patient."""
        patient = _body(rows.get(("Patient", related.patient_id)))
        person = _body(related)
        if not _identifiers(person) & _identifiers(_body(rows.get(("Patient", helper_id)))):
            return None
        moment = self._moment()
        consents = [json.loads(body) for body in _consents(connection, related)]
        types = open_types(self._policy, patient, Related(person, related.patient_id, self._base_url), consents, moment)
        if not types:
            return None
        age = age_of(patient, moment.date())
        return Chart(related.patient_id, _name(patient), age, Proxy(related.id, types))

    def _moment(self) -> datetime:
        return as_datetime(self._clock() * SECOND)


def _people(connection: Connection, related_id: str, patient_id: str, helper_id: str) -> dict[tuple[str, str], Row]:
    """The RelatedPerson, the patient and the helper's own Patient, by type and id."""
    ids = {"related_id": related_id, "patient_id": patient_id, "helper_id": helper_id}
    rows = connection.execute(_PEOPLE, ids)
    return {(row.type, row.id): row for row in rows}


def _patient(connection: Connection, id: str) -> Any:
    """The helper's own Patient; only its id where there is none."""
    table = _resources.c
    query = select(table.body).where(table.type == "Patient", table.id == id)
    return _body(connection.execute(query).one_or_none()) | {"id": id}


def _standing_for(connection: Connection, helper: Any) -> list[Row]:
    """Every RelatedPerson that carries an identifier of the helper's."""
    keys = _identifiers(helper)
    if not keys:
        return []
    named = [and_(_values.c.value == bounded(value), _values.c.qualifier == bounded(system)) for system, value in keys]
    pointing = select(_values.c.pk).where(
        _values.c.type == "RelatedPerson", _values.c.param == "identifier", or_(*named)
    )
    return connection.execute(select(_resources).where(_resources.c.pk.in_(pointing)).order_by(_resources.c.pk)).all()


def _consents(connection: Connection, related: Row) -> list[str]:
    """The Consents in the chart that have the related person as actor."""
    ids = {"related_id": bounded(related.id), "patient_id": related.patient_id}
    return connection.execute(_CONSENTS, ids).scalars().all()


def _identifiers(person: Any) -> set[tuple[str, str]]:
    """Identifiers that mean one person: a value without a system could be anybody's."""
    found = ((item.get("system"), item.get("value")) for item in values(person, "identifier"))
    return {(system, value) for system, value in found if system and value}


def _body(row: Row | None) -> dict[str, Any]:
    return dict(json.loads(row.body)) if row is not None else {}


def _name(patient: dict[str, Any]) -> str:
    """As people say it: the first given name and the family name of the present name."""
    names = patient.get("name", [])
    present: dict[str, Any] = next((name for name in names if name.get("use") != "old"), {})
    spoken = " ".join([*present.get("given", [])[:1], present.get("family", "")]).strip()
    return spoken or present.get("text") or "Name not on file"
