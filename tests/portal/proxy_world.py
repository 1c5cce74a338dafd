"""A whole portal in process with a small family: Gran, who helps Kid (9) and Teen (15), and Man, whom Friend helps."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from portal import smart
from portal.app import create_app
from portal.db import make_engine, migrate
from portal.settings import Settings
from portal.smart import SmartSettings, Users
from portal.store import Store
from tests.portal.conftest import MINIMAL
from tests.portal.smart_world import BASE, PASSWORD, START, Launch, query_of

#: The day of `START` is January 15, 2027.
BIRTHDAYS = {
    "gran": "1959-04-18",
    "kid": "2017-06-21",
    "teen": "2011-02-11",
    "man": "1972-09-05",
    "friend": "1997-01-30",
}
SCOPE = "launch/patient offline_access patient/*.cruds"
TYPES = "http://hl7.org/fhir/resource-types"
PRIVACY = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]}


def mrn(who: str) -> list[dict[str, str]]:
    return [{"system": "urn:mrn", "value": who.upper()}]


def consent(patient: str, helper: str, *classes: str, performer: str = "", **elements: Any) -> dict[str, Any]:
    """The patient's, or by default the helper's, consent that the helper may open the chart."""
    related = {"reference": f"RelatedPerson/{patient}-{helper}"}
    provision: dict[str, Any] = {"type": "permit", "actor": [{"role": {"text": "helper"}, "reference": related}]}
    if classes:
        provision["class"] = [{"system": TYPES, "code": name} for name in classes]
    provision |= elements.pop("provision", {})
    return {
        "id": f"{patient}-{helper}-consent",
        "status": "active",
        "scope": PRIVACY,
        "category": [{"text": "access"}],
        "policyRule": {"text": "opt-in"},
        "patient": {"reference": f"Patient/{patient}"},
        "performer": [{"reference": performer}] if performer else [related],
        "provision": provision,
        **elements,
    }


class Family:
    """The portal on a database file, and a clock that can be moved."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.now = START
        self.engine = make_engine(f"sqlite:///{folder / 'portal.db'}")
        migrate(self.engine)
        self.store = Store(self.engine, f"{BASE}/fhir")
        self.users = Users(self.engine)
        self.configure(**settings)
        for who, birthday in BIRTHDAYS.items():
            name = [{"family": "Delgado", "given": [who.capitalize()]}]
            self.put("Patient", id=who, identifier=mrn(who), name=name, birthDate=birthday)
            self.users.add(who, PASSWORD, who, f"{who.capitalize()} Delgado")
            for kind in ("Condition", "MedicationRequest"):
                self.put(kind, id=f"{kind}-{who}", subject={"reference": f"Patient/{who}"})
            for kind in ("Immunization", "AllergyIntolerance"):
                self.put(kind, id=f"{kind}-{who}", patient={"reference": f"Patient/{who}"})
        self.relate("kid", "gran")
        self.relate("teen", "gran", "Appointment", "Immunization", "Condition")
        self.relate("man", "friend", "MedicationRequest", "Task", performer="Patient/man")

    def configure(self, **settings: Any) -> None:
        """Start the portal anew with these settings."""
        install = partial(smart.install, smart=SmartSettings(client_scopes=SCOPE, **settings), clock=lambda: self.now)
        self.app = create_app(Settings(base_url=BASE), self.store, install)

    def put(self, kind: str, **elements: Any) -> dict[str, Any]:
        """Store a resource under its id, as the clinic does."""
        return self.store.update({**MINIMAL.get(kind, {}), **elements, "resourceType": kind}).resource

    def relate(self, patient: str, helper: str, *classes: str, **elements: Any) -> None:
        """Let the helper open the patient's chart."""
        self.related(patient, helper)
        self.put("Consent", **consent(patient, helper, *classes, **elements))

    def related(self, patient: str, helper: str, **elements: Any) -> None:
        """The RelatedPerson for the helper in the patient's chart."""
        of = {"reference": f"Patient/{patient}"}
        values = {"active": True, "patient": of, "identifier": mrn(helper)} | elements
        self.put("RelatedPerson", id=f"{patient}-{helper}", **values)

    def http(self) -> httpx.AsyncClient:
        """A browser or an app: keeps cookies, follows no redirects."""
        transport = httpx.ASGITransport(self.app, client=("203.0.113.7", 5000))
        return httpx.AsyncClient(transport=transport, base_url=BASE)

    async def tokens(self, helper: str, patient: str, scope: str = SCOPE) -> dict[str, Any]:
        """What an app gets when the helper opens the patient's chart to it."""
        async with self.http() as http:
            launch = Launch(http, scope=scope)
            answer = await launch.answer(username=helper, patient=patient)
            response = await launch.redeem(query_of(answer)["code"])
            assert response.status_code == 200, response.text
            return dict(response.json())

    async def refresh(self, tokens: dict[str, Any]) -> httpx.Response:
        async with self.http() as http:
            return await Launch(http).refresh(tokens["refresh_token"])

    async def ask(self, tokens: dict[str, Any], path: str, body: Any = None, method: str = "") -> httpx.Response:
        """A request to the FHIR API with the access token."""
        async with self.http() as http:
            headers = {"Authorization": f"Bearer {tokens['access_token']}"}
            verb = method or ("GET" if body is None else "POST")
            return await http.request(verb, f"/fhir/{path}", json=body, headers=headers)


def hidden_of(page: httpx.Response) -> dict[str, str]:
    """The hidden fields of a page's form."""
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))


def offered(page: httpx.Response) -> list[tuple[str, bool]]:
    """The charts that the page offers, and whether each is marked."""
    radios = re.findall(r'<input type="radio"[^>]*>', page.text)
    return [(re.findall(r'value="([^"]*)"', radio)[0], "checked" in radio) for radio in radios]
