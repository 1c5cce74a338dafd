"""What an operator watches of delivery: the length of turns, the queues, what died, and what providers refuse."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from sqlalchemy import func, not_, select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from accounts.db import transaction
from accounts.grants import FULL_CHANNEL
from accounts.scrape import REGISTRY
from bot.channels.errors import DeliveryError
from bot.delivery.letters import OPERATOR
from bot.delivery.tables import DEAD, DROPPED, LEASED, NEW, QUEUED, SCHEDULED, Inbox, Outbox

TURN_SECONDS = Histogram(
    "chartline_turn_seconds",
    "From a message's lease to the end of its turn, by channel; the commit is part of it, sending is not.",
    ["channel"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 45),
    registry=REGISTRY,
)
FAILED_TURNS = Counter(
    "chartline_turns_failed", "Turns that broke and are tried again or given up.", ["channel"], registry=REGISTRY
)
PROVIDER_ERRORS = Counter(
    "chartline_provider_errors",
    "Messages that a provider did not take, by what that means and the class of its code.",
    ["channel", "kind", "code"],
    registry=REGISTRY,
)


def refused(channel: str, error: DeliveryError) -> None:
    """Count a provider's refusal."""
    PROVIDER_ERRORS.labels(channel, type(error).__name__, code_class(error.code)).inc()


def code_class(code: str) -> str:
    """Few enough to be a label: `429`, `5xx` of HTTP, `30xxx` of Twilio's own, and `other` for what is no number.

    Twilio's dictionary of codes: https://www.twilio.com/docs/api/errors
    """
    if code == "429" or not re.fullmatch(r"[1-9]\d{2}(\d{2})?", code):
        return code if code == "429" else "other"
    return f"{code[0]}xx" if len(code) == 3 else f"{code[:2]}xxx"


def exposition(engine: Engine, clock: Callable[[], datetime]) -> bytes:
    """This process's own metrics and the state of the queues, which all processes share. It asks the database."""
    shared = CollectorRegistry()
    shared.register(Queues(engine, clock))
    return generate_latest(REGISTRY) + generate_latest(shared)


class Queues(Collector):
    """Depth, age and dead letters, counted when asked."""

    def __init__(self, engine: Engine, clock: Callable[[], datetime]) -> None:
        self._engine, self._clock = engine, clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One family after the other; only that the database is away, where it is."""
        try:
            with transaction(self._engine) as session:
                families = [*self._waiting(session), _dead(session), _dropped(session)]
        except SQLAlchemyError:
            families = []
        up = GaugeMetricFamily("chartline_database_up", "Whether the database answers.")
        up.add_metric([], float(bool(families)))
        yield from [up, *families]

    def _waiting(self, session: Session) -> list[GaugeMetricFamily]:
        depth = GaugeMetricFamily("chartline_queue_depth", "Messages that wait or are in hand.", labels=["queue"])
        age = GaugeMetricFamily("chartline_queue_oldest_seconds", "Age of the oldest of them.", labels=["queue"])
        later = GaugeMetricFamily("chartline_scheduled_messages", "Messages that are to be sent later.")
        for queue, kind, since, states in (
            ("inbox", Inbox, Inbox.received_at, (NEW, LEASED)),
            ("outbox", Outbox, Outbox.created_at, (QUEUED, LEASED)),
        ):
            count, oldest = session.execute(select(func.count(), func.min(since)).where(kind.state.in_(states))).one()
            depth.add_metric([queue], count)
            age.add_metric([queue], max(0.0, (self._clock() - oldest).total_seconds()) if oldest else 0.0)
        planned = select(func.count()).select_from(Outbox).where(Outbox.state == SCHEDULED)
        later.add_metric([], session.execute(planned).scalar_one())
        return [depth, age, later]


def _dead(session: Session) -> GaugeMetricFamily:
    family = GaugeMetricFamily(
        "chartline_dead_letters", "Messages that were given up: see `letters list`.", labels=["queue", "channel"]
    )
    for queue, kind in (("inbox", Inbox), ("outbox", Outbox)):
        for channel, count in _by_channel(session, kind, kind.state == DEAD):
            family.add_metric([queue, channel], count)
    return family


def _dropped(session: Session) -> GaugeMetricFamily:
    """On channels that a person can opt out of. What an operator dropped is not counted."""
    family = GaugeMetricFamily(
        "chartline_dropped_messages", "Messages that are never sent: the person opted out, or left.", labels=["channel"]
    )
    by_operator = func.coalesce(Outbox.error, "").startswith(OPERATOR)
    which = (Outbox.state == DROPPED, Outbox.channel != FULL_CHANNEL, not_(by_operator))
    for channel, count in _by_channel(session, Outbox, *which):
        family.add_metric([channel], count)
    return family


def _by_channel(session: Session, kind: Any, *which: Any) -> list[tuple[str, int]]:
    counted = select(kind.channel, func.count()).where(*which).group_by(kind.channel)
    return [(str(channel), int(count)) for channel, count in session.execute(counted)]
