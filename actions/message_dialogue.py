"""One turn of writing a message: what the patient's words do to the draft."""

from __future__ import annotations

from enum import Enum

from actions.message_answers import (
    Word,
    added,
    control,
    edited,
    is_asked_of_us,
    is_never_mind,
    only_names,
    resumes,
)
from actions.message_desk import MessageDesk
from actions.message_plan import Question
from actions.message_request import Request, mentions
from actions.message_words import row
from actions.refill_answers import is_clear_yes
from actions.safety_since import safety_since

FORM, ASK = "message_form", "action_ask_message_answer"

#: Questions to the assistant that are answered in between.
ASIDES = frozenset({
    "show_labs", "lab_trend", "explain_lab", "list_medications", "medication_details", "refill_status",
    "read_messages", "read_notes", "list_appointments", "join_visit", "check_balance", "show_allergies",
    "show_conditions", "show_immunizations", "show_vitals", "help", "repeat", "show_more", "talk_to_human",
    "privacy_info", "change_language", "sign_in", "sign_out", "manage_notifications", "switch_patient",
})  # fmt: skip
#: Requests with questions of their own: the draft waits until the patient comes back to it.
TASKS = frozenset({
    "refill_medication", "book_appointment", "reschedule_appointment", "cancel_appointment", "pay_bill",
})  # fmt: skip
_UNCLEAR = {"nlu_fallback", "out_of_scope", "deny", "affirm", ""}
_GIVE_UP = 3


class Heard(Enum):
    """Whose the message is: the draft's; the rules', and then the question comes again; or another task's."""

    OURS = "ours"
    ASIDE = "aside"
    TASK = "task"


class MessageDialogue(MessageDesk):
    """Listens."""

    async def start(self) -> None:
        """Begin with what the request says already, go on with an unfinished draft, or answer a message."""
        request = await self.request()
        if self.plan.drafts and not request.body and (not request.mention or resumes(self.turn.text)):
            self.lines.append(row("utter_message_resumed"))
            return self.ask()
        self.begin()
        if not (request.reply or self.turn.intent == "reply_message") or not await self._reply(request):
            await self.address(request.mention, sure=bool(request.lead))
        self.draft.topic = self.draft.topic or request.topic
        if request.body:
            self.write(request.body)
        self.ask()

    async def _reply(self, request: Request) -> bool:
        """In the thread that was read last, or the newest one of who is named; False where there is none."""
        box, team = await self.box(), await self.team()
        thread = box.get(str(self.turn.slot("message_thread") or ""))
        if request.mention and (meant := {c.reference for c in self._meant(request.mention, team)}):
            thread = next((t for t in box.threads if t.partner[0] in meant), None)
        elif not thread:
            thread = next((t for t in box.threads if not t.awaits_answer), None)
        if thread:
            self.answer_to(thread)
        return thread is not None

    async def hear(self) -> Heard:
        """Take the patient's message."""
        if is_never_mind(self.turn.intent, self.turn.text) and control(self.turn.text) in (None, Word.DISCARD):
            self.discard()
            return self._ours()
        heard = await {
            Question.RECIPIENT: self._hear_recipient,
            Question.BODY: self._hear_body,
            Question.EDIT: self._hear_edit,
            Question.CONFIRM: self._hear_confirm,
        }[self.draft.question]()
        return self._ours() if heard is Heard.OURS else heard

    def _ours(self) -> Heard:
        self.ask()
        return Heard.OURS

    @property
    def _aside(self) -> Heard:
        """Whether what is understood as something else is put like a request to us."""
        if not is_asked_of_us(self.turn.text):
            return Heard.OURS
        return {**dict.fromkeys(ASIDES, Heard.ASIDE), **dict.fromkeys(TASKS, Heard.TASK)}.get(
            self.turn.intent, Heard.OURS
        )

    async def _hear_recipient(self) -> Heard:
        picked = next(iter(self.turn.entities("choice")), "")
        if self.turn.intent == "choose" and picked.isdecimal() and int(picked) < len(self.draft.offered):
            await self.take(self.draft.offered[int(picked)])
            return self._understood()
        if control(self.turn.text) is Word.DISCARD:
            self.discard()
            return Heard.OURS
        team = await self.team()
        named = next(
            mentions(self.turn.text, team, self.turn.entities("provider"), self.turn.entities("specialty")), None
        )
        if named and self._aside is Heard.OURS:
            await self.address(named)
            return self._understood()
        called = team.called(self.turn.text) if len(self.turn.text.split()) < 4 else []
        if len(called) == 1:
            await self.take(self.recipient(called[0]))
            return self._understood()
        return self._aside if self._aside is not Heard.OURS else self._miss()

    async def _hear_body(self) -> Heard:
        if self.turn.intent == "keep_draft" and self.draft.aside:
            self.write(self.draft.aside)
            return self._understood()
        if control(self.turn.text) is Word.DISCARD or self.turn.intent == "discard_draft":
            self.discard()
            return Heard.OURS
        if self._aside is not Heard.OURS:
            self.draft.aside = self.turn.text
            self.ask()
            return self._aside
        return self._text(edited(self.turn.text))

    async def _hear_edit(self) -> Heard:
        if self.turn.intent == "keep_draft":
            self.draft.editing = False
            return self._understood()
        if control(self.turn.text) is Word.DISCARD or self.turn.intent == "discard_draft":
            self.discard()
            return Heard.OURS
        if self._aside is not Heard.OURS:
            return self._aside
        return self._text(edited(self.turn.text))

    def _text(self, instead: str) -> Heard:
        """What the patient wrote is the message."""
        if self.turn.text.startswith("/"):  # a button from earlier in the chat
            return self._miss()
        self.write(instead or self.turn.text.strip(' "“”'))
        return self._understood()

    async def _hear_confirm(self) -> Heard:
        text, word = self.turn.text, control(self.turn.text)
        if word is Word.SEND or is_clear_yes(self.turn.intent, text):
            await self._send()
        elif word is Word.DISCARD or self.turn.intent == "discard_draft" or (self._no and self.plan.refused):
            self.discard()
        elif word is Word.EDIT or self.turn.intent == "edit_draft":
            self.draft.editing = True
        elif new := edited(text):
            self.write(new)
        elif self._no:
            self.lines.append(row("utter_message_not_yet"))
            self.plan.refused = True
        else:
            return await self._hear_more()
        return Heard.OURS

    async def _send(self) -> None:
        """Send it, unless somebody may have been in danger since it was asked: then it is asked once more."""
        if safety_since(self.turn.tracker, FORM, ASK):
            self.lines.append(row("utter_message_after_safety"))
        else:
            await self.send()

    @property
    def _no(self) -> bool:
        return self.turn.intent in ("deny", "cancel_task") and len(self.turn.text.split()) < 5

    async def _hear_more(self) -> Heard:
        """Another recipient, another message, a question to us, or more of the text."""
        text = self.turn.text
        if self._aside is not Heard.OURS:
            return self._aside
        if text.startswith("/") or (self.turn.intent in _UNCLEAR and len(text.split()) < 3):
            return self._miss()
        request = await self.request()
        if request.mention and only_names(text, request.mention.start, request.mention.end):
            await self.address(request.mention)
            self.draft.recipient = None if self.draft.offered else self.draft.recipient
        elif (
            self.turn.intent == "send_message"
            and request.lead
            and self._is_for_another(request, await self._names(request))
        ):
            await self.start()
        elif self.turn.intent == "send_message" and resumes(text) and not request.body:
            pass  # it is this one
        else:
            self._add(added(text))
        return self._understood()

    async def _names(self, request: Request) -> set[str]:
        team = await self.team()
        return {c.reference for c in self._meant(request.mention, team)} if request.mention else set()

    def _is_for_another(self, request: Request, meant: set[str]) -> bool:
        here = self.draft.recipient.reference if self.draft.recipient else ""
        return bool(meant) and here not in meant and not self.turn.text.lower().startswith(("also", "and"))

    def _add(self, text: str) -> None:
        """A further part: several texts are one message."""
        if self.write(f"{self.draft.body}\n{text}"):
            self.lines.append(row("utter_message_added"))

    def _understood(self) -> Heard:
        self.plan.misses = 0
        return Heard.OURS

    def _miss(self) -> Heard:
        """Not understood: say what helps; after the third time leave it, and keep what was written."""
        self.plan.misses += 1
        self.lines.append(row("utter_message_gave_up" if self.plan.misses >= _GIVE_UP else "utter_message_help"))
        return Heard.OURS

    @property
    def rests(self) -> bool:
        """Whether the draft is put aside, because we do not understand each other."""
        return self.plan.misses >= _GIVE_UP
