from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from accounts.crypto import Keyring, Vault, pkce_challenge
from accounts.db import make_engine, migrate, transaction
from accounts.errors import StateError
from accounts.keys import open_vault
from accounts.service import bootstrap
from accounts.settings import AccountsSettings
from tests.accounts.portal_away import conversation
from tests.databases import KEY, database_url, make_accounts

__all__ = ["database_url"]

A, B, ROOT = b"a" * 32, b"b" * 32, b"r" * 32
RING = Keyring([A])
OTHER = "b" * 43 + "="


def changed(sealed: bytes, at: int) -> bytes:
    return sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]


def test_what_was_sealed_is_opened_in_its_place() -> None:
    value = {"text": "¿Qué tal? 血", "numbers": [1, 2.5, None]}
    assert RING.open(RING.seal(value, "t:1"), "t:1") == value


def test_the_same_value_is_never_sealed_to_the_same_bytes() -> None:
    assert RING.seal("x", "t:1") != RING.seal("x", "t:1")


def test_a_value_moved_to_another_row_does_not_open() -> None:
    with pytest.raises(StateError, match="changed or moved"):
        RING.open(RING.seal("x", "t:1"), "t:2")


@pytest.mark.parametrize("at", range(len(RING.seal("x", "t:1"))))
def test_a_value_with_one_bit_changed_does_not_open(at: int) -> None:
    with pytest.raises(StateError):
        RING.open(changed(RING.seal("x", "t:1"), at), "t:1")


@pytest.mark.parametrize("length", [0, 1, 5, 17, 30])
def test_a_value_that_was_cut_off_does_not_open(length: int) -> None:
    with pytest.raises(StateError):
        RING.open(RING.seal("x", "t:1")[:length], "t:1")


def test_the_key_that_sealed_a_value_is_told_apart_and_cannot_be_given_for_another() -> None:
    both, sealed = Keyring([B, A]), RING.seal("x", "t:1")
    assert both.open(sealed, "t:1") == "x"
    assert both.seal("x", "t:1")[:5] == Keyring([B]).header != RING.header
    with pytest.raises(StateError, match="CHARTLINE_SECRET_KEY does not open"):
        Keyring([B]).open(sealed, "t:1")
    with pytest.raises(StateError, match="changed or moved"):
        both.open(both.header + sealed[5:], "t:1")


def test_a_conversations_key_tells_neither_channel_nor_address() -> None:
    vault = Vault([A], ROOT)
    keys = {vault.conversation_key("sms", "+12025550143"), vault.conversation_key("telegram", "+12025550143")}
    keys |= {Vault([A], b"o" * 32).conversation_key("sms", "+12025550143"), vault.person_key("+12025550143")}
    assert len(keys) == 4
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys)
    assert vault.conversation_key("a", "b\0c") == vault.conversation_key("a", "b\0c")


def test_names_do_not_hang_on_the_operators_key() -> None:
    assert Vault([A], ROOT).conversation_key("sms", "x") == Vault([B], ROOT).conversation_key("sms", "x")


def test_each_purpose_has_a_hash_of_its_own() -> None:
    vault = Vault([A], ROOT)
    assert vault.mac("a chain", b"entry") == vault.mac("a chain", b"entry") != vault.mac("another", b"entry")


def test_the_challenge_is_that_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert pkce_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


@pytest.mark.parametrize("old", ["", "c" * 43 + "="], ids=["no old key", "a wrong one"])
def test_a_key_that_does_not_open_what_is_stored_is_told_at_the_start(tmp_path: Path, old: str) -> None:
    bootstrap(AccountsSettings(secret_key=KEY, var=tmp_path))
    bootstrap(AccountsSettings(secret_key=KEY, var=tmp_path))
    with pytest.raises(StateError, match=r"CHARTLINE_SECRET_KEY.*CHARTLINE_SECRET_KEYS_OLD"):
        bootstrap(AccountsSettings(secret_key=OTHER, secret_keys_old=old, var=tmp_path))


@pytest.mark.parametrize(
    "serve",
    ["from actions.__main__ import main; main()", "from bot.server import create_app; create_app()"],
    ids=["action server", "assistant"],
)
def test_no_process_serves_without_the_key(tmp_path: Path, serve: str) -> None:
    bootstrap(AccountsSettings(secret_key=KEY, var=tmp_path))
    own = {"CHARTLINE_SECRET_KEY": OTHER, "CHARTLINE_VAR": str(tmp_path), "CHARTLINE_ACTIONS_TOKEN": "token"}
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CHARTLINE_")}
    command = [sys.executable, "-W", "ignore", "-c", serve]
    done = subprocess.run(command, env={**clean, **own}, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert "CHARTLINE_SECRET_KEY does not open what is stored" in done.stderr.splitlines()[-1]


def test_the_name_of_a_conversation_stays_when_the_key_changes(database_url: str) -> None:
    before = make_accounts(database_url)
    key = conversation(before)
    with_new = open_vault(before.engine, [B, b"k" * 32])
    assert with_new.conversation_key("sms", "+12025550143") == key
    before.engine.dispose()


def test_conversations_without_the_key_of_their_names_are_no_start(database_url: str) -> None:
    accounts = make_accounts(database_url)
    conversation(accounts)
    with transaction(accounts.engine) as session:
        session.execute(text("DELETE FROM secret"))
    with pytest.raises(StateError, match="secret"):
        open_vault(accounts.engine, [b"k" * 32])
    with transaction(accounts.engine) as session:
        assert session.execute(text("SELECT count(*) FROM secret")).scalar_one() == 0
    accounts.engine.dispose()


def test_processes_that_start_at_once_agree_on_the_key(database_url: str) -> None:
    migrate(engine := make_engine(database_url))
    code = (
        "import sys; from accounts.db import make_engine; from accounts.keys import open_vault\n"
        "print(open_vault(make_engine(sys.argv[1]), [b'k' * 32]).mac('test', b'x'))"
    )
    running = [
        subprocess.Popen([sys.executable, "-W", "ignore", "-c", code, database_url], stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    said = [process.communicate()[0] for process in running]
    assert len(set(said)) == 1
    assert len(said[0]) == 65
    engine.dispose()


def test_who_starts_first_at_the_same_moment_makes_the_key_for_both(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other one commits between this one's look and its own attempt."""
    migrate(engine := make_engine(database_url))
    kept = open_vault(engine, [A]).mac("test", b"x")
    monkeypatch.setattr("sqlalchemy.orm.Session.get", lambda *_, **__: None)  # as if it had looked before
    assert open_vault(engine, [A]).mac("test", b"x") == kept
    engine.dispose()


def test_settings_show_no_key() -> None:
    settings = AccountsSettings(secret_key=SecretStr(KEY), secret_keys_old=SecretStr(OTHER))
    assert KEY not in repr(settings)
    assert OTHER not in repr(settings)
