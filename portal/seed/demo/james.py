"""James Okafor, 54: critical results, two water pills, and a neighbor whom he chose to help him."""

from portal.seed.build.catalog import values
from portal.seed.build.chart import Chart
from portal.seed.build.family import Proxy, add_proxy
from portal.seed.build.labs import Draw, add_draw
from portal.seed.build.medications import Halt, Prescription, Sig, add_prescription
from portal.seed.build.people import Person, add_patient
from portal.seed.build.record import Condition, Vitals, add_condition, add_vitals
from portal.seed.build.visits import Visit, add_visit
from portal.seed.demo import drugs, wei

PERSON = Person(
    "james", "James", "Okafor", "male", 54, "09-05", "+1 555-555-0131", "Mr.",
    line="81 Ferry Road", race=("2054-5", "Black or African American"),
)  # fmt: skip
NOTE = "A critical potassium that nobody has seen yet; two water pills. Wei may see his visits and medicines."

_DAILY = Sig("Take 1 tablet by mouth once a day.")

PRESCRIPTIONS = (
    Prescription(
        "lisinopril-20", drugs.LISINOPRIL_20, _DAILY, "-80d", "whitfield", reason="Heart failure",
        repeats=3, fills=("-80d",),
    ),
    Prescription(
        "lisinopril-10", drugs.LISINOPRIL_10, _DAILY, "-14mo", "whitfield", reason="High blood pressure",
        status="stopped", repeats=3, fills=("-14mo", "-335d", "-245d", "-155d"), until="-2mo",
        halt=Halt("-80d 11:10", "whitfield", "Dose raised to 20 mg"),
    ),
    Prescription(
        "spironolactone", drugs.SPIRONOLACTONE_25, _DAILY, "-170d", "whitfield", reason="Heart failure",
        repeats=3, fills=("-170d", "-81d"),
    ),
    Prescription(
        "furosemide", drugs.FUROSEMIDE_40, Sig("Take 1 tablet by mouth every morning."), "-115d", "whitfield",
        reason="Swelling", supply=30, amount=30, repeats=5, fills=("-115d", "-86d", "-57d", "-28d"),
    ),
)  # fmt: skip

#: Wei drives him to his visits and picks up his pills.
HELPER = Proxy(
    wei.PERSON, ("NBOR", "neighbor"), "-5mo", ("Appointment", "MedicationRequest", "MedicationDispense", "Task"),
    chosen=True,
)  # fmt: skip

DRAWS = (
    Draw("-8mo 09:00", "bmp", values("bmp", 104, 18, 1.2, 71, 139, 4.7, 103, 25, 9.3), reviewed_by="whitfield"),
    # Critical, and a clinician has seen it.
    Draw("-31d 10:20", "glucose", {"glucose": 498}, reviewed_by="shah"),
    # Critical, and nobody has.
    Draw("-1d 15:10", "bmp", values("bmp", 112, 34, 1.9, 41, 136, 6.8, 104, 19, 9.0)),
    Draw("-31d 10:20", "a1c", {"a1c": 6.1}, reviewed_by="shah"),
    Draw("-31d 10:20", "bnp", {"bnp": 312}, reviewed_by="whitfield"),
)

CONDITIONS = (
    Condition("heart-failure", "Heart failure", "84114007", "Heart failure", "-2y"),
    Condition("hypertension", "High blood pressure", "38341003", "Hypertensive disorder", "-9y"),
)


def build(chart: Chart) -> None:
    """Fill James's chart."""
    add_patient(chart, PERSON)
    add_proxy(chart, HELPER)
    for condition in CONDITIONS:
        add_condition(chart, condition)
    for prescription in PRESCRIPTIONS:
        add_prescription(chart, prescription)
    for draw in DRAWS:
        add_draw(chart, draw)
    add_vitals(chart, Vitals("-31d 10:15", (128, 76), 72, 214, 71, 98.3, 96))
    add_visit(chart, Visit("next", "+3wd 10:40", "whitfield", "Heart failure follow-up"))
