"""Answers an emergency or a crisis before anything else, whatever the conversation was about."""

from __future__ import annotations

import re
from typing import Any

from rasa.core.constants import POLICY_PRIORITY, RULE_POLICY_PRIORITY
from rasa.core.policies.policy import Policy, PolicyPrediction, SupportedData
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.constants import INTENT_NAME_KEY

# What is asked about where the screen is not sure, and what a yes then means. Both are intents.
DANGERS = {"maybe_emergency": "report_emergency", "maybe_crisis": "report_crisis"}
NO_DANGER = "no_danger"
RESPONSES = {
    "report_emergency": "utter_emergency",
    "report_crisis": "utter_crisis",
    "maybe_emergency": "utter_emergency_question",
    "maybe_crisis": "utter_crisis_question",
    NO_DANGER: "utter_no_danger",
}

_NO = re.compile(r"\W*(?:no|nope|nah|not|none|nobody|no one|negative|n|ningun[ao]?|nadie)\b", re.IGNORECASE)
_YES = re.compile(
    r"\W*(?:y|ye[sap]*h?|yup|si|sí|help|ayuda|please|maybe|perhaps|possibly|probably|kind of|kinda|sort of|not sure"
    r"|no s[eé]|no idea|idk|(?:i )?(?:don'?t|do not) know|(?:i )?dunno|(?:i )?(?:think|guess) so|tal vez|quiz[aá]s)\b",
    re.IGNORECASE,
)


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class SafetyPolicy(Policy):
    """On a safety intent predicts its static response, then listens.

    `RulePolicy` gives an active loop priority over every rule, so a rule alone would let "I can't breathe" fill a
    form's slot. This policy stands above it and claims a prediction that needs no user input, the strongest kind.
    The loop is neither run nor rejected: it stays as it was, and the next message goes on with it.

    Where the screen is not sure, it asks whether somebody is in danger. The next message is first of all an answer to
    that: a yes, a doubt or another such message is answered as the danger; a no is acknowledged and does not reach
    the form (the delivery then lets the agent take up the message that was interrupted, see `interrupted`); anything
    else is a message like any other.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Its priority, above every rule."""
        return {POLICY_PRIORITY: RULE_POLICY_PRIORITY + 1}

    @staticmethod
    def supported_data() -> SupportedData:
        """It learns nothing; of the two kinds of data, rules are the cheaper to pass."""
        return SupportedData.RULE_DATA

    def train(self, training_trackers: list[TrackerWithCachedStates], domain: Domain, **kwargs: Any) -> Resource:
        """Nothing is learned. Fails where the domain lacks one of the responses, rather than in an emergency."""
        for response in RESPONSES.values():
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
        response = RESPONSES.get(meaning(tracker))
        if response is None:
            return None
        return {ACTION_LISTEN_NAME: response, response: ACTION_LISTEN_NAME}.get(tracker.latest_action_name)


def meaning(tracker: DialogueStateTracker) -> str:
    """The latest message's intent, or what it means as an answer to the question about danger."""
    message = tracker.latest_message
    if message is None:
        return ""
    intent = _intent(message)
    asked = _asked(tracker)
    if asked is None or intent in DANGERS.values() or intent == NO_DANGER:
        return intent
    if intent == "affirm" or _YES.match(message.text or ""):
        return DANGERS[asked]
    if intent == "deny" or _NO.match(message.text or ""):
        return NO_DANGER
    return DANGERS.get(intent, intent)  # twice unsure is sure


def interrupted(tracker: DialogueStateTracker) -> str | None:
    """The text that the latest question about danger interrupted: what the patient wanted before."""
    messages = (event for event in reversed(tracker.events) if isinstance(event, UserUttered))
    return next((message.text for message in messages if _intent(message) in DANGERS), None)


def _asked(tracker: DialogueStateTracker) -> str | None:
    """The intent of the message before the latest, where it was answered with the question about danger."""
    done: set[str] = set()
    messages = 0
    for event in reversed(tracker.events):
        if isinstance(event, ActionExecuted):
            done.add(event.action_name or "")
        elif isinstance(event, UserUttered) and (messages := messages + 1) == 2:
            asked = _intent(event)
            return asked if asked in DANGERS and RESPONSES[asked] in done else None
    return None


def _intent(message: UserUttered) -> str:
    return str(message.intent.get(INTENT_NAME_KEY))
