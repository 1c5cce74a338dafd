"""Rosa's visits, messages, notes and bills."""

from portal.seed.build.billing import Bill, add_bills
from portal.seed.build.chart import Chart
from portal.seed.build.messages import Message, Thread, add_thread
from portal.seed.build.notes import Note, add_note
from portal.seed.build.visits import Visit, add_visit

VISITS = (
    Visit("past-shah", "-40d 14:00", "shah", "Check of blood pressure and asthma", status="fulfilled"),
    Visit("past-whitfield", "-90d 13:30", "whitfield", "Atrial fibrillation follow-up", status="fulfilled"),
    Visit("past-chen", "-5mo 09:30", "chen", "Diabetes follow-up", status="fulfilled"),
    Visit("past-annual", "-11mo 08:40", "shah", "Yearly physical", "checkup", "fulfilled", 40),
    Visit("missed", "-60d 10:20", "shah", "Urine test", status="noshow"),
    Visit("cancelled", "-25d 11:20", "chen", "Diabetes follow-up", status="cancelled"),
    Visit(
        "next", "+6wd 09:20", "shah", "Diabetes and blood pressure check",
        prepare="Do not eat or drink anything but water for 8 hours before. Bring all your medicine bottles.",
    ),
    Visit(
        "video", "+10wd 15:20", "chen", "Diabetes follow-up by video",
        prepare="Have your blood sugar log at hand. Join from a quiet place with good light.",
        video="https://video.riverbend.example/visit/7f3a91c2",
    ),
    Visit("later", "+14wd 13:20", "whitfield", "Follow-up after your procedure", minutes=40),
)  # fmt: skip

THREADS = (
    # Read and closed.
    Thread(
        "cough", "shah", "Cough at night",
        (
            Message("-45d 19:12", "Dr. Shah, I have been coughing at night for two weeks. Should I come in?",
                    read="-44d 08:05"),
            Message("-44d 08:31", "Thank you for telling me. Please come in next week so that I can listen to your "
                    "lungs. Use your albuterol inhaler if you wheeze.", True, "-44d 12:20"),
            Message("-44d 12:26", "I made an appointment. Thank you!", read="-44d 16:40"),
        ),
    ),
    # The last reply is unread.
    Thread(
        "warfarin", "whitfield", "Warfarin before my procedure",
        (
            Message("-2d 16:48", "When do I start taking warfarin again after the procedure?", read="-1d 08:15"),
            Message("-1d 10:02", "Start again the evening of your procedure, at your usual dose, unless we tell you "
                    "otherwise that day. Call us at once if you notice any bleeding.", True),
        ),
    ),
)  # fmt: skip

NOTES = (
    Note("Progress note", "-40d 14:00", "shah", "blood-pressure-visit.txt"),
    Note("Consultation note", "-90d 13:30", "whitfield", "cardiology-consult.xhtml", inline=False),
    Note("Discharge summary", "-17d 11:00", "shah", "knee-discharge.txt"),
    Note("History and physical note", "-11mo 08:40", "shah", "yearly-physical.xhtml"),
    Note("Procedure note", "-19d 09:15", "shah", "knee-arthroscopy.txt"),
    Note("Diagnostic imaging study", "-24d 15:30", "shah", "knee-xray.pdf", inline=False),
    Note("Psychotherapy note", "-55d 15:00", "shah", "counseling.txt", psychotherapy=True),
)

BILLS = (
    Bill("shah", "-30d 12:00", "shah", "Office visit", 185.00, 145.00, visit="past-shah"),
    Bill("whitfield", "-80d 12:00", "whitfield", "Office visit, cardiology", 320.00, 294.50, visit="past-whitfield"),
    Bill("chen", "-4mo 12:00", "chen", "Office visit, endocrinology", 260.00, 220.00, "balanced", "past-chen"),
    Bill("annual", "-10mo 12:00", "shah", "Yearly physical", 310.00, 310.00, "balanced", "past-annual"),
    Bill("labs", "-2d 12:00", "shah", "Laboratory tests", 142.00, None, "draft"),
)


def add_care(chart: Chart) -> None:
    """File them all."""
    for visit in VISITS:
        add_visit(chart, visit)
    for thread in THREADS:
        add_thread(chart, thread)
    for note in NOTES:
        add_note(chart, note)
    add_bills(chart, *BILLS)
