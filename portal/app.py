"""The portal's one composition root."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from sqlalchemy.engine import Engine
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from portal import smart
from portal.db import is_healthy, make_engine, migrate
from portal.endpoints import Endpoints
from portal.errors import BadRequest, FhirError, MethodNotAllowed, NotFound
from portal.guard import Guard
from portal.negotiation import error_response
from portal.settings import Settings
from portal.store import Store

#: Adds its routes and middleware: ``(routes, middleware, *, settings, engine)``.
Authentication = Callable[..., None]


def make_store(settings: Settings) -> Store:
    """The store on a migrated database. Raises StorageError."""
    engine = make_engine(settings.database_url.get_secret_value())
    migrate(engine)
    return Store(engine, settings.fhir_url)


def create_app(
    settings: Settings, store: Store | None = None, authentication: Authentication = smart.install
) -> Starlette:
    """The whole portal: FHIR below ``/fhir``, sign-in, ``/health``.

    ``authentication`` adds what sets ``request.state.access``. Raises StorageError or SettingsError.
    """
    store = store or make_store(settings)
    routes: list[BaseRoute] = [Route("/health", _health(store.engine))]
    middleware = [Middleware(Guard)]
    authentication(routes, middleware, settings=settings, engine=store.engine)
    routes += Endpoints(store, settings.fhir_url).routes()  # last: its patterns match what is more special, too
    handlers = {FhirError: _fhir_error, HTTPException: _http_error}
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)  # type: ignore[arg-type]
    app.router.redirect_slashes = False
    app.state.store = store
    return app


def _health(engine: Engine) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def health(request: Request) -> JSONResponse:
        healthy = await run_in_threadpool(is_healthy, engine)
        return JSONResponse({"status": "ok" if healthy else "database unavailable"}, 200 if healthy else 503)

    return health


def _fhir_error(request: Request, error: FhirError) -> Response:
    return error_response(error)


def _http_error(request: Request, error: HTTPException) -> Response:
    known: dict[int, FhirError] = {
        404: NotFound("There is nothing at this address"),
        405: MethodNotAllowed("This method is not offered here"),
    }
    response = error_response(known.get(error.status_code, BadRequest("The request is not valid")))
    response.headers.update(error.headers or {})
    return response
