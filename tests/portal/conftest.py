"""A portal on each of the two databases, and clients that act for one patient or for the system."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import OperationalError
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from portal.access import SYSTEM, Access, Proxy
from portal.app import create_app
from portal.db import make_engine, migrate
from portal.search_parameters import RESOURCE_TYPES
from portal.settings import Settings
from portal.store import Store

POSTGRES = os.environ.get("CHARTLINE_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")
BASE = "http://127.0.0.1:8000"


class FakeSignIn:
    """Stands for the sign-in: the bearer token is the key of an Access that the test handed out."""

    known: ClassVar[dict[str, Access]] = {}

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = dict(scope.get("headers", [])).get(b"authorization", b"").decode().removeprefix("Bearer ")
        scope.setdefault("state", {})["access"] = self.known.get(token)
        await self.app(scope, receive, send)


def install_fake(routes: list[Any], middleware: list[Any], *, settings: Settings, engine: Engine) -> None:
    middleware.append(Middleware(FakeSignIn))


@dataclass
class Portal:
    """The running application and its store."""

    app: ASGIApp
    store: Store

    def client(self, access: Access | None) -> TestClient:
        """An HTTP client below ``/fhir`` with the token of this access; None has no token."""
        headers = {}
        if access is not None:
            token = f"token-{len(FakeSignIn.known)}"
            FakeSignIn.known[token] = access
            headers["Authorization"] = f"Bearer {token}"
        return TestClient(self.app, base_url=f"{BASE}/fhir/", headers=headers, raise_server_exceptions=False)

    @property
    def system(self) -> TestClient:
        return self.client(SYSTEM)

    def patient(self, id: str, scopes: str = "patient/*.*") -> TestClient:
        return self.client(Access(id, frozenset(scopes.split()), "test"))

    def proxy(self, id: str, related_person_id: str, types: Collection[str] = RESOURCE_TYPES) -> TestClient:
        """Somebody who acts for the patient, with the types that are open."""
        return self.client(Access(id, frozenset({"patient/*.*"}), "test", Proxy(related_person_id, frozenset(types))))

    def add(self, resource_type: str, **elements: Any) -> dict[str, Any]:
        """Store a valid resource of the type; one with an ``id`` keeps it."""
        resource = {**MINIMAL.get(resource_type, {}), **elements, "resourceType": resource_type}
        return self.store.update(resource).resource if "id" in elements else self.store.create(resource).resource


CODE = {"coding": [{"system": "http://loinc.org", "code": "4548-4", "display": "Hemoglobin A1c"}]}
SOMEBODY = {"reference": "Patient/somebody"}
AMBULATORY = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"}
#: What each type must have.
MINIMAL: dict[str, dict[str, Any]] = {
    "Encounter": {"status": "finished", "class": AMBULATORY},
    "Observation": {"status": "final", "code": CODE},
    "DiagnosticReport": {"status": "final", "code": CODE},
    "MedicationRequest": {
        "status": "active", "intent": "order", "medicationCodeableConcept": CODE, "subject": SOMEBODY,
    },
    "MedicationDispense": {"status": "completed", "medicationCodeableConcept": CODE},
    "Task": {"status": "requested", "intent": "order"},
    "Communication": {"status": "completed"},
    "DocumentReference": {"status": "current", "content": [{"attachment": {"contentType": "text/plain"}}]},
    "Binary": {"contentType": "text/plain", "data": "aGVsbG8="},
    "Appointment": {"status": "booked", "participant": [{"status": "accepted", "actor": SOMEBODY}]},
    "Schedule": {"actor": [{"display": "Dr. Adams"}]},
    "Slot": {
        "schedule": {"display": "Dr. Adams"}, "status": "free", "start": "2026-12-01T09:00:00Z",
        "end": "2026-12-01T09:20:00Z",
    },
    "Account": {"status": "active"},
    "Invoice": {"status": "issued"},
    "AllergyIntolerance": {"patient": SOMEBODY},
    "Condition": {"subject": SOMEBODY},
    "RelatedPerson": {"patient": SOMEBODY},
    "Immunization": {
        "status": "completed", "vaccineCode": CODE, "occurrenceDateTime": "2025-10-01", "patient": SOMEBODY,
    },
    "Consent": {"status": "active", "scope": CODE, "category": [CODE], "policyRule": CODE},
    "AuditEvent": {
        "type": {"code": "rest"}, "recorded": "2026-11-22T10:00:00Z",
        "agent": [{"requestor": True}], "source": {"observer": {"display": "Chartline"}},
    },
    "Subscription": {
        "status": "requested", "reason": "news", "criteria": "Task?status=completed",
        "channel": {"type": "rest-hook", "endpoint": "https://example.org/hook"},
    },
    "Procedure": {"status": "completed", "subject": SOMEBODY},
}  # fmt: skip


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A throw-away database; skips where there is no PostgreSQL."""
    server = create_engine(POSTGRES, future=True, isolation_level="AUTOCOMMIT")
    name = f"chartline_test_{os.getpid()}"
    try:
        with server.connect() as connection:
            connection.execute(text(f'CREATE DATABASE "{name}"'))
    except OperationalError:
        pytest.skip("no PostgreSQL at CHARTLINE_TEST_POSTGRES")
    yield str(server.url.set(database=name).render_as_string(hide_password=False))
    with server.connect() as connection:
        connection.execute(text(f'DROP DATABASE "{name}" WITH (FORCE)'))


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A migrated, empty database."""
    if request.param == "sqlite":
        engine = make_engine(f"sqlite:///{tmp_path / 'portal.db'}")
        migrate(engine)
    else:
        engine = make_engine(request.getfixturevalue("postgres_url"))
        migrate(engine)
        with engine.begin() as connection:
            connection.execute(text("TRUNCATE resource CASCADE"))
    yield engine
    engine.dispose()


@pytest.fixture
def portal(engine: Engine) -> Portal:
    settings = Settings(base_url=BASE)
    store = Store(engine, settings.fhir_url)
    return Portal(create_app(settings, store, install_fake), store)


@pytest.fixture
def add(portal: Portal) -> Callable[..., dict[str, Any]]:
    return portal.add
