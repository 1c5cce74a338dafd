"""Privacy: how things are kept, who looked at the chart, and forgetting the chat."""

from __future__ import annotations

from typing import Any

from rasa_sdk import Tracker
from rasa_sdk.events import ActiveLoop, AllSlotsReset, EventType, FollowupAction, SlotSet
from rasa_sdk.executor import CollectingDispatcher

from accounts.access_log import NEWEST as ENTRIES
from accounts.access_log import Entry
from accounts.errors import NotSignedIn, SignInFailed
from actions import access_rows
from actions.access_rows import Looks, Row
from actions.portal_action import AccountAction, PortalAction, Turn, say
from actions.portal_client import PortalError
from actions.privacy_words import Asked, asked

OPEN = "forget_open"  # the slot that is set while the question is open whether to forget the chat
FORGET = "forget"  # the topic by which delivery knows that this answer ends the conversation
WHO_LOOKED, FORGET_CHAT = "action_show_accesses", "action_forget_chat"
ROWS_PER_PAGE = 5


class ActionPrivacy(AccountAction):
    """Answers what is asked about privacy; the other two actions of this capability do what is more than words."""

    def name(self) -> str:
        return "action_privacy"

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        wish = asked(str(tracker.latest_message.get("text") or ""))
        if wish is Asked.WHO_LOOKED:
            return [SlotSet(OPEN, None), FollowupAction(WHO_LOOKED)]
        if wish in (Asked.FORGET, Asked.KEEP) and is_asked(tracker):
            return [FollowupAction(FORGET_CHAT)]
        if wish is Asked.FORGET:
            return _ask(dispatcher, tracker)
        say(dispatcher, "utter_privacy")
        return [SlotSet(OPEN, None)]


class ActionForgetChat(AccountAction):
    """Hears the answer to "shall I delete our chat?". Delivery deletes it, together with sending the last answer."""

    def name(self) -> str:
        return FORGET_CHAT

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        if not is_asked(tracker) or not _is_yes(tracker):
            say(dispatcher, "utter_forget_kept")
            return [SlotSet(OPEN, None)]
        response = "utter_forgotten" if await self._sign_out(tracker.sender_id) else "utter_forgotten_here"
        say(dispatcher, response, topic=FORGET)
        return [ActiveLoop(None), AllSlotsReset()]

    async def _sign_out(self, conversation: str) -> bool:
        """Whether no grant is left, here and at the portal."""
        try:
            await self.accounts.sign_out(conversation)
        except NotSignedIn:
            return True
        except SignInFailed:
            return False
        return True


class ActionShowAccesses(PortalAction):
    """Who looked at the open chart through this assistant, the newest first, page by page."""

    def name(self) -> str:
        return WHO_LOOKED

    async def perform(self, turn: Turn) -> list[EventType]:
        before = turn.slot("accesses_before") if turn.intent == "show_more" else None
        entries = await self._services.accounts.accesses(turn.grant.patient, before and int(before))
        page = access_rows.group(entries, turn.zone)[:ROWS_PER_PAGE]
        if not page:
            turn.say("utter_nothing_more" if before else "utter_accesses_none")
            return _next(None)
        names = {who: await _name(turn, who) for who in {looks.who for looks in page}}
        rows = [access_rows.row(looks, names[looks.who], turn.now.date()) for looks in page]
        following = _following(page, entries)
        turn.say("utter_accesses_more" if following else "utter_accesses", rows=rows)
        return _next(following)


def is_asked(tracker: Tracker) -> bool:
    """Whether the turn before this message asked whether to forget: a yes to anything else deletes nothing."""
    turns = [i for i, event in enumerate(tracker.events) if event["event"] == "user"]
    last = tracker.events[turns[-2] : turns[-1]] if len(turns) > 1 else []
    return any(event["event"] == "slot" and event["name"] == OPEN and event["value"] for event in last)


def _ask(dispatcher: CollectingDispatcher, tracker: Tracker) -> list[EventType]:
    """An open form ends here, so that a yes has one meaning."""
    form = tracker.active_loop_name
    say(dispatcher, "utter_forget_ask_and_stop" if form else "utter_forget_ask")
    ended: list[EventType] = [ActiveLoop(None), SlotSet("requested_slot", None)] if form else []
    prefix = str(form).removesuffix("form")
    ended += [
        SlotSet(name, None) for name, value in tracker.slots.items() if form and name.startswith(prefix) and value
    ]
    return [*ended, SlotSet(OPEN, True)]


def _is_yes(tracker: Tracker) -> bool:
    intent = (tracker.latest_message.get("intent") or {}).get("name")
    return intent == "affirm" or asked(str(tracker.latest_message.get("text") or "")) is Asked.FORGET


async def _name(turn: Turn, who: str) -> Row:
    """The words for who looked: the reader, the patient, or a helper, by name where the chart says it."""
    if who == turn.grant.who:
        return {"response": "utter_access_you"}
    if who == turn.patient:
        return {"response": "utter_access_patient"}
    kind, _, known = who.partition("/")
    try:
        helper = await turn.portal.read(kind, known) if kind == "RelatedPerson" else {}
    except PortalError:  # no longer on file, or not for this reader
        helper = {}
    name = _full_name(helper)
    return {"response": "utter_access_helper", "name": name} if name else {"response": "utter_access_someone"}


def _full_name(person: Row) -> str:
    name: Row = next(iter(person.get("name") or []), {})
    return str(name.get("text") or " ".join([*(name.get("given") or []), name.get("family") or ""]).strip())


def _following(page: list[Looks], entries: list[Entry]) -> int | None:
    """The entry before which the next page begins, where there may be more."""
    oldest = page[-1].oldest
    return oldest if entries[-1].seq < oldest or len(entries) == ENTRIES else None


def _next(before: int | None) -> list[EventType]:
    return [SlotSet("accesses_before", before), SlotSet("more_action", WHO_LOOKED if before else None)]
