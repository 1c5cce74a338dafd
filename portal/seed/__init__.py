"""Demo and sample patients for the embedded portal, with all dates about the present.

`seed` fills a store. What it wrote last is remembered as a tag on the clinic's Organization, so that it is quick to
see that nothing is to be done.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from portal.access import SYSTEM, Access
from portal.errors import NotFound
from portal.seed.build.chart import Resource
from portal.seed.build.people import directory
from portal.seed.build.visits import open_times
from portal.seed.clock import Clock
from portal.seed.demo.charts import DEMO_PATIENTS
from portal.seed.samples import SAMPLE_PATIENTS, load_sample

#: The password of every demo sign-in.
DEMO_PASSWORD = "chartline-demo"  # noqa: S105  public on purpose: it opens invented charts only
#: Tag on the clinic's Organization: the code is the fingerprint of what was seeded, the display the day it was for.
MARKER = "urn:chartline:seed"

_CLINIC = ("Organization", "riverbend-clinic")
_ZONE = "America/New_York"
_DEFAULT_URL = "http://127.0.0.1:8000/fhir"
_INPUTS = (".py", ".csv", ".gz", ".txt", ".xhtml")


class Store(Protocol):
    """What the seed needs of `portal.store.Store`."""

    base_url: str

    def read(self, name: str, id: str, access: Access = ...) -> dict[str, Any]:
        """A resource. Raises NotFound."""

    def transaction(self, bundle: dict[str, Any], access: Access = ...) -> dict[str, Any]:
        """Carry out a transaction bundle."""


class Users(Protocol):
    """What the seed needs of `portal.smart.users.Users`."""

    def add(
        self, username: str, password: str, patient_id: str, display_name: str, *, demo: bool = ..., note: str = ...
    ) -> None:
        """Add a sign-in, or bring the one of that name up to date."""


@dataclass(frozen=True)
class SeedReport:
    """What a run did. `as_of` is the day (ISO) that the dates are shifted to; `skipped`: it was there already."""

    resources: int
    users: int
    as_of: str
    skipped: bool


@dataclass(frozen=True)
class SeedChart:
    """One patient to seed: the sign-in, and the chart, whose Patient stands first."""

    username: str
    note: str
    resources: list[Resource]

    @property
    def patient_id(self) -> str:
        """The id of the chart's Patient."""
        return str(self.resources[0]["id"])

    @property
    def display_name(self) -> str:
        """The patient's present name."""
        names = self.resources[0]["name"]
        name = next((found for found in names if found.get("use") != "old"), names[0])
        return f"{name['given'][0]} {name['family']}"


def seed(store: Store, users: Users, *, now: datetime | None = None, fresh: bool = False) -> SeedReport:
    """Write all charts and sign-ins, unless this very seed is there already.

    Dates are relative to `now` and stay as they are on later runs; `fresh` moves them to `now` again. Seeded resources
    are then overwritten; what patients added since is left alone. Raises what the store raises.
    """
    now = now or datetime.now(timezone.utc)
    address = store.base_url or _DEFAULT_URL
    fingerprint, as_of = _fingerprint(address), Clock(now, _ZONE).day("0d")
    seeded = _marker(store)
    if seeded and seeded["code"] == fingerprint and (not fresh or seeded["display"] == as_of):
        return SeedReport(0, 0, seeded["display"], skipped=True)
    charts = list(seed_charts(now, address))
    written = _write(store, now, charts, {"system": MARKER, "code": fingerprint, "display": as_of}, users)
    return SeedReport(written, len(charts), as_of, skipped=False)


def seed_charts(now: datetime, fhir_url: str = _DEFAULT_URL) -> Iterator[SeedChart]:
    """Every patient, the demo charts first."""
    for demo in DEMO_PATIENTS:
        yield SeedChart(demo.person.key, demo.note, demo.chart(now, fhir_url))
    for sample in SAMPLE_PATIENTS:
        yield SeedChart(sample.username, sample.note, load_sample(sample, now))


def shared_resources(now: datetime, charts: Iterable[SeedChart]) -> list[Resource]:
    """Clinicians, places and open times; a time that a chart's booked visit has taken is left out."""
    taken = {(r["resourceType"], r["id"]) for chart in charts for r in chart.resources}
    shared = [*directory(), *open_times(Clock(now, _ZONE))]
    return [resource for resource in shared if (resource["resourceType"], resource["id"]) not in taken]


def _write(store: Store, now: datetime, charts: list[SeedChart], marker: Resource, users: Users) -> int:
    """One transaction a chart, the marked Organization last: a run that broke off is not taken for done."""
    shared = shared_resources(now, charts)
    clinic = [resource for resource in shared if (resource["resourceType"], resource["id"]) == _CLINIC]
    others = [resource for resource in shared if resource not in clinic]
    for resources in (others, *(chart.resources for chart in charts)):
        store.transaction(transaction_bundle(resources), SYSTEM)
    for chart in charts:
        users.add(chart.username, DEMO_PASSWORD, chart.patient_id, chart.display_name, demo=True, note=chart.note)
    marked = [resource | {"meta": resource.get("meta", {}) | {"tag": [marker]}} for resource in clinic]
    store.transaction(transaction_bundle(marked), SYSTEM)
    return len(shared) + sum(len(chart.resources) for chart in charts)


def transaction_bundle(resources: Iterable[Resource]) -> Resource:
    """A transaction that puts each resource under its own id."""
    entries = [
        {"resource": resource, "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}}
        for resource in resources
    ]
    return {"resourceType": "Bundle", "type": "transaction", "entry": entries}


def _marker(store: Store) -> Resource | None:
    try:
        clinic = store.read(*_CLINIC, SYSTEM)
    except NotFound:
        return None
    return next((tag for tag in clinic.get("meta", {}).get("tag", []) if tag.get("system") == MARKER), None)


def _fingerprint(address: str) -> str:
    """A hash of the seed's code and data, and of the address that its links lead to."""
    digest = sha256(address.encode())
    here = Path(__file__).parent
    for path in sorted(found for found in here.rglob("*") if found.suffix in _INPUTS):
        digest.update(path.relative_to(here).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
