"""Requests that the patient has made before: Tasks as the assistant writes them (see docs/architecture.md)."""

from portal.seed.build.chart import Chart, Resource, concept, to
from portal.seed.build.people import CLINIC

_INPUT = "urn:chartline:task-input"


def add_refill_task(
    chart: Chart, request: Resource, when: str, *, status: str = "requested", business_status: str | None = None
) -> Resource:
    """A refill of a prescription asked for at `when`."""
    slug = f"task-{request['id'].removeprefix(f'{chart.key}-')}"
    pharmacy = request["dispenseRequest"]["performer"]
    return chart.add(
        "Task",
        slug,
        identifier=[{"system": "urn:chartline:request", "value": f"demo-{chart.key}-{slug}"}],
        status=status,
        businessStatus={"text": business_status} if business_status else None,
        intent="order",
        priority="routine",
        code=concept("Refill", "http://hl7.org/fhir/CodeSystem/task-code", "fulfill", "Fulfill the focal request"),
        focus=to(request, request["medicationCodeableConcept"]["text"]),
        **{"for": chart.patient},
        authoredOn=chart.clock.instant(when),
        lastModified=chart.clock.instant(when),
        requester=chart.patient,
        owner=CLINIC,
        input=[{"type": concept("Pharmacy", _INPUT, "pharmacy"), "valueReference": pharmacy}],
    )
