"""Answers an emergency or a crisis before anything else, whatever the conversation was about."""

from __future__ import annotations

from typing import Any

from rasa.core.constants import POLICY_PRIORITY, RULE_POLICY_PRIORITY
from rasa.core.policies.policy import Policy, PolicyPrediction, SupportedData
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import INTENT_NAME_KEY


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class SafetyPolicy(Policy):
    """On a safety intent predicts its static response, then listens.

    `RulePolicy` gives an active loop priority over every rule, so a rule alone would let "I can't breathe" fill a
    form's slot. This policy stands above it and claims a prediction that needs no user input, the strongest kind.
    The loop is neither run nor rejected: it stays as it was, and the next message goes on with it.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`responses`: what is said for which intent."""
        return {
            POLICY_PRIORITY: RULE_POLICY_PRIORITY + 1,
            "responses": {"report_emergency": "utter_emergency", "report_crisis": "utter_crisis"},
        }

    @staticmethod
    def supported_data() -> SupportedData:
        """It learns nothing; of the two kinds of data, rules are the cheaper to pass."""
        return SupportedData.RULE_DATA

    def train(self, training_trackers: list[TrackerWithCachedStates], domain: Domain, **kwargs: Any) -> Resource:
        """Nothing is learned. Fails where the domain lacks one of the responses, rather than in an emergency."""
        for response in self.config["responses"].values():
            domain.index_for_action(response)  # raises ActionNotFoundException
        return self._resource

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """The response after a safety intent, listening after the response, and no opinion otherwise."""
        probabilities = self._default_predictions(domain)
        action = self._next_action(tracker)
        if action is None:
            return self._prediction(probabilities)
        probabilities[domain.index_for_action(action)] = 1.0
        return self._prediction(probabilities, is_no_user_prediction=True)

    def _next_action(self, tracker: DialogueStateTracker) -> str | None:
        intent = tracker.latest_message.intent.get(INTENT_NAME_KEY) if tracker.latest_message else None
        response: str | None = self.config["responses"].get(intent)
        if response is None:
            return None
        return {ACTION_LISTEN_NAME: response, response: ACTION_LISTEN_NAME}.get(tracker.latest_action_name)
