"""Rasa's `RulePolicy`, with an answer for what no rule covers: ask the open question again, or say so, never loop."""

from __future__ import annotations

from typing import Any

from rasa.core.policies.policy import PolicyPrediction
from rasa.core.policies.rule_policy import RulePolicy
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecutionRejected, UserUttered
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
        if deaf_loop := left_rejected(tracker):
            return self._prediction(self._prediction_result(deaf_loop, tracker, domain), is_no_user_prediction=True)
        prediction, _ = self._predict(tracker, domain)
        if prediction.probabilities != self._default_predictions(domain):
            return prediction
        return self._prediction(self._prediction_result(self._uncovered_action(tracker), tracker, domain))

    def _uncovered_action(self, tracker: DialogueStateTracker) -> str:
        if tracker.latest_action_name == ACTION_LISTEN_NAME:
            return str(self._fallback_action_name)
        open_loop = tracker.active_loop_name
        return open_loop if open_loop and tracker.latest_action_name != open_loop else ACTION_LISTEN_NAME


def left_rejected(tracker: DialogueStateTracker) -> str | None:
    """The active loop that declined to run in an earlier turn and was not tried since.

    It keeps the mark of its rejection, so `RulePolicy` would never let it hear the patient again.
    """
    if not (tracker.is_active_loop_rejected and tracker.latest_action_name == ACTION_LISTEN_NAME):
        return None
    return None if rejected_this_turn(tracker) else tracker.active_loop_name


def rejected_this_turn(tracker: DialogueStateTracker) -> bool:
    """Whether an action declined to run since the patient's latest message."""
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            return False
        if isinstance(event, ActionExecutionRejected):
            return True
    return False
