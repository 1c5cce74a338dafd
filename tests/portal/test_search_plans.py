"""The page of a search is one range of one index, on both databases: its cost does not grow with the data.

The statements are caught on their way to the database, and the database itself says how it carries them out.
"""

import json

import pytest
from sqlalchemy import event, text

from portal.access import Access

OWN = Access("me", frozenset({"patient/*.*"}))
LATEST = {"patient": "me", "category": "laboratory", "_sort": "-date", "_count": "10"}


@pytest.fixture
def filled(portal):
    """3,000 results of the patient and 3,000 of others, so that a plan has something to choose between."""
    from bench.portal_search import Loader, charts, observation, own

    loader = Loader(portal.store.engine)
    with portal.store.engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("ALTER SEQUENCE resource_pk_seq RESTART WITH 1"))
    loader.load(own(0, 3000))
    loader.load(charts(0, 1500))
    loader.load((observation("me", number, "vital-signs"), "me") for number in range(10))
    loader.settle()
    return portal


def statements(store, search, act=None):
    """The statements of a search with their parameters, as the driver got them."""
    caught = []

    def catch(_connection, _cursor, statement, parameters, _context, _many):
        caught.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", catch)
    try:
        page = store.search("Observation", search, OWN)
    finally:
        event.remove(store.engine, "before_cursor_execute", catch)
    return page, [found for found in caught if found[0].lstrip().startswith("SELECT")]


def sqlite_plan(engine, statement, parameters):
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    return [row[3] for row in rows]


def rows_read(engine, statement, parameters):
    """How many rows PostgreSQL's scans really gave, filtered ones too, and whether it sorted."""
    with engine.connect() as connection:
        plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    nodes = [(plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]]
    read, sorts = 0, False
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", [])
        sorts = sorts or "Sort" in node["Node Type"]
        if "Scan" in node["Node Type"]:
            read += (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return read, sorts


@pytest.mark.parametrize(
    "search",
    [
        LATEST,
        {**LATEST, "_sort": "date"},
        {"patient": "me", "_sort": "-date", "_count": "10"},
        {**LATEST, "date": "ge2022"},
        {"patient": "me", "category": "vital-signs", "_count": "10"},
        {"patient": "me", "category": "http://terminology.hl7.org/CodeSystem/observation-category|laboratory"},
    ],
)
def test_a_page_is_one_range_of_one_index(filled, search):
    store = filled.store
    page, found = statements(store, {**search, "_count": "10"})
    assert len(page.matches) == 10
    if store.engine.dialect.name == "sqlite":
        plan = sqlite_plan(store.engine, *found[0])
        assert len(plan) == 1, plan
        assert plan[0].startswith("SEARCH d USING") and "type=?" in plan[0] and "patient_id=?" in plan[0], plan
    else:
        read, sorts = rows_read(store.engine, *found[0])
        assert not sorts
        assert read <= 30


def test_a_later_page_starts_where_the_last_one_ended(filled):
    store = filled.store
    page, _ = statements(store, LATEST)
    for _ in range(3):
        page, found = statements(store, {**LATEST, "_cursor": page.next_cursor})
    if store.engine.dialect.name == "sqlite":
        plan = sqlite_plan(store.engine, *found[0])
        assert (len(plan) == 1 and "low<?" in plan[0]) or "(low,pk)<(?,?)" in plan[0], plan
    else:
        read, sorts = rows_read(store.engine, *found[0])
        assert not sorts
        assert read <= 40


def test_the_criterion_that_matches_the_fewest_leads(filled):
    store = filled.store
    rare = {"patient": "me", "category": "laboratory", "status": "final", "identifier": "nothing"}
    page, found = statements(store, rare)
    assert page.matches == []
    leading = next(parameters for statement, parameters in found if "DISTINCT" in statement)
    values = list(leading.values()) if isinstance(leading, dict) else list(leading)
    assert values.index("identifier") < min(values.index("category"), values.index("status"))
