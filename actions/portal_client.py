"""The only user of httpx towards the portal: FHIR R4 with the patient's own token, and its errors.

PortalError
├── PortalUnreachable      no connection: nothing happened
│   └── PortalTimeout      no answer, in time or at all; a write may or may not have happened
├── PortalUnavailable      5xx or 429
├── PortalUnauthorized     401: the token is not accepted
├── PortalForbidden        403: not within what the patient allowed
├── PortalNotFound         404 or 410
├── PortalConflict         409 or 412
├── PortalRejected         any other 4xx: the portal does not take what was sent
└── PortalBadAnswer        not FHIR: another content type, broken JSON, another resource than asked for
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from tenacity import (
    AsyncRetrying,
    retry_if_exception_type,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from accounts import logs
from actions.metrics import PORTAL_ERRORS

Resource = dict[str, Any]

TIMEOUT = httpx.Timeout(3.0, connect=1.0)
MAX_PAGES = 50  # of one search; a portal whose pages never end must not hold up the patient
MEDIA_TYPE = "application/fhir+json"


class PortalError(Exception):
    """The portal did not do what was asked. `codes` are the issue codes of its OperationOutcome, never its text."""

    def __init__(self, status: int | None = None, codes: tuple[str, ...] = ()) -> None:
        super().__init__(f"status {status}" if status else type(self).__name__)
        self.status, self.codes = status, codes


class PortalUnreachable(PortalError):
    """No connection to the portal: nothing was sent."""


class PortalTimeout(PortalUnreachable):
    """No answer in time, or the connection broke. After a write nobody knows whether it happened."""


class PortalUnavailable(PortalError):
    """The portal is there and cannot answer now (5xx, 429)."""


class PortalUnauthorized(PortalError):
    """The token is not accepted (401)."""


class PortalForbidden(PortalError):
    """The patient did not allow this, or the portal does not offer it to patients (403)."""


class PortalNotFound(PortalError):
    """There is no such resource (404, 410)."""


class PortalConflict(PortalError):
    """Another version, or several matches (409, 412)."""


class PortalRejected(PortalError):
    """The portal does not take what was sent (other 4xx)."""


class PortalBadAnswer(PortalError):
    """What came back is not the FHIR that was asked for."""


_BY_STATUS: dict[int, type[PortalError]] = {
    401: PortalUnauthorized,
    403: PortalForbidden,
    404: PortalNotFound,
    410: PortalNotFound,
    409: PortalConflict,
    412: PortalConflict,
    429: PortalUnavailable,
}


class PortalClient:
    """FHIR calls of one patient. `http` is shared by the process, so that connections are kept alive."""

    def __init__(self, http: httpx.AsyncClient, base_url: str, token: str) -> None:
        self._http = http
        self._base = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}", "Accept": MEDIA_TYPE}
        self._accessed: dict[tuple[str, str], None] = {}

    @property
    def accessed(self) -> tuple[tuple[str, str], ...]:
        """What was read, and what may have been written: pairs of interaction and resource type, each once."""
        return tuple(self._accessed)

    async def read(self, resource_type: str, resource_id: str) -> Resource:
        """One resource by its id (https://hl7.org/fhir/R4/http.html#read)."""
        found = await self._get(f"{self._base}/{resource_type}/{resource_id}", resource_type)
        self._note("read", resource_type)
        return found

    async def search(self, resource_type: str, *, limit: int = 100, **params: Any) -> list[Resource]:
        """The matches of a search and what it includes, in the server's order, over as many pages as `limit` needs.

        A parameter's `__` stands for `:`, its trailing `_` is dropped, a list gives the parameter several times.
        https://hl7.org/fhir/R4/search.html
        """
        found: list[Resource] = []
        async for page in self._pages(resource_type, params):
            found += [entry["resource"] for entry in _list(page, "entry") if _is_resource(entry)]
            self._note("search", resource_type, *(str(r.get("resourceType") or resource_type) for r in found))
            if len(found) >= limit:
                break
        return found

    async def create(self, resource: Resource, if_none_exist: str | None = None) -> Resource:
        """Create a resource, once: `if_none_exist` is a search query such as `identifier=system|value`.

        Never retried: after `PortalTimeout` look for it with `search` before claiming anything.
        https://hl7.org/fhir/R4/http.html#ccreate
        """
        headers = {"Content-Type": MEDIA_TYPE, "Prefer": "return=representation"}
        if if_none_exist:
            headers["If-None-Exist"] = if_none_exist
        kind = resource["resourceType"]
        self._note("create", kind)
        response = await self._send("POST", f"{self._base}/{kind}", json=resource, headers=headers)
        try:
            return _resource(response, kind)
        except PortalBadAnswer:  # stored all the same, where the portal says where
            return {**resource, "id": _id_of_location(response, kind)}

    async def update(self, resource: Resource) -> Resource:
        """Update a resource, only if nobody changed it since it was read (`If-Match` by its version)."""
        kind, headers = (
            resource["resourceType"],
            {"Content-Type": MEDIA_TYPE, "Prefer": "return=representation"},
        )
        version = resource.get("meta", {}).get("versionId")
        if version:
            headers["If-Match"] = f'W/"{version}"'
        url = f"{self._base}/{kind}/{resource['id']}"
        self._note("update", kind)
        response = await self._send("PUT", url, json=resource, headers=headers)
        return _resource(response, kind) if response.content else resource

    async def can_create(self, resource_type: str) -> bool:
        """Whether the portal's CapabilityStatement offers `create` of this type."""
        statement = await self._get(f"{self._base}/metadata", "CapabilityStatement")
        offered = {
            (resource.get("type"), interaction.get("code"))
            for rest in _list(statement, "rest")
            for resource in _list(rest, "resource")
            for interaction in _list(resource, "interaction")
        }
        return (resource_type, "create") in offered

    def _note(self, interaction: str, *kinds: str) -> None:
        """A read counts when its answer is here; a write before it is sent, because an answer can get lost."""
        self._accessed.update(dict.fromkeys((interaction, kind) for kind in kinds))

    async def _pages(self, resource_type: str, params: dict[str, Any]) -> AsyncIterator[Resource]:
        query = [
            (name.rstrip("_").replace("__", ":"), value)
            for name, values in params.items()
            for value in (values if isinstance(values, (list, tuple)) else [values])
        ]
        url = f"{self._base}/{resource_type}"
        for _ in range(MAX_PAGES):
            page = await self._get(url, "Bundle", params=query)
            yield page
            following = self._next(page)
            if following is None:
                return
            url, query = following, []
        raise PortalBadAnswer()

    def _next(self, page: Resource) -> str | None:
        url = next((link.get("url") for link in _list(page, "link") if link.get("relation") == "next"), None)
        if url is None:
            return None
        try:
            absolute = httpx.URL(self._base + "/").join(url)
        except (httpx.InvalidURL, TypeError) as error:
            raise PortalBadAnswer() from error
        if absolute.copy_with(path="/", query=None) != httpx.URL(self._base).copy_with(path="/", query=None):
            raise PortalBadAnswer()  # the token goes to the portal and nowhere else
        return str(absolute)

    async def _get(self, url: str, expected: str, params: Any = None) -> Resource:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((PortalUnreachable, PortalUnavailable)),
            stop=stop_after_attempt(3) | stop_after_delay(2),
            wait=wait_random_exponential(multiplier=0.1, max=0.5),
            reraise=True,
        )
        async for attempt in retrying:
            with attempt:
                response = await self._send("GET", url, params=params or None)
        return _resource(response, expected)

    async def _send(
        self, method: str, url: str, headers: dict[str, str] | None = None, **kwargs: Any
    ) -> httpx.Response:
        with _counted():
            return await self._ask(method, url, {**self._headers, **_request_id(), **(headers or {})}, **kwargs)

    async def _ask(self, method: str, url: str, headers: dict[str, str], **kwargs: Any) -> httpx.Response:
        try:
            response = await self._http.request(method, url, headers=headers, timeout=TIMEOUT, **kwargs)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise PortalUnreachable() from error
        except httpx.DecodingError as error:
            raise PortalBadAnswer() from error
        except httpx.HTTPError as error:
            raise PortalTimeout() from error
        if response.status_code >= 400:
            raise _error(response)
        if response.status_code >= 300:  # a redirect is no answer, least of all to a write
            raise PortalBadAnswer(response.status_code)
        return response


@contextmanager
def _counted() -> Iterator[None]:
    try:
        yield
    except PortalError as error:
        PORTAL_ERRORS.labels(type(error).__name__).inc()
        raise


def _request_id() -> dict[str, str]:
    """The correlation id for the portal's own log (https://hl7.org/fhir/R4/http.html#custom)."""
    return {"X-Request-Id": turn} if (turn := logs.turn()) else {}


def _error(response: httpx.Response) -> PortalError:
    status = response.status_code
    kind = _BY_STATUS.get(status) or (PortalUnavailable if status >= 500 else PortalRejected)
    return kind(status, _issue_codes(response))


def _issue_codes(response: httpx.Response) -> tuple[str, ...]:
    try:
        return tuple(str(issue["code"]) for issue in response.json()["issue"])
    except (ValueError, KeyError, TypeError):
        return ()


@_counted()
def _resource(response: httpx.Response, expected: str) -> Resource:
    if "json" not in response.headers.get("content-type", ""):
        raise PortalBadAnswer(response.status_code)
    try:
        body = response.json()
    except (ValueError, RecursionError) as error:
        raise PortalBadAnswer(response.status_code) from error
    if not isinstance(body, dict) or body.get("resourceType") != expected:
        raise PortalBadAnswer(response.status_code)
    return body


def _list(body: Resource, name: str) -> list[Resource]:
    """An element that repeats; absent is empty, another shape is no FHIR."""
    found = body.get(name) or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise PortalBadAnswer()
    return found


def _is_resource(entry: Resource) -> bool:
    search = entry.get("search")
    outcome = isinstance(search, dict) and search.get("mode") == "outcome"
    return isinstance(entry.get("resource"), dict) and not outcome


def _id_of_location(response: httpx.Response, kind: str) -> str:
    _, found, rest = response.headers.get("location", "").partition(f"/{kind}/")
    resource_id = str(rest.split("/")[0])
    if not found or not resource_id:
        raise PortalBadAnswer(response.status_code)
    return resource_id
