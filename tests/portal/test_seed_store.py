"""The seed in a real store: once, quickly again, and anew when asked."""

from datetime import timedelta

import pytest

from portal.access import Access
from portal.db import make_engine, migrate
from portal.seed import DEMO_PASSWORD, MARKER, seed
from portal.store import Store
from tests.portal.seeded import NOW, everything

ROSA = Access("rosa", frozenset({"patient/*.*"}))


class FakeUsers:
    def __init__(self):
        self.added = {}

    def add(self, username, password, patient_id, display_name, *, demo=False, note=""):
        self.added[username] = (password, patient_id, display_name, demo, note)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    """A store that was seeded once. The tests below that write to it leave it as they found it, or newer."""
    engine = make_engine(f"sqlite:///{tmp_path_factory.mktemp('portal')}/portal.db")
    migrate(engine)
    store, users = Store(engine, "http://127.0.0.1:8000/fhir"), FakeUsers()
    report = seed(store, users, now=NOW)
    return store, users, report


def test_everything_is_written(seeded):
    store, users, report = seeded
    assert (report.resources, report.users, report.skipped) == (len(everything()), 13, False)
    assert users.added["rosa"][:4] == (DEMO_PASSWORD, "rosa", "Rosa Delgado", True)
    assert all(store.read("Patient", patient_id) for _, patient_id, *_ in users.added.values())


def test_a_second_run_changes_nothing(seeded):
    store, users, _ = seeded
    users.added.clear()
    report = seed(store, users, now=NOW)
    assert report.skipped and report.resources == 0
    assert store.read("Patient", "rosa")["meta"]["versionId"] == "1"
    assert users.added == {}


def test_the_dates_stay_on_a_later_day_until_fresh_is_asked_for(seeded):
    store, users, _ = seeded
    tomorrow = NOW + timedelta(days=1)
    assert seed(store, users, now=tomorrow).as_of == "2026-11-22"
    before = store.read("DiagnosticReport", "rosa-vitamin-d-1")["effectiveDateTime"]
    report = seed(store, users, now=tomorrow, fresh=True)
    after = store.read("DiagnosticReport", "rosa-vitamin-d-1")["effectiveDateTime"]
    assert (report.skipped, report.as_of) == (False, "2026-11-23")
    assert (before[:10], after[:10]) == ("2026-11-21", "2026-11-22")


def test_a_patient_finds_her_own_chart_and_nobody_elses(seeded):
    store = seeded[0]
    found = store.search("MedicationRequest", {"_count": "50"}, ROSA).matches
    assert {request["subject"]["reference"] for request in found} == {"Patient/rosa"}
    assert len(found) == 14


def test_a_run_that_broke_off_is_done_again(seeded):
    store, users, _ = seeded
    clinic = store.read("Organization", "riverbend-clinic")
    clinic["meta"] = {"profile": clinic["meta"]["profile"]}
    store.update(clinic)
    assert not seed(store, users, now=NOW).skipped
    tags = store.read("Organization", "riverbend-clinic")["meta"]["tag"]
    assert [tag["system"] for tag in tags] == [MARKER]
