"""The last word of understanding: an emergency or a crisis overrules every other intent."""

from __future__ import annotations

from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.nlu.classifiers.classifier import IntentClassifier
from rasa.shared.nlu.constants import INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message

from bot.nlu.safety_patterns import SafetyPatterns
from bot.nlu.tuned_reader import READINGS


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.INTENT_CLASSIFIER, is_trainable=False)
class SafetyScreen(GraphComponent, IntentClassifier):
    """Two voices and two thresholds: an alarm, a question whether somebody is in danger, or nothing.

    The voices: the intents found before, which know what a refill or a dog is; and the tuned encoder, which hears
    negation, time and who it is about. What the patterns find said outright is never let through: it is an alarm, or
    a question where the voices find it harmless.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`intents`: what it may set, each with the intent that stands for the question about it.

        `alarm`, `question`: from which probability of danger on; a missed emergency costs far more than a question.
        `outright`: instead of `alarm` where a pattern matched. `idiom`: instead of `question` where a figure of speech
        was heard. `weights` of the voices.
        """
        return {
            "intents": {"report_emergency": "maybe_emergency", "report_crisis": "maybe_crisis"},
            "alarm": 0.8,
            "question": 0.15,
            "outright": 0.4,
            "idiom": 0.5,
            "weights": {"intents": 1.0, "tuned": 2.0},
        }

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.patterns = SafetyPatterns.default()

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> SafetyScreen:
        """The screen; it learns nothing itself."""
        return cls(config)

    def process(self, messages: list[Message]) -> list[Message]:
        """Overrules `intent` where there is danger; the ranking then leads with it.

        A message that was screened before (its question is answered, or it waited for a sign-in) is let through.
        """
        for message in messages:
            about = message.get("metadata") or {}
            if about.get("screened") or about.get("again"):
                continue
            found = self.danger(message)
            if found and found["name"] != (message.get(INTENT) or {}).get("name"):
                ranking = message.get("intent_ranking") or []
                message.set(INTENT, found, add_to_output=True)
                message.set("intent_ranking", [found, *ranking], add_to_output=True)
        return messages

    def danger(self, message: Message) -> dict[str, Any] | None:
        """The safety intent of a message, or the intent of the question about it, with its probability; or `None`."""
        calm = self.patterns.without_figures_of_speech(message.get(TEXT) or "")
        if not calm.strip():
            return None
        outright = self.patterns.match(calm)
        likely = self.probabilities(message)
        total = sum(likely.values())
        worst = outright or max(likely, key=lambda name: likely[name])
        if total >= self.config["outright" if outright else "alarm"]:
            return {"name": worst, "confidence": 1.0 if outright else total}
        idiom = self.patterns.is_figure_of_speech(message.get(TEXT))
        if outright or total >= self.config["idiom" if idiom else "question"]:
            return {"name": self.config["intents"][worst], "confidence": total}
        return None

    def probabilities(self, message: Message) -> dict[str, float]:
        """How likely each danger is: the weighted mean of the voices that there are."""
        voices: dict[str, dict[str, float]] = {}
        if ranking := message.get("intent_ranking"):
            voices["intents"] = {reading["name"]: reading["confidence"] for reading in ranking}
        if tuned := message.get(READINGS):
            voices["tuned"] = tuned["safety"]
        weights = {name: self.config["weights"][name] for name in voices}
        total = sum(weights.values()) or 1.0
        return {
            danger: sum(weights[name] * voice.get(danger, 0.0) for name, voice in voices.items()) / total
            for danger in self.config["intents"]
        }
