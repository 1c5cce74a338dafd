"""People who may sign in. Passwords are kept as Argon2id hashes (RFC 9106)."""

from __future__ import annotations

from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import select
from sqlalchemy.engine import Engine

from portal.smart.store import reading, writing
from portal.smart.tables import User
from portal.smart.values import new_secret

_HASHER = PasswordHasher()


class Users:
    """The sign-in accounts of the embedded portal."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        username: str,
        password: str,
        patient_id: str,
        display_name: str,
        *,
        demo: bool = False,
        note: str = "",
    ) -> None:
        """Add an account, or bring the one of that name up to date.

        `patient_id` is the logical id of a Patient. `demo` accounts and their `note` (what their chart shows) are
        listed on the sign-in pages of a demo portal. ValueError for a name that nobody could type.
        """
        name = canonical(username)
        if not name:
            raise ValueError("a username is 1 to 100 printable characters")
        hashed = _HASHER.hash(password)
        with writing(self._engine) as session:
            user = session.execute(select(User).where(User.username == name)).scalar_one_or_none() or User(
                username=name
            )
            user.password_hash, user.patient_id, user.display_name = hashed, patient_id, display_name
            user.demo, user.note = demo, note
            session.add(user)

    def verify(self, username: str, password: str) -> User | None:
        """The user, or None: for a wrong password as for an unknown name, after the same work."""
        with reading(self._engine) as session:
            user = session.execute(select(User).where(User.username == canonical(username))).scalar_one_or_none()
        matches = matches_hash(user.password_hash if user else dummy_hash(), password)
        return user if matches else None

    def get(self, user_id: str) -> User | None:
        """The user with this id."""
        with reading(self._engine) as session:
            user: User | None = session.get(User, user_id)
            return user

    def demo(self) -> list[User]:
        """The demo people, by username."""
        with reading(self._engine) as session:
            return list(session.execute(select(User).where(User.demo).order_by(User.username)).scalars())


def canonical(username: str) -> str:
    """A username as it is stored; empty where it cannot be one."""
    name = username.strip().casefold()
    return name if name.isprintable() and len(name) <= 100 else ""


def matches_hash(hashed: str, password: str) -> bool:
    """Whether a password is the one of an Argon2 hash."""
    try:
        return _HASHER.verify(hashed, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def dummy_hash() -> str:
    """What an unknown name's password is verified against, so that it takes as long as a known one's."""
    return _HASHER.hash(new_secret())
