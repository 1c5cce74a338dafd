"""Wei Zhang, 29: new to the clinic, nothing on file."""

from portal.seed.build.chart import Chart
from portal.seed.build.people import Person, add_patient

PERSON = Person("wei", "Wei", "Zhang", "male", 29, "01-30", "+1 555-555-0132", pcp=None, race=("2028-9", "Asian"))
NOTE = "New patient: an empty chart."


def build(chart: Chart) -> None:
    """Open the chart."""
    add_patient(chart, PERSON)
