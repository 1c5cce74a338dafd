"""Secrets at rest: AES-256-GCM values in the database, and keyed hashes that stand for addresses.

NIST SP 800-38D (GCM) and HMAC (RFC 2104) through `cryptography` and `hmac`; keys are derived by HKDF (RFC 5869).

A sealed value is `format byte | id of the key (4 bytes) | nonce (12 bytes) | ciphertext and tag (16 bytes)`. Its
associated data are the first five bytes and the context: the table, the column and the row that it was made for.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accounts.errors import StateError

FORMAT = b"\x01"
HEADER, NONCE = 5, 12  # bytes


class Keyring:
    """Seals short values with the operator's current key, and opens what that or an earlier key sealed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        """`keys` are of 32 bytes each; the first one is current."""
        self._ciphers = {FORMAT + key_id(key): AESGCM(_derive(key, b"chartline at rest")) for key in reversed(keys)}
        self.header = FORMAT + key_id(keys[0])

    def seal(self, value: Any, context: str) -> bytes:
        """Encrypt a JSON value. `context` (table, column and row) must be the same to open it again."""
        nonce, text = os.urandom(NONCE), json.dumps(value).encode()
        return self.header + nonce + self._ciphers[self.header].encrypt(nonce, text, self.header + context.encode())

    def open(self, sealed: bytes, context: str) -> Any:
        """Decrypt what `seal` made; `StateError` where the key or the place is another one."""
        header, nonce, text = sealed[:HEADER], sealed[HEADER : HEADER + NONCE], sealed[HEADER + NONCE :]
        cipher = self._ciphers.get(header)
        if cipher is None:
            raise StateError(
                "CHARTLINE_SECRET_KEY does not open what is stored, and no key of CHARTLINE_SECRET_KEYS_OLD does: "
                "set the key that wrote it"
            )
        try:
            return json.loads(cipher.decrypt(nonce, text, header + context.encode()))
        except (InvalidTag, ValueError) as error:  # ValueError: too short to be one
            raise StateError("A stored value was changed or moved: restore the database from a backup") from error


class Vault(Keyring):
    """A keyring that also names things by keyed hashes, whose key outlives a change of the operator's keys."""

    def __init__(self, keys: Sequence[bytes], root: bytes) -> None:
        """`root`: 32 random bytes of this database (`accounts.keys`), from which the keys of the hashes are derived."""
        super().__init__(keys)
        self._hash_key = lru_cache(lambda purpose: _derive(root, b"chartline mac " + purpose.encode()))

    def mac(self, purpose: str, data: bytes) -> str:
        """HMAC-SHA-256 of `data` in 64 hex digits, with a key of its own for each `purpose`."""
        return hmac.new(self._hash_key(purpose), data, hashlib.sha256).hexdigest()

    def conversation_key(self, channel: str, address: str) -> str:
        """The opaque name of a conversation: HMAC-SHA-256 of channel and address, 32 hex digits."""
        return self.mac("conversation", f"{channel}\0{address}".encode())[:32]

    def person_key(self, patient: str) -> str:
        """The opaque name of a patient in the ledgers: HMAC-SHA-256 of the Patient's id, 32 hex digits."""
        return self.mac("person", patient.encode())[:32]


def key_id(key: bytes) -> bytes:
    """Four bytes that tell one key from another, and nothing about it."""
    return _derive(key, b"chartline key id")[:4]


def new_token(bits: int = 128) -> str:
    """A random URL-safe token."""
    return secrets.token_urlsafe(bits // 8)


def token_hash(token: str) -> str:
    """What the database keeps of a token: its SHA-256 (tokens are random, so no salt is needed)."""
    return hashlib.sha256(token.encode()).hexdigest()


def pkce_challenge(verifier: str) -> str:
    """The S256 code challenge of RFC 7636, section 4.2."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _derive(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=info).derive(secret)
