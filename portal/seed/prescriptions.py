"""Dosage, refills and fills for the active prescriptions of sample patients, from `sample_prescriptions.csv`.

The samples say only which drug was ordered, often decades ago. A prescription that is still active is taken to have
been written anew within the past year.
"""

import csv
from functools import cache
from importlib.resources import files

from portal.seed.build.chart import RXNORM, Resource, quantity, to
from portal.seed.build.people import organization
from portal.seed.clock import Clock

_PHARMACY = organization("corner-pharmacy")


def complete_prescriptions(resources: list[Resource], clock: Clock) -> list[Resource]:
    """Complete the active MedicationRequests among `resources` in place; returns their MedicationDispenses."""
    fills: list[Resource] = []
    for place, request in enumerate(r for r in resources if _is_active(r)):
        row = _rows().get(_rxcui(request))
        if row and "dispenseRequest" not in request:
            fills += _complete(request, row, clock, place)
    return fills


def _is_active(resource: Resource) -> bool:
    return resource["resourceType"] == "MedicationRequest" and resource["status"] == "active"


def _rxcui(request: Resource) -> str:
    codings = request.get("medicationCodeableConcept", {}).get("coding", [])
    return next((coding["code"] for coding in codings if coding.get("system") == RXNORM), "")


@cache
def _rows() -> dict[str, dict[str, str]]:
    with (files("portal.seed") / "sample_prescriptions.csv").open(encoding="utf-8") as lines:
        return {row["rxcui"]: row for row in csv.DictReader(lines)}


def _complete(request: Resource, row: dict[str, str], clock: Clock, place: int) -> list[Resource]:
    """Two fills; how far the second has been used up differs from prescription to prescription."""
    supply = int(row["supply"])
    used = 2 + supply * (3 + 5 * place) % (supply + 3)
    first, last = f"-{used + supply}d 11:30", f"-{used}d 16:15"
    filled = (first, last) if int(row["repeats"]) else (last,)
    request["authoredOn"] = clock.instant(filled[0])
    request["dosageInstruction"] = [_dosage(row)]
    request["dispenseRequest"] = {
        "validityPeriod": {"start": clock.day(filled[0]), "end": clock.day(f"+{360 - used - supply}d")},
        "numberOfRepeatsAllowed": int(row["repeats"]),
        "quantity": _amount(row),
        "expectedSupplyDuration": quantity(supply, "days", "d"),
        "performer": _PHARMACY,
    }
    return [_fill(request, row, clock.instant(when), number) for number, when in enumerate(filled, start=1)]


def _dosage(row: dict[str, str]) -> Resource:
    return {
        "sequence": 1,
        "text": row["text"],
        "timing": {"repeat": {"frequency": int(row["times"]), "period": 1, "periodUnit": "d"}},
        "asNeededBoolean": row["as_needed"] == "true",
        "doseAndRate": [{"doseQuantity": {"value": int(row["dose"]), "unit": row["unit"]}}],
    }


def _amount(row: dict[str, str]) -> Resource:
    return {"value": int(row["amount"]), "unit": row["unit"]}


def _fill(request: Resource, row: dict[str, str], when: str, number: int) -> Resource:
    return {
        "resourceType": "MedicationDispense",
        "id": f"{request['id']}-fill-{number}",
        "status": "completed",
        "medicationCodeableConcept": request["medicationCodeableConcept"],
        "subject": request["subject"],
        "performer": [{"actor": _PHARMACY}],
        "authorizingPrescription": [to(request)],
        "quantity": _amount(row),
        "daysSupply": quantity(int(row["supply"]), "days", "d"),
        "whenHandedOver": when,
        "dosageInstruction": request["dosageInstruction"],
    }
