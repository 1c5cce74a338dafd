"""Sends a message to the care team once and finds out whether it arrived, before anything is claimed.

As a thread of FHIR Communications: a header without `partOf`, then the message with `partOf` and `payload`; both carry
the draft's key. https://hl7.org/fhir/R4/communication.html
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from actions.medication_chart import REQUEST_SYSTEM, request_reference
from actions.message_plan import Draft
from actions.portal_client import (
    PortalClient,
    PortalError,
    PortalForbidden,
    PortalRejected,
    PortalTimeout,
    PortalUnauthorized,
    PortalUnreachable,
)

Resource = dict[str, Any]

CATEGORY = ("http://terminology.hl7.org/CodeSystem/communication-category", "notification")
_TOPIC_LENGTH = 60


class Arrival(str, Enum):
    """What became of it. `UNKNOWN`: it may have arrived, and the portal cannot be asked."""

    SENT = "sent"
    NOT_SENT = "not_sent"
    UNKNOWN = "unknown"
    NOT_TAKEN = "not_taken"


@dataclass(frozen=True)
class Receipt:
    """What became of a message, and the reference that patient and clinic share."""

    arrival: Arrival
    reference: str = ""


@dataclass(frozen=True)
class Letter:
    """A draft ready to be sent: `sender` writes about `patient` at `at`."""

    draft: Draft
    patient: str
    sender: str
    at: datetime


async def send(portal: PortalClient, letter: Letter) -> Receipt:
    """Send it once. Raises only PortalUnauthorized, so that it can be sent again with a new token."""
    thread = letter.draft.thread
    try:
        thread = thread or (await _create(portal, header(letter), letter))["id"]
        sent = await _create(portal, message(letter, thread), letter)
    except PortalUnauthorized:
        raise
    except (PortalForbidden, PortalRejected):
        return Receipt(Arrival.NOT_TAKEN)
    except _Unsettled:  # without its thread no message went out
        return Receipt(Arrival.UNKNOWN if thread else Arrival.NOT_SENT)
    except PortalError:
        return Receipt(Arrival.NOT_SENT)
    return Receipt(Arrival.SENT, request_reference(sent))


class _Unsettled(PortalError):
    """Nobody knows whether it is on file."""


async def _create(portal: PortalClient, resource: Resource, letter: Letter) -> Resource:
    """Create it, and where no clear answer came back look whether it is there; raises the error where it is not."""
    identifier = f"{REQUEST_SYSTEM}|{resource['identifier'][0]['value']}"
    try:
        return await portal.create(resource, if_none_exist=f"identifier={identifier}")
    except (PortalUnauthorized, PortalForbidden, PortalRejected):
        raise
    except PortalError as error:
        if isinstance(error, PortalUnreachable) and not isinstance(error, PortalTimeout):
            raise  # nothing left this house
        try:
            found = await portal.search("Communication", identifier=identifier, patient=letter.patient)
        except PortalUnauthorized:
            raise
        except PortalError as unanswered:
            raise _Unsettled() from unanswered
        if not found:
            raise error
        return found[0]


def header(letter: Letter) -> Resource:
    """The thread: who and about what."""
    return {**_common(letter, f"{letter.draft.key}-thread"), "status": "in-progress"}


def message(letter: Letter, thread: str) -> Resource:
    """The text, in its thread."""
    answers = letter.draft.answers
    return {
        **_common(letter, letter.draft.key),
        "status": "completed",
        "partOf": [{"reference": f"Communication/{thread}"}],
        **({"inResponseTo": [{"reference": f"Communication/{answers}"}]} if answers else {}),
        "payload": [{"contentString": letter.draft.body}],
    }


def _common(letter: Letter, key: str) -> Resource:
    to = letter.draft.recipient
    recipient = (
        {"reference": to.reference, **({"display": to.name} if to.name else {})} if to and to.reference else None
    )
    return {
        "resourceType": "Communication",
        "identifier": [{"system": REQUEST_SYSTEM, "value": key}],
        "category": [{"coding": [{"system": CATEGORY[0], "code": CATEGORY[1]}]}],
        "subject": {"reference": letter.patient},
        "topic": {"text": letter.draft.topic or _beginning(letter.draft.body)},
        "sent": letter.at.isoformat(timespec="seconds"),
        "sender": {"reference": letter.sender},
        **({"recipient": [recipient]} if recipient else {}),
    }


def _beginning(text: str) -> str:
    """The first words, as the subject of a thread that was given none."""
    line = " ".join(text.split())
    if len(line) <= _TOPIC_LENGTH:
        return line.rstrip(" .")
    return line[:_TOPIC_LENGTH].rsplit(" ", 1)[0].rstrip(" ,.;:") + "…"
