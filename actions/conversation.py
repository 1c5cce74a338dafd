"""Actions about the conversation itself: repeat, stop, more, not understood, sign in and out."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActiveLoop, AllSlotsReset, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from accounts.errors import NotSignedIn, SignInFailed
from actions.portal_action import AccountAction, whose_chart

Event = dict[str, Any]


class ActionRepeat(Action):
    """Says again what was said last."""

    def name(self) -> str:
        return "action_repeat"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        said = last_said(tracker.events)
        for event in said:
            data = event.get("data") or {}
            custom = data.get("custom") or {}
            kept = {key: custom[key] for key in ("tier", "chart") if key in custom}
            dispatcher.utter_message(text=event.get("text"), buttons=data.get("buttons"), json_message=kept)
        if not said:
            dispatcher.utter_message(response="utter_repeat_nothing")
        return []


class ActionCancelTask(Action):
    """Leaves the open form and forgets what it knew. A form's slots carry its name as their prefix."""

    def name(self) -> str:
        return "action_cancel_task"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        form = tracker.active_loop_name
        if not form:
            dispatcher.utter_message(response="utter_nothing_to_cancel")
            return []
        dispatcher.utter_message(response="utter_cancelled")
        prefix = form.removesuffix("form")
        return [ActiveLoop(None), SlotSet("requested_slot", None)] + [
            SlotSet(name, None)
            for name, value in tracker.slots.items()
            if name.startswith(prefix) and value is not None
        ]


class ActionShowMore(Action):
    """Lets the action that has more to show go on."""

    def name(self) -> str:
        return "action_show_more"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        more = tracker.get_slot("more_action")
        if more:
            return [FollowupAction(more)]
        dispatcher.utter_message(response="utter_nothing_more")
        return []


class ActionMiss(Action):
    """Not understood, or nothing we do: asks again, then shows a menu, then gives a person's number.

    Both count alike: what is gibberish to one is out of scope to the other, and neither got what they came for.
    """

    def name(self) -> str:
        return "action_miss"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        intent = (tracker.latest_message.get("intent") or {}).get("name")
        first = "utter_out_of_scope" if intent == "out_of_scope" else "utter_miss_first"
        answers = (first, "utter_menu", "utter_person_after_misses")
        dispatcher.utter_message(response=answers[min(misses_before(tracker.events, self.name()), 2)])
        return []


class ActionSignIn(AccountAction):
    """Offers a one-time link, unless this conversation is connected already."""

    def name(self) -> str:
        return "action_sign_in"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        try:
            await self.accounts.grant(tracker.sender_id)
            dispatcher.utter_message(response="utter_already_signed_in")
        except NotSignedIn:
            link = await self.sign_in_link(tracker)
            dispatcher.utter_message(response="utter_sign_in_offer", link=link)
        except SignInFailed:
            dispatcher.utter_message(response="utter_portal_down")
        return []


class ActionSignedIn(AccountAction):
    """Says hello by name. The sign-in page starts this turn; nothing that a patient writes does."""

    def name(self) -> str:
        return "action_signed_in"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        try:
            grant = await self.accounts.grant(tracker.sender_id)
            if grant.is_proxy:
                dispatcher.utter_message(response="utter_signed_in_for", **whose_chart(grant))
            elif grant.name:
                dispatcher.utter_message(response="utter_signed_in", name=grant.name)
            else:
                dispatcher.utter_message(response="utter_signed_in_unnamed")
        except NotSignedIn:
            link = await self.accounts.sign_in_url(tracker.sender_id)
            dispatcher.utter_message(response="utter_sign_in_offer", link=link)
        except SignInFailed:
            dispatcher.utter_message(response="utter_portal_down")
        return []


class ActionSignOut(AccountAction):
    """Forgets the patient's tokens and all that was said about the chart in slots, and ends the grant at the portal."""

    def name(self) -> str:
        return "action_sign_out"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        try:
            await self.accounts.sign_out(tracker.sender_id)
            dispatcher.utter_message(response="utter_signed_out")
        except NotSignedIn:
            dispatcher.utter_message(response="utter_not_signed_in")
        except SignInFailed:  # forgotten here, not yet ended there
            dispatcher.utter_message(response="utter_signed_out_here")
        return [ActiveLoop(None), AllSlotsReset()]


def last_said(events: list[Event]) -> list[Event]:
    """The assistant's messages of the turn before the latest message of the patient."""
    turns = [i for i, event in enumerate(events) if event["event"] == "user"]
    if not turns:
        return []
    end = turns[-1]
    start = turns[-2] if len(turns) > 1 else 0
    return [event for event in events[start:end] if event["event"] == "bot"]


def misses_before(events: list[Event], action: str) -> int:
    """How many turns in a row before the latest message ended in `action`."""
    count = 0
    turns = [i for i, event in enumerate(events) if event["event"] == "user"]
    for start, end in zip(reversed(turns[:-1]), reversed(turns[1:]), strict=True):
        if not any(e["event"] == "action" and e.get("name") == action for e in events[start:end]):
            break
        count += 1
    return count
