"""The pipeline component that lets the tuned encoder read each message."""

from __future__ import annotations

import logging
import shutil
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.tuned_encoder import FOLDER, GRAPH_FILE, MANIFEST_FILE, TOKENIZER_FILE, DamagedWeights, TunedEncoder

READINGS = "tuned_readings"  # the key of a message's readings; they stay inside the pipeline

logger = logging.getLogger(__name__)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class TunedReader(GraphComponent):
    """Notes what the tuned encoder makes of a message, for the classifiers after it; decides nothing itself.

    Training only copies the network into the model, checked. Where it is not in the repository, nothing is noted.
    """

    def __init__(self, model_storage: ModelStorage, resource: Resource, encoder: TunedEncoder | None = None) -> None:
        self._model_storage = model_storage
        self._resource = resource
        self.encoder = encoder

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """There is nothing to configure."""
        return {}

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """The manifest names the network by its SHA-256: another one makes Rasa train again."""
        manifest = FOLDER / MANIFEST_FILE
        return manifest.read_text(encoding="utf-8") if manifest.is_file() else None

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> TunedReader:
        """A reader without its network."""
        return cls(model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Copies the network into the model; nothing is learned from the examples."""
        if not (FOLDER / MANIFEST_FILE).is_file():
            logger.warning("bot/nlu/tuned is not there: the assistant trains without it and understands less.")
            return self._resource
        with self._model_storage.write_to(self._resource) as folder:
            for name in (GRAPH_FILE, TOKENIZER_FILE, MANIFEST_FILE):
                shutil.copyfile(FOLDER / name, folder / name)
            self.encoder = TunedEncoder(folder)
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> TunedReader:
        """The reader with the network that `train` copied, or without one."""
        try:
            with model_storage.read_from(resource) as folder:
                return cls(model_storage, resource, TunedEncoder(folder))
        except DamagedWeights:
            raise
        except ValueError:  # Rasa's storage: nothing was stored under this name
            return cls(model_storage, resource)

    def process(self, messages: list[Message]) -> list[Message]:
        """Notes the readings of the messages that have a text."""
        for message in messages:
            if self.encoder is not None and (message.get(TEXT) or "").strip():
                message.set(READINGS, self.encoder.read(message.get(TEXT)))
        return messages
