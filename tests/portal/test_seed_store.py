"""The seed in a store: whole, quickly again, and anew when asked."""

from datetime import timedelta

import pytest

from portal.access import SYSTEM, Access
from portal.db import make_engine, migrate
from portal.errors import NotFound
from portal.seed import DEMO_PASSWORD, MARKER, seed
from portal.store import Store
from tests.portal.seeded import NOW, everything

CLINIC = ("Organization", "riverbend-clinic")


class FakeUsers:
    def __init__(self):
        self.added = {}

    def add(self, username, password, patient_id, display_name, *, demo=False, note=""):
        self.added[username] = (password, patient_id, display_name, demo, note)


class FakeStore:
    """Keeps what it is given, and breaks at the transaction that `breaks_at` counts to."""

    base_url = ""

    def __init__(self, breaks_at=0):
        self.resources, self.transactions, self.breaks_at = {}, 0, breaks_at

    def read(self, name, id, access=SYSTEM):
        if (name, id) not in self.resources:
            raise NotFound(f"No such {name}")
        return self.resources[name, id]

    def transaction(self, bundle, access=SYSTEM):
        self.transactions += 1
        if self.transactions == self.breaks_at:
            raise OSError("disk full")
        for entry in bundle["entry"]:
            kind, key = entry["request"]["url"].split("/")
            self.resources[kind, key] = entry["resource"]


def test_the_portals_own_store_takes_everything_and_knows_it_again(tmp_path):
    engine = make_engine(f"sqlite:///{tmp_path}/portal.db")
    migrate(engine)
    store, users = Store(engine, "http://127.0.0.1:8000/fhir"), FakeUsers()
    report = seed(store, users, now=NOW)
    assert (report.resources, report.users, report.skipped) == (len(everything()), 13, False)
    assert all(store.read("Patient", patient_id) for _, patient_id, *_ in users.added.values())
    assert seed(store, users, now=NOW).skipped
    assert store.read("Patient", "rosa")["meta"]["versionId"] == "1"
    rosa = Access("rosa", frozenset({"patient/*.*"}))
    found = store.search("MedicationRequest", {"_count": "50"}, rosa).matches
    assert {request["subject"]["reference"] for request in found} == {"Patient/rosa"}
    assert len(found) == 14


def test_each_patient_gets_a_sign_in():
    users = FakeUsers()
    seed(FakeStore(), users, now=NOW)
    assert users.added["rosa"][:4] == (DEMO_PASSWORD, "rosa", "Rosa Delgado", True)
    assert len(users.added) == 13


def test_a_second_run_changes_nothing():
    store, users = FakeStore(), FakeUsers()
    seed(store, users, now=NOW)
    written = store.transactions
    users.added.clear()
    again = seed(store, users, now=NOW)
    assert (again.skipped, again.resources, again.as_of) == (True, 0, "2026-11-22")
    assert (store.transactions, users.added) == (written, {})
    assert seed(store, users, now=NOW, fresh=True).skipped


def test_the_dates_stay_on_a_later_day_until_fresh_is_asked_for():
    store, users = FakeStore(), FakeUsers()
    seed(store, users, now=NOW)
    tomorrow = NOW + timedelta(days=1)
    assert seed(store, users, now=tomorrow).as_of == "2026-11-22"
    before = store.read("DiagnosticReport", "rosa-vitamin-d-1")["effectiveDateTime"]
    addresses = set(store.resources)
    report = seed(store, users, now=tomorrow, fresh=True)
    after = store.read("DiagnosticReport", "rosa-vitamin-d-1")["effectiveDateTime"]
    assert (report.skipped, report.as_of) == (False, "2026-11-23")
    assert (before[:10], after[:10]) == ("2026-11-21", "2026-11-22")
    assert set(store.resources) == addresses


def test_another_address_of_the_server_is_another_seed():
    store, users = FakeStore(), FakeUsers()
    seed(store, users, now=NOW)
    store.base_url = "https://portal.example/fhir"
    assert not seed(store, users, now=NOW).skipped
    note = store.read("DocumentReference", "rosa-note-knee-xray")
    assert note["content"][0]["attachment"]["url"] == "https://portal.example/fhir/Binary/rosa-note-knee-xray"


@pytest.mark.parametrize("breaks_at", [1, 8, 15])
def test_a_run_that_broke_off_is_done_again(breaks_at):
    store, users = FakeStore(breaks_at), FakeUsers()
    with pytest.raises(OSError, match="disk full"):
        seed(store, users, now=NOW)
    assert not seed(store, users, now=NOW).skipped
    assert [tag["system"] for tag in store.read(*CLINIC)["meta"]["tag"]] == [MARKER]
    assert len(store.resources) == len(everything())
