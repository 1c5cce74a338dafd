"""Grants: the tokens that a patient gave one conversation at the portal's sign-in, and how long that sign-in lasts."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from accounts.crypto import Vault
from accounts.errors import GrantEnded, NotSignedIn
from accounts.tables import Conversation
from accounts.tables import Grant as Row

FULL_CHANNEL = "web"  # where all of a chart may be told, so that its sign-in locks after a short silence


@dataclass(frozen=True, repr=False)
class Grant:
    """A patient's own tokens. `patient` is the id of the Patient resource; `expires_at` is naive UTC.

    `user` is who signed in (SMART's `fhirUser`, a relative reference), empty where the portal does not say. `anew`:
    somebody else, or the same person for another chart, was signed in here before.
    """

    patient: str
    name: str
    access_token: str
    refresh_token: str | None
    scope: str
    expires_at: datetime
    user: str = ""
    anew: bool = False

    def is_fresh(self, now: datetime) -> bool:
        """Whether the access token will be good for the length of a turn."""
        return now + timedelta(seconds=30) < self.expires_at

    @property
    def who(self) -> str:
        """The reference of the person who signed in: the patient, where the portal does not say otherwise."""
        return "/".join(self.user.rstrip("/").rsplit("/", 2)[-2:]) or f"Patient/{self.patient}"

    @property
    def is_proxy(self) -> bool:
        """Whether somebody else than the patient signed in (https://hl7.org/fhir/R4/relatedperson.html)."""
        return self.who != f"Patient/{self.patient}"


@dataclass(frozen=True)
class SessionPolicy:
    """How long a sign-in lasts: in the web chat until a silence of `idle`, at most `longest`; elsewhere `linked`."""

    idle: timedelta
    longest: timedelta
    linked: timedelta

    def ends_at(self, channel: str, signed_in_at: datetime, used_at: datetime) -> datetime:
        """When this sign-in is over, if nobody writes."""
        if channel == FULL_CHANNEL:
            return min(used_at + self.idle, signed_in_at + self.longest)
        return signed_in_at + self.linked


@dataclass(frozen=True)
class End:
    """When a sign-in will be over. `by_silence`: writing moves it."""

    at: datetime
    by_silence: bool


@dataclass(frozen=True)
class Audience:
    """Who reads a conversation now: `reader` names who is signed in, for which chart; None where nobody is.

    Then only what may be read by whoever holds the screen is open, and nothing from before `since`: that is when the
    last sign-in ended. `anew` as in `Grant`.
    """

    reader: str | None = None
    since: datetime | None = None
    anew: bool = False


def save(
    session: Session, vault: Vault, conversation: str, grant: Grant, policy: SessionPolicy, now: datetime
) -> datetime | None:
    """Store or replace the grant of a conversation: somebody signed in just now.

    Where it was somebody else before, or another chart, until when it was: nothing from before is for this reader.
    """
    row = session.get(Row, conversation, with_for_update=True)
    reader, until = reader_key(vault, grant), None
    if row is None:
        row = Row(conversation=conversation)
    elif vault.open(row.sealed, _context(conversation))["reader"] != reader:
        until = min(now, _over_at(session, row, policy))
    row.signed_in_at = row.used_at = now
    row.ended_at = None
    _put(vault, row, replace(grant, anew=until is not None))
    session.add(row)
    return until


def renew(
    session: Session, vault: Vault, conversation: str, old: Grant, new: Grant, policy: SessionPolicy, now: datetime
) -> Grant:
    """Put `new` in the place of `old`; what is stored now, where that is no longer `old`.

    Between asking the portal and storing its answer the patient may have signed out (`NotSignedIn`), or somebody
    else have signed in: neither is undone by a late answer.
    """
    stored = load(session, vault, conversation, policy, now)
    if stored.access_token != old.access_token:
        return stored
    _put(vault, session.get(Row, conversation), new)
    return new


def refuse(
    session: Session, vault: Vault, conversation: str, old: Grant, policy: SessionPolicy, now: datetime
) -> Grant | None:
    """The portal does not renew `old`: end it. The grant that has taken its place meanwhile, where there is one."""
    stored = load(session, vault, conversation, policy, now)
    if stored.access_token != old.access_token:
        return stored
    end(session, vault, conversation, now)
    return None


def load(session: Session, vault: Vault, conversation: str, policy: SessionPolicy, now: datetime) -> Grant:
    """The grant of a conversation; `NotSignedIn` where there is none, `GrantEnded` where it has ended."""
    row = session.get(Row, conversation)
    if row is None:
        raise NotSignedIn()
    if now >= _over_at(session, row, policy):
        raise GrantEnded()
    return _open(vault, row)


def touch(session: Session, conversation: str, now: datetime) -> None:
    """The person wrote just now: the silence that locks begins again."""
    row = session.get(Row, conversation)
    if row is not None:
        row.used_at = now


def end(session: Session, vault: Vault, conversation: str, now: datetime) -> None:
    """The grant is over: forget its tokens. Whose it was stays known as a keyed hash, so that nobody else reads on."""
    row = session.get(Row, conversation)
    if row is not None:
        _forget(vault, row, now)


def take(session: Session, vault: Vault, conversation: str, policy: SessionPolicy, now: datetime) -> Grant:
    """End the grant and give it, so that the portal can be told. `NotSignedIn` where there is none that is good."""
    grant = load(session, vault, conversation, policy, now)
    end(session, vault, conversation, now)
    return grant


def forget(session: Session, vault: Vault, conversation: str, now: datetime) -> Grant | None:
    """End whatever there is, good or not; what was still kept here, so that the portal can be told."""
    row = session.get(Row, conversation)
    if row is None or row.ended_at is not None:
        return None
    grant = _open(vault, row)
    _forget(vault, row, now)
    return grant


def take_overdue(
    session: Session, vault: Vault, policy: SessionPolicy, now: datetime, limit: int
) -> list[tuple[str, Grant]]:
    """End the sign-ins whose time is over, and give them by conversation. What another process takes is skipped."""
    query = (
        select(Row)
        .join(Conversation, Conversation.key == Row.conversation)
        .where(Row.ended_at.is_(None), _is_overdue(policy, now))
        .limit(limit)
        .with_for_update(of=Row, skip_locked=True)
    )
    taken = []
    for row in session.execute(query).scalars().all():
        taken.append((str(row.conversation), _open(vault, row)))
        _forget(vault, row, _over_at(session, row, policy))
    return taken


def audience(session: Session, vault: Vault, conversation: str, policy: SessionPolicy, now: datetime) -> Audience:
    """Who reads this conversation now."""
    row = session.get(Row, conversation)
    if row is None:
        return Audience()
    over_at = _over_at(session, row, policy)
    if now >= over_at:
        return Audience(since=over_at)
    content = vault.open(row.sealed, _context(conversation))
    return Audience(reader=content["reader"], anew=content["anew"])


def ends(session: Session, conversation: str, policy: SessionPolicy, now: datetime) -> End | None:
    """When the sign-in of this conversation will be over; None where it is, or there is none."""
    row = session.get(Row, conversation)
    if row is None or now >= (at := _over_at(session, row, policy)):
        return None
    return End(at, by_silence=at < row.signed_in_at + policy.longest)


def _is_overdue(policy: SessionPolicy, now: datetime) -> Any:
    silent = or_(Row.used_at <= now - policy.idle, Row.signed_in_at <= now - policy.longest)
    in_web_chat = Conversation.channel == FULL_CHANNEL
    return or_(and_(in_web_chat, silent), and_(~in_web_chat, Row.signed_in_at <= now - policy.linked))


def _over_at(session: Session, row: Row, policy: SessionPolicy) -> datetime:
    """When this sign-in was over, or will be."""
    channel = session.get(Conversation, row.conversation).channel
    by_time = policy.ends_at(channel, row.signed_in_at, row.used_at)
    return by_time if row.ended_at is None else min(row.ended_at, by_time)


def _put(vault: Vault, row: Row, grant: Grant) -> None:
    secret = {k: v for k, v in asdict(grant).items() if k != "expires_at"}
    row.sealed = vault.seal({**secret, "reader": reader_key(vault, grant)}, _context(row.conversation))
    row.expires_at = grant.expires_at


def _open(vault: Vault, row: Row) -> Grant:
    content = vault.open(row.sealed, _context(row.conversation))
    del content["reader"]
    return Grant(expires_at=row.expires_at, **content)


def _forget(vault: Vault, row: Row, ended_at: datetime) -> None:
    if row.ended_at is None:
        reader = vault.open(row.sealed, _context(row.conversation))["reader"]
        row.ended_at, row.sealed = ended_at, vault.seal({"reader": reader}, _context(row.conversation))


def reader_key(vault: Vault, grant: Grant) -> str:
    """The opaque name of who reads whose chart: a yes to details, and what was told, are for them alone."""
    return vault.person_key(f"{grant.who}\0{grant.patient}")


def _context(conversation: str) -> str:
    return f"grant.sealed:{conversation}"
