"""Writing resources and their index rows on one connection."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.engine import Connection, Row

from portal.dates import as_datetime
from portal.errors import Conflict
from portal.indexing import bounded, index
from portal.json_format import dumps
from portal.search_parameters import RESOURCE_TYPES
from portal.tables import ConditionalKey, Resource, SearchDate, SearchValue

_INSERT = insert(Resource.__table__)


class Writer:
    """Inserts and replaces resources; index rows are collected and written together by ``flush``."""

    def __init__(self, connection: Connection, base_url: str = "") -> None:
        self._connection, self._base_url = connection, base_url
        self._values: list[dict[str, Any]] = []
        self._dates: list[dict[str, Any]] = []

    def insert(self, resource: dict[str, Any], chart: str) -> tuple[int, dict[str, Any]]:
        """Store a new resource, which has its id. Returns its key, and the resource with its ``meta``."""
        stored, row = self._prepare(resource, 1, chart)
        pk = self._connection.execute(_INSERT, row).inserted_primary_key[0]
        self._collect(stored, pk, row)
        return pk, stored

    def replace(self, resource: dict[str, Any], old: Row, chart: str) -> dict[str, Any]:
        """Store the next version over the ``old`` row. Raises Conflict where another writer was faster."""
        self.flush()
        stored, row = self._prepare(resource, old.version + 1, chart)
        table = Resource.__table__
        mine = (table.c.pk == old.pk, table.c.version == old.version)
        if self._connection.execute(update(table).where(*mine).values(**row)).rowcount != 1:
            raise Conflict("The resource was changed at the same moment by someone else")
        for rows in (SearchValue.__table__, SearchDate.__table__):
            self._connection.execute(delete(rows).where(rows.c.pk == old.pk))
        self._forget_keys(stored, old.pk)
        self._collect(stored, old.pk, row)
        return stored

    def flush(self) -> None:
        """Write the collected index rows."""
        for table, rows in ((SearchValue.__table__, self._values), (SearchDate.__table__, self._dates)):
            if rows:
                self._connection.execute(insert(table), rows)
                rows.clear()

    def _prepare(self, resource: dict[str, Any], version: int, chart: str) -> tuple[dict[str, Any], dict[str, Any]]:
        updated = time.time_ns() // 1_000_000 * 1000  # FHIR instants are shown in milliseconds
        shown = as_datetime(updated).isoformat(timespec="milliseconds")
        meta = {**resource.get("meta", {}), "versionId": str(version), "lastUpdated": shown}
        stored = {"resourceType": resource["resourceType"], "id": resource["id"], **resource, "meta": meta}
        kind = RESOURCE_TYPES[stored["resourceType"]]
        self._index = index(stored, kind, self._base_url, updated)
        low, high = self._index.sort_date
        row = {
            "type": kind.name, "id": stored["id"], "version": version, "updated": updated, "patient_id": chart,
            "low": low, "high": high, "body": dumps(stored),
        }  # fmt: skip
        return stored, row

    def _collect(self, stored: dict[str, Any], pk: int, row: dict[str, Any]) -> None:
        shared = {"type": row["type"], "patient_id": row["patient_id"], "pk": pk}
        interval = {"low": row["low"], "high": row["high"]}
        for param, value, qualifier in self._index.values:
            self._values.append({"param": param, "value": value, "qualifier": qualifier, **shared, **interval})
        for param, (start, end) in self._index.dates:
            self._dates.append({"param": param, "start": start, "end": end, **shared})

    def _forget_keys(self, stored: dict[str, Any], pk: int) -> None:
        """An identifier that the resource no longer has is free for another conditional create."""
        table = ConditionalKey.__table__
        found = stored.get("identifier") or []
        kept = {
            (bounded(item.get("system") or ""), bounded(item.get("value") or ""))
            for item in (found if isinstance(found, list) else [found])
        }
        for row in self._connection.execute(select(table).where(table.c.pk == pk)).all():
            if (row.system, row.value) not in kept:
                gone = (table.c.pk == pk, table.c.system == row.system, table.c.value == row.value)
                self._connection.execute(delete(table).where(*gone))
