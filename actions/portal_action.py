"""What every action that needs the patient's chart shares: who is asking, the portal client, and what to say if
either is missing. A capability's action subclasses `PortalAction` and writes `perform`."""

from __future__ import annotations

import hashlib
import logging
from abc import ABC, abstractmethod
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rasa_sdk import Action, Tracker
from rasa_sdk.events import EventType, SlotSet
from rasa_sdk.executor import CollectingDispatcher
from rasa_sdk.forms import FormValidationAction

from accounts.access_log import DONE, FAILED
from accounts.errors import AccessNotLogged, NotSignedIn, SignInFailed
from accounts.grants import FULL_CHANNEL, Grant
from accounts.links import HERE, PAGE
from accounts.service import Accounts
from accounts.tiers import Tier
from actions import whose
from actions.bootstrap import Services, services
from actions.portal_client import (
    PortalBadAnswer,
    PortalClient,
    PortalError,
    PortalForbidden,
    PortalTimeout,
    PortalUnauthorized,
    PortalUnavailable,
    PortalUnreachable,
)

log = logging.getLogger(__name__)

UNANSWERED = "unanswered_question"  # the slot with what was asked where it may not be answered

_RESERVED = {"response", "text", "image", "buttons", "elements", "attachment", "custom", "quick_replies"}


class NeedsPage(Exception):
    """This is not talked about here: the whole turn is answered with a link to the signed-in web chat."""


class Turn:
    """One message of a signed-in patient, as an action sees it."""

    def __init__(
        self,
        action: str,
        grant: Grant,
        portal: PortalClient,
        dispatcher: CollectingDispatcher,
        tracker: Tracker,
        domain: dict[str, Any],
        zone: ZoneInfo,
    ) -> None:
        self.action, self.portal, self.tracker, self.domain, self.zone = action, portal, tracker, domain, zone
        self.patient = f"Patient/{grant.patient}"
        self.name = grant.name
        self.grant = grant
        self.now = datetime.now(zone)
        self._dispatcher = dispatcher
        self._private = False

    @property
    def tells_all(self) -> bool:
        """Whether this is the signed-in web chat, where sensitive things may be talked about."""
        return tier_of(self.tracker) is Tier.FULL

    def keep_private(self) -> None:
        """From here on all that this turn says is sensitive."""
        self._private = True

    @property
    def text(self) -> str:
        """What the patient wrote."""
        return str(self.tracker.latest_message.get("text") or "")

    @property
    def intent(self) -> str:
        """What it was understood as."""
        return str((self.tracker.latest_message.get("intent") or {}).get("name") or "")

    def entities(self, name: str) -> list[str]:
        """The values of the entities of this name in the message, in its order."""
        return [str(e["value"]) for e in self.tracker.latest_message.get("entities", []) if e.get("entity") == name]

    def slot(self, name: str) -> Any:
        """A slot's value."""
        return self.tracker.get_slot(name)

    def say(self, response: str, **values: Any) -> None:
        """Answer with a response of the domain. A value may be a row or rows of responses (`bot/nlg.py`).

        `chart` goes along as a picture for channels that show pictures. `sensitive=True` keeps the message, or a row
        that has it among its values, out of every channel but the signed-in web chat.
        """
        say(self._dispatcher, response, **({**values, "sensitive": True} if self._private else values))

    def offer(self, response: str, choices: list[dict[str, Any]], **values: Any) -> None:
        """Say it with choices of the chart's own: each a `title` and the `payload` that it stands for."""
        self._dispatcher.utter_message(response=response, buttons=choices, **values)

    def say_whose_chart(self) -> None:
        """Before what was said, where the chart is somebody else's."""
        if self.grant.is_proxy and self._dispatcher.messages:
            self._dispatcher.utter_message(response="utter_whose_chart", **whose_chart(self.grant))
            self._dispatcher.messages.insert(0, self._dispatcher.messages.pop())

    def refuse_proxy(self) -> list[EventType]:
        """Instead of what was said: the portal does not open this, or no longer, to who helps."""
        self._dispatcher.messages.clear()
        self.say("utter_proxy_refused", **whose_chart(self.grant))
        return []

    def remind(self, at: datetime, response: str, **values: Any) -> None:
        """Send a response of the domain later. It is stored with this turn, and sent on the same channel when due."""
        if at.tzinfo is None:
            raise ValueError("a reminder needs an aware time")
        say(self._dispatcher, response, **values, due=at.isoformat(), topic="reminder")

    def key(self, thing: str) -> str:
        """An idempotency key: the same for the same message, action and thing, whatever is tried again."""
        metadata = self.tracker.latest_message.get("metadata") or {}
        message = metadata.get("turn") or self.tracker.latest_message.get("message_id") or ""
        parts = "\0".join((self.tracker.sender_id, str(message), self.action, thing))
        return hashlib.sha256(parts.encode()).hexdigest()[:32]


def whose_chart(grant: Grant) -> dict[str, Any]:
    """The value `whose` of responses that name an open chart."""
    named = {"response": "utter_whose", "name": grant.name} if grant.name else {"response": "utter_whose_unnamed"}
    return {"whose": named}


def say(dispatcher: CollectingDispatcher, response: str, **values: Any) -> None:
    """Answer with a response of the domain. `bot/nlg.py` knows `chart`, `due`, `topic` and `sensitive` by name."""
    clash = _RESERVED & values.keys()
    if clash:
        raise ValueError(f"rasa uses these names itself: {sorted(clash)}")
    dispatcher.utter_message(response=response, **values)


class _NeedsChart:
    """Finds the grant, makes the turn, and answers for what is missing."""

    def __init__(self, services_: Services | None = None) -> None:
        self._given = services_

    @property
    def _services(self) -> Services:
        return self._given or services()

    async def _with_turn(
        self, action: str, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any], work: Any
    ) -> list[EventType]:
        accounts, conversation = self._services.accounts, tracker.sender_id
        if _is_told_elsewhere(tracker):
            events = await self._lead_to_page(dispatcher, tracker, "utter_private_page")
            return [*events, SlotSet(UNANSWERED, waiting_question(tracker))]
        try:
            grant = await accounts.grant(conversation)
            try:
                return await self._work(work, self._turn(action, grant, dispatcher, tracker, domain))
            except PortalUnauthorized:
                dispatcher.messages.clear()
                grant = await accounts.renew(conversation, grant)
                return await self._work(work, self._turn(action, grant, dispatcher, tracker, domain))
        except NeedsPage:
            dispatcher.messages.clear()
            return await self._lead_to_page(dispatcher, tracker, "utter_withheld_page")
        except (PortalUnauthorized, NotSignedIn):
            dispatcher.messages.clear()
            return await self._ask_to_sign_in(dispatcher, tracker)
        except (PortalError, SignInFailed, AccessNotLogged) as error:
            log.warning("%s: %s", action, type(error).__name__)
            dispatcher.messages.clear()
            dispatcher.utter_message(response=_apology(error))
            return []

    async def _work(self, work: Any, turn: Turn) -> list[EventType]:
        try:
            events = await self._logged(work, turn)
        except PortalForbidden:
            if not turn.grant.is_proxy:
                raise
            return turn.refuse_proxy()
        turn.say_whose_chart()
        return events

    async def _logged(self, work: Any, turn: Turn) -> list[EventType]:
        """Do it, and write down what was looked at before anything of it is told, also where it broke off."""
        outcome = FAILED
        try:
            events: list[EventType] = await work(turn)
            outcome = DONE
        finally:
            if accessed := turn.portal.accessed:
                where = (turn.tracker.sender_id, turn.grant, tier_of(turn.tracker))
                await self._services.accounts.log_access(
                    *where, purpose=turn.action, accessed=accessed, outcome=outcome
                )
        return events

    def _turn(
        self, action: str, grant: Grant, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]
    ) -> Turn:
        portal = PortalClient(self._services.http, self._services.accounts.settings.fhir_url, grant.access_token)
        return Turn(action, grant, portal, dispatcher, tracker, domain, self._services.zone)

    async def _ask_to_sign_in(self, dispatcher: CollectingDispatcher, tracker: Tracker) -> list[EventType]:
        """In the same words for whoever writes: that a sign-in has ended would tell that there was one."""
        link = await self._services.accounts.sign_in_url(tracker.sender_id, waiting_question(tracker))
        dispatcher.utter_message(response="utter_sign_in_needed", link=link)
        return []

    async def _lead_to_page(self, dispatcher: CollectingDispatcher, tracker: Tracker, response: str) -> list[EventType]:
        """Where nothing may be told, the chart is not even read: a link leads to a chat where it may."""
        link = await self._services.accounts.sign_in_url(tracker.sender_id, waiting_question(tracker), to=PAGE)
        dispatcher.utter_message(response=response, link=link)
        return []


class AccountAction(Action, ABC):
    """An action on who is on the other end. Subclasses write `name` and `run`."""

    def __init__(self, services_: Services | None = None) -> None:
        self._given = services_

    @property
    def accounts(self) -> Accounts:
        """Links, grants and consent."""
        return (self._given or services()).accounts

    @abstractmethod
    def name(self) -> str: ...

    async def sign_in_link(self, tracker: Tracker, waiting: dict[str, Any] | None = None) -> str:
        """A one-time link: back here, or, where nothing may be told here, to a chat where it may."""
        to = PAGE if _is_told_elsewhere(tracker) else HERE
        return await self.accounts.sign_in_url(tracker.sender_id, waiting, to=to)


class PortalAction(_NeedsChart, Action, ABC):
    """An action on the patient's chart. Subclasses write `name` and `perform`."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """Perform with the patient's own token; ask to sign in, or apologise, where that cannot be."""
        if whose.is_someone_elses(str(tracker.latest_message.get("text") or "")):
            return await self._with_turn(self.name(), dispatcher, tracker, domain, self._for_someone_else)
        return await self._with_turn(self.name(), dispatcher, tracker, domain, self.perform)

    async def _for_someone_else(self, turn: Turn) -> list[EventType]:
        """What is not in one's own chart: a link to choose the other one with, and then the same question again."""
        if turn.grant.is_proxy:
            return await self.perform(turn)
        waiting = waiting_question(turn.tracker)
        link = await self._services.accounts.sign_in_url(turn.tracker.sender_id, waiting)
        turn.say("utter_proxy_switch", link=link)
        return []

    @abstractmethod
    async def perform(self, turn: Turn) -> list[EventType]:
        """Do it, and return what the conversation should remember."""


class PortalFormValidation(_NeedsChart, FormValidationAction, ABC):
    """The validation of a form that looks at the patient's chart. Subclasses write `name` and `advance`."""

    async def run(self, dispatcher: CollectingDispatcher, tracker: Tracker, domain: dict[str, Any]) -> list[EventType]:
        """As `PortalAction.run`: what `advance` returns is what the form knows afterwards."""
        return await self._with_turn(self.name(), dispatcher, tracker, domain, self.advance)

    @abstractmethod
    async def advance(self, turn: Turn) -> list[EventType]:
        """Read the answer to the open question and set the slots of the form, `requested_slot` among them."""


def tier_of(tracker: Tracker) -> Tier:
    """What may be told in this turn, as delivery noted it on the patient's message."""
    return Tier.named((tracker.latest_message.get("metadata") or {}).get("tier"))


def _is_told_elsewhere(tracker: Tracker) -> bool:
    return tier_of(tracker) is Tier.NONE and tracker.get_latest_input_channel() != FULL_CHANNEL


def waiting_question(tracker: Tracker) -> dict[str, Any]:
    """The message to answer after the sign-in. A tapped choice is kept by its payload, which only we can make."""
    text = str(tracker.latest_message.get("text") or "")
    return {"payload": text} if text.startswith("/") else {"text": text}


def _apology(error: Exception) -> str:
    if isinstance(error, (PortalTimeout, PortalUnavailable)):
        return "utter_portal_slow"
    if isinstance(error, (PortalUnreachable, SignInFailed)):
        return "utter_portal_down"
    if isinstance(error, PortalBadAnswer):
        return "utter_portal_odd"
    if isinstance(error, AccessNotLogged):
        return "utter_access_not_logged"
    return "utter_portal_refused"
