"""Rasa's `RulePolicy`, with an answer for what no rule covers: ask the open question again, or say so, never loop."""

from __future__ import annotations

from typing import Any

from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.trackers import DialogueStateTracker


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class ConversationPolicy(RulePolicy):
    """Rules first. Where none applies:

    - right after the patient's message, `core_fallback_action_name`, which says that it was not understood;
    - after a digression out of an open form, the form once more, so that its question is asked again;
    - otherwise `action_listen`.

    `RulePolicy` predicts its fallback action in all three places, also after that very action, and loops until the
    circuit breaker trips. Its own default, `action_default_fallback`, reverts the patient's message, which makes
    every later load of the conversation replay it.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`core_fallback_action_name`: must be in the domain and leave the patient's message in place."""
        return {**RulePolicy.get_default_config(), "core_fallback_action_name": "action_miss"}

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """What the rules say, else what the class describes."""
        prediction, _ = self._predict(tracker, domain)
        if prediction.probabilities != self._default_predictions(domain):
            return prediction
        return self._prediction(self._prediction_result(self._uncovered_action(tracker), tracker, domain))

    def _uncovered_action(self, tracker: DialogueStateTracker) -> str:
        if tracker.latest_action_name == ACTION_LISTEN_NAME:
            return str(self._fallback_action_name)
        open_loop = tracker.active_loop_name
        return open_loop if open_loop and tracker.latest_action_name != open_loop else ACTION_LISTEN_NAME
