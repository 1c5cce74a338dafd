"""Signing in: one answer for a wrong password and an unknown name, and a limit on tries.

SignInError
├── WrongCredentials   the name and the password do not belong together
└── TooManyTries       wait; the same for names that exist and names that do not
"""

from __future__ import annotations

from sqlalchemy import delete, update
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from portal.smart.store import writing
from portal.smart.tables import Attempts, User
from portal.smart.users import Users, canonical
from portal.smart.values import Clock, digest, now

WINDOW_SECONDS = 15 * 60
TRIES_A_NAME = 5
#: Many patients may share a clinic's address; one guesser must not get through a list of names.
TRIES_AN_ADDRESS = 100


class SignInError(Exception):
    """Nobody is signed in."""


class WrongCredentials(SignInError):
    """The name and the password do not belong together."""


class TooManyTries(SignInError):
    """Wait `seconds`."""

    def __init__(self, seconds: int) -> None:
        super().__init__("too many tries")
        self.seconds = seconds


class SignIn:
    """Checks names and passwords, and counts the tries in the database, so that all processes count together."""

    def __init__(self, engine: Engine, users: Users, clock: Clock = now) -> None:
        self._engine = engine
        self._users = users
        self._clock = clock

    def check(self, username: str, password: str, address: str) -> User:
        """The user. Raises WrongCredentials or TooManyTries; a try over the limit is not even looked at."""
        name_key = digest(f"name {canonical(username)} {address}")
        self._count(name_key, TRIES_A_NAME)
        self._count(digest(f"address {address}"), TRIES_AN_ADDRESS)
        user = self._users.verify(username, password)
        if user is None:
            raise WrongCredentials()
        self._forget(name_key)
        return user

    def _count(self, key: str, limit: int) -> None:
        try:
            wait = self._take(key, limit)
        except IntegrityError:  # another process made the row between our look and our insert
            wait = self._take(key, limit)
        if wait:
            raise TooManyTries(wait)

    def _take(self, key: str, limit: int) -> int:
        """Count one try; 0, or the seconds until the next is allowed."""
        moment = self._clock()
        with writing(self._engine) as session:
            session.execute(delete(Attempts).where(Attempts.started_at <= moment - WINDOW_SECONDS))
            more = update(Attempts).where(Attempts.key_hash == key, Attempts.count < limit)
            if session.execute(
                more.values(count=Attempts.count + 1).execution_options(synchronize_session=False)
            ).rowcount:
                return 0
            full = session.get(Attempts, key)
            if full:
                return int(full.started_at) + WINDOW_SECONDS - moment
            session.add(Attempts(key_hash=key, started_at=moment, count=1))
            return 0

    def _forget(self, key: str) -> None:
        with writing(self._engine) as session:
            session.execute(delete(Attempts).where(Attempts.key_hash == key))
