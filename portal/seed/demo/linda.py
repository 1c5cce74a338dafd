"""Linda Kowalski, 81, on a flip phone: many results, a blood thinner, and three days of pills left."""

from portal.seed.build.catalog import values
from portal.seed.build.chart import Chart
from portal.seed.build.labs import Draw, add_draw
from portal.seed.build.medications import Prescription, Sig, add_prescription
from portal.seed.build.messages import Message, Thread, add_thread
from portal.seed.build.people import Person, add_patient
from portal.seed.build.record import (
    Allergy,
    Condition,
    Vaccine,
    Vitals,
    add_allergy,
    add_condition,
    add_vaccine,
    add_vitals,
)
from portal.seed.build.visits import Visit, add_visit
from portal.seed.demo import drugs

PERSON = Person(
    "linda", "Linda", "Kowalski", "female", 81, "12-02", "+1 555-555-0133", "Mrs.",
    line="5 Mill Lane", pcp="shah", race=("2106-3", "White"), phone_use="home",
)  # fmt: skip
NOTE = "81, flip phone: INR every two weeks, no known allergies, three days of digoxin left and no refills."

PRESCRIPTIONS = (
    Prescription(
        "warfarin", drugs.WARFARIN_5, Sig("Take 1 tablet by mouth every evening."), "-118d", "whitfield",
        reason="Atrial fibrillation", supply=30, amount=30, repeats=5, fills=("-118d", "-88d", "-58d", "-28d"),
    ),
    # Filled 87 days ago with 90 days' supply: exactly three days left, and no refills.
    Prescription(
        "digoxin", drugs.DIGOXIN_0125, Sig("Take 1 tablet by mouth once a day."), "-177d", "whitfield",
        reason="Atrial fibrillation", repeats=1, fills=("-177d", "-87d"),
    ),
    Prescription(
        "furosemide", drugs.FUROSEMIDE_40, Sig("Take 1 tablet by mouth every morning."), "-79d", "whitfield",
        reason="Swelling", repeats=3, fills=("-79d",),
    ),
    Prescription(
        "atorvastatin", drugs.ATORVASTATIN_20, Sig("Take 1 tablet by mouth at bedtime."), "-100d",
        reason="High cholesterol", repeats=3, fills=("-100d", "-12d"), pharmacy="riverbend-mail-pharmacy",
    ),
)  # fmt: skip

#: Every two weeks for two years, the newest 6 days ago.
_INRS = (
    2.4, 2.2, 2.9, 3.6, 2.8, 2.1, 1.7, 2.3, 2.5, 2.6, 2.4, 3.1, 2.7, 2.2, 2.0, 2.4, 2.9, 3.3, 2.6, 2.5, 2.3, 1.9, 2.2,
    2.6, 2.8, 2.4, 2.1, 2.5, 3.0, 2.7, 2.3, 2.2, 2.6, 2.9, 2.4, 1.8, 2.1, 2.5, 2.7, 3.4, 2.8, 2.4, 2.2, 2.3, 2.6, 2.5,
    2.1, 2.4, 2.8, 2.5, 2.2, 2.4,
)  # fmt: skip
_OTHER = (
    ("-20d 09:10", "bmp", (97, 26, 1.2, 45, 138, 3.4, 99, 29, 9.1)),
    ("-4mo 09:20", "bmp", (101, 24, 1.1, 50, 139, 3.7, 101, 27, 9.2)),
    ("-8mo 09:15", "bmp", (95, 23, 1.1, 50, 140, 3.9, 102, 26, 9.4)),
    ("-12mo 09:05", "bmp", (99, 22, 1.0, 56, 139, 4.0, 102, 26, 9.3)),
    ("-18mo 09:00", "bmp", (98, 21, 1.0, 57, 141, 4.1, 103, 26, 9.5)),
    ("-20d 09:10", "cbc", (6.2, 3.9, 11.6, 35.1, 90, 29.7, 33.0, 14.2, 198)),
    ("-12mo 09:05", "cbc", (6.5, 4.0, 12.1, 36.4, 91, 30.2, 33.2, 13.9, 205)),
    ("-12mo 09:05", "lipids", (164, 118, 58, 82)),
    ("-20d 09:10", "digoxin", (1.4,)),
    ("-4mo 09:20", "digoxin", (1.1,)),
    ("-8mo 09:15", "digoxin", (0.9,)),
    ("-12mo 09:05", "tsh", (2.2,)),
)
_VACCINES = (
    Vaccine("flu", "Flu shot", "140", "Influenza, seasonal, injectable, preservative free", "-39d", "FL-4470"),
    Vaccine("pneumonia", "Pneumonia (PCV20)", "216", "Pneumococcal conjugate PCV20", "-4y", "PN-1127"),
)

_MESSAGES = (
    Message("-19d 10:30", "My ankles are swollen in the evening. Is that the heart?", read="-19d 13:00"),
    Message(
        "-19d 13:20", "Your labs look steady. Keep your legs up and weigh yourself each morning.", True, "-18d 09:00"
    ),
)


def build(chart: Chart) -> None:
    """Fill Linda's chart."""
    add_patient(chart, PERSON)
    # Recorded as asked and answered, which is not the same as nothing on file.
    add_allergy(chart, Allergy("none", "No known allergies", "-3y", "716186003", "No known allergy", category=None))
    add_condition(chart, Condition("afib", "Atrial fibrillation", "49436004", "Atrial fibrillation", "-11y"))
    add_condition(chart, Condition("heart-failure", "Heart failure", "84114007", "Heart failure", "-5y"))
    for prescription in PRESCRIPTIONS:
        add_prescription(chart, prescription)
    _add_labs(chart)
    for vaccine in _VACCINES:
        add_vaccine(chart, vaccine)
    add_vitals(chart, Vitals("-20d 09:00", (124, 70), 68, 132, 61, 97.9, 95))
    add_thread(chart, Thread("swelling", "whitfield", "Swollen ankles", _MESSAGES))
    add_visit(chart, Visit("next", "+4wd 11:20", "whitfield", "INR and swelling"))


def _add_labs(chart: Chart) -> None:
    for number, inr in enumerate(_INRS):
        draw = Draw(f"-{6 + 14 * (len(_INRS) - 1 - number)}d 09:30", "inr", {"inr": inr}, reviewed_by="whitfield")
        add_draw(chart, draw)
    for when, panel, numbers in _OTHER:
        add_draw(chart, Draw(when, panel, values(panel, *numbers), reviewed_by="shah"))
