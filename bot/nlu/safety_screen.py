"""The last word of understanding: an emergency or a crisis overrules every other intent."""

from __future__ import annotations

from collections.abc import Iterable
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

from bot.nlu.intent_classifier import sentence_vector, sentence_vectors
from bot.nlu.linear import LinearTextClassifier
from bot.nlu.safety_patterns import SafetyPatterns

SAFE = "safe"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=True)
class SafetyScreen(GraphComponent, IntentClassifier):
    """Patterns for what is said outright, and a classifier of its own for what is said obliquely.

    The classifier, which knows only danger and no danger, and the intent classifier, which knows what a refill or a
    dog is, count half each. The threshold is far below a half: a missed emergency costs far more than a false alarm.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`intents`: what it may set. `threshold`: from which probability of all of them together on.

        `danger_weight`: how much their examples count.
        """
        return {
            "intents": ["report_emergency", "report_crisis"],
            "threshold": 0.2,
            "danger_weight": 2.0,
            "strength": 10.0,
            "dense_scale": 2.0,
        }

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
        self.patterns = SafetyPatterns.default()

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SafetyScreen:
        """A screen that knows only the patterns."""
        return cls(config, model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """The patterns: training looks at the text without figures of speech."""
        return SafetyPatterns.FILE.read_text(encoding="utf-8")

    def train(self, training_data: TrainingData) -> Resource:
        """Learns danger from every other message, figures of speech left out of both."""
        examples = [example for example in training_data.intent_examples if example.get(TEXT)]
        weights = {intent: self.config["danger_weight"] for intent in self.config["intents"]}
        self.classifier = LinearTextClassifier.train(
            [self.patterns.without_figures_of_speech(example.get(TEXT)) for example in examples],
            [self._label(example.get(INTENT)) for example in examples],
            sentence_vectors(examples),
            strength=self.config["strength"],
            dense_scale=self.config["dense_scale"],
            class_weight={SAFE: 1.0, **weights},
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
    ) -> SafetyScreen:
        """The screen that `train` stored."""
        with model_storage.read_from(resource) as folder:
            return cls(config, model_storage, resource, LinearTextClassifier.load(folder))

    def process(self, messages: list[Message]) -> list[Message]:
        """Overrules `intent` where there is danger; the ranking then leads with it."""
        for message in messages:
            ranking = message.get("intent_ranking") or []
            found = self.danger(message.get(TEXT) or "", sentence_vector(message), ranking)
            if found and found["name"] != (message.get(INTENT) or {}).get("name"):
                message.set(INTENT, found, add_to_output=True)
                message.set("intent_ranking", [found, *ranking], add_to_output=True)
        return messages

    def danger(
        self, text: str, vector: np.ndarray | None = None, ranking: Iterable[dict[str, Any]] = ()
    ) -> dict[str, Any] | None:
        """The safety intent of a text with its confidence, or `None`. `ranking`: what the intent classifier found."""
        calm = self.patterns.without_figures_of_speech(text)
        if outright := self.patterns.match(calm):
            return {"name": outright, "confidence": 1.0}
        if self.classifier is None or not calm.strip():
            return None
        found = dict(zip(self.classifier.labels, self.classifier.probabilities(calm, vector), strict=True))
        second = {intent["name"]: intent["confidence"] for intent in ranking} or found
        both = {name: float(found.get(name, 0.0) + second.get(name, 0.0)) / 2 for name in self.config["intents"]}
        worst = max(both, key=lambda name: both[name])
        return {"name": worst, "confidence": both[worst]} if sum(both.values()) >= self.config["threshold"] else None

    def _label(self, intent: str) -> str:
        return intent if intent in self.config["intents"] else SAFE
