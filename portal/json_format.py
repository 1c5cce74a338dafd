"""FHIR's JSON: decimals keep their precision, and hostile input is refused before it can do harm.

http://hl7.org/fhir/R4/json.html; 6.90 and 6.9 are different decimals: http://hl7.org/fhir/R4/datatypes.html#decimal
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any, NoReturn

import simplejson

from portal.errors import BadRequest

MAX_DEPTH = 50
MAX_NUMBER_LENGTH = 40
LARGEST = Decimal(10) ** 30
_STORED = simplejson.JSONDecoder(parse_float=Decimal)


def loads(body: bytes) -> Any:
    """Parse a request's body. Raises BadRequest for anything that is not sane JSON in UTF-8."""
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not valid UTF-8", code="structure") from error
    try:
        value = simplejson.loads(text, use_decimal=True, parse_constant=_no_constant, object_pairs_hook=_unique)
        check(value)
    except (RecursionError, ValueError, ArithmeticError) as error:
        raise BadRequest("The body is not valid JSON", code="structure") from error
    return value


def loads_stored(text: str) -> Any:
    """Parse what ``dumps`` wrote: it needs no second check."""
    return _STORED.decode(text)


def dumps(value: Any) -> str:
    """Compact JSON."""
    return simplejson.dumps(value, use_decimal=True, separators=(",", ":"), ensure_ascii=False)


def check(value: Any, depth: int = 0) -> None:
    """Refuse what no FHIR resource holds: deep nesting, NUL, half characters, endless numbers.

    Raises BadRequest.
    """
    if depth > MAX_DEPTH:
        raise BadRequest(f"The body is nested more than {MAX_DEPTH} levels deep", code="too-costly")
    if isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            check(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            check(item, depth + 1)
    elif isinstance(value, str):
        _check_text(value)
    elif value is not None and not isinstance(value, bool):
        _check_number(value)


def _check_number(value: Any) -> None:
    if len(str(value)) > MAX_NUMBER_LENGTH or abs(value) > LARGEST:
        raise BadRequest("A number is too large, or has too many digits", code="value")


def _check_text(text: str) -> None:
    if text.isascii() and "\0" not in text:
        return
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadRequest("A string holds a character that is not allowed", code="value")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name occurs twice in one object")
    return found
