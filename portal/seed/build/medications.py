"""Prescriptions with their fills (US Core MedicationRequest, MedicationDispense).

Refills left are the repeats allowed minus the fills after the first. Who stopped or held a prescription, and why,
stands in `note` (author, time, text) besides `statusReason` and the R5 backport extension `statusChanged`.
"""

from dataclasses import dataclass

from portal.seed.build.chart import (
    RXNORM,
    SNOMED,
    TERMINOLOGY,
    US_CORE,
    Chart,
    Resource,
    coded,
    concept,
    quantity,
    to,
)
from portal.seed.build.people import organization, practitioner

STATUS_CHANGED = "http://hl7.org/fhir/5.0/StructureDefinition/extension-MedicationRequest.statusChanged"
ORAL = ("26643006", "Oral route")
INHALED = ("447694001", "Respiratory tract route")


@dataclass(frozen=True)
class Drug:
    """`name` as the label says it; `rxcui` and `display` from RxNorm, none where the code is not certain."""

    name: str
    rxcui: str | None = None
    display: str | None = None
    form: str = "tablet"
    route: tuple[str, str] = ORAL

    @property
    def concept(self) -> Resource:
        """The CodeableConcept of the prescription and of its fills."""
        return concept(self.name, RXNORM, self.rxcui, self.display)


@dataclass(frozen=True)
class Sig:
    """How to take it: the words of the label, and the same as `dose` units, `times` in `period` days."""

    text: str
    dose: float = 1
    times: int = 1
    period: int = 1
    as_needed: bool = False


@dataclass(frozen=True)
class Halt:
    """Why, when and by whom a prescription was stopped or put on hold. `reason` may carry an HL7 code."""

    when: str
    by: str
    reason: str
    code: tuple[str, str] | None = None


@dataclass(frozen=True)
class Prescription:
    """One prescription. `fills` are when it was handed over, `supply` the days one fill lasts, `repeats` the refills
    allowed after the first fill, `until` the end of its validity (a year after `written` where none is given)."""

    key: str
    drug: Drug
    sig: Sig
    written: str
    by: str = "shah"
    reason: str | None = None
    status: str = "active"
    supply: int = 90
    amount: float = 90
    repeats: int = 0
    fills: tuple[str, ...] = ()
    pharmacy: str = "corner-pharmacy"
    valid_from: str | None = None
    until: str = "+6mo"
    halt: Halt | None = None
    note: str | None = None


def add_prescription(chart: Chart, rx: Prescription) -> Resource:
    """File a prescription and its fills; returns the MedicationRequest."""
    request = chart.add(
        "MedicationRequest",
        f"rx-{rx.key}",
        meta={"profile": [f"{US_CORE}/us-core-medicationrequest"]},
        extension=_status_changed(chart, rx.halt),
        status=rx.status,
        statusReason=_status_reason(rx.halt),
        intent="order",
        category=[coded(f"{TERMINOLOGY}/medicationrequest-category", "community", "Community")],
        reportedBoolean=False,
        medicationCodeableConcept=rx.drug.concept,
        subject=chart.patient,
        authoredOn=chart.clock.instant(rx.written),
        requester=practitioner(rx.by),
        reasonCode=[{"text": rx.reason}] if rx.reason else None,
        note=_notes(chart, rx) or None,
        dosageInstruction=[_dosage(rx)],
        dispenseRequest=_dispense_request(chart, rx),
    )
    for number, when in enumerate(rx.fills, start=1):
        _add_fill(chart, rx, request, number, when)
    return request


def add_outside_medication(chart: Chart, key: str, drug: Drug, sig: Sig, clinic: str, since: str) -> Resource:
    """File what another clinic prescribes and the patient told us of: nothing that this clinic could refill."""
    return chart.add(
        "MedicationRequest",
        f"rx-{key}",
        meta={"profile": [f"{US_CORE}/us-core-medicationrequest"]},
        status="active",
        intent="order",
        category=[coded(f"{TERMINOLOGY}/medicationrequest-category", "community", "Community")],
        reportedBoolean=True,
        medicationCodeableConcept=drug.concept,
        subject=chart.patient,
        authoredOn=chart.clock.instant(since),
        requester=organization(clinic),
        dosageInstruction=[{"text": sig.text}],
    )


def _status_changed(chart: Chart, halt: Halt | None) -> list[Resource] | None:
    return [{"url": STATUS_CHANGED, "valueDateTime": chart.clock.instant(halt.when)}] if halt else None


def _status_reason(halt: Halt | None) -> Resource | None:
    if halt is None:
        return None
    code, display = halt.code or (None, None)
    return concept(halt.reason, f"{TERMINOLOGY}/medicationrequest-status-reason", code, display)


def _notes(chart: Chart, rx: Prescription) -> list[Resource]:
    notes = [{"text": rx.note}] if rx.note else []
    if rx.halt is None:
        return notes
    verb = "Stopped" if rx.status == "stopped" else "Put on hold"
    author = practitioner(rx.halt.by)
    text = f"{verb} by {author['display']}: {rx.halt.reason}"
    return [*notes, {"authorReference": author, "time": chart.clock.instant(rx.halt.when), "text": text}]


def _dosage(rx: Prescription) -> Resource:
    repeat = {"frequency": rx.sig.times, "period": rx.sig.period, "periodUnit": "d"}
    dose = {"value": rx.sig.dose, "unit": rx.drug.form}
    return {
        "sequence": 1,
        "text": rx.sig.text,
        "timing": {"repeat": repeat},
        "asNeededBoolean": rx.sig.as_needed,
        "route": coded(SNOMED, *rx.drug.route),
        "doseAndRate": [{"doseQuantity": dose}],
    }


def _dispense_request(chart: Chart, rx: Prescription) -> Resource:
    period = {"start": chart.clock.day(rx.valid_from or rx.written), "end": chart.clock.day(rx.until)}
    return {
        "validityPeriod": period,
        "numberOfRepeatsAllowed": rx.repeats,
        "quantity": {"value": rx.amount, "unit": rx.drug.form},
        "expectedSupplyDuration": quantity(rx.supply, "days", "d"),
        "performer": organization(rx.pharmacy),
    }


def _add_fill(chart: Chart, rx: Prescription, request: Resource, number: int, when: str) -> None:
    chart.add(
        "MedicationDispense",
        f"rx-{rx.key}-fill-{number}",
        meta={"profile": [f"{US_CORE}/us-core-medicationdispense"]},
        status="completed",
        medicationCodeableConcept=rx.drug.concept,
        subject=chart.patient,
        performer=[{"actor": organization(rx.pharmacy)}],
        authorizingPrescription=[to(request, rx.drug.name)],
        type=_fill_type(number),
        quantity={"value": rx.amount, "unit": rx.drug.form},
        daysSupply=quantity(rx.supply, "days", "d"),
        whenPrepared=chart.clock.instant(when),
        whenHandedOver=chart.clock.instant(when),
        dosageInstruction=[_dosage(rx)],
    )


def _fill_type(number: int) -> Resource:
    code, display = ("FF", "First Fill") if number == 1 else ("RF", "Refill")
    return coded(f"{TERMINOLOGY}/v3-ActCode", code, display)
