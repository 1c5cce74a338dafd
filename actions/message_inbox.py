"""Answers questions about the patient's messages: the list, one thread, did they write back, did mine go through."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions.clinicians import CareTeam, load_care_team
from actions.message_plan import SLOT, MessagePolicy, Plan
from actions.message_request import Kind, mentions
from actions.message_threads import Mailbox, Message, Thread
from actions.message_words import (
    days,
    message_row,
    moment_spoken,
    name,
    row,
    thread_buttons,
    thread_row,
    wait,
)
from actions.portal_action import Turn
from actions.portal_client import PortalError, PortalUnauthorized

THREADS_PER_PAGE, MESSAGES_PER_PAGE = 5, 4
PAGE = "message_page"  # the slot with what "more" shows next
ACTION = "action_read_messages"

_ANSWERED = re.compile(
    r"\b(?:write|wrote|written|writes|writing|reply|replied|replies|respond|responded|response|answer|answered|"
    r"got(?:ten)? back|get back|getting back|any word|heard (?:back|anything)|hear back|wr?it?e? ?bk|bk|contest[oó])\b",
    re.IGNORECASE,
)
_ARRIVED = re.compile(
    r"\b(?:go(?:ne)? thr(?:ough|u)|went thr(?:ough|u)|seen (?:my|it)|see my|"
    r"was (?:my|it) .*\b(?:read|seen|sent|delivered)|"
    r"read my (?:message|note)|get my (?:message|note)|(?:message|it) (?:was )?(?:sent|delivered|arrive[d]?))\b",
    re.IGNORECASE,
)
_OPEN = re.compile(
    r"\b(?:read|open|latest|last|newest|what did|what does|what(?:'s| is) in|say|said|sent me|"
    r"conversation with|thread)\b",
    re.IGNORECASE,
)
_IT = re.compile(
    r"\W*(?:please |ok |yes )?(?:read|open|show)(?: me)? (?:it|that|this)(?: one)?(?: please)?\W*", re.IGNORECASE
)
_SPOKEN_OF = re.compile(r"\b(?:about|on|regarding)\s+(?:my\s+|the\s+)?(?P<topic>[\w' -]{3,40})", re.IGNORECASE)


class Wish(Enum):
    """What is asked about the messages."""

    LIST = "list"
    OPEN = "open"
    ANSWERED = "answered"
    ARRIVED = "arrived"


def wish(text: str) -> Wish:
    """What the text asks for."""
    if _ARRIVED.search(text):
        return Wish.ARRIVED
    if re.search(r"\bwhat (?:did|does|do|has|have)\b", text, re.IGNORECASE):
        return Wish.OPEN
    if _ANSWERED.search(text):
        return Wish.ANSWERED
    plural = re.search(r"\b(?:messages|mails?|inbox|mailbox)\b", text, re.IGNORECASE)
    return Wish.OPEN if _OPEN.search(text) and not plural else Wish.LIST


class Inbox:
    """The mailbox in one turn."""

    def __init__(self, turn: Turn, box: Mailbox) -> None:
        self.turn, self.box = turn, box
        self._today = turn.now.date()

    async def answer(self) -> list[EventType]:
        """Answer the turn's question."""
        page = self.turn.slot(PAGE) if self.turn.intent == "show_more" else None
        if page:
            return await self._more(page)
        if picked := next(iter(self.turn.entities("choice")), ""):
            thread = self.box.get(picked)
            return await self._show(thread) if thread else self._list(self.box.threads)
        if not self.box.threads:
            self.turn.say("utter_messages_none", draft=self._draft())
            return _page(None)
        threads = await self._asked_about()
        if threads is None:
            return _page(None)
        wanted = wish(self.turn.text)
        if wanted is Wish.ANSWERED:
            return await self._whether_answered(threads)
        if wanted is Wish.ARRIVED:
            return self._whether_arrived(threads)
        if len(threads) == 1 or (wanted is Wish.OPEN and threads):
            return await self._show(self._to_open(threads))
        return self._list(threads)

    async def _asked_about(self) -> tuple[Thread, ...] | None:
        """The threads that the question is about: a person's, a topic's, else all; None, and said so, where none is."""
        last = self.box.get(str(self.turn.slot("message_thread") or ""))
        if last and _IT.fullmatch(self.turn.text):
            return (last,)
        team = await load_care_team(self.turn.portal, self.turn.patient, self.box.resources)
        people = self._people(team)
        if people is not None:
            who, references = people
            found = tuple(t for t in self.box.threads if t.partner[0] in references)
            if not found:
                self.turn.say("utter_messages_none_from", who=who, draft=self._draft())
            return found or None
        topic = _SPOKEN_OF.search(self.turn.text)
        words = {w for w in (topic["topic"].lower().split() if topic else []) if len(w) > 3}
        about = tuple(t for t in self.box.threads if words & set(re.findall(r"\w+", t.topic.lower())))
        return about or self.box.threads

    def _people(self, team: CareTeam) -> tuple[str, set[str]] | None:
        """Who is named, in words and by reference; None where it is nobody in particular."""
        for mention in mentions(self.turn.text, team, self.turn.entities("provider"), self.turn.entities("specialty")):
            if mention.kind is Kind.NAME:
                return mention.said, {c.reference for c in team.called(mention.said)}
            if mention.kind is Kind.SPECIALTY:
                return mention.said, {c.reference for c in team.with_specialty(mention.said.lower().split("my ")[-1])}
        return None

    def _to_open(self, threads: tuple[Thread, ...]) -> Thread:
        """The newest with something unread; else the newest with something from the clinic."""
        unread = [t for t in threads if self.box.unread(t)]
        told = [t for t in threads if any(m.from_clinic for m in t.messages)]
        return (unread or told or list(threads))[0]

    # the list

    def _list(self, threads: tuple[Thread, ...], first: int = 0) -> list[EventType]:
        shown = list(threads[first : first + THREADS_PER_PAGE])
        rest = len(threads) > first + THREADS_PER_PAGE
        self.turn.say(
            "utter_messages_list" if self.turn.tells_all else "utter_messages_list_short",
            news=self._news(),
            rows=[thread_row(self.box, t, self._today, self.turn.tells_all) for t in shown],
            more=row("utter_messages_more") if rest else "",
            draft=self._draft(),
        )
        clinic = MessagePolicy.from_environment().clinic
        self.turn.offer("utter_messages_which", thread_buttons(shown, self._today, clinic))
        return _page({"threads": first + THREADS_PER_PAGE} if rest else None)

    def _news(self) -> dict[str, Any]:
        """How many are unread, and from whom."""
        if not self.box.knows_read:
            return row("utter_messages_some")
        unread = [m for t in self.box.threads for m in t.unread]
        who = ", ".join(dict.fromkeys(m.who or MessagePolicy.from_environment().clinic for m in unread))
        count = {0: "utter_messages_no_news", 1: "utter_messages_one_unread"}.get(len(unread), "utter_messages_unread")
        return row(count, count=len(unread), who=who)

    def _draft(self) -> Any:
        """That a message of theirs waits to be sent."""
        plan = Plan.from_slot(self.turn.slot(SLOT))
        waits = plan.draft is not None and self.turn.slot("requested_slot") != "message_answer"
        return row("utter_messages_draft") if waits else ""

    # one thread

    async def _show(self, thread: Thread, before: int | None = None, told: bool = False) -> list[EventType]:
        """Its newest messages, or those before the `before`-th; who reads for themselves has then read them.

        `told`: who wrote and when was said already.
        """
        end = len(thread.messages) if before is None else before
        begin = max(0, end - MESSAGES_PER_PAGE)
        shown = thread.messages[begin:end]
        rows = [message_row(m, self._today) for m in shown]
        if self.turn.tells_all:
            earlier = row("utter_messages_earlier", count=begin) if begin else ""
            self.turn.say("utter_messages_thread", who=name(thread.partner[1]), rows=rows, earlier=earlier)
        else:
            if not told:
                self.turn.say("utter_messages_thread_private", **self._facts(thread))
            self.turn.say("utter_messages_bodies", rows=rows)
        await self._mark_read(shown)
        return [SlotSet("message_thread", thread.id), *_page({"thread": thread.id, "before": begin} if begin else None)]

    async def _mark_read(self, shown: tuple[Message, ...]) -> None:
        """Note at the portal what the patient was shown, where it lets a patient do so; else it stays unread there."""
        if not self.turn.tells_all or self.turn.grant.is_proxy or not self.box.knows_read:
            return
        for message in shown:
            if not message.from_clinic or message.read:
                continue
            try:
                now = self.turn.now.isoformat(timespec="seconds")
                await self.turn.portal.update({**message.resource, "received": now})
            except PortalUnauthorized:
                raise
            except PortalError:
                return

    async def _more(self, page: dict[str, Any]) -> list[EventType]:
        thread = self.box.get(page.get("thread", ""))
        if thread:
            return await self._show(thread, int(page["before"]))
        return self._list(self.box.threads, int(page.get("threads", 0)))

    # yes or no

    async def _whether_answered(self, threads: tuple[Thread, ...]) -> list[EventType]:
        answered = [t for t in threads if not t.awaits_answer]
        new = [t for t in answered if self.box.unread(t)] if self.box.knows_read else answered[:1]
        if new:
            self._yes(new[0])
            return await self._show(new[0], told=True)
        waiting = next((t for t in threads if t.awaits_answer), None)
        if waiting:
            self._not_yet(waiting)
            return _page(None)
        self.turn.say("utter_messages_answered_before", **self._facts(answered[0]))
        return [SlotSet("message_thread", answered[0].id), *_page(None)]

    def _yes(self, thread: Thread) -> None:
        self.turn.say("utter_messages_answered", **self._facts(thread))

    def _not_yet(self, thread: Thread) -> None:
        usual = days(self.box.usual_wait(thread.partner[0]))
        policy = MessagePolicy.from_environment()
        facts = self._facts(thread)
        self.turn.say(
            "utter_messages_not_answered", **facts, wait=wait(usual, thread.partner[1] or policy.clinic, policy)
        )

    def _whether_arrived(self, threads: tuple[Thread, ...]) -> list[EventType]:
        mine = [m for t in threads for m in t.messages if not m.from_clinic]
        if not mine:
            self.turn.say("utter_messages_none_sent")
            return _page(None)
        last = max(mine, key=lambda m: m.sent.timestamp() if m.sent else 0)
        response = "utter_messages_arrived_read" if last.read else "utter_messages_arrived"
        facts = {"who": name(last.who), "when": moment_spoken(last.sent, self._today)}
        self.turn.say(response, **facts, **({"read": moment_spoken(last.read, self._today)} if last.read else {}))
        return _page(None)

    def _facts(self, thread: Thread) -> dict[str, Any]:
        return {"who": name(thread.partner[1]), "when": moment_spoken(thread.last.sent, self._today)}


def _page(following: dict[str, Any] | None) -> list[EventType]:
    return [SlotSet(PAGE, following), SlotSet("more_action", ACTION if following else None)]
