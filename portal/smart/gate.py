"""The sign-in form: its fields, its messages, and the people of a demo portal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import Response

from portal.smart.settings import SmartSettings
from portal.smart.signin import SignIn, TooManyTries, WrongCredentials
from portal.smart.tables import User
from portal.smart.users import Users

#: Argon2 takes 64 MiB a password: more at once would let a flood of sign-ins take the memory.
PASSWORDS_AT_ONCE = 4
T = TypeVar("T")


@dataclass(frozen=True)
class Refused:
    """What the page says when nobody was signed in. `problem` is `wrong`, `wait` or `stale`."""

    problem: str
    status: int
    seconds: int = 0

    @property
    def minutes(self) -> int:
        """How long to wait, rounded up."""
        return ceil(self.seconds / 60)


STALE = Refused("stale", 403)


class Gate:
    """Lets people in by username and password."""

    def __init__(self, signin: SignIn, users: Users, settings: SmartSettings) -> None:
        self._signin = signin
        self._users = users
        self._settings = settings
        self._limit = CapacityLimiter(PASSWORDS_AT_ONCE)

    async def run(self, work: Callable[[], T]) -> T:
        """Run what may check a password, in a thread, few at a time."""
        return await to_thread.run_sync(work, limiter=self._limit)

    def check(self, request: Request, form: dict[str, str]) -> User | Refused:
        """The person whose name and password were typed, or what to tell them."""
        address = request.client.host if request.client else ""
        try:
            return self._signin.check(form.get("username", ""), form.get("password", ""), address)
        except WrongCredentials:
            return Refused("wrong", 400)
        except TooManyTries as error:
            return Refused("wait", 429, error.seconds)

    def fields(self, request: Request, form: dict[str, str], refused: Refused | None) -> dict[str, Any]:
        """What the sign-in form shows: what was typed, what was wrong, and whom a newcomer may be."""
        people = self._users.demo() if self._settings.demo else []
        hint = request.query_params.get("login_hint", "")[:100]
        chosen = next((person for person in people if person.username == hint), None)
        return {
            "username": form.get("username", hint),
            "password": self._settings.demo_password if chosen else "",
            "refused": refused,
            "demo": [(p, request.url.include_query_params(login_hint=p.username).query) for p in people],
            "chosen": chosen,
            "nobody": request.url.remove_query_params("login_hint").query,
            "demo_password": self._settings.demo_password,
        }


def with_retry(response: Response, refused: Refused | None) -> Response:
    """The page, with the header that says when to try again."""
    if refused and refused.seconds:
        response.headers["Retry-After"] = str(refused.seconds)
    return response
