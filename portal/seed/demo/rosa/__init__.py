"""Rosa Delgado, 67: the patient who has everything."""

from portal.seed.build.chart import Chart
from portal.seed.build.family import proxy_reference
from portal.seed.build.people import Person, add_patient
from portal.seed.demo.rosa.care import add_care
from portal.seed.demo.rosa.labs import add_labs
from portal.seed.demo.rosa.medications import add_medications
from portal.seed.demo.rosa.record import add_record

PERSON = Person(
    "rosa", "Rosa", "Delgado", "female", 67, "04-18", "+1 555-555-0130", "Mrs.",
    hispanic=True, race=("2106-3", "White"),
)  # fmt: skip
NOTE = "Has everything: labs, refills of every kind, visits, messages, notes, bills, two grandchildren."
GRANDCHILDREN = ("sam", "ava")


def build(chart: Chart) -> None:
    """Fill Rosa's chart."""
    patient = add_patient(chart, PERSON)
    patient["link"] = [{"other": proxy_reference(child, PERSON.key), "type": "seealso"} for child in GRANDCHILDREN]
    add_medications(chart)
    add_labs(chart)
    add_record(chart)
    add_care(chart)
