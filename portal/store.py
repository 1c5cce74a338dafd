"""The FHIR store: every interaction, with access control, on one database.

The HTTP layer and the seed both use it. Each public method is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import select, tuple_
from sqlalchemy.engine import Connection, Engine, Row
from sqlalchemy.exc import IntegrityError

from portal import search
from portal.access import SYSTEM, Access
from portal.compartment import require, visible
from portal.db import reading, writing
from portal.errors import Conflict, Forbidden, NotFound
from portal.json_format import loads_stored
from portal.query import Include, Pairs, Query, parse_query
from portal.search_parameters import RESOURCE_TYPES, ResourceType
from portal.session import Session, charts_of, checked, criterion_of, row_of
from portal.tables import Resource, SearchValue
from portal.transaction import run_transaction

MAX_INCLUDED = 1000
_resources, _values = Resource.__table__, SearchValue.__table__


class Written(NamedTuple):
    """A resource as it is now on file, and whether this call made it."""

    resource: dict[str, Any]
    created: bool


@dataclass(frozen=True)
class Page:
    """One page of a search. ``next_cursor`` is '' on the last; ``total`` None where it was not counted."""

    query: Query
    matches: list[dict[str, Any]]
    included: list[dict[str, Any]]
    next_cursor: str
    total: int | None


def kind_of(name: str) -> ResourceType:
    """The entry of the table for a type's name. Raises NotFound."""
    if name not in RESOURCE_TYPES:
        raise NotFound("This server does not have that type of resource", code="not-supported")
    return RESOURCE_TYPES[name]


class Store:
    """All interactions. ``base_url`` is the FHIR service's address, under which absolute references are our own."""

    def __init__(self, engine: Engine, base_url: str = "") -> None:
        self.engine, self.base_url = engine, base_url

    def read(self, name: str, id: str, access: Access = SYSTEM) -> dict[str, Any]:
        """A resource by its id. Raises NotFound, for another's chart as well, or Forbidden."""
        kind = kind_of(name)
        require(access, kind, "read")
        with reading(self.engine) as connection:
            row = row_of(connection, name, id)
        if row is None or not visible(access, kind, row.patient_id):
            raise NotFound(f"No such {name}")
        return loads_stored(row.body)

    def search(self, name: str, params: Pairs | dict[str, str], access: Access = SYSTEM, lenient: bool = False) -> Page:
        """A page of matches with what they include. Raises BadRequest, Forbidden or NotFound."""
        kind = kind_of(name)
        require(access, kind, "search")
        pairs = list(params.items()) if isinstance(params, dict) else params
        query = parse_query(kind, pairs, self.base_url, lenient)
        with reading(self.engine) as connection:
            found = search.find(connection, query, charts_of(access, kind))
            matches = _bodies(connection, found.keys)
            included = self._included(connection, query, found.keys, access)
        return Page(query, matches, included, found.next_cursor, found.total)

    def create(self, resource: dict[str, Any], access: Access = SYSTEM, if_none_exist: str | Pairs = "") -> Written:
        """A new resource under an id of ours; with ``if_none_exist`` only where nothing matches that search.

        Raises BadRequest, Invalid, Forbidden, Conflict, or PreconditionFailed where several match.
        """
        kind = _checked_for(resource, access, "create")
        criterion = criterion_of(if_none_exist)
        try:
            with writing(self.engine) as connection:
                return self._write(connection, access, lambda session: session.create(resource, kind, criterion))
        except IntegrityError as error:  # another request with the same identifier was faster
            with writing(self.engine) as connection:
                session = Session(connection, self.base_url, access)
                existing = session.existing(kind, criterion) if criterion else None
            if existing is None:
                raise Conflict("Another request wrote the same resource at the same moment") from error
            return Written(existing, False)

    def update(self, resource: dict[str, Any], access: Access = SYSTEM, if_match: str = "") -> Written:
        """The next version of a resource; ``if_match`` is the version (``W/"3"``) that it must replace.

        Raises as ``create`` does, and NotFound or PreconditionFailed. Only system access may bring its own ids.
        """
        kind = _checked_for(resource, access, "update")
        try:
            with writing(self.engine) as connection:
                return self._write(connection, access, lambda session: session.update(resource, kind, if_match))
        except IntegrityError as error:
            raise Conflict("Another request wrote the same resource at the same moment") from error

    def transaction(self, bundle: dict[str, Any], access: Access = SYSTEM) -> dict[str, Any]:
        """A transaction bundle, all or nothing; returns the ``transaction-response`` bundle.

        Raises Forbidden without system access, else as the single interactions do.
        """
        if access.patient_id is not None:
            raise Forbidden("Transactions need system access")
        try:
            with writing(self.engine) as connection:
                return run_transaction(Session(connection, self.base_url, access), bundle)
        except IntegrityError as error:
            raise Conflict("Another request wrote one of these resources at the same moment") from error

    def _write(
        self, connection: Connection, access: Access, act: Callable[[Session], tuple[dict[str, Any], bool]]
    ) -> Written:
        session = Session(connection, self.base_url, access)
        written = Written(*act(session))
        session.flush()
        return written

    def _included(self, connection: Connection, query: Query, keys: list[int], access: Access) -> list[dict[str, Any]]:
        included: dict[int, dict[str, Any]] = {}
        for include in query.includes if keys else ():
            rows = (
                _reverse(connection, include, query, keys) if include.reverse else _forward(connection, include, keys)
            )
            for row in rows:
                kind = RESOURCE_TYPES[row.type]
                if row.pk not in keys and _may_include(access, kind, row.patient_id):
                    included[row.pk] = loads_stored(row.body)
        return list(included.values())[:MAX_INCLUDED]


def _checked_for(resource: dict[str, Any], access: Access, interaction: str) -> ResourceType:
    """The type of a valid resource that may be written; who may not is not told what is wrong with it."""
    kind = RESOURCE_TYPES.get(str(resource.get("resourceType")))
    if kind:
        require(access, kind, interaction)
    return checked(resource)


def _may_include(access: Access, kind: ResourceType, chart: str) -> bool:
    try:
        require(access, kind, "read")
    except Forbidden:
        return False
    return visible(access, kind, chart)


def _bodies(connection: Connection, keys: Iterable[int]) -> list[dict[str, Any]]:
    rows = connection.execute(select(_resources.c.pk, _resources.c.body).where(_resources.c.pk.in_(list(keys))))
    found = {row.pk: row.body for row in rows}
    return [loads_stored(found[key]) for key in keys if key in found]


def _forward(connection: Connection, include: Include, keys: list[int]) -> list[Row]:
    named = select(_values.c.qualifier, _values.c.value).where(
        _values.c.pk.in_(keys), _values.c.param == include.param, _values.c.qualifier.in_(list(RESOURCE_TYPES))
    )
    if include.target:
        named = named.where(_values.c.qualifier == include.target)
    targets = sorted({tuple(row) for row in connection.execute(named.limit(MAX_INCLUDED))})
    if not targets:
        return []
    wanted = tuple_(_resources.c.type, _resources.c.id).in_(targets)
    return connection.execute(select(_resources).where(wanted)).all()


def _reverse(connection: Connection, include: Include, query: Query, keys: list[int]) -> list[Row]:
    ids = connection.execute(select(_resources.c.id).where(_resources.c.pk.in_(keys))).scalars().all()
    pointing = select(_values.c.pk).where(
        _values.c.type == include.source, _values.c.param == include.param,
        _values.c.value.in_(ids), _values.c.qualifier == query.kind.name,
    )  # fmt: skip
    return connection.execute(select(_resources).where(_resources.c.pk.in_(pointing.limit(MAX_INCLUDED)))).all()
