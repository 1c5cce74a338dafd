"""Secure messages with the care team: the form `message_form`, its question, and the inbox."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Action, Tracker
from rasa_sdk.events import ActionExecutionRejected, EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import REQUESTED_SLOT

from actions import whose
from actions.message_dialogue import ASK, FORM, Heard, MessageDialogue
from actions.message_inbox import Inbox
from actions.message_plan import SLOT, Plan
from actions.message_threads import load_mailbox
from actions.portal_action import PortalAction, PortalFormValidation, Turn, waiting_question
from actions.portal_client import PortalForbidden, PortalNotFound, PortalRejected

ANSWER = "message_answer"


class ValidateMessageForm(PortalFormValidation):
    """Drives the form. It has one slot, `message_answer`, that is never filled: the plan knows what is asked.

    A question to the assistant is left to the rules, and the form's question is asked again afterwards. Drafts stay in
    the slot until they are sent or thrown away, whatever ends the form.
    """

    def name(self) -> str:
        return "validate_message_form"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """As every form; where the portal or the sign-in failed, the form ends and the draft is kept."""
        events = await super().run(dispatcher, tracker, domain)
        if any(event.get("name") == REQUESTED_SLOT for event in events):
            return events
        if tracker.get_slot(REQUESTED_SLOT) == ANSWER:
            dispatcher.utter_message(response="utter_message_nothing_sent")
        return [*events, SlotSet(SLOT, tracker.get_slot(SLOT)), SlotSet(REQUESTED_SLOT, None)]

    async def advance(self, turn: Turn) -> list[EventType]:
        """Start with the request, or read the answer to the open question."""
        dialogue = MessageDialogue(turn, Plan.from_slot(turn.slot(SLOT)))
        if turn.slot(REQUESTED_SLOT) != ANSWER or not dialogue.plan.drafts:
            return await self._start(turn, dialogue)
        if _is_back(turn.tracker):
            return [SlotSet(REQUESTED_SLOT, ANSWER)]
        heard = await dialogue.hear()
        if heard is Heard.OURS:
            return _open(dialogue) if dialogue.plan.drafts and not dialogue.rests else _closed(dialogue)
        if heard is Heard.TASK:
            turn.say("utter_message_kept")
        return [*_open(dialogue), ActionExecutionRejected(FORM)]

    async def _start(self, turn: Turn, dialogue: MessageDialogue) -> list[EventType]:
        if not await turn.portal.can_create("Communication"):
            turn.say("utter_message_not_offered")
            return _closed(dialogue)
        mention = (await dialogue.request()).mention
        if mention and not turn.grant.is_proxy and whose.is_someone_elses(turn.text.strip()[: mention.end]):
            waiting = waiting_question(turn.tracker)
            turn.say(
                "utter_proxy_switch", link=await self._services.accounts.sign_in_url(turn.tracker.sender_id, waiting)
            )
            return _closed(dialogue)
        await dialogue.start()
        return _open(dialogue)


class ActionAskMessageAnswer(Action):
    """Asks the open question, without the portal, so that it can always be asked again."""

    def name(self) -> str:
        return ASK

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        plan = Plan.from_slot(tracker.get_slot(SLOT))
        for said in plan.ask if plan.drafts else []:
            dispatcher.utter_message(**said)
        return []


class ActionReadMessages(PortalAction):
    """The inbox, one thread of it, or whether somebody answered."""

    def name(self) -> str:
        return "action_read_messages"

    async def perform(self, turn: Turn) -> list[EventType]:
        try:
            box = await load_mailbox(turn.portal, turn.patient, turn.zone)
        except (PortalNotFound, PortalRejected):
            return _not_shown(turn)
        except PortalForbidden:
            if turn.grant.is_proxy:
                raise
            return _not_shown(turn)
        return await Inbox(turn, box).answer()


def _is_back(tracker: Tracker) -> bool:
    """Whether the form is run again after a question in between: Rasa validates then too, and it was heard already."""
    for event in reversed(tracker.events):
        if event["event"] == "user":
            return False
        if event["event"] == "action" and event.get("name") != FORM:
            return True
    return False


def _not_shown(turn: Turn) -> list[EventType]:
    turn.say("utter_messages_not_offered")
    return []


def _open(dialogue: MessageDialogue) -> list[EventType]:
    return [SlotSet(SLOT, dialogue.plan.to_slot()), SlotSet(REQUESTED_SLOT, ANSWER)]


def _closed(dialogue: MessageDialogue) -> list[EventType]:
    dialogue.plan.misses = 0
    kept = dialogue.plan.to_slot() if dialogue.plan.drafts else None
    return [SlotSet(SLOT, kept), SlotSet(REQUESTED_SLOT, None)]
