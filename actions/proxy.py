"""Acting for someone else: which chart is open is chosen at the portal's sign-in, where the right to it is checked."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import EventType
from rasa_sdk.executor import CollectingDispatcher

from accounts.errors import NotSignedIn, SignInFailed
from actions import whose
from actions.portal_action import AccountAction


class ActionSwitchPatient(AccountAction):
    """A link to choose another chart with, or back to one's own. Nothing else ever changes whose chart is open."""

    def name(self) -> str:
        return "action_switch_patient"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        text = str(tracker.latest_message.get("text") or "")
        if whose.gives_access(text):
            dispatcher.utter_message(response="utter_proxy_give_access")
        elif whose.is_own(text) and await self._is_own_chart_open(tracker.sender_id):
            dispatcher.utter_message(response="utter_proxy_own_chart_open")
        else:
            response = "utter_proxy_back" if whose.is_own(text) else "utter_proxy_switch"
            dispatcher.utter_message(response=response, link=await self.sign_in_link(tracker))
        return []

    async def _is_own_chart_open(self, conversation: str) -> bool:
        try:
            return not (await self.accounts.grant(conversation)).is_proxy
        except (NotSignedIn, SignInFailed):
            return False
