"""Secrets at rest: AES-256-GCM values in the database, and keyed hashes that stand for addresses.

NIST SP 800-38D (GCM) through `cryptography`; keys for the two uses are derived from one secret by HKDF (RFC 5869).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from accounts.errors import StateError


class Vault:
    """Seals and opens short values, and hashes addresses, with keys derived from one secret of 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._aead = AESGCM(_derive(secret, b"chartline at rest"))
        self._hash_key = _derive(secret, b"chartline conversation")

    def seal(self, value: Any, context: str) -> bytes:
        """Encrypt a JSON value. `context` (table, column and row) must be the same to open it again."""
        nonce = os.urandom(12)
        return nonce + self._aead.encrypt(nonce, json.dumps(value).encode(), context.encode())

    def open(self, sealed: bytes, context: str) -> Any:
        """Decrypt what `seal` made; `StateError` where the key or the place is another one."""
        try:
            return json.loads(self._aead.decrypt(sealed[:12], sealed[12:], context.encode()))
        except (InvalidTag, ValueError) as error:  # ValueError: too short to be one
            raise StateError(
                "CHARTLINE_SECRET_KEY does not open what is stored: it is not the key that wrote it"
            ) from error

    def conversation_key(self, channel: str, address: str) -> str:
        """The opaque name of a conversation: HMAC-SHA-256 of channel and address, 32 hex digits."""
        return hmac.new(self._hash_key, f"{channel}\0{address}".encode(), hashlib.sha256).hexdigest()[:32]

    def person_key(self, patient: str) -> str:
        """The opaque name of a patient in the ledgers: HMAC-SHA-256 of the Patient's id, 32 hex digits."""
        return self.conversation_key("patient", patient)


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
