"""The place where a page of search results ends, as an opaque text in its ``next`` link.

It is sealed with a digest over the search that it belongs to, so that one that was changed, or is used with another
search, is refused. It needs no secret: it grants nothing, since every page checks access anew.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json

from portal.errors import BadRequest

Place = list[int | str]
_SEAL = 12


def encode(place: Place, search: str) -> str:
    """The text for the last row of a page."""
    payload = json.dumps(place, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(_seal(payload, search) + payload).decode().rstrip("=")


def decode(text: str, search: str) -> Place:
    """The place again. Raises BadRequest for a cursor that we did not make for this search."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadRequest("The page link is damaged", "http._cursor", "value") from error
    if raw[:_SEAL] != _seal(raw[_SEAL:], search) or encode(json.loads(raw[_SEAL:]), search) != text:
        raise BadRequest("The page link is damaged, or belongs to another search", "http._cursor", "value")
    return list(json.loads(raw[_SEAL:]))


def _seal(payload: bytes, search: str) -> bytes:
    return hashlib.sha256(b"chartline-page\0" + search.encode() + b"\0" + payload).digest()[:_SEAL]
