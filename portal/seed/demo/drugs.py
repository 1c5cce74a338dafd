"""The drugs of the demo charts: RxNorm's concept where it is certain, as health records display it."""

from portal.seed.build.medications import INHALED, Drug

LISINOPRIL_10 = Drug("lisinopril 10 MG Oral Tablet", "314076")
LISINOPRIL_20 = Drug("lisinopril 20 MG Oral Tablet", "314077")
METFORMIN_500 = Drug("metformin hydrochloride 500 MG Oral Tablet", "861007")
ATORVASTATIN_20 = Drug("atorvastatin 20 MG Oral Tablet", "617310")
HYDROCHLOROTHIAZIDE_25 = Drug("hydrochlorothiazide 25 MG Oral Tablet", "310798")
OXYCODONE_5 = Drug("oxycodone hydrochloride 5 MG Oral Tablet", "1049621")
SERTRALINE_50 = Drug("sertraline 50 MG Oral Tablet", "312941")
WARFARIN_5 = Drug("warfarin sodium 5 MG Oral Tablet", "855332")
METOPROLOL_SUCCINATE_25 = Drug("24 HR metoprolol succinate 25 MG Extended Release Oral Tablet", "866427")
METOPROLOL_TARTRATE_50 = Drug("metoprolol tartrate 50 MG Oral Tablet", "866514")
AMLODIPINE_5 = Drug("amlodipine 5 MG Oral Tablet", "197361")
HYDRALAZINE_25 = Drug("hydralazine hydrochloride 25 MG Oral Tablet", "905225")
ALBUTEROL = Drug(
    "albuterol 0.09 MG/ACTUAT Metered Dose Inhaler",
    "2123111",
    "NDA020503 200 ACTUAT Albuterol 0.09 MG/ACTUAT Metered Dose Inhaler",
    "puff",
    INHALED,
)
LEVOTHYROXINE_50 = Drug("levothyroxine 50 mcg tablet")
AZITHROMYCIN_250 = Drug("azithromycin 250 mg tablet")
SPIRONOLACTONE_25 = Drug("spironolactone 25 MG Oral Tablet", "313096")
FUROSEMIDE_40 = Drug("furosemide 40 MG Oral Tablet", "313988")
DIGOXIN_0125 = Drug("digoxin 0.125 MG Oral Tablet", "197604")
