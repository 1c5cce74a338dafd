"""The one gate before anything is sent, whatever wrote it to the outbox."""

from __future__ import annotations

from sqlalchemy.orm import Session

from accounts import consent
from accounts.grants import FULL_CHANNEL
from bot.delivery.tables import CONSENT, REMINDER, Outbox


def may_go(session: Session, row: Outbox) -> bool:
    """Whether a message may be sent now: to its person, who did not say no to it.

    After an opt-out only its confirmation goes, and the answer to HELP. In the web chat nobody is written to.
    """

    def stands(topic: str) -> bool:
        return consent.stands(session, row.conversation, row.channel, topic)

    if not stands(consent.LINK) or (row.topic == REMINDER and not stands(consent.REMINDERS)):
        return False
    return row.channel == FULL_CHANNEL or row.topic == CONSENT or stands(consent.TEXTS)
