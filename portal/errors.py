"""Everything that can go wrong with a FHIR request, each with its HTTP status and issue type.

FhirError
├── BadRequest            400  the request cannot be understood
├── Unauthenticated       401  no valid access token
├── Forbidden             403  the token does not allow it
├── NotFound              404  no such resource, or not in this chart
├── MethodNotAllowed      405  the interaction is not offered
├── NotAcceptable         406  a format that we do not speak
├── Conflict              409  another request came first
├── PreconditionFailed    412  a stale ``If-Match``, or several resources match a criterion
├── TooLarge              413  the body is over the limit
├── UnsupportedMedia      415  the body is not JSON
└── Invalid               422  not a valid resource

Issue types: http://hl7.org/fhir/R4/valueset-issue-type.html
"""

from __future__ import annotations

from typing import Any


class FhirError(Exception):
    """A request that fails. ``args[0]`` is for people, and holds nothing of the patient's data."""

    status = 500
    code = "exception"

    def __init__(self, message: str, expression: str = "", code: str = "") -> None:
        super().__init__(message)
        self.expression = expression
        self.code = code or self.code

    def issues(self) -> list[dict[str, Any]]:
        """The ``OperationOutcome.issue`` list."""
        return [issue("error", self.code, str(self), self.expression)]

    def within(self, place: str) -> None:
        """The resource was part of a larger one, at ``place``: say so in every expression."""
        if not self.expression.startswith(place):
            self.expression = _within(self.expression, place)


class BadRequest(FhirError):
    status, code = 400, "invalid"


class Unauthenticated(FhirError):
    status, code = 401, "login"


class Forbidden(FhirError):
    status, code = 403, "forbidden"


class NotFound(FhirError):
    status, code = 404, "not-found"


class MethodNotAllowed(FhirError):
    status, code = 405, "not-supported"


class NotAcceptable(FhirError):
    status, code = 406, "not-supported"


class Conflict(FhirError):
    status, code = 409, "conflict"


class PreconditionFailed(FhirError):
    status, code = 412, "conflict"


class TooLarge(FhirError):
    status, code = 413, "too-long"


class UnsupportedMedia(FhirError):
    status, code = 415, "not-supported"


class Invalid(FhirError):
    """A resource with faults; ``faults`` are pairs of a message and a FHIRPath expression."""

    status, code = 422, "invalid"

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__(faults[0][0], faults[0][1])
        self.faults = faults

    def issues(self) -> list[dict[str, Any]]:
        return [issue("error", self.code, message, expression) for message, expression in self.faults]

    def within(self, place: str) -> None:
        super().within(place)
        self.faults = [(message, _within(expression, place)) for message, expression in self.faults]


def _within(expression: str, place: str) -> str:
    return place + expression[expression.index(".") :] if "." in expression else place


def issue(severity: str, code: str, message: str, expression: str = "") -> dict[str, Any]:
    """One ``OperationOutcome.issue``."""
    found: dict[str, Any] = {"severity": severity, "code": code, "diagnostics": message}
    return found | {"expression": [expression]} if expression else found


def operation_outcome(issues: list[dict[str, Any]]) -> dict[str, Any]:
    """An ``OperationOutcome`` resource."""
    return {"resourceType": "OperationOutcome", "issue": issues}
