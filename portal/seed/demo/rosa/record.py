"""Rosa's problems, allergies, immunizations and vital signs."""

from portal.seed.build.chart import Chart
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

CONDITIONS = (
    Condition("diabetes", "Type 2 diabetes", "44054006", "Diabetes mellitus type 2", "-12y"),
    Condition("hypertension", "High blood pressure", "38341003", "Hypertensive disorder", "-15y"),
    Condition("cholesterol", "High cholesterol", "55822004", "Hyperlipidemia", "-9y"),
    Condition("afib", "Atrial fibrillation", "49436004", "Atrial fibrillation", "-2y"),
    Condition("asthma", "Asthma", "195967001", "Asthma", "-30y"),
    Condition("hypothyroidism", "Underactive thyroid", "40930008", "Hypothyroidism", "-3y"),
    Condition("bronchitis", "Acute bronchitis", "10509002", "Acute bronchitis", "-5mo", "-4mo"),
)

ALLERGIES = (
    Allergy(
        "penicillin", "Penicillin", "-30y", "91936005", "Allergy to penicillin",
        criticality="high", reaction="Hives", severity="moderate",
    ),
    Allergy("shellfish", "Shellfish", "-8y", category="food", reaction="Swelling of the lips", severity="severe"),
)  # fmt: skip

VACCINES = (
    Vaccine("flu-1", "Flu shot", "140", "Influenza, seasonal, injectable, preservative free", "-24mo", "FL-2217"),
    Vaccine("flu-2", "Flu shot", "140", "Influenza, seasonal, injectable, preservative free", "-12mo", "FL-3190"),
    Vaccine("flu-3", "Flu shot", "140", "Influenza, seasonal, injectable, preservative free", "-33d", "FL-4471"),
    Vaccine("covid", "COVID-19", "213", "SARS-COV-2 (COVID-19) vaccine, UNSPECIFIED", "-13mo", "CV-0815"),
    Vaccine("tdap", "Tetanus, diphtheria and whooping cough (Tdap)", "115", "Tdap", "-6y", "TD-1102"),
    Vaccine("shingles-1", "Shingles (Shingrix)", "187", "zoster recombinant", "-3y", "SH-7730"),
    Vaccine("shingles-2", "Shingles (Shingrix)", "187", "zoster recombinant", "-33mo", "SH-8021"),
    Vaccine("pneumonia", "Pneumonia (PCV20)", "216", "Pneumococcal conjugate PCV20", "-2y", "PN-3345"),
    Vaccine("rsv", "RSV", "305", "RSV, bivalent, protein subunit RSVpreF", "-33d", refused="You chose to wait."),
)

VITALS = (
    Vitals("-23mo 09:00", (152, 88), 84, 181, 63.5, 98.2, 97),
    Vitals("-16mo 09:10", (146, 86), 82, 179, 63.5, 98.4, 98),
    Vitals("-11mo 09:00", (144, 84), 78, 177, 63.5, 98.1, 97),
    Vitals("-7mo 09:05", (138, 82), 76, 174, 63.5, 98.4, 98),
    Vitals("-90d 13:40", (136, 80), 88, 173),
    Vitals("-40d 14:00", (133, 79), 74, 171.5, 63.5, 98.0, 97),
)


def add_record(chart: Chart) -> None:
    """File them all."""
    for condition in CONDITIONS:
        add_condition(chart, condition)
    for allergy in ALLERGIES:
        add_allergy(chart, allergy)
    for vaccine in VACCINES:
        add_vaccine(chart, vaccine)
    for visit in VITALS:
        add_vitals(chart, visit)
