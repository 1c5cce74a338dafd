"""Between the password and the choice of a chart: a ticket, good once, in one browser, for one app's request."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.engine import Engine

from portal.smart.store import writing
from portal.smart.tables import Choice, User
from portal.smart.values import Clock, digest, new_secret, now

SECONDS = 10 * 60


class Choices:
    """Who has given the password and still has to say whose chart. `bound_to` names the browser and the request."""

    def __init__(self, engine: Engine, clock: Clock = now) -> None:
        self._engine = engine
        self._clock = clock

    def begin(self, user: User, bound_to: str) -> str:
        """A new ticket, for the page's form."""
        ticket, moment = new_secret(), self._clock()
        with writing(self._engine) as session:
            session.execute(delete(Choice).where(Choice.expires_at <= moment))
            key = digest(f"{ticket} {bound_to}")
            session.add(Choice(key_hash=key, user_id=user.id, expires_at=moment + SECONDS))
        return ticket

    def end(self, ticket: str, bound_to: str) -> User | None:
        """Who holds the ticket, which is used up by this; None where it is not good here or any more."""
        mine = Choice.key_hash == digest(f"{ticket} {bound_to}")
        with writing(self._engine) as session:
            query = select(User).join(Choice, Choice.user_id == User.id).where(mine, Choice.expires_at > self._clock())
            user: User | None = session.execute(query).scalar_one_or_none()
            if session.execute(delete(Choice).where(mine)).rowcount != 1:
                return None
            return user
