"""Patients, clinicians, clinics and pharmacies. All invented; telephone numbers are of the fictional 555-01xx."""

from dataclasses import dataclass

from portal.seed.build.chart import TERMINOLOGY, US_CORE, Chart, Resource, coded, concept, ref

_NUCC = "http://nucc.org/provider-taxonomy"
_TIMEZONE = "http://hl7.org/fhir/StructureDefinition/timezone"
_IDENTIFIERS = "urn:chartline:demo"


@dataclass(frozen=True)
class Clinician:
    """`specialty` in the clinic's words, `taxonomy` its NUCC code."""

    key: str
    given: str
    family: str
    gender: str
    specialty: str
    taxonomy: str
    phone: str

    @property
    def display(self) -> str:
        """As patients know them: `Dr. Priya Shah`."""
        return f"Dr. {self.given} {self.family}"


@dataclass(frozen=True)
class Place:
    """A clinic, a pharmacy or a laboratory. `kind` is a code of HL7's organization-type and its display."""

    key: str
    name: str
    phone: str
    line: str
    city: str = "Rochester"
    state: str = "NY"
    zip: str = "14604"
    kind: tuple[str, str] = ("prov", "Healthcare Provider")


@dataclass(frozen=True)
class Person:
    """A demo patient. `zone` is where the patient lives, for the times that the assistant speaks of."""

    key: str
    given: str
    family: str
    gender: str
    age: int
    birthday: str
    phone: str
    prefix: str | None = None
    zone: str = "America/New_York"
    line: str = "27 Alder Street"
    city: str = "Rochester"
    state: str = "NY"
    zip: str = "14604"
    language: tuple[str, str] = ("en-US", "English (United States)")
    pcp: str | None = "shah"
    race: tuple[str, str] | None = None
    hispanic: bool = False
    phone_use: str = "mobile"

    @property
    def identifier(self) -> Resource:
        """The clinic's medical record number."""
        return {"system": f"{_IDENTIFIERS}:mrn", "value": f"RB-{self.key.upper()}"}


CLINICIANS = {
    person.key: person
    for person in (
        Clinician("shah", "Priya", "Shah", "female", "Internal Medicine", "207R00000X", "+1 555-555-0101"),
        Clinician("whitfield", "Alan", "Whitfield", "male", "Cardiology", "207RC0000X", "+1 555-555-0102"),
        Clinician("chen", "Mei", "Chen", "female", "Endocrinology", "207RE0101X", "+1 555-555-0103"),
        Clinician("brooks", "Hannah", "Brooks", "female", "Pediatrics", "208000000X", "+1 555-555-0104"),
    )
}

PLACES = {
    place.key: place
    for place in (
        Place("riverbend-clinic", "Riverbend Clinic", "+1 555-555-0100", "400 Riverbend Drive"),
        Place("riverbend-lab", "Riverbend Clinic Laboratory", "+1 555-555-0105", "400 Riverbend Drive"),
        Place("corner-pharmacy", "Corner Pharmacy", "+1 555-555-0110", "12 Main St"),
        Place("riverbend-mail-pharmacy", "Riverbend Mail Pharmacy", "+1 555-555-0111", "PO Box 88"),
        Place("lakeside-endocrine", "Lakeside Endocrine Center", "+1 555-555-0120", "9 Lakeside Avenue", "Webster"),
    )
}

LAB = ref("Organization", "riverbend-lab", "Riverbend Clinic Laboratory")
CLINIC = ref("Organization", "riverbend-clinic", "Riverbend Clinic")
LOCATION = ref("Location", "riverbend-clinic", "Riverbend Clinic")


def practitioner(key: str) -> Resource:
    """Reference to one of the clinic's clinicians."""
    return ref("Practitioner", f"dr-{key}", CLINICIANS[key].display)


def specialty(person: Clinician) -> Resource:
    """A clinician's specialty by NUCC's provider taxonomy."""
    return concept(person.specialty, _NUCC, person.taxonomy)


def organization(key: str) -> Resource:
    """Reference to a clinic, pharmacy or laboratory."""
    return ref("Organization", key, PLACES[key].name)


def directory() -> list[Resource]:
    """All clinicians with their roles, and all places: what belongs to no chart."""
    clinicians = [build(person) for person in CLINICIANS.values() for build in (_clinician, _role)]
    return [*clinicians, *(_place(place) for place in PLACES.values()), _clinic_location()]


def add_patient(chart: Chart, person: Person) -> Resource:
    """Open the chart with its US Core Patient."""
    patient = {
        "resourceType": "Patient",
        "id": chart.key,
        "meta": {"profile": [f"{US_CORE}/us-core-patient"]},
        "extension": [*_demographics(person), {"url": _TIMEZONE, "valueCode": person.zone}],
        "identifier": [person.identifier],
        "active": True,
        "name": [_name(person.given, person.family, person.prefix)],
        "telecom": [{"system": "phone", "value": person.phone, "use": person.phone_use}],
        "gender": person.gender,
        "birthDate": _birth_date(chart, person),
        "address": [_address(person.line, person.city, person.state, person.zip) | {"use": "home"}],
        "communication": [_language(*person.language)],
        "managingOrganization": CLINIC,
    }
    chart.resources.append(patient | ({"generalPractitioner": [practitioner(person.pcp)]} if person.pcp else {}))
    return chart.resources[-1]


def _birth_date(chart: Chart, person: Person) -> str:
    """The last birthday that makes the patient `age` years old today."""
    today = chart.clock.now.date()
    had_birthday = person.birthday <= f"{today:%m-%d}"
    return f"{today.year - person.age - (0 if had_birthday else 1)}-{person.birthday}"


def _demographics(person: Person) -> list[Resource]:
    race = [_omb("race", *person.race)] if person.race else []
    return [*race, _omb("ethnicity", "2135-2", "Hispanic or Latino")] if person.hispanic else race


def _omb(kind: str, code: str, display: str) -> Resource:
    coding = {"system": "urn:oid:2.16.840.1.113883.6.238", "code": code, "display": display}
    parts = [{"url": "ombCategory", "valueCoding": coding}, {"url": "text", "valueString": display}]
    return {"url": f"{US_CORE}/us-core-{kind}", "extension": parts}


def _language(code: str, display: str) -> Resource:
    return {"language": coded("urn:ietf:bcp:47", code, display), "preferred": True}


def _name(given: str, family: str, prefix: str | None = None) -> Resource:
    name: Resource = {"use": "official", "family": family, "given": [given]}
    return name | ({"prefix": [prefix]} if prefix else {})


def _address(line: str, city: str, state: str, zip_code: str) -> Resource:
    return {"line": [line], "city": city, "state": state, "postalCode": zip_code, "country": "US"}


def _clinician(person: Clinician) -> Resource:
    return {
        "resourceType": "Practitioner",
        "id": f"dr-{person.key}",
        "meta": {"profile": [f"{US_CORE}/us-core-practitioner"]},
        "identifier": [{"system": f"{_IDENTIFIERS}:clinician", "value": person.key}],
        "active": True,
        "name": [_name(person.given, person.family, "Dr.") | {"suffix": ["MD"]}],
        "telecom": [{"system": "phone", "value": person.phone, "use": "work"}],
        "gender": person.gender,
        "qualification": [{"code": specialty(person), "issuer": CLINIC}],
    }


def _role(person: Clinician) -> Resource:
    return {
        "resourceType": "PractitionerRole",
        "id": f"role-{person.key}",
        "meta": {"profile": [f"{US_CORE}/us-core-practitionerrole"]},
        "active": True,
        "practitioner": practitioner(person.key),
        "organization": CLINIC,
        "specialty": [specialty(person)],
        "location": [LOCATION],
        "telecom": [{"system": "phone", "value": person.phone, "use": "work"}],
    }


def _clinic_location() -> Resource:
    clinic = PLACES["riverbend-clinic"]
    return {
        "resourceType": "Location",
        "id": "riverbend-clinic",
        "meta": {"profile": [f"{US_CORE}/us-core-location"]},
        "status": "active",
        "name": clinic.name,
        "telecom": [{"system": "phone", "value": clinic.phone, "use": "work"}],
        "address": _address(clinic.line, clinic.city, clinic.state, clinic.zip),
        "managingOrganization": CLINIC,
    }


def _place(place: Place) -> Resource:
    return {
        "resourceType": "Organization",
        "id": place.key,
        "meta": {"profile": [f"{US_CORE}/us-core-organization"]},
        "identifier": [{"system": f"{_IDENTIFIERS}:place", "value": place.key}],
        "active": True,
        "type": [coded(f"{TERMINOLOGY}/organization-type", *place.kind)],
        "name": place.name,
        "telecom": [{"system": "phone", "value": place.phone, "use": "work"}],
        "address": [_address(place.line, place.city, place.state, place.zip)],
    }
