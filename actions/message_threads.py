"""Secure messages as they stand in the chart: Communications put together to threads.

A thread is a header without `partOf` and a message with `partOf` and `payload` for each text; a portal without headers
gives messages that answer each other (`inResponseTo`). https://hl7.org/fhir/R4/communication.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from actions.fhir_time import moment
from actions.portal_client import PortalClient

Resource = dict[str, Any]

NEWEST = 300  # Communications that are looked at
ENOUGH = 3  # answers from which on it is known how long somebody usually takes
_VOID = {"entered-in-error", "not-done"}


@dataclass(frozen=True)
class Message:
    """One message. `from_clinic`: to the patient; `read` when its recipient read it; `files` names attachments."""

    id: str
    thread: str
    who: str
    person: str
    text: str
    files: tuple[str, ...]
    sent: datetime | None
    read: datetime | None
    from_clinic: bool
    resource: Resource


@dataclass(frozen=True)
class Thread:
    """The messages of one conversation, the oldest first; `id` is its header's."""

    id: str
    topic: str
    messages: tuple[Message, ...]

    @property
    def last(self) -> Message:
        """The newest message."""
        return self.messages[-1]

    @property
    def partner(self) -> tuple[str, str]:
        """Reference and name of who is on the clinic's side: who wrote last, else who was written to."""
        wrote = [m for m in self.messages if m.from_clinic]
        found = wrote[-1] if wrote else self.last
        return found.person, found.who

    @property
    def unread(self) -> list[Message]:
        """The clinic's messages that the patient has not read."""
        return [m for m in self.messages if m.from_clinic and not m.read]

    @property
    def awaits_answer(self) -> bool:
        """Whether the patient wrote last."""
        return not self.last.from_clinic


@dataclass(frozen=True)
class Mailbox:
    """All threads, the newest first. `knows_read`: whether this portal says at all what was read."""

    threads: tuple[Thread, ...]
    knows_read: bool
    resources: tuple[Resource, ...] = ()

    def get(self, thread: str) -> Thread | None:
        """The thread of this id."""
        return next((t for t in self.threads if t.id == thread), None)

    def unread(self, thread: Thread) -> bool:
        """Whether there is something in it that the patient has not read, as far as the portal says."""
        return self.knows_read and bool(thread.unread)

    def usual_wait(self, person: str) -> timedelta | None:
        """How long this person usually took to answer here; None where there were too few answers to say."""
        waits = [
            later.sent - earlier.sent
            for thread in self.threads
            for earlier, later in zip(thread.messages, thread.messages[1:], strict=False)
            if later.from_clinic and not earlier.from_clinic and later.person == person and later.sent and earlier.sent
        ]
        return timedelta(seconds=median(w.total_seconds() for w in waits)) if len(waits) >= ENOUGH else None


async def load_mailbox(portal: PortalClient, patient: str, zone: ZoneInfo) -> Mailbox:
    """Ask the portal for the patient's messages."""
    found = await portal.search("Communication", patient=patient, _sort="-sent", limit=NEWEST)
    return mailbox([r for r in found if r.get("resourceType") == "Communication"], zone)


def mailbox(resources: list[Resource], zone: ZoneInfo) -> Mailbox:
    """Threads from Communications in any order."""
    known = {r.get("id", ""): r for r in resources if r.get("status") not in _VOID}
    by_thread: dict[str, list[Message]] = {}
    for resource in known.values():
        if resource.get("payload"):
            message = _message(resource, _root(resource, known), zone)
            by_thread.setdefault(message.thread, []).append(message)
    threads = [_thread(root, messages, known) for root, messages in by_thread.items()]
    threads.sort(key=lambda t: _when(t.last), reverse=True)
    return Mailbox(tuple(threads), any(r.get("received") for r in known.values()), tuple(known.values()))


def _root(resource: Resource, known: dict[str, Resource]) -> str:
    """The id of the thread's header: up `partOf`, else up `inResponseTo`; a circle ends where it began."""
    seen: list[str] = []
    here: Resource | None = resource
    while here is not None and here.get("id") not in seen:
        seen.append(str(here.get("id")))
        above = _above(here)
        if above and above not in known and here.get("partOf"):
            return above  # a header that this patient may not read still holds its messages together
        here = known.get(above)
    return seen[-1]


def _above(resource: Resource) -> str:
    for one in [*(resource.get("partOf") or []), *(resource.get("inResponseTo") or [])]:
        kind, _, known = str(one.get("reference") or "").rpartition("/")
        if kind.endswith("Communication"):
            return known
    return ""


def _message(resource: Resource, thread: str, zone: ZoneInfo) -> Message:
    sender = resource.get("sender") or {}
    from_clinic = not str(sender.get("reference") or "").startswith(("Patient/", "RelatedPerson/"))
    other = sender if from_clinic else next(iter(resource.get("recipient") or []), {})
    parts: list[Resource] = resource.get("payload") or []
    return Message(
        id=str(resource.get("id")),
        thread=thread,
        who=str(other.get("display") or ""),
        person=str(other.get("reference") or ""),
        text="\n".join(str(p["contentString"]) for p in parts if p.get("contentString")),
        files=tuple(_title(p["contentAttachment"]) for p in parts if p.get("contentAttachment")),
        sent=moment(resource.get("sent"), zone),
        read=moment(resource.get("received"), zone),
        from_clinic=from_clinic,
        resource=resource,
    )


def _title(attachment: Resource) -> str:
    return str(attachment.get("title") or attachment.get("contentType") or "")


def _thread(root: str, messages: list[Message], known: dict[str, Resource]) -> Thread:
    messages.sort(key=_when)
    sources = [known.get(root, {}), *(m.resource for m in messages)]
    topics = (_text(source.get("topic") or {}) for source in sources)
    return Thread(root, next((topic for topic in topics if topic), ""), tuple(messages))


def _text(concept: Resource) -> str:
    displays = (c.get("display") for c in concept.get("coding") or [])
    return str(concept.get("text") or next((d for d in displays if d), ""))


def _when(message: Message) -> float:
    return message.sent.timestamp() if message.sent else 0.0
