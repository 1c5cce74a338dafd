"""The HTTP side of FHIR: formats, the ``Prefer`` header, conditional headers, and answers.

http://hl7.org/fhir/R4/http.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.responses import Response

from portal.dates import as_datetime, parse
from portal.errors import BadRequest, FhirError, NotAcceptable, UnsupportedMedia, operation_outcome
from portal.json_format import dumps
from portal.query import Pairs

FHIR_JSON = "application/fhir+json"
_JSON = {FHIR_JSON, "application/json", "application/json+fhir", "text/json", "json"}
_ANY = {"*/*", "application/*", "text/*"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Call:
    """One request, its body read."""

    method: str
    headers: Mapping[str, str]
    pairs: Pairs
    body: bytes

    def prefers(self, name: str, default: str) -> str:
        """A value of the ``Prefer`` header: ``return=minimal``, ``handling=lenient``."""
        match = re.search(rf"(?:^|[,;\s]){name}\s*=\s*\"?([A-Za-z-]+)", self.headers.get("prefer", ""))
        return match[1] if match else default


def query_pairs(query: str) -> Pairs:
    """The parameters of a query string or form, blank ones too. Raises BadRequest."""
    try:
        return parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError as error:
        raise BadRequest("The search parameters are not valid UTF-8, or too many") from error


def check_accepts(call: Call) -> None:
    """Raises NotAcceptable where the client takes no JSON. ``_format`` stands above the Accept header."""
    asked = [value for name, value in call.pairs if name == "_format"]
    wanted = asked or [part.strip() for part in call.headers.get("accept", "*/*").split(",") if part.strip()]
    types = {text.partition(";")[0].strip().lower().replace(" ", "+") for text in wanted}
    if types and not types & (_JSON | _ANY):
        raise NotAcceptable(f"This server speaks {FHIR_JSON} only")


def check_content(call: Call, allowed: set[str] | None = None) -> None:
    """Raises UnsupportedMedia unless the body is JSON (or ``allowed``), in UTF-8 and not compressed."""
    kind, _, options = call.headers.get("content-type", "").partition(";")
    if kind.strip().lower() not in (allowed or _JSON - {"json"}):
        raise UnsupportedMedia("The body's content type is not supported")
    charset = re.search(r"charset\s*=\s*\"?([\w-]+)", options)
    if charset and charset[1].lower() not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMedia("The body must be in UTF-8")
    if call.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMedia("A compressed body is not supported")


def etag(resource: dict[str, Any]) -> str:
    return f'W/"{resource["meta"]["versionId"]}"'


def version_headers(resource: dict[str, Any]) -> dict[str, str]:
    """``ETag`` and ``Last-Modified`` of a stored resource."""
    updated = as_datetime(parse(resource["meta"]["lastUpdated"]).start)
    return {"ETag": etag(resource), "Last-Modified": format_datetime(updated, usegmt=True)}


def fhir_response(body: dict[str, Any] | None, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A resource as an answer; None is an empty body."""
    content = b"" if body is None else dumps(body).encode()
    given = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", **(headers or {})}
    return Response(content, status, given, media_type=FHIR_JSON if content else None)


def error_response(error: FhirError) -> Response:
    """The error as an ``OperationOutcome``."""
    headers = {"WWW-Authenticate": "Bearer"} if error.status == 401 else {}
    return fhir_response(operation_outcome(error.issues()), error.status, headers)
