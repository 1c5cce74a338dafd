"""The access log: written in order by whoever writes, and each kind of tampering shows."""

from __future__ import annotations

import asyncio
import io
import json
import multiprocessing
from collections.abc import Callable
from contextlib import redirect_stdout
from datetime import datetime, timedelta
from typing import Any

import pytest
from fhir.resources.auditevent import AuditEvent
from sqlalchemy import select, text, update
from sqlalchemy.exc import DatabaseError

from accounts import access_log
from accounts.__main__ import main
from accounts.access_export import audit_events
from accounts.access_log import FAILED, START, Access, Entry, Head
from accounts.db import transaction
from accounts.errors import AccessNotLogged
from accounts.grants import Grant
from accounts.service import Accounts
from accounts.tables import AccessEntry
from accounts.tiers import Tier
from tests.accounts.portal_away import conversation
from tests.databases import KEY, Clock, make_accounts
from tests.portal import fhir_schema

LABS = (("search", "Observation"), ("search", "DiagnosticReport"))
REFILL = (("search", "MedicationRequest"), ("read", "Patient"), ("create", "Task"))


def grant(patient: str = "rosa", user: str = "") -> Grant:
    return Grant(patient, "Rosa", "a-token", None, "", datetime(2026, 3, 1), user)


async def look(state: Accounts, patient: str = "rosa", user: str = "", **more: Any) -> None:
    what = {"purpose": "action_show_labs", "accessed": LABS, "outcome": "done", **more}
    await state.log_access(conversation(state), grant(patient, user), Tier.CONSENTED, **what)


async def filled(state: Accounts, clock: Clock, count: int = 5) -> None:
    for number in range(count):
        await look(state, patient="rosa" if number % 2 else "james")
        clock.forward(60)


def faults(state: Accounts, remembered: Head = START) -> list[int]:
    """The numbers of the entries that `verify` finds fault with."""
    return [fault.seq for fault in access_log.verify(state.engine, state.vault, remembered).faults]


def tamper(state: Accounts, *statements: str, **values: Any) -> None:
    """As somebody who may change the database's schema, so that no trigger holds them up."""
    with state.engine.begin() as connection:
        if state.engine.dialect.name == "postgresql":
            connection.execute(text("ALTER TABLE access_entry DISABLE TRIGGER ALL"))
        else:
            connection.execute(text("DROP TRIGGER IF EXISTS access_entry_update"))
            connection.execute(text("DROP TRIGGER IF EXISTS access_entry_delete"))
        for statement in statements:
            connection.execute(text(statement), values)


def renumber(state: Accounts, *moves: tuple[int, int]) -> None:
    tamper(state)
    with state.engine.begin() as connection:
        for seq, to in moves:
            connection.execute(update(AccessEntry).where(AccessEntry.seq == seq).values(seq=to))


def rows(state: Accounts) -> list[AccessEntry]:
    with transaction(state.engine) as session:
        return list(session.execute(select(AccessEntry).order_by(AccessEntry.seq)).scalars())


async def test_an_untouched_log_has_no_fault(state: Accounts, clock: Clock) -> None:
    assert faults(state) == []
    await filled(state, clock)
    report = access_log.verify(state.engine, state.vault)
    assert report.faults == () and report.head.seq == 5
    assert [row.seq for row in rows(state)] == [1, 2, 3, 4, 5]


async def test_a_log_of_several_batches_is_walked_to_its_end(
    state: Accounts, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await filled(state, clock, 6)
    monkeypatch.setattr(access_log, "_BATCH", 2)
    assert access_log.verify(state.engine, state.vault).head.seq == 6
    assert [entry.seq for entry in access_log.entries(state.engine, state.vault)] == [1, 2, 3, 4, 5, 6]


async def test_the_database_itself_refuses_to_change_or_delete(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    for statement in (
        "DELETE FROM access_entry WHERE seq = 5",
        "UPDATE access_entry SET at = '2020-01-01 00:00:00' WHERE seq = 2",
        "UPDATE access_entry SET link = '' WHERE seq = 2",
    ):
        with pytest.raises(DatabaseError, match="append-only"), state.engine.begin() as connection:
            connection.execute(text(statement))
    assert faults(state) == []


async def test_changed_content_shows(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    content = state.vault.open(rows(state)[2].sealed, "access_entry.sealed:3")
    for changed in (b"\x00" * 60, state.vault.seal({**content, "who": "Patient/x"}, "access_entry.sealed:3")):
        tamper(state, "UPDATE access_entry SET sealed = :sealed WHERE seq = 3", sealed=changed)
        assert faults(state) == [3]


async def test_content_taken_from_another_entry_shows(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    tamper(state, "UPDATE access_entry SET sealed = :sealed WHERE seq = 3", sealed=rows(state)[0].sealed)
    assert faults(state) == [3]


async def test_another_time_shows(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    tamper(state, "UPDATE access_entry SET at = :at WHERE seq = 3", at=rows(state)[2].at + timedelta(microseconds=1))
    assert faults(state) == [3]


async def test_an_entry_moved_to_another_chart_shows(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    tamper(state, "UPDATE access_entry SET chart = :chart WHERE seq = 3", chart=rows(state)[1].chart)
    assert faults(state) == [3]


async def test_another_link_shows_with_the_entry_after_it(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    tamper(state, "UPDATE access_entry SET link = :link WHERE seq = 3", link="0" * 64)
    assert faults(state) == [3, 4]


async def test_a_removed_entry_shows(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    tamper(state, "DELETE FROM access_entry WHERE seq = 3")
    assert faults(state) == [4]


async def test_a_removed_entry_shows_where_the_gap_was_closed(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    tamper(state, "DELETE FROM access_entry WHERE seq = 3")
    renumber(state, (4, 3), (5, 4))
    assert faults(state) == [3, 4]


async def test_a_removed_beginning_shows(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    tamper(state, "DELETE FROM access_entry WHERE seq = 1")
    assert faults(state) == [2]


async def test_swapped_entries_show(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    renumber(state, (2, 99), (3, 2), (99, 3))
    assert faults(state) == [2, 3, 4]


@pytest.mark.parametrize("where", [3, 6])
async def test_an_inserted_entry_shows(state: Accounts, clock: Clock, where: int) -> None:
    """Without the key of the chain its link cannot be made, not even at the end."""
    await filled(state, clock)
    renumber(state, *((seq, seq + 1) for seq in range(5, where - 1, -1)))
    copied = rows(state)[0]
    values = {"at": copied.at, "chart": copied.chart, "sealed": copied.sealed, "link": copied.link}
    with transaction(state.engine) as session:
        session.add(AccessEntry(seq=where, **values))
    assert where in faults(state)


async def test_a_tail_that_was_cut_off_shows_against_a_remembered_head(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    head = access_log.verify(state.engine, state.vault).head
    tamper(state, "DELETE FROM access_entry WHERE seq > 3")
    assert faults(state) == []  # nothing in what is left can tell
    assert faults(state, head) == [5]
    await filled(state, clock, 2)  # as long as before, but other entries
    assert faults(state, head) == [5]


async def test_a_log_that_grew_still_contains_its_remembered_head(state: Accounts, clock: Clock) -> None:
    await filled(state, clock, 2)
    head = access_log.verify(state.engine, state.vault).head
    await filled(state, clock, 2)
    assert faults(state, head) == []


async def test_content_that_is_sealed_anew_with_another_key_is_no_fault(state: Accounts, clock: Clock) -> None:
    await filled(state, clock)
    for row in rows(state):
        context = f"access_entry.sealed:{row.seq}"
        sealed = state.vault.seal(state.vault.open(row.sealed, context), context)
        with state.engine.begin() as connection:  # which the triggers allow
            connection.execute(text("UPDATE access_entry SET sealed = :s WHERE seq = :n"), {"s": sealed, "n": row.seq})
    assert faults(state) == []


async def test_many_at_once_leave_no_gap_and_no_fault(state: Accounts) -> None:
    await asyncio.gather(*(look(state) for _ in range(20)))
    report = access_log.verify(state.engine, state.vault)
    assert report.faults == () and report.head.seq == 20


def _write(url: str, count: int) -> None:
    state = make_accounts(url)

    async def work() -> None:
        for _ in range(count):
            await look(state)

    asyncio.run(work())


def test_two_processes_at_once_leave_no_gap_and_no_fault(state: Accounts, database_url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(database_url, 25)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert [writer.exitcode for writer in writers] == [0, 0]
    report = access_log.verify(state.engine, state.vault)
    assert report.faults == () and report.head.seq == 50


async def test_what_cannot_be_written_is_an_error_without_content(state: Accounts) -> None:
    with state.engine.begin() as connection:
        connection.execute(text("ALTER TABLE access_entry RENAME TO elsewhere"))
    with pytest.raises(AccessNotLogged) as caught:
        await look(state, patient="p-canary")
    assert "p-canary" not in repr(caught.value)


async def test_an_entry_shows_nothing_in_the_database_itself(state: Accounts) -> None:
    await look(state, patient="p-canary", user="RelatedPerson/r-canary")
    (row,) = rows(state)
    stored = " ".join(str(value) for value in (row.chart, row.link, row.sealed))
    for word in ("canary", "Observation", "labs"):
        assert word not in stored


async def test_a_chart_is_read_from_its_newest_entry_on(state: Accounts, clock: Clock) -> None:
    await filled(state, clock, 6)
    newest = await state.accesses("rosa")
    assert [entry.seq for entry in newest] == [6, 4, 2]
    assert [entry.seq for entry in await state.accesses("rosa", 4)] == [2]
    assert {entry.access.patient for entry in newest} == {"rosa"}
    assert await state.accesses("nobody") == []


async def test_who_looked_is_the_helper_where_the_portal_says_so(state: Accounts) -> None:
    await look(state)
    await look(state, user="https://portal.example/fhir/RelatedPerson/r1")
    assert [entry.access.who for entry in await state.accesses("rosa")] == ["RelatedPerson/r1", "Patient/rosa"]


# FHIR


def entry(**more: Any) -> Entry:
    given: dict[str, Any] = {
        "patient": "p1",
        "who": "Patient/p1",
        "purpose": "action_show_labs",
        "accessed": LABS,
        "channel": "sms",
        "tier": "consented",
        "conversation": "0123abcd",
    }
    return Entry(7, datetime(2026, 3, 1, 12, 30, 5, 123456), Access(**{**given, **more}))


@pytest.mark.parametrize(
    "more",
    [{}, {"accessed": REFILL}, {"accessed": (("update", "Task"),), "outcome": FAILED}, {"who": "RelatedPerson/r1"}],
)
def test_audit_events_are_valid(more: dict[str, Any]) -> None:
    for event in audit_events(entry(**more)):
        AuditEvent.parse_obj(event)
        assert fhir_schema.faults(event) == []


def test_each_interaction_is_an_event_with_its_action() -> None:
    events = audit_events(entry(accessed=REFILL))
    assert [(event["action"], event["subtype"][0]["code"]) for event in events] == [
        ("E", "search-type"),
        ("R", "read"),
        ("C", "create"),
    ]
    assert [event["entity"][1]["name"] for event in events] == ["MedicationRequest", "Patient", "Task"]
    assert len({event["id"] for event in events}) == 3


def test_an_event_names_who_whose_chart_when_and_how_it_ended() -> None:
    (event,) = audit_events(entry(who="RelatedPerson/r1", outcome=FAILED))
    person = event["agent"][0]
    assert person["who"] == {"reference": "RelatedPerson/r1"} and person["requestor"] is True
    assert event["entity"][0]["what"] == {"reference": "Patient/p1"}
    assert event["recorded"] == "2026-03-01T12:30:05.123Z"
    assert event["outcome"] == "4"
    assert event["purposeOfEvent"][0]["coding"][0]["code"] == "FAMRQT"
    assert audit_events(entry())[0]["purposeOfEvent"][0]["coding"][0]["code"] == "PATRQT"
    assert audit_events(entry())[0]["outcome"] == "0"


# the command


@pytest.fixture
def command(
    state: Accounts, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, list[str]]]:
    """Runs `python -m accounts …` on this database: the exit status and what it printed, line by line."""
    monkeypatch.setenv("CHARTLINE_SECRET_KEY", KEY)
    monkeypatch.setenv("CHARTLINE_DATABASE_URL", database_url)

    def run(*words: str) -> tuple[int, list[str]]:
        monkeypatch.setattr("sys.argv", ["accounts", *words])
        with redirect_stdout(io.StringIO()) as out:
            status = main()
        return status, out.getvalue().splitlines()

    return run


async def test_verify_prints_a_head_that_a_later_verify_takes(state: Accounts, clock: Clock, command: Any) -> None:
    await filled(state, clock)
    status, printed = command("access-log", "verify")
    assert (status, printed[0]) == (0, "ok: 5 entries")
    head = printed[1].removeprefix("head ")
    assert command("access-log", "verify", "--head", head)[0] == 0
    tamper(state, "DELETE FROM access_entry WHERE seq = 5")
    assert command("access-log", "verify")[0] == 0
    status, printed = command("access-log", "verify", "--head", head)
    assert status == 1 and "entry 5" in printed[0] and printed[-2].startswith("FAULTY")


async def test_export_gives_valid_lines_of_one_patient_since_a_day(state: Accounts, clock: Clock, command: Any) -> None:
    await filled(state, clock, 4)
    clock.forward(86_400)
    await look(state, accessed=REFILL)
    status, lines = command("access-log", "export")
    assert status == 0 and len(lines) == 4 + 3
    for event in map(json.loads, lines):
        AuditEvent.parse_obj(event)
        assert fhir_schema.faults(event) == []
    _, of_james = command("access-log", "export", "--patient", "james")
    assert [json.loads(line)["id"] for line in of_james] == ["access-1-search", "access-3-search"]
    _, later = command("access-log", "export", "--since", "2026-03-02")
    assert {json.loads(line)["id"].split("-")[1] for line in later} == {"5"}


@pytest.mark.parametrize("words", [("verify", "--head", "nonsense"), ("export", "--since", "yesterday")])
def test_a_wrong_argument_is_named(command: Any, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as ended:
        command("access-log", *words)
    assert ended.value.code == 2
    assert words[1] in capsys.readouterr().err
