"""The tuned encoder: whole as its manifest says, part of the trained model, and not needed to train."""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import Any

import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu import tuned_reader
from bot.nlu.tuned_encoder import FOLDER, GRAPH_FILE, MANIFEST_FILE, DamagedWeights, TunedEncoder
from bot.nlu.tuned_reader import READINGS, TunedReader
from tests.nlu.conftest import FolderStorage


@pytest.fixture(scope="module")
def encoder() -> TunedEncoder:
    return TunedEncoder()


def place(folder: Path) -> Any:
    return ({}, FolderStorage(folder), Resource("reader"), ExecutionContext(GraphSchema({}), node_name="reader"))


@pytest.mark.parametrize(
    ("text", "safety"),
    [
        ("my husband's speech is slurred and one arm hangs down", "report_emergency"),
        ("I want to kill myself", "report_crisis"),
        ("I had a stroke nine years ago, is it on my list", "safe"),
        ("this cough is killing me", "safe"),
    ],
)
def test_it_hears_danger_and_when_it_was(encoder: TunedEncoder, text: str, safety: str) -> None:
    found = encoder.read(text)["safety"]
    assert max(found, key=lambda name: found[name]) == safety
    assert sum(found.values()) == pytest.approx(1, abs=1e-4)


def test_a_network_that_is_not_the_one_of_its_manifest_is_refused(tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "tuned")
    manifest = json.loads((tmp_path / "tuned" / MANIFEST_FILE).read_text())
    (tmp_path / "tuned" / MANIFEST_FILE).write_text(json.dumps({**manifest, "sha256": "0" * 64}))
    with pytest.raises(DamagedWeights):
        TunedEncoder(tmp_path / "tuned")


def test_it_is_small_enough_for_the_repository() -> None:
    assert (FOLDER / GRAPH_FILE).stat().st_size < 25_000_000


def test_the_trained_model_carries_its_own_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    TunedReader.create(*place(tmp_path)).train(TrainingData())
    monkeypatch.setattr(tuned_reader, "FOLDER", tmp_path / "nowhere")
    message = TunedReader.load(*place(tmp_path)).process([Message(data={"text": "refill my pills"})])[0]
    assert message.get(READINGS)["intent"]["refill_medication"] > 0.5


def test_without_the_network_it_trains_and_says_that_it_understands_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tuned_reader, "FOLDER", tmp_path / "nowhere")
    with caplog.at_level(logging.WARNING):
        TunedReader.create(*place(tmp_path)).train(TrainingData())
    assert "understands less" in caplog.text
    message = TunedReader.load(*place(tmp_path)).process([Message(data={"text": "hello"})])[0]
    assert message.get(READINGS) is None
