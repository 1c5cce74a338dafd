"""The one table of what the portal stores and how it is found.

The router, the search index, access control, the CapabilityStatement and the OpenAPI page are all made from it.
Names, types and paths are those of FHIR R4 (http://hl7.org/fhir/R4/searchparameter-registry.html), chosen for
what US Core asks for and the assistant needs.
"""

from __future__ import annotations

from dataclasses import dataclass

TOKEN, REFERENCE, STRING, DATE = "token", "reference", "string", "date"
SELF = "id"
#: No element names the patient: the resource is in the chart of the patient who made it.
CREATOR = "creator"


@dataclass(frozen=True)
class Param:
    """A search parameter: where its values lie in the resource, and what they are."""

    name: str
    kind: str
    paths: tuple[str, ...]
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResourceType:
    """A type that the portal serves.

    ``compartment`` are the paths that may name the patient whose chart a resource is in, in this order; a type
    without any is ``shared``: every patient may read it. ``sort_date`` is the parameter that its search is laid
    out for. ``patient_may`` are the interactions open to a patient, as letters of ``cruds``.
    """

    name: str
    params: dict[str, Param]
    compartment: tuple[str, ...] = ()
    sort_date: str = "_lastUpdated"
    patient_may: str = "rs"

    @property
    def shared(self) -> bool:
        return not self.compartment

    @property
    def includes(self) -> dict[str, Param]:
        """The reference parameters: what ``_include`` can follow."""
        return {name: param for name, param in self.params.items() if param.kind == REFERENCE}


def token(name: str, *paths: str) -> Param:
    return Param(name, TOKEN, paths or (name,))


def string(name: str, *paths: str) -> Param:
    return Param(name, STRING, paths or (name,))


def date(name: str, *paths: str) -> Param:
    return Param(name, DATE, paths or (name,))


def reference(name: str, *paths: str, to: str = "") -> Param:
    return Param(name, REFERENCE, paths or (name,), tuple(to.split()))


def _type(name: str, *params: Param, chart: str = "", sort: str = "_lastUpdated", may: str = "rs") -> ResourceType:
    common = (token("_tag", "meta.tag"), date("_lastUpdated", "meta.lastUpdated"))
    return ResourceType(name, {p.name: p for p in (*params, *common)}, tuple(chart.split()), sort, may)


PEOPLE = "Patient Practitioner PractitionerRole Organization RelatedPerson"
STAFF = "Practitioner PractitionerRole Organization"
IDENTIFIER = token("identifier")
STATUS = token("status")
ACTIVE = token("active")
CODE = token("code")
CATEGORY = token("category")
TYPE = token("type")
TELECOM = token("telecom")
ENCOUNTER = reference("encounter", to="Encounter")
PATIENT = reference("patient", "subject", to="Patient")
SUBJECT = reference("subject", to="Patient")
OWN_PATIENT = reference("patient", to="Patient")
PERSON_NAME = (string("name", "name"), string("family", "name.family"), string("given", "name.given"))

_TYPES = (
    _type(
        "Patient", IDENTIFIER, ACTIVE, *PERSON_NAME, token("gender"), TELECOM, string("address"),
        date("birthdate", "birthDate"), reference("general-practitioner", "generalPractitioner", to=STAFF),
        reference("organization", "managingOrganization", to="Organization"), chart=SELF,
    ),
    _type("Practitioner", IDENTIFIER, ACTIVE, *PERSON_NAME, TELECOM),
    _type(
        "PractitionerRole", IDENTIFIER, ACTIVE, token("role", "code"), token("specialty"),
        reference("practitioner", to="Practitioner"), reference("organization", to="Organization"),
        reference("location", to="Location"),
    ),
    _type(
        "Organization", IDENTIFIER, ACTIVE, TYPE, string("name", "name", "alias"), string("address"),
        reference("partof", "partOf", to="Organization"),
    ),
    _type(
        "Location", IDENTIFIER, STATUS, TYPE, string("name", "name", "alias"), string("address"),
        reference("organization", "managingOrganization", to="Organization"),
        reference("partof", "partOf", to="Location"),
    ),
    _type(
        "Encounter", IDENTIFIER, STATUS, token("class"), TYPE, PATIENT, SUBJECT, date("date", "period"),
        token("reason-code", "reasonCode"), reference("appointment", to="Appointment"),
        reference("participant", "participant.individual", to="Practitioner PractitionerRole RelatedPerson"),
        reference("location", "location.location", to="Location"),
        reference("service-provider", "serviceProvider", to="Organization"), chart="subject", sort="date",
    ),
    _type(
        "Observation", IDENTIFIER, STATUS, CATEGORY, CODE, PATIENT, SUBJECT, ENCOUNTER,
        date("date", "effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming"),
        token("value-concept", "valueCodeableConcept"),
        token("combo-code", "code", "component.code"), reference("performer", to=PEOPLE),
        reference("based-on", "basedOn", to="MedicationRequest"),
        reference("has-member", "hasMember", to="Observation"),
        reference("derived-from", "derivedFrom", to="Observation DocumentReference"), chart="subject", sort="date",
    ),
    _type(
        "DiagnosticReport", IDENTIFIER, STATUS, CATEGORY, CODE, PATIENT, SUBJECT, ENCOUNTER,
        date("date", "effectiveDateTime", "effectivePeriod"), date("issued"),
        reference("result", to="Observation"), reference("performer", to=STAFF),
        reference("results-interpreter", "resultsInterpreter", to=STAFF), chart="subject", sort="date",
    ),
    _type("Medication", IDENTIFIER, STATUS, CODE, token("form")),
    _type(
        "MedicationRequest", IDENTIFIER, STATUS, token("intent"), CATEGORY, token("priority"), PATIENT, SUBJECT,
        ENCOUNTER, token("code", "medicationCodeableConcept"), date("authoredon", "authoredOn"),
        reference("medication", "medicationReference", to="Medication"),
        reference("requester", to=PEOPLE), reference("intended-performer", "performer", to=PEOPLE),
        reference("intended-dispenser", "dispenseRequest.performer", to="Organization"),
        chart="subject", sort="authoredon",
    ),
    _type(
        "MedicationDispense", IDENTIFIER, STATUS, TYPE, PATIENT, SUBJECT, token("code", "medicationCodeableConcept"),
        date("whenhandedover", "whenHandedOver"), date("whenprepared", "whenPrepared"),
        reference("medication", "medicationReference", to="Medication"),
        reference("prescription", "authorizingPrescription", to="MedicationRequest"),
        reference("performer", "performer.actor", to=PEOPLE), reference("context", to="Encounter"),
        chart="subject", sort="whenhandedover",
    ),
    _type(
        "Task", IDENTIFIER, STATUS, CODE, token("intent"), token("priority"),
        token("business-status", "businessStatus"), token("group-identifier", "groupIdentifier"),
        reference("patient", "for", to="Patient"), reference("subject", "for", to="Patient"),
        date("authored-on", "authoredOn"), date("modified", "lastModified"),
        reference("focus", to="MedicationRequest Appointment Communication DocumentReference Invoice Task"),
        reference("requester", to=PEOPLE), reference("owner", to=PEOPLE),
        reference("based-on", "basedOn", to="MedicationRequest"), reference("part-of", "partOf", to="Task"), ENCOUNTER,
        chart="for", sort="authored-on", may="crus",
    ),
    _type(
        "Communication", IDENTIFIER, STATUS, CATEGORY, token("medium"), PATIENT, SUBJECT, ENCOUNTER,
        date("sent"), date("received"), reference("sender", to=PEOPLE), reference("recipient", to=PEOPLE),
        reference("part-of", "partOf", to="Communication"),
        reference("based-on", "basedOn", to="Communication MedicationRequest Task"),
        chart="subject recipient sender", sort="sent", may="crus",
    ),
    _type(
        "DocumentReference", IDENTIFIER, STATUS, TYPE, CATEGORY, PATIENT, SUBJECT, date("date"),
        date("period", "context.period"), token("contenttype", "content.attachment.contentType"),
        token("security-label", "securityLabel"), reference("author", to=PEOPLE),
        reference("authenticator", to=STAFF), reference("custodian", to="Organization"),
        reference("encounter", "context.encounter", to="Encounter"),
        reference("relatesto", "relatesTo.target", to="DocumentReference"), chart="subject", sort="date", may="crus",
    ),
    _type("Binary", chart="securityContext", may="crus"),
    _type(
        "Appointment", IDENTIFIER, STATUS, date("date", "start"), token("service-type", "serviceType"),
        token("service-category", "serviceCategory"), token("specialty"), token("reason-code", "reasonCode"),
        token("appointment-type", "appointmentType"), token("part-status", "participant.status"),
        reference("patient", "participant.actor", to="Patient"),
        reference("actor", "participant.actor", to="Patient Practitioner PractitionerRole RelatedPerson Location"),
        reference("practitioner", "participant.actor", to="Practitioner"),
        reference("location", "participant.actor", to="Location"), reference("slot", to="Slot"),
        chart="participant.actor", sort="date", may="crus",
    ),
    _type(
        "Slot", IDENTIFIER, STATUS, date("start"), reference("schedule", to="Schedule"),
        token("service-type", "serviceType"), token("service-category", "serviceCategory"), token("specialty"),
        token("appointment-type", "appointmentType"), sort="start",
    ),
    _type(
        "Schedule", IDENTIFIER, ACTIVE, date("date", "planningHorizon"),
        reference("actor", to="Practitioner PractitionerRole Location"), token("service-type", "serviceType"),
        token("service-category", "serviceCategory"), token("specialty"),
    ),
    _type(
        "Account", IDENTIFIER, STATUS, TYPE, string("name"), PATIENT, SUBJECT, date("period", "servicePeriod"),
        reference("owner", to="Organization"), chart="subject",
    ),
    _type(
        "Invoice", IDENTIFIER, STATUS, TYPE, PATIENT, SUBJECT, date("date"), reference("account", to="Account"),
        reference("issuer", to="Organization"), reference("recipient", to=PEOPLE),
        reference("participant", "participant.actor", to=PEOPLE), chart="subject recipient", sort="date",
    ),
    _type(
        "AllergyIntolerance", IDENTIFIER, token("clinical-status", "clinicalStatus"),
        token("verification-status", "verificationStatus"), TYPE, CATEGORY, token("criticality"),
        token("code", "code", "reaction.substance"), OWN_PATIENT, date("date", "recordedDate"),
        date("last-date", "lastOccurrence"), reference("recorder", to=PEOPLE), reference("asserter", to=PEOPLE),
        chart="patient", sort="date",
    ),
    _type(
        "Condition", IDENTIFIER, token("clinical-status", "clinicalStatus"),
        token("verification-status", "verificationStatus"), CATEGORY, CODE, token("severity"), PATIENT, SUBJECT,
        ENCOUNTER, date("onset-date", "onsetDateTime", "onsetPeriod"), date("recorded-date", "recordedDate"),
        date("abatement-date", "abatementDateTime", "abatementPeriod"), reference("asserter", to=PEOPLE),
        chart="subject", sort="onset-date",
    ),
    _type(
        "Immunization", IDENTIFIER, STATUS, token("vaccine-code", "vaccineCode"), OWN_PATIENT,
        date("date", "occurrenceDateTime"), string("lot-number", "lotNumber"), reference("location", to="Location"),
        reference("performer", "performer.actor", to=STAFF), chart="patient", sort="date",
    ),
    _type(
        "RelatedPerson", IDENTIFIER, ACTIVE, token("relationship"), string("name"), TELECOM,
        date("birthdate", "birthDate"), OWN_PATIENT, chart="patient",
    ),
    _type(
        "Consent", IDENTIFIER, STATUS, token("scope"), CATEGORY, OWN_PATIENT, date("date", "dateTime"),
        date("period", "provision.period"), token("action", "provision.action"),
        reference("actor", "provision.actor.reference", to=PEOPLE), reference("consentor", "performer", to=PEOPLE),
        reference("organization", to="Organization"), chart="patient", sort="date", may="crus",
    ),
    _type(
        "AuditEvent", TYPE, token("subtype"), token("action"), token("outcome"), date("date", "recorded"),
        reference("patient", "agent.who", "entity.what", to="Patient"), reference("agent", "agent.who", to=PEOPLE),
        reference("entity", "entity.what"), chart="entity.what agent.who", sort="date", may="c",
    ),
    _type(
        "Subscription", STATUS, token("type", "channel.type"), token("contact"), string("criteria"),
        chart=CREATOR, may="crus",
    ),
    _type(
        "Procedure", IDENTIFIER, STATUS, CATEGORY, CODE, PATIENT, SUBJECT, ENCOUNTER,
        date("date", "performedDateTime", "performedPeriod"), reference("performer", "performer.actor", to=PEOPLE),
        reference("based-on", "basedOn", to="MedicationRequest"), reference("location", to="Location"),
        chart="subject", sort="date",
    ),
)  # fmt: skip

#: Every type that the portal serves, by name.
RESOURCE_TYPES: dict[str, ResourceType] = {found.name: found for found in _TYPES}
#: Parameters that name the patient of a chart.
CHART_PARAMS = frozenset({"patient", "subject"})
