"""The FHIR interactions over HTTP. Each handler is plain synchronous code, run in Starlette's thread pool."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from portal.access import Access
from portal.capability import capability_statement
from portal.errors import BadRequest, NotFound, Unauthenticated, issue, operation_outcome
from portal.json_format import loads
from portal.negotiation import (
    FORM,
    Call,
    check_accepts,
    check_content,
    etag,
    fhir_response,
    query_pairs,
    version_headers,
)
from portal.openapi import openapi
from portal.query import CURSOR
from portal.search_parameters import RESOURCE_TYPES
from portal.store import Page, Store, Written

#: The access of a request without a token: to what is public only.
NOBODY = Access("", frozenset())
Handler = Callable[[Call, Access, dict[str, str]], Response]


class Endpoints:
    """The handlers over one store. ``base_url`` is the FHIR service's address."""

    def __init__(self, store: Store, base_url: str) -> None:
        self.store, self.base_url = store, base_url

    def routes(self) -> list[Route]:
        """Everything below ``/fhir``."""
        public = [("/metadata", self.metadata), ("/openapi.json", self.openapi)]
        guarded: list[tuple[str, str, Handler]] = [
            ("", "POST", self.transaction),
            ("/{type}", "GET", self.search),
            ("/{type}", "POST", self.create),
            ("/{type}/_search", "POST", self.search),
            ("/{type}/{id}", "GET", self.read),
            ("/{type}/{id}", "PUT", self.update),
        ]
        found = [Route(f"/fhir{path}", partial(_run, handler, False), methods=["GET"]) for path, handler in public]
        by_path: dict[str, dict[str, Handler]] = {}
        for path, method, handler in guarded:
            by_path.setdefault(path, {})[method] = handler
        for path, handlers in by_path.items():
            endpoint = partial(_dispatch, handlers)
            found.append(Route(f"/fhir{path or '/'}", endpoint, methods=list(handlers)))
            if not path:
                found.append(Route("/fhir", endpoint, methods=list(handlers)))
        return found

    def metadata(self, call: Call, access: Access, path: dict[str, str]) -> Response:
        return fhir_response(capability_statement(self.base_url))

    def openapi(self, call: Call, access: Access, path: dict[str, str]) -> Response:
        response = fhir_response(openapi(self.base_url))
        response.headers["content-type"] = "application/json"
        return response

    def read(self, call: Call, access: Access, path: dict[str, str]) -> Response:
        resource = self.store.read(path["type"], path["id"], access)
        headers = version_headers(resource)
        if etag(resource) in [text.strip() for text in call.headers.get("if-none-match", "").split(",")]:
            return fhir_response(None, 304, headers)
        native = _native(resource, call.headers.get("accept", ""))
        return native or fhir_response(resource, 200, headers)

    def search(self, call: Call, access: Access, path: dict[str, str]) -> Response:
        pairs = call.pairs
        if call.method == "POST":
            check_content(call, {FORM})
            pairs = pairs + query_pairs(_text(call.body))
        lenient = call.prefers("handling", "strict") == "lenient"
        page = self.store.search(path["type"], pairs, access, lenient)
        return fhir_response(self._bundle(path["type"], page))

    def create(self, call: Call, access: Access, path: dict[str, str]) -> Response:
        resource = self._resource(call, path["type"])
        written = self.store.create(resource, access, call.headers.get("if-none-exist", ""))
        return self._written(call, written)

    def update(self, call: Call, access: Access, path: dict[str, str]) -> Response:
        resource = self._resource(call, path["type"])
        if resource.get("id") != path["id"]:
            raise BadRequest("The resource's id differs from the address", f"{path['type']}.id", "invariant")
        return self._written(call, self.store.update(resource, access, call.headers.get("if-match", "")))

    def transaction(self, call: Call, access: Access, path: dict[str, str]) -> Response:
        check_content(call)
        return fhir_response(self.store.transaction(loads(call.body), access))

    def _resource(self, call: Call, name: str) -> dict[str, Any]:
        if name not in RESOURCE_TYPES:
            raise NotFound("This server does not have that type of resource", code="not-supported")
        check_content(call)
        resource = loads(call.body)
        if not isinstance(resource, dict) or resource.get("resourceType") != name:
            raise BadRequest(f"The body is not a resource of type {name}", "resourceType", "structure")
        return resource

    def _written(self, call: Call, written: Written) -> Response:
        resource = written.resource
        address = f"{self.base_url}/{resource['resourceType']}/{resource['id']}"
        headers = version_headers(resource) | {"Location": address}
        wanted = call.prefers("return", "representation")
        done = issue("information", "informational", "Stored" if written.created else "On file")
        bodies = {"minimal": None, "OperationOutcome": operation_outcome([done])}
        return fhir_response(bodies.get(wanted, resource), 201 if written.created else 200, headers)

    def _bundle(self, name: str, page: Page) -> dict[str, Any]:
        bundle: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
        if page.total is not None:
            bundle["total"] = page.total
        bundle["link"] = [{"relation": "self", "url": self._link(name, page.query.used)}]
        if page.next_cursor:
            following = [*page.query.used, (CURSOR, page.next_cursor)]
            bundle["link"].append({"relation": "next", "url": self._link(name, following)})
        found = [(_narrowed(match, page.query.elements), "match") for match in page.matches]
        found += [(resource, "include") for resource in page.included]
        entries = [
            {
                "fullUrl": f"{self.base_url}/{resource['resourceType']}/{resource['id']}",
                "resource": resource,
                "search": {"mode": mode},
            }
            for resource, mode in found
        ]
        return bundle | ({"entry": entries} if entries else {})

    def _link(self, name: str, pairs: list[tuple[str, str]]) -> str:
        return f"{self.base_url}/{name}" + (f"?{urlencode(pairs)}" if pairs else "")


def _narrowed(resource: dict[str, Any], elements: frozenset[str]) -> dict[str, Any]:
    """Only the wanted elements, marked as such: http://hl7.org/fhir/R4/search.html#elements"""
    if not elements:
        return resource
    kept = {name: value for name, value in resource.items() if name in elements or name in ("resourceType", "id")}
    subsetted = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}
    return kept | {"meta": {**resource["meta"], "tag": [*resource["meta"].get("tag", []), subsetted]}}


def _native(resource: dict[str, Any], accept: str) -> Response | None:
    """A Binary's own bytes, where the client asks for its content type by name.

    They come as a download in a sandbox: whoever wrote them must not run script on the portal's own pages.
    """
    content_type = resource.get("contentType")
    if resource["resourceType"] != "Binary" or accept.partition(";")[0].strip().lower() != content_type:
        return None
    try:
        content = base64.b64decode(resource.get("data", ""), validate=True)
    except (binascii.Error, ValueError):
        return None
    headers = version_headers(resource) | {
        "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": "sandbox; default-src 'none'", "Content-Disposition": "attachment",
    }  # fmt: skip
    return Response(content, 200, headers, media_type=content_type)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadRequest("The body is not valid UTF-8", code="structure") from error


async def _dispatch(handlers: dict[str, Handler], request: Request) -> Response:
    method = "GET" if request.method == "HEAD" else request.method
    return await _run(handlers[method], True, request)


async def _run(handler: Handler, guarded: bool, request: Request) -> Response:
    access: Access | None = getattr(request.state, "access", None)
    if guarded and access is None:
        raise Unauthenticated("Sign in: this needs an access token")
    query = request.scope.get("query_string", b"")
    call = Call(request.method, request.headers, query_pairs(_text(query)), await request.body())
    binary = request.path_params.get("type") == "Binary" and request.method == "GET"
    if not binary:
        check_accepts(call)
    return await run_in_threadpool(handler, call, access or NOBODY, dict(request.path_params))
