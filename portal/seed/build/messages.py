"""Secure messages: a header Communication for the thread, then one with `partOf` for each message.

A message has `received` when its recipient has read it; an unread one has not.
"""

from dataclasses import dataclass

from portal.seed.build.chart import TERMINOLOGY, Chart, Resource, coded, to
from portal.seed.build.people import practitioner


@dataclass(frozen=True)
class Message:
    """One message. Written by the patient, or by the clinician of the thread."""

    when: str
    text: str
    from_clinic: bool = False
    read: str | None = None


@dataclass(frozen=True)
class Thread:
    """A conversation with one clinician."""

    key: str
    by: str
    topic: str
    messages: tuple[Message, ...]


def add_thread(chart: Chart, thread: Thread) -> Resource:
    """File a thread with its messages; returns the header."""
    header = chart.add(
        "Communication",
        f"thread-{thread.key}",
        status="in-progress",
        category=_category(),
        subject=chart.patient,
        topic={"text": thread.topic},
        sent=chart.clock.instant(thread.messages[0].when),
        sender=chart.patient,
        recipient=[practitioner(thread.by)],
    )
    previous = header
    for number, message in enumerate(thread.messages, start=1):
        previous = _add_message(chart, thread, header, previous, number, message)
    return header


def _add_message(
    chart: Chart, thread: Thread, header: Resource, previous: Resource, number: int, message: Message
) -> Resource:
    people = [chart.patient, practitioner(thread.by)]
    sender, recipient = reversed(people) if message.from_clinic else people
    return chart.add(
        "Communication",
        f"thread-{thread.key}-{number}",
        partOf=[to(header)],
        inResponseTo=[to(previous)] if number > 1 else None,
        status="completed",
        category=_category(),
        subject=chart.patient,
        topic={"text": thread.topic},
        sent=chart.clock.instant(message.when),
        received=chart.clock.instant(message.read) if message.read else None,
        sender=sender,
        recipient=[recipient],
        payload=[{"contentString": message.text}],
    )


def _category() -> list[Resource]:
    return [coded(f"{TERMINOLOGY}/communication-category", "notification", "Notification")]
