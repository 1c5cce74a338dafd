"""The laboratory tests and panels that the demo charts use, by LOINC, named as portals name them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LabTest:
    """`name` is what the patient reads, `display` LOINC's long common name, `ucum` where it differs from `unit`."""

    loinc: str
    name: str
    display: str
    unit: str = ""
    ucum: str = ""


@dataclass(frozen=True)
class Panel:
    """What was ordered together; a single test is a panel of one."""

    loinc: str
    name: str
    display: str


_BY_ANALYZER = "by Automated count"
_SERUM = "in Serum or Plasma"
_EGFR_UNIT = "mL/min/1.73 m²"
_EGFR_UCUM = "mL/min/{1.73_m2}"

TESTS = {
    "a1c": LabTest("4548-4", "Hemoglobin A1c", "Hemoglobin A1c/Hemoglobin.total in Blood", "%"),
    "glucose": LabTest("2345-7", "Glucose", f"Glucose [Mass/volume] {_SERUM}", "mg/dL"),
    "fingerstick": LabTest(
        "41653-7", "Glucose, fingerstick", "Glucose [Mass/volume] in Capillary blood by Glucometer", "mg/dL"
    ),
    "bun": LabTest("3094-0", "Urea nitrogen (BUN)", f"Urea nitrogen [Mass/volume] {_SERUM}", "mg/dL"),
    "creatinine": LabTest("2160-0", "Creatinine", f"Creatinine [Mass/volume] {_SERUM}", "mg/dL"),
    "creatinine-molar": LabTest("14682-9", "Creatinine", f"Creatinine [Moles/volume] {_SERUM}", "µmol/L", "umol/L"),
    # Some laboratories keep the code when they change the unit: the unit has to be looked at as well.
    "creatinine-miscoded": LabTest("2160-0", "Creatinine", f"Creatinine [Mass/volume] {_SERUM}", "µmol/L", "umol/L"),
    "egfr": LabTest(
        "98979-8",
        "eGFR",
        "Glomerular filtration rate/1.73 sq M.predicted [Volume Rate/Area] in Serum, Plasma or Blood "
        "by Creatinine-based formula (CKD-EPI 2021)",
        _EGFR_UNIT,
        _EGFR_UCUM,
    ),
    "sodium": LabTest("2951-2", "Sodium", f"Sodium [Moles/volume] {_SERUM}", "mmol/L"),
    "potassium": LabTest("2823-3", "Potassium", f"Potassium [Moles/volume] {_SERUM}", "mmol/L"),
    "chloride": LabTest("2075-0", "Chloride", f"Chloride [Moles/volume] {_SERUM}", "mmol/L"),
    "co2": LabTest("2028-9", "Carbon dioxide (CO2)", f"Carbon dioxide, total [Moles/volume] {_SERUM}", "mmol/L"),
    "calcium": LabTest("17861-6", "Calcium", f"Calcium [Mass/volume] {_SERUM}", "mg/dL"),
    "cholesterol": LabTest("2093-3", "Total cholesterol", f"Cholesterol [Mass/volume] {_SERUM}", "mg/dL"),
    "triglycerides": LabTest("2571-8", "Triglycerides", f"Triglyceride [Mass/volume] {_SERUM}", "mg/dL"),
    "hdl": LabTest("2085-9", "HDL cholesterol", f"Cholesterol in HDL [Mass/volume] {_SERUM}", "mg/dL"),
    "ldl": LabTest("13457-7", "LDL cholesterol", f"Cholesterol in LDL [Mass/volume] {_SERUM} by calculation", "mg/dL"),
    "wbc": LabTest("6690-2", "White blood cells", f"Leukocytes [#/volume] in Blood {_BY_ANALYZER}", "K/µL", "10*3/uL"),
    "rbc": LabTest("789-8", "Red blood cells", f"Erythrocytes [#/volume] in Blood {_BY_ANALYZER}", "M/µL", "10*6/uL"),
    "hemoglobin": LabTest("718-7", "Hemoglobin", "Hemoglobin [Mass/volume] in Blood", "g/dL"),
    "hematocrit": LabTest("4544-3", "Hematocrit", f"Hematocrit [Volume Fraction] of Blood {_BY_ANALYZER}", "%"),
    "mcv": LabTest("787-2", "MCV", f"MCV [Entitic volume] {_BY_ANALYZER}", "fL"),
    "mch": LabTest("785-6", "MCH", f"MCH [Entitic mass] {_BY_ANALYZER}", "pg"),
    "mchc": LabTest("786-4", "MCHC", f"MCHC [Mass/volume] {_BY_ANALYZER}", "g/dL"),
    "rdw": LabTest("788-0", "RDW", f"Erythrocyte distribution width [Ratio] {_BY_ANALYZER}", "%"),
    "platelets": LabTest("777-3", "Platelets", f"Platelets [#/volume] in Blood {_BY_ANALYZER}", "K/µL", "10*3/uL"),
    "neutrophils": LabTest("770-8", "Neutrophils", f"Neutrophils/100 leukocytes in Blood {_BY_ANALYZER}", "%"),
    "lymphocytes": LabTest("736-9", "Lymphocytes", f"Lymphocytes/100 leukocytes in Blood {_BY_ANALYZER}", "%"),
    "monocytes": LabTest("5905-5", "Monocytes", f"Monocytes/100 leukocytes in Blood {_BY_ANALYZER}", "%"),
    "eosinophils": LabTest("713-8", "Eosinophils", f"Eosinophils/100 leukocytes in Blood {_BY_ANALYZER}", "%"),
    "basophils": LabTest("706-2", "Basophils", f"Basophils/100 leukocytes in Blood {_BY_ANALYZER}", "%"),
    "tsh": LabTest("3016-3", "TSH", f"Thyrotropin [Units/volume] {_SERUM}", "mIU/L", "m[IU]/L"),
    "uacr": LabTest("9318-7", "Urine albumin/creatinine ratio", "Albumin/Creatinine [Mass Ratio] in Urine", "mg/g"),
    "vitamin-d": LabTest("1989-3", "Vitamin D (25-hydroxy)", f"25-hydroxyvitamin D3 [Mass/volume] {_SERUM}", "ng/mL"),
    "ferritin": LabTest("2276-4", "Ferritin", f"Ferritin [Mass/volume] {_SERUM}", "ng/mL"),
    "urine-culture": LabTest("630-4", "Urine culture", "Bacteria identified in Urine by Culture"),
    "alt": LabTest("1742-6", "ALT", f"Alanine aminotransferase [Enzymatic activity/volume] {_SERUM}", "U/L"),
    "ast": LabTest("1920-8", "AST", f"Aspartate aminotransferase [Enzymatic activity/volume] {_SERUM}", "U/L"),
    "inr": LabTest("6301-6", "INR", "INR in Platelet poor plasma by Coagulation assay", "INR", "{INR}"),
    "digoxin": LabTest("10535-3", "Digoxin level", f"Digoxin [Mass/volume] {_SERUM}", "ng/mL"),
    "bnp": LabTest("30934-4", "BNP", f"Natriuretic peptide B [Mass/volume] {_SERUM}", "pg/mL"),
}

_PANELS_OF_MANY = {
    "bmp": Panel("24321-2", "Basic metabolic panel", f"Basic metabolic 2000 panel - {_SERUM.removeprefix('in ')}"),
    "lipids": Panel("24331-1", "Lipid panel", f"Lipid 1996 panel - {_SERUM.removeprefix('in ')}"),
    "cbc": Panel("58410-2", "Complete blood count", f"CBC panel - Blood {_BY_ANALYZER}"),
    "cbc-diff": Panel("57021-8", "Complete blood count with differential", "CBC W Auto Differential panel - Blood"),
}

PANELS = _PANELS_OF_MANY | {key: Panel(test.loinc, test.name, test.display) for key, test in TESTS.items()}

_COMPONENTS = {
    "bmp": ("glucose", "bun", "creatinine", "egfr", "sodium", "potassium", "chloride", "co2", "calcium"),
    "lipids": ("cholesterol", "triglycerides", "hdl", "ldl"),
    "cbc": ("wbc", "rbc", "hemoglobin", "hematocrit", "mcv", "mch", "mchc", "rdw", "platelets"),
}
DIFFERENTIAL = ("neutrophils", "lymphocytes", "monocytes", "eosinophils", "basophils")


def values(panel: str, *numbers: float) -> dict[str, float | str]:
    """The numbers of a panel by their tests, in the order that laboratories print them."""
    return dict(zip(_COMPONENTS.get(panel, (panel,)), numbers, strict=True))
