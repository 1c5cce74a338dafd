from __future__ import annotations

from pathlib import Path

import pytest

from accounts.crypto import Vault, pkce_challenge
from accounts.errors import StateError
from accounts.service import bootstrap
from accounts.settings import AccountsSettings
from tests.accounts.portal_away import conversation
from tests.databases import KEY

VAULT = Vault(b"k" * 32)


def test_what_was_sealed_is_opened_in_its_place() -> None:
    value = {"text": "¿Qué tal? 血", "numbers": [1, 2.5, None]}
    assert VAULT.open(VAULT.seal(value, "t:1"), "t:1") == value


def test_the_same_value_is_never_sealed_to_the_same_bytes() -> None:
    assert VAULT.seal("x", "t:1") != VAULT.seal("x", "t:1")


@pytest.mark.parametrize(
    ("sealed", "context", "vault"),
    [
        (VAULT.seal("x", "t:1"), "t:1", Vault(b"o" * 32)),
        (VAULT.seal("x", "t:1"), "t:2", VAULT),
        (VAULT.seal("x", "t:1")[:-1] + b"?", "t:1", VAULT),
        (VAULT.seal("x", "t:1")[:20], "t:1", VAULT),
        (b"", "t:1", VAULT),
    ],
    ids=["another key", "moved to another row", "changed", "cut off", "forgotten"],
)
def test_nothing_else_opens_it(sealed: bytes, context: str, vault: Vault) -> None:
    with pytest.raises(StateError):
        vault.open(sealed, context)


def test_a_conversations_key_tells_neither_channel_nor_address() -> None:
    keys = {VAULT.conversation_key("sms", "+12025550143"), VAULT.conversation_key("telegram", "+12025550143")}
    keys.add(Vault(b"o" * 32).conversation_key("sms", "+12025550143"))
    assert len(keys) == 3
    assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys)
    assert VAULT.conversation_key("a", "b\0c") == VAULT.conversation_key("a", "b\0c")


def test_the_challenge_is_that_of_rfc_7636_appendix_b() -> None:
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert pkce_challenge(verifier) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_key_that_does_not_open_what_is_stored_is_told_at_the_start(tmp_path: Path) -> None:
    accounts = bootstrap(AccountsSettings(secret_key=KEY, var=tmp_path))
    conversation(accounts)
    bootstrap(AccountsSettings(secret_key=KEY, var=tmp_path))
    other = "b" * 43 + "="
    with pytest.raises(StateError, match="CHARTLINE_SECRET_KEY"):
        bootstrap(AccountsSettings(secret_key=other, var=tmp_path))
