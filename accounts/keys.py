"""The key of our own that conversations, patients and the access log are named with.

It is random, made at the first start and stored sealed, so that names stay the same when the operator's key changes.
Opening it is also the proof, before anything is served, that the operator's key is the right one: rotation seals it
anew only after everything else.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from accounts.crypto import Keyring, Vault
from accounts.db import transaction
from accounts.errors import StateError
from accounts.tables import Conversation, Secret

ROOT = "root"
_CONTEXT = f"secret.sealed:{ROOT}"


def open_vault(engine: Engine, keys: Sequence[bytes]) -> Vault:
    """The vault of a migrated database; `keys` are the operator's, the current one first.

    `StateError` where they do not open what is stored.
    """
    keyring = Keyring(keys)
    with transaction(engine) as session:
        row = session.get(Secret, ROOT) or _make(session, keyring)
        return Vault(keys, base64.b64decode(keyring.open(row.sealed, _CONTEXT)))


def _make(session: Session, keyring: Keyring) -> Secret:
    root = base64.b64encode(secrets.token_bytes(32)).decode()
    row = Secret(name=ROOT, sealed=keyring.seal(root, _CONTEXT))
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # another process starts for the first time at the same moment, and was first
        return session.execute(select(Secret).where(Secret.name == ROOT)).scalar_one()
    if session.execute(select(Conversation.key).limit(1)).first():
        raise StateError("The table `secret` of the database is empty although there are conversations: restore it all")
    return row
