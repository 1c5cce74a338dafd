"""Wei Zhang, 29: new to the clinic, nothing on file; helps a neighbor, James."""

from portal.seed.build.chart import Chart
from portal.seed.build.family import proxy_reference
from portal.seed.build.people import Person, add_patient

PERSON = Person("wei", "Wei", "Zhang", "male", 29, "01-30", "+1 555-555-0132", pcp=None, race=("2028-9", "Asian"))
NOTE = "New patient: an empty chart. May see the visits and medicines of James, a neighbor."


def build(chart: Chart) -> None:
    """Open the chart."""
    patient = add_patient(chart, PERSON)
    patient["link"] = [{"other": proxy_reference("james", PERSON.key), "type": "seealso"}]
