"""The sample patients: Synthea and US Core records (see data/README.md), repaired and completed.

Repairs: only types that the portal serves are kept; references are made literal, and those that lead nowhere keep their
display only; digits that Synthea adds to names are taken out; each visit's note is current; measured values are
rounded as laboratories round them; old Synthea's total protein, in g/L under the label g/dL, is put right; invisible
spaces are taken out.
Completions: dates moved to the present, reference ranges and interpretations, reviewers of older reports, and for
active prescriptions dosage, refills and fills (`sample_prescriptions.csv`).
"""

import gzip
import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.resources import files
from typing import Any

from portal.search_parameters import RESOURCE_TYPES
from portal.seed.build.chart import Resource, ref
from portal.seed.clock import Clock
from portal.seed.prescriptions import complete_prescriptions
from portal.seed.ranges import annotate
from portal.seed.shift import NEWEST, age_on, moved, moved_birth, moved_text, newest

_DIGITS_IN_NAME = re.compile(r"(?<=[A-Za-z])\d{2,4}\b")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TIMEZONE = "http://hl7.org/fhir/StructureDefinition/timezone"
_EASTERN = "America/New_York"
_TITLES = ("Dr. ", "Mr. ", "Mrs. ", "Ms. ")
_INVISIBLE = "\u200b"
_TOTAL_PROTEIN, _IMPOSSIBLE_PROTEIN = "2885-2", 20.0  # LOINC; g/dL


@dataclass(frozen=True)
class SamplePatient:
    """`path` is in `data/`; `note` says on the sign-in page what the chart is good for."""

    username: str
    path: str
    note: str
    zone: str = _EASTERN


SAMPLE_PATIENTS = (
    SamplePatient("adalberto", "synthea-2019-bch/Adalberto_Hartmann.json.gz", "Synthea patient: many medicines."),
    SamplePatient("angelic", "synthea-2019-bch/Angelic_Mueller.json.gz", "Synthea patient: few medicines and labs."),
    SamplePatient("enrique", "synthea-2019-bch/Enrique_Trevino.json.gz", "Synthea patient: yearly labs."),
    SamplePatient("hobert", "synthea-2019-bch/Hobert_Murazik.json.gz", "Synthea patient: blood counts, an allergy."),
    SamplePatient("renea", "synthea-2019-bch/Renea_Quigley.json.gz", "Synthea patient: insulin, many labs."),
    SamplePatient(
        "karena",
        "synthea-2025-cc0-notes/Karena692_OKeefe54.json.gz",
        "Synthea patient: asthma, many visit notes.",
        "America/Chicago",
    ),
    SamplePatient("amy", "uscore-examples/amy-baxter.ndjson.gz", "US Core example patient: unusual records."),
)


def load_sample(patient: SamplePatient, now: datetime) -> list[Resource]:
    """A sample chart, the Patient first, as of `now`."""
    resources = _linked(patient, _read(patient.path))
    clock = Clock(now, patient.zone)
    before = newest(resources)
    after = clock.now.date() - timedelta(days=NEWEST)
    days = (after - before).days
    resources = moved([_repaired(resource, days) for resource in resources], days)
    resources.sort(key=lambda resource: resource["resourceType"] != "Patient")
    _complete_patient(patient, resources, before, after)
    _complete_results(resources, after)
    return resources + complete_prescriptions(resources, clock)


def _read(path: str) -> list[Resource]:
    text = gzip.decompress((files("portal.seed") / "data" / path).read_bytes()).decode()
    if path.endswith(".ndjson.gz"):
        found = [json.loads(line) for line in text.splitlines()]
    else:
        found = [entry["resource"] for entry in json.loads(text)["entry"]]
    return [resource for resource in found if resource["resourceType"] in RESOURCE_TYPES]


def _linked(patient: SamplePatient, resources: list[Resource]) -> list[Resource]:
    """Ids that no other chart has, and references by type and id."""
    addresses: dict[str, str] = {}
    for resource in resources:
        old, kind = resource["id"], resource["resourceType"]
        new = old if _UUID.fullmatch(old) else f"{patient.username}-{old}"
        addresses |= {f"urn:uuid:{old}": f"{kind}/{new}", f"{kind}/{old}": f"{kind}/{new}"}
        resource["id"] = new
    return [_relinked(resource, addresses) for resource in resources]


def _relinked(value: Any, addresses: dict[str, str]) -> Any:
    """The same with literal references; a reference to what is not there becomes its display, or nothing."""
    if isinstance(value, list):
        return [kept for item in value if (kept := _relinked(item, addresses)) not in (None, {})]
    if not isinstance(value, dict):
        return value
    filled = {key: _relinked(item, addresses) for key, item in value.items()}
    target = filled.get("reference")
    if isinstance(target, str) and not target.startswith("#"):
        filled = filled | {"reference": addresses[target]} if target in addresses else _display_only(filled)
    return {key: item for key, item in filled.items() if item not in (None, [], {})}


def _display_only(reference: Resource) -> Resource:
    return {key: reference[key] for key in ("display", "identifier") if key in reference}


def _repaired(resource: Resource, days: int) -> Resource:
    resource = _plain_names(resource)
    resource.pop("text", None)
    resource.pop("implicitRules", None)
    if resource["resourceType"] == "DocumentReference":
        _repair_note(resource, days)
    for measured in (resource, *resource.get("component", [])):
        if "valueQuantity" in measured:
            measured["valueQuantity"] = _rounded(_right_unit(measured))
    return resource


def _plain_names(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _plain_names(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain_names(item, key) for item in value]
    if not isinstance(value, str):
        return value
    named = key in ("family", "given") or (key == "display" and value.startswith(_TITLES))
    return _DIGITS_IN_NAME.sub("", value) if named else value.replace(_INVISIBLE, "")


def _repair_note(note: Resource, days: int) -> None:
    note["status"] = "current"
    for content in note["content"]:
        attachment = content["attachment"]
        if attachment.get("contentType", "").startswith("text/plain") and "data" in attachment:
            text = b64decode(attachment["data"]).decode()
            plain = moved_text(_DIGITS_IN_NAME.sub("", text), days)
            attachment["data"] = b64encode(plain.encode()).decode()


def _right_unit(measured: Resource) -> Resource:
    value: Resource = measured["valueQuantity"]
    codes = [coding.get("code") for coding in measured["code"].get("coding", [])]
    if _TOTAL_PROTEIN in codes and value["unit"] == "g/dL" and value["value"] > _IMPOSSIBLE_PROTEIN:
        return value | {"value": value["value"] / 10}
    return value


def _rounded(value: Resource) -> Resource:
    number = value.get("value")
    if not isinstance(number, float):
        return value
    digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 else 2
    return value | {"value": round(number, digits) if digits else round(number)}


def _complete_patient(patient: SamplePatient, resources: list[Resource], before: date, after: date) -> None:
    person = resources[0]
    person["birthDate"] = moved_birth(person["birthDate"], before, after)
    person.setdefault("extension", []).append({"url": _TIMEZONE, "valueCode": patient.zone})
    doctor = _doctor(resources)
    if doctor:
        person.setdefault("generalPractitioner", [doctor])


def _doctor(resources: list[Resource]) -> Resource | None:
    return next((ref("Practitioner", r["id"]) for r in resources if r["resourceType"] == "Practitioner"), None)


def _complete_results(resources: list[Resource], latest: date) -> None:
    person, doctor = resources[0], _doctor(resources)
    for resource in resources:
        if resource["resourceType"] == "Observation" and _is(resource, "laboratory"):
            day = date.fromisoformat(resource.get("effectiveDateTime", latest.isoformat())[:10])
            annotate(resource, person.get("gender", "unknown"), age_on(date.fromisoformat(person["birthDate"]), day))
        if resource["resourceType"] == "DiagnosticReport" and _is(resource, "LAB"):
            reviewed = resource.get("effectiveDateTime", "") < latest.isoformat()
            if doctor and reviewed:
                resource["resultsInterpreter"] = [doctor]


def _is(resource: Resource, category: str) -> bool:
    return any(
        coding.get("code") == category for found in resource.get("category", []) for coding in found.get("coding", [])
    )
