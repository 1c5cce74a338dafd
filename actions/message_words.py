"""Which response of the domain says what about messages, and with which values."""

from __future__ import annotations

import json
import math
from datetime import date, datetime, timedelta
from typing import Any

from actions.fhir_time import spoken
from actions.message_plan import Draft, MessagePolicy, Plan, Question, Recipient
from actions.message_sending import Arrival, Receipt
from actions.message_threads import Mailbox, Message, Thread
from actions.sensitivity import sensitivity

Said = dict[str, Any]


def row(response: str, **values: Any) -> Said:
    """A response inside another (`bot/nlg.py` renders it)."""
    return {"response": response, **values}


# writing


def question(plan: Plan, policy: MessagePolicy, tells_all: bool, about: str = "") -> list[Said]:
    """The open question about the current draft, ready to be asked, now and again.

    A finished draft is a message of its own: a long one may go on after MORE, the question after it is never cut.
    `about` is the patient whose chart is open, where somebody else writes.
    """
    draft = plan.drafts[0]
    asked = _question(draft, policy, tells_all)
    if draft.question is not Question.CONFIRM or not draft.recipient:
        return [asked]
    kind = row("utter_message_reply" if draft.thread else "utter_message_new")
    whom = row("utter_message_whose", about=about) if about else ""
    return [
        row("utter_message_draft", kind=kind, whom=whom, name=draft.recipient.name, body=_body(draft.body, tells_all)),
        asked,
    ]


def _question(draft: Draft, policy: MessagePolicy, tells_all: bool) -> Said:
    name = draft.recipient.name if draft.recipient else ""
    if draft.question is Question.RECIPIENT:
        return {**row("utter_ask_message_recipient"), "buttons": _choices(draft.offered, tells_all)}
    if draft.question is Question.BODY and draft.aside:
        return row("utter_ask_message_body_aside", name=name, aside=draft.aside)
    if draft.question is Question.BODY:
        about = row("utter_message_about", subject=draft.topic) if draft.topic and not draft.thread else ""
        return row("utter_ask_message_body", name=name, about=about)
    if draft.question is Question.EDIT:
        return row("utter_ask_message_edit", name=name)
    return row(
        "utter_ask_message_confirm",
        wait=wait(draft.wait, name, policy),
        fee=row("utter_message_fee", fee=policy.fee) if policy.fee else "",
    )


def _choices(offered: list[Recipient], tells_all: bool) -> list[Said]:
    """Buttons. What somebody is a doctor for is told only where everything may be."""
    titles = [f"{r.name} ({r.specialty})" if r.specialty and tells_all else r.name for r in offered]
    return [{"title": title, "payload": _payload("choose", str(n))} for n, title in enumerate(titles)]


def _payload(intent: str, choice: str) -> str:
    return f"/{intent}{json.dumps({'choice': choice})}"


def _body(text: str, tells_all: bool) -> Said:
    """The draft's text; outside the signed-in web chat a sensitive one is not repeated, only counted."""
    if not tells_all and sensitivity().words.search(text):
        return row("utter_message_own_words", count=len(text.split()))
    return row("utter_message_quoted", text=text)


def wait(days: int | None, name: str, policy: MessagePolicy) -> Said:
    """How long an answer usually takes: from this patient's own threads, else as the clinic says."""
    if days is None:
        many = policy.reply_days > 1
        return row("utter_message_wait_clinic" if many else "utter_message_wait_clinic_one", days=policy.reply_days)
    return row("utter_message_wait_day" if days <= 1 else "utter_message_wait_days", days=days, name=name)


def days(usual: timedelta | None) -> int | None:
    """Whole days, rounded up."""
    return max(1, math.ceil(usual / timedelta(days=1))) if usual is not None else None


def receipt(draft: Draft, found: Receipt, policy: MessagePolicy) -> Said:
    """The line that ends a message: SENT with its reference and what comes next, or NOT SENT."""
    name = draft.recipient.name if draft.recipient else ""
    if found.arrival is not Arrival.SENT:
        return row(f"utter_message_{found.arrival.value}", name=name)
    return row("utter_message_sent", name=name, reference=found.reference, wait=wait(draft.wait, name, policy))


# reading


def moment_spoken(when: datetime | None, today: date) -> str | Said:
    """`Friday, November 21 at 10:02 AM`."""
    if when is None:
        return row("utter_message_no_date")
    clock = f"{when:%I:%M %p}".lstrip("0")
    return row("utter_message_moment", weekday=f"{when:%A}", day=spoken(when.date(), today), clock=clock)


def thread_row(box: Mailbox, thread: Thread, today: date, tells_all: bool) -> Said:
    """One line of the inbox: who, about what, when, and whether it is unread."""
    person = name(thread.partner[1])
    when = spoken(thread.last.sent.date() if thread.last.sent else None, today)
    topic = row("utter_message_topic", subject=thread.topic) if thread.topic and tells_all else ""
    response = "utter_message_thread_unread" if box.unread(thread) else "utter_message_thread"
    if thread.awaits_answer:
        response = "utter_message_thread_yours"
    return row(response, who=person, subject=topic, when=when)


def name(display: str) -> str | Said:
    """Who is on the clinic's side; the practice where the portal does not say."""
    return display or row("utter_message_practice")


def thread_buttons(threads: list[Thread], today: date, fallback: str) -> list[Said]:
    """One for each thread of the list."""
    found = []
    for thread in threads:
        day = spoken(thread.last.sent.date() if thread.last.sent else None, today)
        title = ", ".join(filter(None, (thread.partner[1] or fallback, day)))
        found.append({"title": title, "payload": _payload("read_messages", thread.id)})
    return found


def message_row(message: Message, today: date) -> Said:
    """One message whole: who, when, the text."""
    files = [row("utter_message_file", title=title) for title in message.files]
    seen = row("utter_message_seen", when=spoken(message.read.date(), today)) if message.read else ""
    return row(
        "utter_message_theirs" if message.from_clinic else "utter_message_mine",
        who=name(message.who),
        when=moment_spoken(message.sent, today),
        text=message.text,
        files=files or "",
        seen=seen,
    )
