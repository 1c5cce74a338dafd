"""The demo patients by user name: how each chart is filled, and what it is good for."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from portal.seed.build.chart import Chart, Resource
from portal.seed.build.people import Person
from portal.seed.clock import Clock
from portal.seed.demo import grandchildren, james, linda, rosa, wei


@dataclass(frozen=True)
class DemoPatient:
    """`note` says on the sign-in page what the chart is good for."""

    person: Person
    build: Callable[[Chart], None]
    note: str

    def chart(self, now: datetime, fhir_url: str) -> list[Resource]:
        """The whole chart, as of `now`, on the server at `fhir_url`."""
        person = self.person
        chart = Chart(person.key, Clock(now, person.zone), person.gender, person.age, fhir_url)
        self.build(chart)
        return chart.resources


DEMO_PATIENTS = (
    DemoPatient(rosa.PERSON, rosa.build, rosa.NOTE),
    DemoPatient(james.PERSON, james.build, james.NOTE),
    DemoPatient(linda.PERSON, linda.build, linda.NOTE),
    DemoPatient(wei.PERSON, wei.build, wei.NOTE),
    DemoPatient(grandchildren.SAM, grandchildren.build_sam, grandchildren.SAM_NOTE),
    DemoPatient(grandchildren.AVA, grandchildren.build_ava, grandchildren.AVA_NOTE),
)
