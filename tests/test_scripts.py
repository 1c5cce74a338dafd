"""Set-up and start say in one line what is wrong and what to do."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from accounts.errors import StateError
from bot import model
from scripts import environment as env
from scripts import run, train
from tests.harness import ROOT


def test_a_busy_port_is_named_with_the_variable_that_changes_it() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        settings = {"CHARTLINE_BOT_PORT": port, "CHARTLINE_ACTIONS_PORT": "0", "CHARTLINE_PORTAL_PORT": "0"}
        settings |= {"CHARTLINE_FHIR_URL": "http://x/fhir", "CHARTLINE_PORTAL_BASE_URL": "http://x"}
        with pytest.raises(SystemExit) as said:
            run._check_ports(settings)
    assert f"Port {port} is in use" in str(said.value)
    assert "CHARTLINE_BOT_PORT=" in str(said.value)


def test_a_stale_model_is_told_from_a_missing_one(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="no trained model"):
        model.trained_model(tmp_path)
    (tmp_path / "chartline-000000000000.tar.gz").touch()
    with pytest.raises(StateError, match="older than its training data"):
        model.trained_model(tmp_path)


def test_the_fingerprint_changes_with_the_data_and_with_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "labs.yml").write_text("one")
    first = model.fingerprint(tmp_path)
    (tmp_path / "README.md").write_text("words")
    assert model.fingerprint(tmp_path) == first
    (tmp_path / "data" / "labs.yml").write_text("two")
    assert model.fingerprint(tmp_path) != first


def test_training_is_skipped_where_the_model_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model.model_path(tmp_path).touch()
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: pytest.fail("trained again"))
    assert train.train(tmp_path) == model.model_path(tmp_path)


def test_secrets_are_made_once_and_only_the_owner_may_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHARTLINE_VAR", str(tmp_path / "a folder"))
    for name in ("CHARTLINE_SECRET_KEY", "CHARTLINE_ACTIONS_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    first, second = env.environment(), env.environment()
    assert first["CHARTLINE_SECRET_KEY"] == second["CHARTLINE_SECRET_KEY"]
    assert (tmp_path / "a folder" / "secrets.env").stat().st_mode & 0o077 == 0


def test_another_backend_switches_the_embedded_portal_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHARTLINE_VAR", str(tmp_path))
    for name in ("CHARTLINE_FHIR_URL", "CHARTLINE_PORTAL_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    assert "portal" in run._processes(env.environment())
    monkeypatch.setenv("CHARTLINE_FHIR_URL", "https://fhir.example.org/r4")
    assert "portal" not in run._processes(env.environment())


@pytest.mark.parametrize(
    ("module", "changes", "words"),
    [
        ("actions", {"CHARTLINE_ACTIONS_TOKEN": ""}, "CHARTLINE_ACTIONS_TOKEN"),
        ("actions", {"CHARTLINE_SECRET_KEY": "short"}, "CHARTLINE_SECRET_KEY"),
        ("actions", {"CHARTLINE_TIME_ZONE": "Mars/Olympus"}, "CHARTLINE_TIME_ZONE"),
        ("portal", {"CHARTLINE_PORTAL_PORT": "many"}, "CHARTLINE_PORTAL_PORT"),
        ("bot", {"CHARTLINE_BOT_PORT": "many"}, "CHARTLINE_BOT_PORT"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_its_name_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, changes: dict[str, str], words: str
) -> None:
    monkeypatch.setenv("CHARTLINE_VAR", str(tmp_path))
    done = start(module, {**env.environment(), **changes})
    assert done.returncode == 1
    assert words in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("module", "file"), [("actions", "chartline.db"), ("portal", "portal.db")])
def test_a_corrupt_database_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, file: str
) -> None:
    monkeypatch.setenv("CHARTLINE_VAR", str(tmp_path))
    monkeypatch.delenv("CHARTLINE_PORTAL_DATABASE_URL", raising=False)
    (tmp_path / file).write_bytes(b"this is no database, but a text of some length" * 200)
    done = start(module, env.environment())
    assert done.returncode == 1
    assert file in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(
    not (ROOT / ".venv" / ".chartline-test").exists(), reason="this environment was not made by scripts/setup.sh"
)
def test_setup_does_nothing_where_all_is_there() -> None:
    done = subprocess.run(["scripts/setup.sh", "test"], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "")


def start(module: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    arguments = [sys.executable, "-m", module] + (["serve"] if module == "portal" else [])
    clean = {k: v for k, v in environment.items() if k in os.environ or k.startswith("CHARTLINE")}
    return subprocess.run(arguments, cwd=ROOT, env=clean, capture_output=True, text=True, timeout=120)
