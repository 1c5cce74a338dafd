"""Appointments, and the open times that can be booked.

A video visit carries its link in the R5 backport extension `Appointment.virtualService`.
"""

from dataclasses import dataclass
from datetime import timedelta

from portal.seed.build.chart import TERMINOLOGY, Chart, Resource, coded, ref, to
from portal.seed.build.people import CLINICIANS, LOCATION, Clinician, practitioner, specialty
from portal.seed.clock import Clock

VIRTUAL_SERVICE = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment.virtualService"
_KINDS = {
    "follow-up": ("FOLLOWUP", "A follow up visit from a previous appointment"),
    "routine": ("ROUTINE", "Routine appointment - default if not valued"),
    "checkup": ("CHECKUP", "A routine check-up, such as an annual physical"),
}
#: Working days ahead for which times can be booked: three weeks.
HORIZON = 15
_TIMES = ("08:40", "09:20", "10:40", "11:20", "13:20", "14:40", "15:20", "16:40")
_LENGTH = timedelta(minutes=20)


@dataclass(frozen=True)
class Visit:
    """An appointment. `when` is local time, of a booked one in working days (`+6wd 09:20`); `video` is the link;
    `prepare` is what the patient does before."""

    key: str
    when: str
    by: str
    reason: str
    kind: str = "follow-up"
    status: str = "booked"
    minutes: int = 20
    prepare: str | None = None
    video: str | None = None


def add_visit(chart: Chart, visit: Visit) -> Resource:
    """File an appointment with one of the clinic's clinicians."""
    slot = _taken_slot(chart, visit) if visit.status == "booked" else None
    return chart.add(
        "Appointment",
        f"visit-{visit.key}",
        extension=[_virtual_service(visit.video)] if visit.video else None,
        status=visit.status,
        cancelationReason={"text": "You asked to cancel it."} if visit.status == "cancelled" else None,
        serviceType=[{"text": "Video visit" if visit.video else "Office visit"}],
        specialty=[specialty(CLINICIANS[visit.by])],
        appointmentType=coded(f"{TERMINOLOGY}/v2-0276", *_KINDS[visit.kind]),
        reasonCode=[{"text": visit.reason}],
        description=visit.reason,
        start=chart.clock.instant(visit.when),
        end=chart.clock.instant(visit.when, plus=timedelta(minutes=visit.minutes)),
        minutesDuration=visit.minutes,
        slot=[to(slot)] if slot else None,
        created=chart.clock.instant("-8mo") if visit.when.startswith("-") else chart.clock.instant("-20d 10:05"),
        patientInstruction=visit.prepare,
        participant=[_participant(actor, visit) for actor in _actors(chart, visit)],
    )


def _actors(chart: Chart, visit: Visit) -> list[Resource]:
    """Who and where: a video visit has no place."""
    people = [chart.patient, practitioner(visit.by)]
    return people if visit.video else [*people, LOCATION]


def _participant(actor: Resource, visit: Visit) -> Resource:
    return {"actor": actor, "status": "declined" if visit.status == "cancelled" else "accepted"}


def _virtual_service(url: str) -> Resource:
    return {"url": VIRTUAL_SERVICE, "extension": [{"url": "address", "valueUrl": url}]}


def _taken_slot(chart: Chart, visit: Visit) -> Resource:
    """The slot of a booked visit takes the place of the free one of the same time (see `_slot`)."""
    day, time = visit.when.removeprefix("+").split("wd ")
    slot = _slot(CLINICIANS[visit.by], chart.clock, int(day), time) | {"status": "busy"}
    chart.resources.append(slot)
    return slot


def open_times(clock: Clock) -> list[Resource]:
    """A Schedule for each clinician with free Slots on the next working days. Belongs to no chart."""
    resources = []
    for place, clinician in enumerate(CLINICIANS.values()):
        resources.append(_schedule(clinician, clock))
        for day in range(1, HORIZON + 1):
            times = _TIMES[(place + day) % 3 :: 3]
            resources += [_slot(clinician, clock, day, time) for time in times]
    return resources


def _schedule(clinician: Clinician, clock: Clock) -> Resource:
    return {
        "resourceType": "Schedule",
        "id": f"schedule-{clinician.key}",
        "active": True,
        "serviceType": [{"text": "Office visit"}, {"text": "Video visit"}],
        "specialty": [specialty(clinician)],
        "actor": [practitioner(clinician.key)],
        "planningHorizon": {
            "start": clock.instant("+1wd 00:00"),
            "end": clock.instant(f"+{HORIZON}wd 23:59"),
        },
    }


def _slot(clinician: Clinician, clock: Clock, day: int, time: str) -> Resource:
    when = f"+{day}wd {time}"
    # The late times of a day are by video only.
    kind = "Video visit" if time >= "16:00" else "Office visit"
    return {
        "resourceType": "Slot",
        "id": f"slot-{clinician.key}-{day}-{time.replace(':', '')}",
        "serviceType": [{"text": kind}],
        "specialty": [specialty(clinician)],
        "appointmentType": coded(f"{TERMINOLOGY}/v2-0276", *_KINDS["routine"]),
        "schedule": ref("Schedule", f"schedule-{clinician.key}"),
        "status": "free",
        "start": clock.instant(when),
        "end": clock.instant(when, plus=_LENGTH),
    }
