"""Rosa's prescriptions: one for every answer that a refill request can get."""

from portal.seed.build.chart import Chart
from portal.seed.build.medications import Halt, Prescription, Sig, add_outside_medication, add_prescription
from portal.seed.build.tasks import add_refill_task
from portal.seed.demo import drugs

_DAILY = Sig("Take 1 tablet by mouth once a day.")
_MAIL = "riverbend-mail-pharmacy"

PRESCRIPTIONS = (
    # Can be refilled now: 80 of 90 days used, 3 refills left.
    Prescription(
        "lisinopril", drugs.LISINOPRIL_10, _DAILY, "-170d 10:20",
        reason="High blood pressure", repeats=4, fills=("-170d 16:40", "-80d 17:05"),
    ),
    # Too soon: filled 10 days ago, 2 refills left.
    Prescription(
        "metformin", drugs.METFORMIN_500,
        Sig("Take 1 tablet by mouth 2 times a day with meals.", times=2), "-100d 09:15", "chen",
        reason="Type 2 diabetes", amount=180, repeats=3, fills=("-100d 15:10", "-10d 12:30"),
    ),
    # No refills left: a renewal.
    Prescription(
        "atorvastatin", drugs.ATORVASTATIN_20, Sig("Take 1 tablet by mouth at bedtime."), "-355d 11:00",
        reason="High cholesterol", repeats=3, until="+2mo", pharmacy=_MAIL,
        fills=("-355d", "-265d", "-175d", "-85d"),
    ),
    # Expired with refills left: a renewal.
    Prescription(
        "hydrochlorothiazide", drugs.HYDROCHLOROTHIAZIDE_25, Sig("Take 1 tablet by mouth every morning."),
        "-13mo", reason="High blood pressure", repeats=5, until="-1mo", fills=("-13mo", "-300d", "-205d", "-112d"),
    ),
    # Schedule II: no refills by law.
    Prescription(
        "oxycodone", drugs.OXYCODONE_5,
        Sig("Take 1 tablet by mouth every 6 hours as needed for severe pain.", times=4, as_needed=True),
        "-16d 14:10", reason="Pain after knee surgery", supply=5, amount=20, fills=("-16d 15:45",), until="+2mo",
    ),
    # Stopped.
    Prescription(
        "sertraline", drugs.SERTRALINE_50, _DAILY, "-8mo", reason="Anxiety", status="stopped",
        repeats=3, fills=("-8mo", "-150d", "-60d"),
        halt=Halt("-42d 10:40", "shah", "It upset your stomach", ("sintol", "Drug intolerance")),
    ),
    # On hold.
    Prescription(
        "warfarin", drugs.WARFARIN_5, Sig("Take 1 tablet by mouth every evening."), "-5mo", "whitfield",
        reason="Atrial fibrillation", status="on-hold", supply=30, amount=30, repeats=5,
        fills=("-5mo", "-120d", "-90d", "-60d", "-30d"),
        halt=Halt("-9d 13:30", "whitfield", "Upcoming procedure", ("surg", "Scheduled for surgery")),
    ),
    # Two of one name, both refillable: which one?
    Prescription(
        "metoprolol-succinate", drugs.METOPROLOL_SUCCINATE_25,
        Sig("Take 1 tablet by mouth once a day. Do not crush or chew."), "-172d", "whitfield",
        reason="Atrial fibrillation", repeats=3, fills=("-172d", "-82d"),
    ),
    Prescription(
        "metoprolol-tartrate", drugs.METOPROLOL_TARTRATE_50,
        Sig("Take 1 tablet by mouth 2 times a day with food.", times=2), "-88d", "whitfield",
        reason="Atrial fibrillation", amount=180, repeats=2, fills=("-88d",),
    ),
    # A refill is already on its way (see below).
    Prescription(
        "amlodipine", drugs.AMLODIPINE_5, _DAILY, "-175d", reason="High blood pressure",
        repeats=3, fills=("-175d", "-85d"),
    ),
    # Looks and sounds like hydroxyzine, which she does not take.
    Prescription(
        "hydralazine", drugs.HYDRALAZINE_25, Sig("Take 1 tablet by mouth 3 times a day.", times=3), "-115d",
        "whitfield", reason="High blood pressure", supply=30, amount=90, repeats=5,
        fills=("-115d", "-86d", "-57d", "-28d"),
    ),
    Prescription(
        "albuterol", drugs.ALBUTEROL,
        Sig("Inhale 2 puffs every 4 to 6 hours as needed for wheezing.", dose=2, times=4, as_needed=True), "-7mo",
        reason="Asthma", supply=30, amount=200, repeats=3, fills=("-7mo", "-96d"),
    ),
    # Finished on its own.
    Prescription(
        "azithromycin", drugs.AZITHROMYCIN_250,
        Sig("Take 2 tablets by mouth on day 1, then 1 tablet a day for 4 days."), "-5mo", reason="Bronchitis",
        status="completed", supply=5, amount=6, fills=("-5mo",), until="-4mo",
    ),
)  # fmt: skip


def add_medications(chart: Chart) -> None:
    """File them all, the refill of amlodipine that the pharmacy is working on, and another clinic's levothyroxine."""
    requests = {rx.key: add_prescription(chart, rx) for rx in PRESCRIPTIONS}
    add_refill_task(
        chart, requests["amlodipine"], "-1d 09:12", status="in-progress", business_status="Pharmacy is filling it"
    )
    add_outside_medication(
        chart,
        "levothyroxine",
        drugs.LEVOTHYROXINE_50,
        Sig("Take 1 tablet by mouth every morning on an empty stomach."),
        "lakeside-endocrine",
        "-3y",
    )
