"""Browsers that are signed in to the account page."""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.engine import Engine

from portal.smart.store import reading, writing
from portal.smart.tables import BrowserSession, User
from portal.smart.values import Clock, digest, new_secret, now


class Sessions:
    """Sign-in sessions: they end after some minutes, used or not, for the sake of shared computers."""

    def __init__(self, engine: Engine, minutes: int, clock: Clock = now) -> None:
        self._engine = engine
        self._seconds = minutes * 60
        self._clock = clock

    def start(self, user: User) -> str:
        """A new session's secret, for the cookie."""
        secret, moment = new_secret(), self._clock()
        with writing(self._engine) as session:
            session.execute(delete(BrowserSession).where(BrowserSession.expires_at <= moment))
            expires = moment + self._seconds
            session.add(BrowserSession(secret_hash=digest(secret), user_id=user.id, expires_at=expires))
        return secret

    def user(self, secret: str | None) -> User | None:
        """Who is signed in with this cookie."""
        if secret is None:
            return None
        live = (BrowserSession.secret_hash == digest(secret), BrowserSession.expires_at > self._clock())
        query = select(User).join(BrowserSession, BrowserSession.user_id == User.id).where(*live)
        with reading(self._engine) as session:
            user: User | None = session.execute(query).scalar_one_or_none()
            return user

    def end(self, secret: str | None) -> None:
        """Sign one browser out."""
        if secret is not None:
            with writing(self._engine) as session:
                session.execute(delete(BrowserSession).where(BrowserSession.secret_hash == digest(secret)))

    def end_all(self, user_id: str) -> None:
        """Sign all of a person's browsers out."""
        with writing(self._engine) as session:
            session.execute(delete(BrowserSession).where(BrowserSession.user_id == user_id))
