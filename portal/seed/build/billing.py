"""What visits cost: an Account, and an Invoice for each visit.

Invoice status: `issued` is owed by the patient, `balanced` is paid, `draft` waits for the insurer. `totalGross` is the
clinic's charge and `totalNet` the patient's part of it; the price components of the line say how one becomes the other.
"""

from dataclasses import dataclass

from portal.seed.build.chart import TERMINOLOGY, Chart, Resource, coded, ref, to
from portal.seed.build.people import CLINIC, practitioner


@dataclass(frozen=True)
class Bill:
    """One visit's bill in US dollars; `insured` is None while the insurer still decides."""

    key: str
    when: str
    by: str
    item: str
    charge: float
    insured: float | None
    status: str = "issued"
    visit: str | None = None


def add_bills(chart: Chart, *bills: Bill) -> Resource:
    """Open the account and file the bills; returns the Account."""
    account = chart.add(
        "Account",
        "account",
        status="active",
        type=coded(f"{TERMINOLOGY}/v3-ActCode", "PBILLACCT", "patient billing account"),
        name="Riverbend Clinic patient account",
        subject=[chart.patient],
        servicePeriod={"start": chart.clock.day("-4y")},
        owner=CLINIC,
        guarantor=[{"party": chart.patient}],
    )
    for bill in bills:
        _add_invoice(chart, account, bill)
    return account


def _add_invoice(chart: Chart, account: Resource, bill: Bill) -> None:
    owed = round(bill.charge - bill.insured, 2) if bill.insured is not None else None
    note = "Your insurance has not decided yet. You owe nothing for this visit now." if owed is None else None
    chart.add(
        "Invoice",
        f"bill-{bill.key}",
        extension=[_for_visit(chart, bill.visit)] if bill.visit else None,
        identifier=[{"system": "urn:chartline:demo:invoice", "value": f"RB-{chart.key}-{bill.key}".upper()}],
        status=bill.status,
        subject=chart.patient,
        recipient=chart.patient,
        date=chart.clock.instant(bill.when),
        participant=[{"actor": practitioner(bill.by)}],
        issuer=CLINIC,
        account=to(account),
        lineItem=[_line(bill)],
        totalNet=_usd(owed) if owed is not None else None,
        totalGross=_usd(bill.charge),
        paymentTerms="Due within 30 days of the bill." if bill.status == "issued" else None,
        note=[{"text": note}] if note else None,
    )


def _line(bill: Bill) -> Resource:
    components = [{"type": "base", "amount": _usd(bill.charge)}]
    if bill.insured:
        components.append({"type": "deduction", "code": {"text": "Insurance"}, "amount": _usd(-bill.insured)})
    return {"sequence": 1, "chargeItemCodeableConcept": {"text": bill.item}, "priceComponent": components}


def _for_visit(chart: Chart, visit: str) -> Resource:
    """R4 has no link from an Invoice to what it is for other than a charge item."""
    return {"url": "urn:chartline:invoice-for", "valueReference": ref("Appointment", f"{chart.key}-visit-{visit}")}


def _usd(amount: float) -> Resource:
    return {"value": amount, "currency": "USD"}
