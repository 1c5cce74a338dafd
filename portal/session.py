"""Writing interactions inside one transaction, on behalf of one access."""

from __future__ import annotations

import re
import uuid
from typing import Any
from urllib.parse import parse_qsl

from sqlalchemy import select, text
from sqlalchemy.engine import Connection, Row

from portal import search
from portal.access import Access
from portal.compartment import chart_of, check_write, require, visible
from portal.errors import BadRequest, Forbidden, MethodNotAllowed, NotFound, PreconditionFailed
from portal.indexing import Target, bounded
from portal.json_format import check, loads_stored
from portal.query import Pairs, Query, parse_query
from portal.search_parameters import RESOURCE_TYPES, ResourceType
from portal.tables import ConditionalKey, Resource
from portal.validation import validate
from portal.writer import Writer

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_resources, _keys = Resource.__table__, ConditionalKey.__table__


def checked(resource: Any) -> ResourceType:
    """Validate a resource and tell its type. Raises BadRequest or Invalid."""
    check(resource)
    validate(resource)
    return RESOURCE_TYPES[resource["resourceType"]]


def criterion_of(if_none_exist: str | Pairs) -> Pairs:
    """The search of an ``If-None-Exist`` header, which may begin with the type and a question mark."""
    if not isinstance(if_none_exist, str):
        return if_none_exist
    return parse_qsl(if_none_exist.rpartition("?")[2], keep_blank_values=True)


def row_of(connection: Connection, name: str, id: str) -> Row | None:
    """The stored row of a resource."""
    if not ID.fullmatch(id):
        return None
    return connection.execute(select(_resources).where(_resources.c.type == name, _resources.c.id == id)).one_or_none()


def charts_of(access: Access, kind: ResourceType) -> frozenset[str] | None:
    """The charts that a search may look into; None for all."""
    if kind.shared:
        return frozenset({""})
    return None if access.patient_id is None else frozenset({access.patient_id})


class Session:
    """create and update, conditional ones too. Index rows are written by ``flush``, which every read calls."""

    def __init__(self, connection: Connection, base_url: str, access: Access) -> None:
        self.connection, self.base_url, self.access = connection, base_url, access
        self.writer = Writer(connection, base_url)

    def flush(self) -> None:
        self.writer.flush()

    def create(self, resource: dict[str, Any], kind: ResourceType, criterion: Pairs) -> tuple[dict[str, Any], bool]:
        """Store it under a new id, unless the criterion finds one already; tells whether it was stored."""
        if criterion:
            if self.access.proxy is not None:
                require(self.access, kind, "search")  # what it finds is shown
            self._lock(kind, criterion)
            existing = self.existing(kind, criterion)
            if existing is not None:
                return existing, False
        return self.insert({**resource, "id": str(uuid.uuid4())}, kind, criterion), True

    def insert(self, resource: dict[str, Any], kind: ResourceType, criterion: Pairs) -> dict[str, Any]:
        """Store a new resource under the id that it has."""
        chart = self._chart(resource, kind, "")
        pk, stored = self.writer.insert(resource, chart)
        if len(criterion) == 1 and criterion[0][0] == "identifier":
            self._keep_key(kind, chart, criterion[0][1], pk)
        return stored

    def update(self, resource: dict[str, Any], kind: ResourceType, if_match: str) -> tuple[dict[str, Any], bool]:
        """Store the next version, or with system access a new resource; tells whether it is new."""
        id = resource.get("id")
        if not isinstance(id, str) or not ID.fullmatch(id):
            raise BadRequest("An update needs the resource's id", f"{kind.name}.id", "required")
        self.flush()
        old = row_of(self.connection, kind.name, id)
        if old is None or not visible(self.access, kind, old.patient_id):
            self._refuse_new(kind, old, if_match)
            return self.insert(resource, kind, []), True
        _check_version(if_match, old.version)
        return self.writer.replace(resource, old, self._chart(resource, kind, old.patient_id, old.body)), False

    def _refuse_new(self, kind: ResourceType, hidden: Row | None, if_match: str) -> None:
        """Another's resource looks as if it were not there; only the system may choose a new one's id."""
        if self.access.patient_id is not None:
            raise (
                NotFound(f"No such {kind.name}")
                if hidden
                else MethodNotAllowed("A resource cannot be created under an id of the client's choice")
            )
        if if_match:
            raise PreconditionFailed("There is no version to replace")

    def existing(self, kind: ResourceType, criterion: Pairs) -> dict[str, Any] | None:
        """The one resource that the criterion finds. Raises PreconditionFailed where there are several."""
        pairs = [pair for pair in criterion if not pair[0].startswith("_") or pair[0] in ("_id", "_tag")]
        if not pairs or len(pairs) != len(criterion):
            raise BadRequest("The condition must be made of search parameters", code="value")
        self.flush()
        query: Query = parse_query(kind, pairs, self.base_url)
        query.count = 2
        keys = search.find(self.connection, query, charts_of(self.access, kind)).keys
        if len(keys) > 1:
            raise PreconditionFailed(f"Several {kind.name} resources match the condition", code="multiple-matches")
        if not keys:
            return None
        body = select(_resources.c.body).where(_resources.c.pk == keys[0])
        return loads_stored(self.connection.execute(body).scalar_one())

    def stored_chart(self, target: Target) -> str | None:
        """The chart of a stored resource ('' for none), or None where there is no such resource."""
        row = row_of(self.connection, target.type, target.id)
        return None if row is None else row.patient_id

    def _chart(self, resource: dict[str, Any], kind: ResourceType, previous: str, before: str = "null") -> str:
        """Whose chart the resource goes to. Raises Forbidden for a patient who writes outside the own one."""
        chart = chart_of(resource, kind, self.base_url, self.stored_chart)
        own = self.access.patient_id
        if own is None:
            return chart or previous
        check_write(resource, kind, self.access, self.base_url, self.stored_chart, loads_stored(before))
        if chart not in ("", own):
            raise Forbidden(f"This {kind.name} is about someone else")
        return own

    def _lock(self, kind: ResourceType, criterion: Pairs) -> None:
        """The same condition waits here on PostgreSQL; on SQLite there is one writer at a time anyway."""
        if self.connection.dialect.name == "postgresql":
            key = repr((kind.name, sorted(criterion)))
            self.connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": key})

    def _keep_key(self, kind: ResourceType, chart: str, identifier: str, pk: int) -> None:
        """Make the identifier unique. A key whose resource no longer has it has no claim any more."""
        system, _, value = identifier.rpartition("|")
        row = {"type": kind.name, "patient_id": chart, "system": bounded(system), "value": bounded(value)}
        self.connection.execute(_keys.insert().values(**row, pk=pk))


def _check_version(if_match: str, version: int) -> None:
    if if_match and if_match.removeprefix("W/").strip('"') != str(version):
        raise PreconditionFailed("The resource has changed since it was read")
