"""When the intent is not sure enough to act on: `nlu_fallback`, which asks again."""

from __future__ import annotations

from typing import Any

from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.nlu.classifiers.fallback_classifier import FallbackClassifier
from rasa.shared.nlu.constants import INTENT
from rasa.shared.nlu.training_data.message import Message


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class IntentFallback(FallbackClassifier):
    """Rasa's `FallbackClassifier`, stricter for intents that change something.

    Showing the wrong page costs one more message; of two close readings that only show something, the better one is
    taken. What starts a refill, writes to somebody or moves a visit is never guessed.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Rasa's settings, and `acting`: `intents` with a `threshold` and `ambiguity_threshold` of their own."""
        return {
            **FallbackClassifier.get_default_config(),
            "acting": {"intents": [], "threshold": 0.4, "ambiguity_threshold": 0.15},
        }

    def _should_fallback(self, message: Message) -> bool:
        acting = self.component_config["acting"]
        if message.get(INTENT, {}).get("name") in acting["intents"]:
            return FallbackClassifier(acting)._should_fallback(message)
        return super()._should_fallback(message)
