"""The seed as of one fixed day, and small questions to ask of a chart."""

from collections.abc import Iterator
from datetime import datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from portal.seed import SeedChart, seed_charts, shared_resources

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=ZoneInfo("UTC"))


@cache
def charts(now: datetime = NOW) -> dict[str, SeedChart]:
    """All charts by username."""
    return {chart.username: chart for chart in seed_charts(now)}


@cache
def everything(now: datetime = NOW) -> tuple[dict[str, Any], ...]:
    """All that is seeded."""
    found = charts(now).values()
    return (*shared_resources(now, found), *(resource for chart in found for resource in chart.resources))


def of(username: str, kind: str) -> list[dict[str, Any]]:
    """The resources of one type in a chart."""
    return [resource for resource in charts()[username].resources if resource["resourceType"] == kind]


def prescription(username: str, name: str) -> dict[str, Any]:
    """The one prescription whose drug's name holds `name`."""
    (found,) = [rx for rx in of(username, "MedicationRequest") if name in drug(rx)]
    return found


def drug(request: dict[str, Any]) -> str:
    """The name of the drug of a prescription."""
    return str(request["medicationCodeableConcept"]["text"])


def fills(username: str, request: dict[str, Any]) -> list[dict[str, Any]]:
    """The completed fills of a prescription, oldest first."""
    address = f"MedicationRequest/{request['id']}"
    found = [
        fill
        for fill in of(username, "MedicationDispense")
        if fill["status"] == "completed" and fill["authorizingPrescription"][0]["reference"] == address
    ]
    return sorted(found, key=lambda fill: day(fill["whenHandedOver"]))


def refills_left(username: str, request: dict[str, Any]) -> int:
    """Repeats allowed minus the fills after the first."""
    return int(request["dispenseRequest"]["numberOfRepeatsAllowed"]) - (len(fills(username, request)) - 1)


def days_since(text: str) -> int:
    """Whole days between a FHIR date or time and today, in its own place."""
    return (NOW.astimezone(ZoneInfo("America/New_York")).date() - day(text).date()).days


def days_left(username: str, request: dict[str, Any]) -> int:
    """Days until the last fill is used up."""
    last = fills(username, request)[-1]
    return int(last["daysSupply"]["value"]) - days_since(last["whenHandedOver"])


def day(text: str) -> datetime:
    """A FHIR date or time."""
    return datetime.fromisoformat(text)


def results(username: str, loinc: str) -> list[dict[str, Any]]:
    """The Observations of a test, oldest first."""
    found = [seen for seen in of(username, "Observation") if code(seen["code"]) == loinc]
    return sorted(found, key=lambda seen: day(seen["effectiveDateTime"]))


def code(concept: dict[str, Any]) -> str:
    """The first code of a CodeableConcept, or nothing."""
    return str(concept.get("coding", [{}])[0].get("code", ""))


def flag(observation: dict[str, Any]) -> str:
    """The interpretation's code, or nothing."""
    return code(observation.get("interpretation", [{}])[0])


def report_of(username: str, observation: dict[str, Any]) -> dict[str, Any]:
    """The DiagnosticReport that a result is part of."""
    address = f"Observation/{observation['id']}"
    (found,) = [
        report
        for report in of(username, "DiagnosticReport")
        if address in [result["reference"] for result in report.get("result", [])]
    ]
    return found


def references(value: Any) -> Iterator[str]:
    """Every literal reference in a resource."""
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)
