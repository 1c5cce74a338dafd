"""Requests as they come in: small forms, each parameter once, and the shape that Authlib reads."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from authlib.oauth2.base import invalid_error_characters
from authlib.oauth2.rfc6749 import OAuth2Request
from authlib.oauth2.rfc6749.errors import InvalidRequestError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from starlette.requests import Request

FORM_BYTES = 16_384
_VISIBLE = re.compile(r"[\x20-\x7e]*")  # VSCHAR of RFC 6749, appendix A


class SmartRequest(OAuth2Request):
    """Authlib's view of a request whose parameters were already read."""

    def __init__(self, request: Request, parameters: dict[str, str]) -> None:
        # Authlib wants https in the address. `install` has checked the outer address; TLS ends before this process.
        super().__init__(request.method, str(request.url.replace(scheme="https")), headers=request.headers)
        self.payload = BasicOAuth2Payload(parameters)

    @property
    def args(self) -> dict[str, str]:
        return dict(self.payload.data)

    @property
    def form(self) -> dict[str, str]:
        return dict(self.payload.data)


async def read_form(request: Request) -> list[tuple[str, str]]:
    """The fields of a URL-encoded form.

    Raises Authlib's InvalidRequestError, with status 413 for one that is too large, 415 for another content type.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/x-www-form-urlencoded":
        raise InvalidRequestError("The form must be application/x-www-form-urlencoded.", status_code=415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > FORM_BYTES:
            raise InvalidRequestError("The form is too large.", status_code=413)
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=50, errors="strict")
    except ValueError as error:  # UnicodeDecodeError is one
        raise InvalidRequestError("The form cannot be read.") from error


def parameters(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """OAuth parameters: none twice, printable ASCII only. Raises Authlib's InvalidRequestError."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise InvalidRequestError("A parameter occurs twice.")
    if not all(_VISIBLE.fullmatch(value) for value in found.values()):
        raise InvalidRequestError("A parameter has characters that OAuth does not allow.")
    # Authlib repeats these two in its error text, where fewer characters are allowed.
    for name in ("response_type", "redirect_uri"):
        if invalid_error_characters(found.get(name, "")):
            raise InvalidRequestError(f"The {name} has characters that it cannot have.")
    return found
