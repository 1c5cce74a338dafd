"""Samuel, 9, and Ava, 15: Rosa's grandchildren, whose charts she may open, Ava's only in part."""

from portal.seed.build.chart import Chart
from portal.seed.build.family import Proxy, add_proxy
from portal.seed.build.labs import Draw, add_draw
from portal.seed.build.medications import Prescription, Sig, add_prescription
from portal.seed.build.people import Person, add_patient
from portal.seed.build.record import Allergy, Condition, Vaccine, add_allergy, add_condition, add_vaccine
from portal.seed.build.visits import Visit, add_visit
from portal.seed.demo import drugs, rosa

SAM = Person(
    "sam", "Samuel", "Delgado", "male", 9, "06-21", "+1 555-555-0130", pcp="brooks",
    hispanic=True, race=("2106-3", "White"),
)  # fmt: skip
AVA = Person(
    "ava", "Ava", "Delgado", "female", 15, "02-11", "+1 555-555-0130", pcp="brooks",
    hispanic=True, race=("2106-3", "White"),
)  # fmt: skip
SAM_NOTE = "Rosa's grandson, 9: Rosa may see his whole chart."
AVA_NOTE = "Rosa's granddaughter, 15: Rosa may see her visits, vaccines and allergies only."

_GRANDMOTHER = ("GRMTH", "grandmother")


def build_sam(chart: Chart) -> None:
    """Fill Samuel's chart."""
    add_patient(chart, SAM)
    add_proxy(chart, Proxy(rosa.PERSON, _GRANDMOTHER, "-3y"))
    add_allergy(chart, Allergy("peanut", "Peanuts", "-6y", category="food", reaction="Hives", severity="moderate"))
    add_condition(chart, Condition("asthma", "Asthma", "195967001", "Asthma", "-4y"), "brooks")
    inhaler = Sig("Inhale 2 puffs every 4 to 6 hours as needed for wheezing.", dose=2, times=4, as_needed=True)
    add_prescription(
        chart,
        Prescription(
            "albuterol", drugs.ALBUTEROL, inhaler, "-150d", "brooks", "Asthma", supply=30, amount=200, repeats=2,
            fills=("-150d",),
        ),
    )  # fmt: skip
    add_vaccine(chart, Vaccine("mmr-2", "Measles, mumps and rubella (MMR)", "03", "MMR", "-5y", "MM-2201"))
    add_vaccine(chart, Vaccine("dtap-5", "Diphtheria, tetanus, whooping cough (DTaP)", "20", "DTaP", "-5y", "DT-0912"))
    add_vaccine(chart, Vaccine("varicella-2", "Chickenpox", "21", "varicella", "-5y", "VA-1174"))
    add_draw(chart, Draw("-6mo 10:00", "hemoglobin", {"hemoglobin": 12.4}, reviewed_by="brooks"))
    add_visit(chart, Visit("next", "+8wd 15:20", "brooks", "Asthma check and flu shot"))


def build_ava(chart: Chart) -> None:
    """Fill Ava's chart."""
    add_patient(chart, AVA)
    shared = ("Appointment", "Immunization", "AllergyIntolerance")
    add_proxy(chart, Proxy(rosa.PERSON, _GRANDMOTHER, "-2y", shared))
    add_vaccine(chart, Vaccine("hpv-2", "HPV", "165", "HPV9", "-2y", "HP-3301"))
    add_vaccine(chart, Vaccine("tdap", "Tetanus and whooping cough (Tdap)", "115", "Tdap", "-4y", "TD-2090"))
    add_draw(chart, Draw("-3mo 15:30", "hemoglobin", {"hemoglobin": 11.2}, reviewed_by="brooks"))
    add_condition(chart, Condition("anemia", "Low iron", "87522002", "Iron deficiency anemia", "-3mo"), "brooks")
    add_visit(chart, Visit("next", "+12wd 16:40", "brooks", "Yearly check-up", "checkup"))
