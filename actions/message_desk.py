"""What is done about a draft in one turn: whom it goes to, what it says, sending it."""

from __future__ import annotations

from typing import Any

from actions.clinicians import CareTeam, Clinician, load_care_team
from actions.message_plan import LONGEST, OTHERS_KEPT, Draft, MessagePolicy, Plan, Recipient
from actions.message_request import Kind, Mention, Request, read_request
from actions.message_sending import Arrival, Letter, send
from actions.message_threads import Mailbox, Thread, load_mailbox
from actions.message_words import days, question, receipt, row
from actions.portal_action import Turn
from actions.portal_client import PortalForbidden, PortalNotFound, PortalRejected


class MessageDesk:
    """The drafts of a conversation in one turn. What is found out is said at the end, in `ask`."""

    def __init__(self, turn: Turn, plan: Plan) -> None:
        self.turn, self.plan = turn, plan
        self.policy = MessagePolicy.from_environment()
        self.lines: list[dict[str, Any]] = []
        self._box: Mailbox | None = None
        self._team: CareTeam | None = None

    @property
    def draft(self) -> Draft:
        """The message that is talked about."""
        return self.plan.drafts[0]

    async def box(self) -> Mailbox:
        """The patient's messages; an empty box where the portal shows none."""
        if self._box is None:
            try:
                self._box = await load_mailbox(self.turn.portal, self.turn.patient, self.turn.zone)
            except (PortalForbidden, PortalNotFound, PortalRejected):
                self._box = Mailbox((), False)
        return self._box

    async def team(self) -> CareTeam:
        """Who may be written to."""
        if self._team is None:
            box = await self.box()
            self._team = await load_care_team(self.turn.portal, self.turn.patient, box.resources)
        return self._team

    async def request(self) -> Request:
        """What this turn's text asks for."""
        names, kinds = self.turn.entities("provider"), self.turn.entities("specialty")
        return read_request(self.turn.text, await self.team(), names, kinds)

    # to whom

    async def address(self, mention: Mention | None, sure: bool = True) -> None:
        """Find the recipient, or offer those it can be. Not `sure`: a stranger's name may be none."""
        team = await self.team()
        found = self._meant(mention, team) if mention else []
        if len(found) == 1:
            await self.take(self.recipient(found[0]))
            return
        if mention and not found and sure and mention.kind in (Kind.NAME, Kind.SPECIALTY):
            self.lines.append(row("utter_message_not_yours", said=mention.said.strip()))
        if not team.clinicians:
            await self.take(self._practice(team))
            return
        self.draft.offered = [self.recipient(c) for c in found or team.clinicians]
        self.draft.offered += [] if found else [self._practice(team)]

    def _meant(self, mention: Mention, team: CareTeam) -> list[Clinician]:
        if mention.kind is Kind.PRACTICE:
            return [team.practice or Clinician("", self.policy.clinic)]
        if mention.kind is Kind.NAME:
            return team.called(mention.said)
        if mention.kind is Kind.SPECIALTY:
            return team.with_specialty(mention.said.lower().split("my ")[-1])
        return list(team.clinicians) if len(team.clinicians) == 1 else []

    def recipient(self, clinician: Clinician) -> Recipient:
        """As a draft keeps it."""
        name = clinician.name or self.policy.clinic
        return Recipient(clinician.reference, name, next(iter(clinician.specialties), ""))

    def _practice(self, team: CareTeam) -> Recipient:
        return self.recipient(team.practice or Clinician("", self.policy.clinic))

    async def take(self, recipient: Recipient) -> None:
        """This is who gets it."""
        self.draft.recipient, self.draft.offered = recipient, []
        self.draft.wait = days((await self.box()).usual_wait(recipient.reference))
        self._changed()

    def answer_to(self, thread: Thread) -> None:
        """The draft becomes an answer in this thread."""
        reference, name = thread.partner
        self.draft.recipient = Recipient(reference, name or self.policy.clinic)
        self.draft.thread, self.draft.answers, self.draft.topic = thread.id, thread.last.id, thread.topic
        self._changed()

    # what it says

    def write(self, text: str) -> bool:
        """Make this the text; False, and say so, where it is too long."""
        if len(text) > LONGEST:
            self.lines.append(row("utter_message_too_long", limit=f"{LONGEST:,}"))
            return False
        self.draft.body, self.draft.editing, self.draft.aside = text.strip(), False, ""
        self._changed()
        return True

    def begin(self) -> None:
        """A new draft goes before those that are there."""
        self.plan.drafts.insert(0, Draft())
        del self.plan.drafts[OTHERS_KEPT + 1 :]
        self._changed()

    def _changed(self) -> None:
        """Another text or recipient is another message, for the portal too."""
        self.draft.key, self.plan.refused = self.turn.key("message"), False

    # its end

    async def send(self) -> None:
        """Send it and say what became of it. What was not sent is kept, with its key, to be sent again."""
        sender = self.turn.grant.who if self.turn.grant.is_proxy else self.turn.patient
        found = await send(self.turn.portal, Letter(self.draft, self.turn.patient, sender, self.turn.now))
        self.lines.append(receipt(self.draft, found, self.policy))
        if found.arrival in (Arrival.SENT, Arrival.NOT_TAKEN):
            self.done()

    def discard(self) -> None:
        """Throw it away."""
        self.lines.append(row("utter_message_discarded"))
        self.done()

    def done(self) -> None:
        """On to the one that waited before, if there is any."""
        self.plan.drafts.pop(0)
        self.plan.refused, self.plan.misses = False, 0
        if self.plan.drafts:
            self.lines.append(row("utter_message_another"))

    def ask(self) -> None:
        """Say what was found, and keep the next question."""
        if self.lines:
            self.turn.say("utter_message_lines", rows=self.lines)
        if self.plan.drafts:
            about = self.turn.name if self.turn.grant.is_proxy else ""
            self.plan.ask = question(self.plan, self.policy, self.turn.tells_all, about)
