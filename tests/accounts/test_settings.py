from __future__ import annotations

import base64
from pathlib import Path

import pytest

from accounts.errors import SettingsError
from accounts.settings import AccountsSettings, read_settings
from tests.databases import KEY


@pytest.fixture(autouse=True)
def environment_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in AccountsSettings.__fields__.values():
        monkeypatch.delenv(field.field_info.extra["env"], raising=False)
    monkeypatch.setenv("CHARTLINE_SECRET_KEY", KEY)


def test_the_defaults_need_nothing_but_the_key() -> None:
    settings = read_settings()
    assert settings.database == f"sqlite:///{Path('var') / 'chartline.db'}"
    assert settings.link_seconds == 600
    assert settings.keys == [b"k" * 32]


def test_earlier_keys_come_after_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    earlier = [base64.b64encode(letter * 32).decode() for letter in (b"a", b"b")]
    monkeypatch.setenv("CHARTLINE_SECRET_KEYS_OLD", ", ".join(earlier))
    assert read_settings().keys == [b"k" * 32, b"a" * 32, b"b" * 32]


def test_a_missing_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHARTLINE_SECRET_KEY")
    with pytest.raises(SettingsError, match=r"^CHARTLINE_SECRET_KEY: "):
        read_settings()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CHARTLINE_SECRET_KEY", "hunter2 hunter2"),
        ("CHARTLINE_SECRET_KEY", "schlüssel-hunter2"),
        ("CHARTLINE_SECRET_KEY", base64.b64encode(b"hunter2").decode()),
        ("CHARTLINE_DATABASE_URL", "hunter2"),
        ("CHARTLINE_DATABASE_URL", "mysql://me:hunter2@db/x"),
        ("CHARTLINE_DATABASE_URL", "postgres://me:hunter2@db/x"),
        ("CHARTLINE_DATABASE_URL", "postgresql://me:hunter2@db:port/x"),
        ("CHARTLINE_PUBLIC_URL", "hunter2.example"),
        ("CHARTLINE_PUBLIC_URL", "https://"),
        ("CHARTLINE_SECRET_KEYS_OLD", "hunter2 hunter2"),
        ("CHARTLINE_SECRET_KEYS_OLD", f"{KEY},{base64.b64encode(b'hunter2').decode()}"),
        ("CHARTLINE_FHIR_URL", "ftp://hunter2.example"),
        ("CHARTLINE_LINK_SECONDS", "hunter2"),
        ("CHARTLINE_LINK_SECONDS", "5"),
        ("CHARTLINE_LINK_SECONDS", "86400"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError, match=f"^{variable}: ") as raised:
        read_settings()
    assert value not in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_secrets_are_masked_when_settings_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTLINE_CLIENT_SECRET", "hunter2")
    monkeypatch.setenv("CHARTLINE_DATABASE_URL", "postgresql://me:hunter3@db/x")
    settings = read_settings()
    shown = f"{settings!r} {settings}"
    assert KEY not in shown
    assert "hunter" not in shown
    assert settings.database == "postgresql://me:hunter3@db/x"


def test_addresses_lose_their_last_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTLINE_FHIR_URL", "https://fhir.example/r4/")
    assert read_settings().fhir_url == "https://fhir.example/r4"
