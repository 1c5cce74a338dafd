"""What the patient chooses about messages: health details in them, and reminders (`accounts/consent.py`).

Details are off on SMS and Telegram until the patient, who is signed in, says yes to a question that tells who else can
read there. Off needs nobody's sign-in: it takes away, and gives nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from accounts.consent import DETAILS, REMINDERS
from accounts.errors import NotSignedIn, SignInFailed
from accounts.grants import FULL_CHANNEL
from accounts.links import HERE
from accounts.tiers import Tier
from actions.notification_words import Wish, read_wish
from actions.portal_action import UNANSWERED, AccountAction, tier_of

ANSWER = "notifications_answer"
ASK = "utter_ask_notifications_answer"
HOW = "words"

_HEDGE = re.compile(r"\b(?:but|not|no|nope|don'?t|wait|later|unless|except|only)\b", re.IGNORECASE)


class ValidateNotificationsForm(AccountAction):
    """Drives `notifications_form`: what is asked for is done at once, but for details, which need an answer first.

    The form has one slot that is never filled. `requested_slot` goes back as it was where the message is no answer;
    then Rasa lets the rules take it, and the question is asked again afterwards.
    """

    def name(self) -> str:
        return "validate_notifications_form"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """Do what the message wants, or read it as the answer to the open question."""
        asked, intent = tracker.get_slot(REQUESTED_SLOT), _intent(tracker)
        if not asked or intent == "manage_notifications":
            return await self._start(dispatcher, tracker)
        if intent in ("deny", "cancel_task"):
            dispatcher.utter_message(response="utter_details_not_on")
            return _ask(None)
        if _is_yes(tracker):
            return [*await self._agree(dispatcher, tracker), *_ask(None)]
        return _ask(ANSWER) if intent == "affirm" else [SlotSet(REQUESTED_SLOT, ANSWER)]

    async def _start(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[EventType]:
        wish, on_web = read_wish(_text(tracker)), tracker.get_latest_input_channel() == FULL_CHANNEL
        question = None
        if wish in (Wish.DETAILS_ON, Wish.DETAILS_OFF) and on_web:
            dispatcher.utter_message(response="utter_details_web")
        elif wish is Wish.DETAILS_ON and tier_of(tracker) is Tier.NONE:
            question = ANSWER
        elif wish is Wish.OVERVIEW:
            await self._overview(dispatcher, tracker, on_web)
        else:
            await self._change(dispatcher, tracker, wish)
        return _ask(question)

    async def _change(self, dispatcher: CollectingDispatcher, tracker: Tracker, wish: Wish) -> None:
        changes = {
            Wish.DETAILS_OFF: (DETAILS, False),
            Wish.REMINDERS_ON: (REMINDERS, True),
            Wish.REMINDERS_OFF: (REMINDERS, False),
        }
        if wish in changes:
            topic, given = changes[wish]
            await self.accounts.agree(tracker.sender_id, topic, given, HOW)
        dispatcher.utter_message(response=_WORDS[wish])

    async def _overview(self, dispatcher: CollectingDispatcher, tracker: Tracker, on_web: bool) -> None:
        details = "yes" if tier_of(tracker) is not Tier.NONE else "no"
        reminders = "yes" if await self.accounts.agreed(tracker.sender_id, REMINDERS) else "no"
        dispatcher.utter_message(response="utter_details_web" if on_web else f"utter_notifications_details_{details}")
        dispatcher.utter_message(response=f"utter_notifications_reminders_{reminders}")
        if not on_web:
            dispatcher.utter_message(response="utter_notifications_texts")

    async def _agree(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[EventType]:
        """A yes of whoever is signed in counts at once; otherwise it counts with the sign-in that the link leads to."""
        waiting = tracker.get_slot(UNANSWERED)
        try:
            await self.accounts.grant(tracker.sender_id)
            await self.accounts.agree(tracker.sender_id, DETAILS, True, HOW)
        except NotSignedIn:
            link = await self.accounts.sign_in_url(tracker.sender_id, waiting, to=HERE, agreed=DETAILS)
            dispatcher.utter_message(response="utter_details_sign_in", link=link)
        except SignInFailed:
            dispatcher.utter_message(response="utter_portal_down")
            return []
        else:
            question = (waiting or {}).get("payload") or (waiting or {}).get("text")
            response = "utter_details_on_go_on" if question else "utter_details_on"
            dispatcher.utter_message(response=response, question=question or "")
        return [SlotSet(UNANSWERED, None)]


_WORDS = {
    Wish.DETAILS_ON: "utter_details_on_already",
    Wish.DETAILS_OFF: "utter_details_off",
    Wish.REMINDERS_ON: "utter_reminders_on",
    Wish.REMINDERS_OFF: "utter_reminders_off",
    Wish.PILLS: "utter_notifications_pills",
    Wish.ALERTS: "utter_notifications_alerts",
}


def _ask(question: str | None) -> list[EventType]:
    """The message was for this form, and this is asked next. Without another slot Rasa takes it for a digression."""
    return [SlotSet(ANSWER, None), SlotSet(REQUESTED_SLOT, question)]


def _is_yes(tracker: Tracker) -> bool:
    """A yes and nothing else, right after the question: after an emergency in between, a yes means something else."""
    said: Iterator[dict[str, Any]] = (e for e in reversed(tracker.events) if e["event"] == "bot")
    asked_last = (next(said, {}).get("metadata") or {}).get("utter_action") == ASK
    return _intent(tracker) == "affirm" and not _HEDGE.search(_text(tracker)) and asked_last


def _intent(tracker: Tracker) -> str:
    return str((tracker.latest_message.get("intent") or {}).get("name") or "")


def _text(tracker: Tracker) -> str:
    return str(tracker.latest_message.get("text") or "")
