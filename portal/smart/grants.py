"""Grants with their codes and tokens: opened, redeemed once, rotated, ended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, exists, select, update
from sqlalchemy.engine import Engine
from sqlalchemy.sql import Select

from portal.access import Access
from portal.errors import Forbidden
from portal.smart.proxies import Chart, Proxies
from portal.smart.store import reading, writing
from portal.smart.tables import Client, Code, Grant, Token, User
from portal.smart.values import Clock, digest, now

CODE_SECONDS = 60
DAY = 86400


@dataclass(frozen=True)
class GivenAccess:
    """One app that a person gave access: for the account page. `chart` None: the right to it has ended."""

    id: str
    chart: Chart | None
    app: str
    scope: str
    since: int
    until: int


@dataclass(frozen=True)
class Opening:
    """A person and the chart that they let an app open."""

    user: User
    chart: Chart


class Grants:
    """What was allowed, by whom, to which app, for which chart. Ending a grant ends every token that came of it.

    The right to another's chart is looked up at every use of a code or a token: the grant alone is not enough.
    """

    def __init__(self, engine: Engine, proxies: Proxies, *, days: int = 90, clock: Clock = now) -> None:
        self._engine = engine
        self._proxies = proxies
        self._days = days
        self.clock = clock

    def open(self, client: Client, opening: Opening, scope: str, code: str, **asked: str) -> None:
        """Keep one "Allow" and its code. `asked`: redirect_uri, code_challenge, code_challenge_method."""
        moment = self.clock()
        with writing(self._engine) as session:
            _sweep(session, moment)
            grant = self._grant(client, scope, opening)
            session.add(grant)
            session.flush()
            expires = moment + CODE_SECONDS
            session.add(Code(code_hash=digest(code), grant_id=grant.id, expires_at=expires, **asked))

    def code(self, value: str, client: Client) -> Code | None:
        """A code of this client that is still good. One that was used before ends its grant."""
        with reading(self._engine) as session:
            code = session.get(Code, digest(value))
        if code is None or code.grant.client_id != client.client_id:
            return None
        if code.used_at is not None:
            self.end(code.grant_id)
            return None
        good = self.clock() < code.expires_at and code.grant.revoked_at is None
        return code if good and self.chart(code.grant) else None

    def token(self, value: str) -> Token | None:
        """The token with this value, live or not."""
        with reading(self._engine) as session:
            token: Token | None = session.get(Token, digest(value))
            return token

    def access(self, value: str) -> Access | None:
        """What an access token allows; None where it is unknown, expired or revoked.

        Raises Forbidden where the right to act for the patient has ended.
        """
        token = self.token(value)
        if token is None or token.kind != "access" or not token.live_at(self.clock()):
            return None
        grant, scopes = token.grant, frozenset(token.scope.split())
        if grant.user_id is None:
            return Access(None, scopes, grant.client_id)
        chart = self.chart(grant)
        if chart is None:
            raise Forbidden("The right to open this patient's chart has ended")
        return Access(chart.patient_id, scopes, grant.client_id, chart.proxy)

    def chart(self, grant: Grant) -> Chart | None:
        """The chart that a person's grant opens now; None where the right to it has ended."""
        return self._proxies.chart_of(grant)

    def refresh_token(self, value: str, client: Client) -> Token | None:
        """A refresh token of this client that is still good. One that was used before ends its grant."""
        token = self.token(value)
        if token is None or token.kind != "refresh" or not token.check_client(client):
            return None
        if token.used_at is not None:
            self.end(token.grant_id)
            return None
        return token if token.live_at(self.clock()) and self.chart(token.grant) else None

    def spend(self, credential: Code | Token) -> bool:
        """Use up a code or a refresh token. Of two at the same time one wins; the other ends the grant."""
        table = type(credential)
        (key,) = table.__table__.primary_key
        value = getattr(credential, key.name)
        with writing(self._engine) as session:
            free = update(table).where(key == value, table.used_at.is_(None)).values(used_at=self.clock())
            won = session.execute(free.execution_options(synchronize_session=False)).rowcount == 1
        if not won:
            self.end(credential.grant_id)
        return won

    def save_tokens(self, grant_id: str, issued: dict[str, Any], refresh_scope: str) -> None:
        """Keep the tokens of a token response. A refresh token keeps the whole scope of its grant."""
        moment = self.clock()
        with writing(self._engine) as session:
            grant = session.get(Grant, grant_id)
            common = {"grant_id": grant_id, "issued_at": moment}
            access = Token(kind="access", token_hash=digest(issued["access_token"]), scope=issued["scope"], **common)
            access.expires_at = moment + issued["expires_in"]
            session.add(access)
            if "refresh_token" in issued:
                refresh_hash = digest(issued["refresh_token"])
                refresh = Token(kind="refresh", token_hash=refresh_hash, scope=refresh_scope, **common)
                refresh.expires_at = grant.expires_at
                session.add(refresh)

    def save_system_token(self, client: Client, issued: dict[str, Any]) -> None:
        """Keep a token that an app got for itself, in a grant without a person."""
        with writing(self._engine) as session:
            _sweep(session, self.clock())
            grant = self._grant(client, issued["scope"], None)
            grant.expires_at = self.clock() + issued["expires_in"]
            session.add(grant)
            session.flush()
            grant_id = grant.id
        self.save_tokens(grant_id, issued, "")

    def of(self, user_id: str) -> list[GivenAccess]:
        """The apps that have access now, the newest first."""
        with reading(self._engine) as session:
            rows = session.execute(_given(user_id, self.clock())).all()
        return [
            GivenAccess(grant.id, self.chart(grant), app, grant.scope, grant.created_at, grant.expires_at)
            for grant, app in rows
        ]

    def end(self, grant_id: str, user_id: str | None = None) -> None:
        """End one grant; with `user_id` only if it is that person's."""
        self._end([Grant.id == grant_id] + ([Grant.user_id == user_id] if user_id else []))

    def end_all(self, user_id: str) -> None:
        """End all that a person granted."""
        self._end([Grant.user_id == user_id])

    def _end(self, which: list[Any]) -> None:
        ended = update(Grant).where(*which, Grant.revoked_at.is_(None)).values(revoked_at=self.clock())
        with writing(self._engine) as session:
            session.execute(ended.execution_options(synchronize_session=False))

    def _grant(self, client: Client, scope: str, opening: Opening | None) -> Grant:
        moment = self.clock()
        chart = opening.chart if opening else None
        return Grant(
            client_id=client.client_id,
            user_id=opening.user.id if opening else None,
            patient_id=chart.patient_id if chart else None,
            related_person_id=chart.proxy.related_person_id if chart and chart.proxy else None,
            scope=scope,
            created_at=moment,
            expires_at=moment + self._days * DAY,
        )


def _given(user_id: str, moment: int) -> Select:
    """Live grants that still have a live token: one that was never redeemed gives nobody access."""
    live = exists().where(Token.grant_id == Grant.id, Token.used_at.is_(None), Token.expires_at > moment)
    return (
        select(Grant, Client.name)
        .join(Client, Client.client_id == Grant.client_id)
        .where(Grant.user_id == user_id, Grant.revoked_at.is_(None), Grant.expires_at > moment, live)
        .order_by(Grant.created_at.desc())
    )


def _sweep(session: Any, moment: int) -> None:
    """Forget what ended more than a day ago; used codes and refresh tokens stay as long as their grant."""
    before = moment - DAY
    over = select(Grant.id).where((Grant.expires_at < before) | (Grant.revoked_at < before))
    for gone in (
        delete(Token).where(Token.grant_id.in_(over)),
        delete(Token).where(Token.kind == "access", Token.expires_at < before),
        delete(Code).where(Code.grant_id.in_(over)),
        delete(Grant).where((Grant.expires_at < before) | (Grant.revoked_at < before)),
    ):
        session.execute(gone.execution_options(synchronize_session=False))
