"""The intent of a message, from its n-grams and, where a featurizer gave one, its sentence vector."""

from __future__ import annotations

from typing import Any

import numpy as np
from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.linear import LinearTextClassifier
from bot.nlu.tuned_reader import READINGS

NOTHING_SAID: dict[str, Any] = {"name": None, "confidence": 0.0}


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class NGramIntentClassifier(GraphComponent, IntentClassifier):
    """Logistic regression over n-grams and sentence vectors, heard together with the tuned encoder where there is one.

    The encoder knows the intents of the day it was tuned: one that came later is the regression's alone.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`strength`: inverse of the regularisation. `dense_scale`: weight of a sentence vector beside n-grams.

        `tuned_weight`: how much of the last word the tuned encoder has (0 to 1). `sharpness`: the power that makes up
        for the mean of two voices being less sure than it is right. `ranking_length`: how many intents are reported.
        """
        return {"strength": 10.0, "dense_scale": 2.0, "tuned_weight": 0.5, "sharpness": 1.7, "ranking_length": 10}

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        classifier: LinearTextClassifier | None = None,
    ) -> None:
        self.config = config
        self._model_storage = model_storage
        self._resource = resource
        self.classifier = classifier

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> NGramIntentClassifier:
        """An untrained classifier."""
        return cls(config, model_storage, resource)

    def train(self, training_data: TrainingData) -> Resource:
        """Learns from the examples that have an intent, and stores the result."""
        examples = [example for example in training_data.intent_examples if example.get(TEXT)]
        self.classifier = LinearTextClassifier.train(
            [example.get(TEXT) for example in examples],
            [example.get(INTENT) for example in examples],
            sentence_vectors(examples),
            strength=self.config["strength"],
            dense_scale=self.config["dense_scale"],
        )
        with self._model_storage.write_to(self._resource) as folder:
            self.classifier.save(folder)
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> NGramIntentClassifier:
        """The classifier that `train` stored."""
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, LinearTextClassifier.load(folder))

    def process(self, messages: list[Message]) -> list[Message]:
        """Sets `intent` and `intent_ranking`."""
        for message in messages:
            ranking = self._ranking(message)
            message.set(INTENT, ranking[0] if ranking else NOTHING_SAID, add_to_output=True)
            message.set("intent_ranking", ranking, add_to_output=True)
        return messages

    def _ranking(self, message: Message) -> list[dict[str, Any]]:
        text = message.get(TEXT)
        if not text or not text.strip() or self.classifier is None:
            return []
        found = self.classifier.probabilities(text, sentence_vector(message))
        found = self._with_tuned(found, (message.get(READINGS) or {}).get("intent"))
        best = np.argsort(-found)[: self.config["ranking_length"]]
        return [{"name": self.classifier.labels[i], "confidence": float(found[i])} for i in best]

    def _with_tuned(self, found: np.ndarray, tuned: dict[str, float] | None) -> np.ndarray:
        assert self.classifier is not None  # noqa: S101 - the caller has asked it
        if not tuned or self.classifier.labels[int(found.argmax())] not in tuned:
            return found
        second = np.array([tuned.get(label, 0.0) for label in self.classifier.labels])
        weight = self.config["tuned_weight"]
        both = ((1 - weight) * found + weight * second) ** self.config["sharpness"]
        return np.asarray(both / both.sum())


def sentence_vector(message: Message) -> np.ndarray | None:
    """What a dense featurizer found for the whole text; `None` where the pipeline has none."""
    _, sentence = message.get_dense_features(TEXT)
    return None if sentence is None else np.asarray(sentence.features).ravel()


def sentence_vectors(messages: list[Message]) -> np.ndarray | None:
    """One row a message; `None` unless every message has a vector."""
    vectors = [vector for message in messages if (vector := sentence_vector(message)) is not None]
    return np.stack(vectors) if vectors and len(vectors) == len(messages) else None
