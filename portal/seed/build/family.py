"""Who may open someone else's chart: a RelatedPerson and a Consent in that chart.

The RelatedPerson and the helper's own Patient carry the same identifier (medical record number); the helper's Patient
also links to it (`Patient.link`, type `seealso`).
"""

from dataclasses import dataclass

from portal.seed.build.chart import TERMINOLOGY, US_CORE, Chart, Resource, coded, concept, ref, to
from portal.seed.build.people import CLINIC, Person


@dataclass(frozen=True)
class Proxy:
    """`relationship` is a code of HL7 v3 RoleCode with its display. No `classes` means the whole chart.

    `chosen` says that the patient, an adult, gave the consent; otherwise the helper did, for a child.
    """

    person: Person
    relationship: tuple[str, str]
    since: str
    classes: tuple[str, ...] = ()
    chosen: bool = False


def proxy_reference(chart_key: str, proxy_key: str) -> Resource:
    """Reference to the RelatedPerson that stands for a helper in another's chart."""
    return ref("RelatedPerson", f"{chart_key}-proxy-{proxy_key}")


def add_proxy(chart: Chart, proxy: Proxy) -> Resource:
    """Let a helper open this chart; returns the Consent."""
    person = proxy.person
    related = chart.add(
        "RelatedPerson",
        f"proxy-{person.key}",
        meta={"profile": [f"{US_CORE}/us-core-relatedperson"]},
        identifier=[person.identifier],
        active=True,
        patient=chart.patient,
        relationship=[concept(proxy.relationship[1].capitalize(), f"{TERMINOLOGY}/v3-RoleCode", *proxy.relationship)],
        name=[{"use": "official", "family": person.family, "given": [person.given]}],
        telecom=[{"system": "phone", "value": person.phone}],
        gender=person.gender,
    )
    return chart.add(
        "Consent",
        f"proxy-{person.key}-consent",
        status="active",
        scope=coded(f"{TERMINOLOGY}/consentscope", "patient-privacy", "Privacy Consent"),
        category=[coded(f"{TERMINOLOGY}/v3-ActCode", "INFA", "information access")],
        patient=chart.patient,
        dateTime=chart.clock.instant(proxy.since),
        performer=[chart.patient if proxy.chosen else to(related)],
        organization=[CLINIC],
        policyRule=coded(f"{TERMINOLOGY}/v3-ActCode", "OPTIN", "opt-in"),
        provision=_provision(chart, proxy, related),
    )


def _provision(chart: Chart, proxy: Proxy, related: Resource) -> Resource:
    grantee = coded(f"{TERMINOLOGY}/v3-ParticipationType", "IRCP", "information recipient")
    provision: Resource = {
        "type": "permit",
        "period": {"start": chart.clock.day(proxy.since)},
        "actor": [{"role": grantee, "reference": to(related)}],
        "action": [coded(f"{TERMINOLOGY}/consentaction", "access", "Access")],
    }
    classes = [{"system": "http://hl7.org/fhir/resource-types", "code": name} for name in proxy.classes]
    return provision | ({"class": classes} if classes else {})
