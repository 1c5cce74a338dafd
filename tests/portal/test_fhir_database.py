"""Start-up: settings are checked, an empty database is migrated, a broken one is told in one line."""

import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import portal.smart.tables
import portal.tables  # noqa: F401
from portal.db import Base, DatabaseCorrupt, DatabaseUnavailable, UnknownRevision, is_healthy, make_engine, migrate
from portal.settings import SettingsError, load_settings


def test_the_migrations_make_exactly_the_tables_of_the_code(engine):
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_migrating_again_changes_nothing(engine, portal, add):
    add("Task", id="t")
    migrate(engine)
    assert portal.system.get("Task/t").status_code == 200


def test_a_revision_of_another_program_is_told(engine):
    with engine.begin() as connection:
        before = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
        connection.execute(text("UPDATE alembic_version SET version_num = 'unheard-of'"))
    try:
        with pytest.raises(UnknownRevision) as raised:
            migrate(engine)
        assert "\n" not in str(raised.value)
    finally:
        with engine.begin() as connection:
            connection.execute(text("UPDATE alembic_version SET version_num = :before"), {"before": before})


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "portal.db").write_bytes(b"not a database at all" * 1000)
    with pytest.raises(DatabaseCorrupt) as raised:
        migrate(make_engine(f"sqlite:///{tmp_path / 'portal.db'}"))
    assert "\n" not in str(raised.value)


def test_a_database_out_of_reach_is_told_without_its_password(tmp_path):
    engine = make_engine("postgresql://nobody:CANARY@127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable) as raised:
        migrate(engine)
    assert "CANARY" not in str(raised.value) and "\n" not in str(raised.value)
    assert not is_healthy(engine)


def test_a_folder_that_is_not_there_is_made_even_with_blanks_in_its_name(tmp_path):
    migrate(make_engine(f"sqlite:///{tmp_path / 'a folder' / 'of 100%' / 'portal.db'}"))
    assert (tmp_path / "a folder" / "of 100%" / "portal.db").exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("PORT", "none"),
        ("PORT", "70000"),
        ("BASE_URL", "chartline.example"),
        ("DATABASE_URL", "mysql://x"),
        ("DATABASE_URL", "nonsense"),
    ],
)
def test_a_wrong_setting_is_named_at_start_up(monkeypatch, variable, value):
    monkeypatch.setenv(f"CHARTLINE_PORTAL_{variable}", value)
    with pytest.raises(SettingsError, match=f"CHARTLINE_PORTAL_{variable}") as raised:
        load_settings()
    assert "\n" not in str(raised.value)


def test_the_defaults_are_loopback_and_a_file_in_the_folder_for_state(monkeypatch, tmp_path):
    monkeypatch.setenv("CHARTLINE_VAR", str(tmp_path))
    settings = load_settings()
    assert (settings.host, settings.port, settings.fhir_url) == ("127.0.0.1", 8000, "http://127.0.0.1:8000/fhir")
    assert settings.database_url.get_secret_value() == f"sqlite:///{tmp_path / 'portal.db'}"


def test_a_password_in_the_database_url_is_not_shown():
    settings = load_settings(database_url="postgresql://u:CANARY@h/d")
    assert "CANARY" not in repr(settings) + str(settings)


@pytest.mark.parametrize("damage", ["setting", "file"])
def test_the_command_says_in_one_line_what_is_wrong(tmp_path, damage):
    environment = {"CHARTLINE_VAR": str(tmp_path), "PATH": ""}
    if damage == "setting":
        environment["CHARTLINE_PORTAL_PORT"] = "x"
    else:
        (tmp_path / "portal.db").write_bytes(b"broken" * 5000)
    done = subprocess.run(
        [sys.executable, "-m", "portal", "serve"], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert done.stderr.startswith("portal: ") and done.stderr.count("\n") == 1, done.stderr
