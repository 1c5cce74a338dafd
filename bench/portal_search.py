"""How long a search takes as the portal fills up.

``python -m bench.portal_search [--url URL] [--patients 1000000]``

For 10^2 to 10^6 patients (each with one laboratory result) and 10^2 to 10^5 results of the patient who asks, it
measures the search behind "show my latest labs" through the whole store: parse, plan, index, ten resources read as
JSON. It prints a Markdown table of medians in milliseconds. Rows are inserted straight into the tables. Without
``--url`` it uses a SQLite file in a temporary folder.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Engine

from portal.access import Access
from portal.db import make_engine, migrate
from portal.indexing import index
from portal.json_format import dumps
from portal.search_parameters import RESOURCE_TYPES
from portal.store import Store
from portal.tables import Resource, SearchDate, SearchValue

BATCH = 20_000
REPEATS = 200
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
SEARCHES = {
    "latest 10 labs": {"patient": "me", "category": "laboratory", "_sort": "-date", "_count": "10"},
    "latest 10 of one test": {"patient": "me", "code": "http://loinc.org|4548-4", "_sort": "-date", "_count": "10"},
    "one test in a year": {"patient": "me", "code": "4548-4", "date": "ge2025", "_sort": "-date", "_count": "10"},
    "10 vitals beside them": {"patient": "me", "category": "vital-signs", "_sort": "-date", "_count": "10"},
    "patient by identifier": {"identifier": "urn:mrn|me"},
}


def observation(patient: str, number: int, category: str = "laboratory") -> dict[str, Any]:
    """A result; every hundredth is a hemoglobin A1c."""
    day = f"{2025 - number // 336 % 60}-{number // 28 % 12 + 1:02}-{number % 28 + 1:02}"
    code = "4548-4" if number % 100 == 0 else "2345-7"
    return {
        "resourceType": "Observation", "id": f"{patient}-{category[0]}{number}", "status": "final",
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00.000+00:00"},
        "category": [{"coding": [{"system": CATEGORY, "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": f"{day}T08:00:00Z",
        "valueQuantity": {"value": 6.9, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
    }  # fmt: skip


def patient(id: str) -> dict[str, Any]:
    return {
        "resourceType": "Patient", "id": id, "identifier": [{"system": "urn:mrn", "value": id}],
        "meta": {"versionId": "1", "lastUpdated": "2026-01-01T00:00:00.000+00:00"},
    }  # fmt: skip


class Loader:
    """Inserts resources with their index rows in large batches."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.pk = engine, 0

    def load(self, resources: Iterator[tuple[dict[str, Any], str]]) -> None:
        rows: list[dict[str, Any]] = []
        values: list[dict[str, Any]] = []
        for resource, chart in resources:
            self.pk += 1
            kind = RESOURCE_TYPES[resource["resourceType"]]
            found = index(resource, kind, "", 1_700_000_000_000_000)
            place = {"type": kind.name, "patient_id": chart, "pk": self.pk}
            dated = place | {"low": found.sort_date.start, "high": found.sort_date.end}
            rows.append(dated | {"id": resource["id"], "version": 1, "updated": 0, "body": dumps(resource)})
            values += [dated | {"param": p, "value": v, "qualifier": q} for p, v, q in found.values]
            if len(rows) >= BATCH:
                self._write(rows, values)
        self._write(rows, values)

    def _write(self, rows: list[dict[str, Any]], values: list[dict[str, Any]]) -> None:
        with self.engine.begin() as connection:
            for table, found in ((Resource, rows), (SearchValue, values)):
                if found:
                    connection.execute(table.__table__.insert(), found)
                found.clear()

    def settle(self) -> None:
        """Let PostgreSQL gather its statistics, as its own housekeeping does in service."""
        if self.engine.dialect.name == "postgresql":
            with self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))


def median_ms(store: Store, type_: str, search: dict[str, str]) -> float:
    """The median of REPEATS searches, in milliseconds."""
    access = Access(None, frozenset({"system/*.*"})) if type_ == "Patient" else Access("me", frozenset({"patient/*.*"}))
    store.search(type_, search, access)
    took = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        store.search(type_, search, access)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def row(store: Store, patients: int, results: int) -> str:
    figures = [median_ms(store, "Patient" if "identifier" in s else "Observation", s) for s in SEARCHES.values()]
    return f"| {patients:,} | {results:,} | " + " | ".join(f"{figure:.2f}" for figure in figures) + " |"


def charts(first: int, last: int) -> Iterator[tuple[dict[str, Any], str]]:
    for number in range(first, last):
        yield patient(f"p{number}"), f"p{number}"
        yield observation(f"p{number}", number), f"p{number}"


def own(first: int, last: int) -> Iterator[tuple[dict[str, Any], str]]:
    return ((observation("me", number), "me") for number in range(first, last))


def measure(engine: Engine, most_patients: int, most_results: int) -> Iterator[str]:
    """The table, line by line: first more and more patients, then more and more results of one of them."""
    migrate(engine)
    with engine.begin() as connection:
        for table in (SearchDate, SearchValue, Resource):
            connection.execute(table.__table__.delete())
    store, loader = Store(engine), Loader(engine)
    yield f"| patients | results of the patient | {' | '.join(SEARCHES)} |"
    yield "|---:|---:|" + "---:|" * len(SEARCHES)
    loader.load(iter([(patient("me"), "me")]))
    loader.load((observation("me", number, "vital-signs"), "me") for number in range(10))
    loader.load(own(0, 100))
    have, results = 0, 100
    for patients in (10**power for power in range(2, 7) if 10**power <= most_patients):
        loader.load(charts(have, patients))
        loader.settle()
        have = patients
        yield row(store, have, results)
    for more in (10**power for power in range(3, 6) if 10**power <= most_results):
        loader.load(own(results, more))
        loader.settle()
        results = more
        yield row(store, have, results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="an empty database; everything of the portal's in it is deleted")
    parser.add_argument("--patients", type=int, default=10**5)
    parser.add_argument("--results", type=int, default=10**5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(options.url or f"sqlite:///{Path(folder) / 'bench.db'}")
        for line in measure(engine, options.patients, options.results):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
