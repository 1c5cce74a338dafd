"""Rosa Delgado, 67: the patient who has everything."""

from portal.seed.build.chart import Chart
from portal.seed.build.people import Person, add_patient
from portal.seed.demo.rosa.labs import add_labs
from portal.seed.demo.rosa.medications import add_medications

PERSON = Person(
    "rosa", "Rosa", "Delgado", "female", 67, "04-18", "+1 555-555-0130", "Mrs.",
    hispanic=True, race=("2106-3", "White"),
)  # fmt: skip


def build(chart: Chart) -> None:
    """Fill Rosa's chart."""
    add_patient(chart, PERSON)
    add_medications(chart)
    add_labs(chart)
