"""Apps that may ask for access."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from portal.smart import redirects, scopes
from portal.smart.store import reading, writing
from portal.smart.tables import Client
from portal.smart.values import digest

SECRET_LENGTH = 32


class Clients:
    """The registered apps."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(
        self,
        client_id: str,
        redirect_uris: Iterable[str],
        scopes: str,
        secret: str | None = None,
        name: str = "",
        *,
        loopback_any_port: bool = False,
    ) -> None:
        """Register an app, or bring its registration up to date.

        Without `secret` it is a public client. With `system/…` scopes it is a back-office tool, which gets its
        tokens by client credentials and sees every chart. `loopback_any_port` is for apps on the same machine
        (RFC 8252 section 7.3). ValueError where the registration would not be safe.
        """
        uris = list(redirect_uris)
        _check(uris, scopes, secret)
        values = {
            "name": name or client_id,
            "scope": scopes,
            "redirect_uris": uris,
            "secret_hash": digest(secret) if secret else None,
            "loopback_any_port": loopback_any_port,
        }
        try:
            self._save(client_id, values)
        except IntegrityError:  # another process that starts now has just registered it
            self._save(client_id, values)

    def _save(self, client_id: str, values: dict[str, Any]) -> None:
        with writing(self._engine) as session:
            session.merge(Client(client_id=client_id, **values))

    def get(self, client_id: str) -> Client | None:
        """The app with this id."""
        with reading(self._engine) as session:
            client: Client | None = session.get(Client, client_id)
            return client

    def scopes(self) -> list[str]:
        """Every scope that some app is registered for."""
        with reading(self._engine) as session:
            rows = session.execute(select(Client.scope)).scalars()
            return sorted({word for scope in rows for word in scope.split()})


def _check(uris: list[str], scope: str, secret: str | None) -> None:
    for uri in uris:
        redirects.check(uri)
    if secret is not None and len(secret) < SECRET_LENGTH:
        raise ValueError(f"a client secret has at least {SECRET_LENGTH} random characters")
    levels = {parsed.level for parsed in scopes.parse(scope)}
    if "system" in levels and (levels != {"system"} or not secret or uris):
        raise ValueError("a client with system scopes has a secret, no redirect URI and no patient scopes")
