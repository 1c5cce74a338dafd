"""Forgetting a conversation: what was said goes, in the transaction that stores the last answer.

What stays: the address, to send that answer to; the access log and the ledger of consent, which are proof; and the
inbox's rows without their content, so that a provider that delivers an old message again starts no turn.
"""

from __future__ import annotations

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.orm import Session

from accounts import links
from accounts.crypto import Vault
from bot.delivery import inbox, tracker_events
from bot.delivery.inbox import Job
from bot.delivery.tables import SENT, Inbox, Outbox

FORGET = "forget"  # the topic of an answer with which the conversation ends


def all_before(session: Session, vault: Vault, job: Job) -> None:
    """Forget what was said up to `job` and by it, but not the answer to it, nor what came in since.

    The answer must be stored already: SQLite gives the highest id again once its row is gone, and a page that has
    seen it would miss the new one.
    """
    tracker_events.forget(session, job.conversation)
    links.forget(session, job.conversation)
    echo = and_(Outbox.inbox_id == job.id, Outbox.state == SENT)  # the answer itself waits to be sent
    ours = or_(Outbox.inbox_id.is_(None), Outbox.inbox_id < job.id, echo)
    session.execute(delete(Outbox).where(Outbox.conversation == job.conversation, ours))
    which = (Inbox.conversation == job.conversation, Inbox.id <= job.id)
    for row in session.execute(select(Inbox).where(*which)).scalars():
        inbox.empty(vault, row)
