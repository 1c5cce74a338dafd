"""Answering a search from the index.

One *driver* table is read in the order of the page, and every other criterion is checked row by row. The driver is
the coded criterion that matches the fewest rows (counted up to PROBE), or else the chart itself. With a patient, a
code and the type's own date as order, the page is one range of one index: its cost does not depend on how much is
on file. The statement's plan on both databases is held by ``tests/portal/test_search_plans.py``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, distinct, exists, false, func, literal, not_, or_, select, true, tuple_
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement
from sqlalchemy.sql.selectable import FromClause, Select

from portal import cursor
from portal.criteria import DateFilter, Match, MissingFilter, ValueFilter, When
from portal.errors import BadRequest
from portal.query import Query, SortKey
from portal.search_parameters import DATE
from portal.tables import NO_DATE, Resource, SearchDate, SearchValue

PROBE = 400
_LAST_CHARACTER = "\U0010ffff"

resources: FromClause = Resource.__table__
values: FromClause = SearchValue.__table__
dates: FromClause = SearchDate.__table__
# Made once: an alias costs more than the rest of a statement.
DRIVING_RESOURCES, DRIVING_VALUES = resources.alias("d"), values.alias("d")
OTHER_RESOURCE, OTHER_VALUE, OTHER_DATE = resources.alias("r"), values.alias("v"), dates.alias("t")


@dataclass(frozen=True)
class Found:
    """The keys of one page in order, the cursor of the next one, and the total where it is known."""

    keys: list[int]
    next_cursor: str
    total: int | None


def find(connection: Connection, query: Query, charts: frozenset[str] | None) -> Found:
    """Run a search, restricted to ``charts`` ('' is what belongs to no chart) unless that is None.

    Raises BadRequest for a cursor that is not of this search.
    """
    plan = _Plan(connection, query, charts)
    if plan.impossible:
        return Found([], "", 0)
    if query.only_total:
        return Found([], "", plan.total())
    order = [_sort_column(plan.driver, query, key) for key in query.sort]
    descending = [key.descending for key in query.sort]
    order.append(plan.driver.c.pk)
    descending.append(descending[-1])
    labels = [column.label(f"k{number}") for number, column in enumerate(order)]
    statement = select(*labels).where(*plan.conditions).distinct()
    if query.cursor:
        place = cursor.decode(query.cursor, _search_key(query))
        statement = statement.where(_after(order, descending, place))
    ordering = [label.desc() if down else label.asc() for label, down in zip(labels, descending, strict=True)]
    rows = connection.execute(statement.order_by(*ordering).limit(query.count + 1)).all()
    return _found(plan, query, rows)


def _found(plan: _Plan, query: Query, rows: list[Any]) -> Found:
    page = rows[: query.count]
    more = len(rows) > len(page)
    total = plan.total() if query.wants_total and (more or query.cursor) else None
    if not more and not query.cursor:
        total = len(page)
    place = cursor.encode(list(page[-1]), _search_key(query)) if more else ""
    return Found([row[-1] for row in page], place, total)


def _search_key(query: Query) -> str:
    pairs = sorted(pair for pair in query.used if pair[0] not in ("_count", "_total", "_format", "_pretty"))
    return repr((query.kind.name, pairs))


class _Plan:
    """The driver of a search, and what its rows must fulfil."""

    def __init__(self, connection: Connection, query: Query, charts: frozenset[str] | None) -> None:
        self.connection, self.query = connection, query
        self.charts = charts if query.charts is None else query.charts & charts if charts else query.charts
        self.impossible = self.charts == frozenset() or query.ids == frozenset()
        leading = None if self.impossible or query.ids is not None else self._leading()
        self.driver = DRIVING_RESOURCES if leading is None else DRIVING_VALUES
        self.conditions = self._scope(self.driver)
        if leading is not None:
            self.conditions += [self.driver.c.param == leading.param, _any_match(self.driver, leading)]
        if query.ids is not None:
            self.conditions.append(self.driver.c.id.in_(sorted(query.ids)))
        self.conditions += [self._check(found) for found in query.values if found is not leading]
        self.conditions += [self._check_date(found) for found in query.dates]
        self.conditions += [self._check_missing(found) for found in query.missing]

    def total(self) -> int:
        """How many resources fulfil the search."""
        return self.connection.execute(
            select(func.count(distinct(self.driver.c.pk))).where(*self.conditions)
        ).scalar_one()

    def _scope(self, table: FromClause) -> list[ColumnElement]:
        scope: list[ColumnElement] = [table.c.type == self.query.kind.name]
        if self.charts is not None and len(self.charts) == 1:
            scope.append(table.c.patient_id == next(iter(self.charts)))
        elif self.charts is not None:
            scope.append(table.c.patient_id.in_(sorted(self.charts)))
        return scope

    def _leading(self) -> ValueFilter | None:
        """The coded criterion that matches the fewest rows."""
        candidates = [found for found in self.query.values if not found.negated]
        return candidates[0] if len(candidates) == 1 else min(candidates, key=self._size, default=None)

    def _size(self, found: ValueFilter) -> int:
        rows = (
            select(literal(1))
            .select_from(values)
            .where(*self._scope(values), values.c.param == found.param, _any_match(values, found))
        )
        return self.connection.execute(select(func.count()).select_from(rows.limit(PROBE).subquery())).scalar_one()

    def _check(self, found: ValueFilter) -> ColumnElement:
        row = OTHER_VALUE
        matching = exists().where(row.c.pk == self.driver.c.pk, row.c.param == found.param, _any_match(row, found))
        return not_(matching) if found.negated else matching

    def _check_date(self, found: DateFilter) -> ColumnElement:
        if found.param == self.query.kind.sort_date:
            known = self.driver.c.low > NO_DATE
            return and_(known, _any_time(self.driver.c.low, self.driver.c.high, found.alternatives))
        if found.param == "_lastUpdated":
            updated = _of_resource(self.driver, resources.c.updated)
            return _any_time(updated, updated, found.alternatives)
        row = OTHER_DATE
        return exists().where(
            row.c.pk == self.driver.c.pk,
            row.c.param == found.param,
            _any_time(row.c.start, row.c.end, found.alternatives),
        )

    def _check_missing(self, found: MissingFilter) -> ColumnElement:
        name = found.param.name
        if name == "_lastUpdated":
            there: ColumnElement = true()
        elif name == self.query.kind.sort_date:
            there = self.driver.c.low > NO_DATE
        elif found.param.kind == DATE:
            row = OTHER_DATE
            there = exists().where(row.c.pk == self.driver.c.pk, row.c.param == name)
        else:
            row = OTHER_VALUE
            there = exists().where(row.c.pk == self.driver.c.pk, row.c.param == name)
        return not_(there) if found.missing else there


def _any_match(table: FromClause, found: ValueFilter) -> ColumnElement:
    return or_(*(_match(table, match) for match in found.matches))


def _match(table: FromClause, match: Match) -> ColumnElement:
    if match.prefix:
        value = and_(table.c.value >= match.value, table.c.value < match.value + _LAST_CHARACTER)
    else:
        value = table.c.value == match.value
    return value if match.qualifier is None else and_(value, table.c.qualifier == match.qualifier)


def _any_time(low: Any, high: Any, alternatives: tuple[When, ...]) -> ColumnElement:
    return or_(*(_time(low, high, when) for when in alternatives))


def _time(low: Any, high: Any, when: When) -> ColumnElement:
    """FHIR's comparison of the interval ``low``–``high`` on file with the one that is asked for."""
    start, end = when.interval
    return {
        "eq": and_(low >= start, high <= end),
        "ne": or_(low < start, high > end),
        "gt": high > end,
        "ge": high >= start,
        "lt": low < start,
        "le": low <= end,
        "sa": low > end,
        "eb": high < start,
    }[when.prefix]


def _of_resource(driver: FromClause, column: Any) -> Any:
    row = OTHER_RESOURCE
    return select(row.c[column.name]).where(row.c.pk == driver.c.pk).scalar_subquery()


def _sort_column(driver: FromClause, query: Query, key: SortKey) -> Any:
    if key.param == query.kind.sort_date:
        return driver.c.low
    if key.param in ("_id", "_lastUpdated"):
        return _of_resource(driver, resources.c.id if key.param == "_id" else resources.c.updated)
    best = func.max if key.descending else func.min
    if query.kind.params[key.param].kind == DATE:
        row = OTHER_DATE
        found, absent = best(row.c.start), literal(NO_DATE)
    else:
        row = OTHER_VALUE
        found, absent = best(row.c.value), literal("")
    inner: Select = select(func.coalesce(found, absent)).where(row.c.pk == driver.c.pk, row.c.param == key.param)
    return inner.scalar_subquery()


def _after(order: list[Any], descending: list[bool], place: cursor.Place) -> ColumnElement:
    """Rows that come after the place. With one direction it is a row comparison, which an index can serve."""
    if len(place) != len(order):
        raise BadRequest("The page link is damaged", "http._cursor", "value")
    if len(set(descending)) == 1:
        row, bound = tuple_(*order), tuple_(*(literal(value) for value in place))
        return row < bound if descending[0] else row > bound
    after: ColumnElement = false()
    for position in reversed(range(len(order))):
        column, value = order[position], place[position]
        beyond = column < value if descending[position] else column > value
        after = or_(beyond, and_(column == value, after))
    return after
