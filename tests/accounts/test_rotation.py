"""A new key takes the place of an old one while the assistant works, and nothing needs the old one afterwards."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import LargeBinary, select, text, update

import bot.delivery.tables
from accounts import access_log, grants, links, rotation
from accounts.conversations import Place, place_of
from accounts.crypto import Keyring
from accounts.db import transaction
from accounts.errors import StateError
from accounts.grants import Grant
from accounts.keys import open_vault
from accounts.links import LinkContent
from accounts.rotation import rotate, sealed_columns
from accounts.service import Accounts
from accounts.tables import Base, Conversation
from bot.channels.message import Choice, Incoming
from bot.delivery import inbox, offers, outbox, tracker_events
from tests.accounts.portal_away import conversation
from tests.databases import START, database_url, make_accounts

__all__ = ["database_url"]

OLD, NEW = b"k" * 32, b"n" * 32
EVENTS = [{"event": "user", "text": "show my labs"}]


@pytest.fixture
def accounts(database_url: str) -> Iterator[Accounts]:
    accounts = make_accounts(database_url)
    yield accounts
    accounts.engine.dispose()


def fill(accounts: Accounts, address: str = "+12025550143") -> str:
    """A value in every sealed column."""
    key, vault = conversation(accounts, address), accounts.vault
    expires = START + timedelta(minutes=5)
    with transaction(accounts.engine) as session:
        grants.save(session, vault, key, Grant("p1", "Rosa", "access", "refresh", "", expires), accounts.policy, START)
        links.make(session, vault, key, LinkContent({"text": "my labs"}), START, 600)
        inbox.put(session, vault, Incoming("sms", "clinic", address, address, "my labs"), START)
        outbox.add(session, vault, key, "sms", {"body": "6.9 %"}, START)
        offers.replace(session, vault, key, [Choice("1", "Yes", "/affirm")], "rest")
        tracker_events.add(session, vault, key, EVENTS, START)
    return key


def headers(accounts: Accounts) -> dict[str, set[bytes]]:
    """How the values of each sealed column begin."""
    found = {}
    with transaction(accounts.engine) as session:
        for sealed in sealed_columns(accounts.engine):
            found[sealed.name] = {bytes(value)[:5] for value in session.execute(select(sealed.column)).scalars()}
    return found


def test_every_binary_column_of_the_program_is_found_and_the_key_of_our_own_comes_last(accounts: Accounts) -> None:
    declared = {
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, LargeBinary)
    }
    names = [sealed.name for sealed in sealed_columns(accounts.engine)]
    assert bot.delivery.tables.TrackerEvents.__tablename__ in {name.split(".")[0] for name in names}
    assert set(names) == declared
    assert names[-1] == "secret.sealed"


def test_afterwards_the_new_key_alone_opens_everything(accounts: Accounts) -> None:
    key = fill(accounts)
    counted: dict[str, int] = {}
    both = open_vault(accounts.engine, [NEW, OLD])
    assert rotate(accounts.engine, both, counted.__setitem__) == sum(counted.values()) > 6
    empty = {name for name, found in headers(accounts).items() if not found}
    assert empty <= {"access_entry.sealed"}, "a column without a value proves nothing"
    assert all(found <= {Keyring([NEW]).header} for found in headers(accounts).values())
    vault = open_vault(accounts.engine, [NEW])
    with transaction(accounts.engine) as session:
        assert place_of(session, vault, key) == Place("sms", "clinic", "+12025550143")
        assert grants.load(session, vault, key, accounts.policy, START).access_token == "access"
        assert tracker_events.load(session, vault, key) == EVENTS
        (job,) = inbox.lease(session, vault, START, 1, ["sms"])
        assert job.text == "my labs"
    assert vault.conversation_key("sms", "+12025550143") == key
    with pytest.raises(StateError, match="CHARTLINE_SECRET_KEY"):
        open_vault(accounts.engine, [OLD])


def test_a_second_run_finds_nothing_to_do(accounts: Accounts) -> None:
    fill(accounts)
    both = open_vault(accounts.engine, [NEW, OLD])
    assert rotate(accounts.engine, both) > 0
    before = headers(accounts)
    assert rotate(accounts.engine, both) == 0
    assert headers(accounts) == before


def test_what_was_interrupted_goes_on_and_until_then_the_old_key_is_asked_for(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    keys = [fill(accounts, f"+1202555010{n}") for n in range(5)]
    both = open_vault(accounts.engine, [NEW, OLD])

    def stop(name: str, _count: int) -> None:
        if name == "outbox.sealed":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate(accounts.engine, both, stop)
    assert len(set.union(*headers(accounts).values())) == 2
    with pytest.raises(StateError, match="CHARTLINE_SECRET_KEYS_OLD"):
        open_vault(accounts.engine, [NEW])
    rotate(accounts.engine, both)
    vault = open_vault(accounts.engine, [NEW])
    with transaction(accounts.engine) as session:
        assert {place_of(session, vault, key).address for key in keys} == {f"+1202555010{n}" for n in range(5)}


def test_what_the_assistant_writes_meanwhile_is_kept_and_sealed_anew(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that started earlier still writes with the old key, even behind what was gone over already."""
    monkeypatch.setattr(rotation, "PAUSE", 0)
    fill(accounts)
    late: list[str] = []
    real = rotation._pass

    def meanwhile(*arguments: object) -> int:
        done = real(*arguments)  # type: ignore[arg-type]
        if len(late) < 3:
            late.append(fill(accounts, f"+1202555020{len(late)}"))
        return done

    monkeypatch.setattr(rotation, "_pass", meanwhile)
    rotate(accounts.engine, open_vault(accounts.engine, [NEW, OLD]))
    rotate(accounts.engine, open_vault(accounts.engine, [NEW, OLD]))
    vault = open_vault(accounts.engine, [NEW])
    with transaction(accounts.engine) as session:
        assert [place_of(session, vault, key).address[-1] for key in late] == ["0", "1", "2"]


def test_a_value_that_changes_between_the_look_and_the_write_is_not_overwritten(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = fill(accounts)
    both = open_vault(accounts.engine, [NEW, OLD])
    real = Keyring.open

    def meanwhile(self: Keyring, sealed: bytes, context: str) -> object:
        if context == f"conversation.address:{key}" and sealed[:5] == Keyring([OLD]).header:
            changed.append(sealed)
            session_of[0].execute(
                update(Conversation).values(address=both.seal("+12025550199", context)),
                execution_options={"synchronize_session": False},
            )
        return real(self, sealed, context)

    changed: list[bytes] = []
    session_of: list[object] = []
    batch = rotation._batch
    monkeypatch.setattr(rotation, "_batch", lambda s, *rest: session_of.insert(0, s) or batch(s, *rest))
    monkeypatch.setattr(Keyring, "open", meanwhile)
    rotate(accounts.engine, both)
    assert len(changed) == 1
    with transaction(accounts.engine) as session:
        assert place_of(session, both, key).address == "+12025550199"


def test_a_process_that_never_stops_writing_with_the_old_key_is_told(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "PAUSE", 0)
    monkeypatch.setattr(rotation, "_pass", lambda *_: 1)
    fill(accounts)
    with pytest.raises(StateError, match="earlier key"):
        rotate(accounts.engine, open_vault(accounts.engine, [NEW, OLD]))


def test_a_row_in_use_is_waited_for_by_nobody_and_done_later(accounts: Accounts) -> None:
    """On PostgreSQL, where others hold locks on rows."""
    if accounts.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has one writer at a time")
    key = fill(accounts)
    both = open_vault(accounts.engine, [NEW, OLD])
    (column,) = (sealed for sealed in sealed_columns(accounts.engine) if sealed.name == "conversation.address")
    with transaction(accounts.engine) as session:
        session.execute(select(Conversation).where(Conversation.key == key).with_for_update())
        assert rotation._pass(accounts.engine, both, column) == 0
    assert rotation._pass(accounts.engine, both, column) == 1


def test_the_access_log_lets_itself_be_sealed_anew_and_its_chain_holds(accounts: Accounts) -> None:
    access = access_log.Access("p1", "Patient/p1", "action_show_labs", (("read", "Patient"),), "web", "full", "c1")
    with transaction(accounts.engine) as session:
        access_log.append(session, accounts.vault, access, START)
    both = open_vault(accounts.engine, [NEW, OLD])
    rotate(accounts.engine, both)
    assert headers(accounts)["access_entry.sealed"] == {Keyring([NEW]).header}
    report = access_log.verify(accounts.engine, open_vault(accounts.engine, [NEW]))
    assert (report.head.seq, list(report.faults)) == (1, [])


def test_the_command_says_what_it_did_and_shows_nothing(accounts: Accounts, database_url: str) -> None:
    fill(accounts)
    new = "b" * 43 + "="
    environment = {
        **os.environ,
        "CHARTLINE_DATABASE_URL": database_url,
        "CHARTLINE_SECRET_KEY": new,
        "CHARTLINE_SECRET_KEYS_OLD": accounts.settings.secret_key.get_secret_value(),
        "SQLALCHEMY_SILENCE_UBER_WARNING": "1",
    }
    command = [sys.executable, "-W", "ignore", "-m", "accounts", "rotate-keys"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert "conversation.address: 1\n" in done.stdout
    assert "no longer needed" in done.stdout.splitlines()[-1]
    assert not [word for word in ("2025550143", "Rosa", "labs", new) if word in done.stdout]
    del environment["CHARTLINE_SECRET_KEYS_OLD"]
    again = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert again.stdout.splitlines()[-1].startswith("0 values")
    lost = {**environment, "CHARTLINE_SECRET_KEY": "c" * 43 + "="}
    without = subprocess.run(command, env=lost, capture_output=True, text=True, timeout=60)
    assert (without.returncode, "CHARTLINE_SECRET_KEY" in without.stderr) == (1, True)
    with transaction(accounts.engine) as session:
        assert session.execute(text("SELECT count(*) FROM conversation")).scalar_one() == 1
