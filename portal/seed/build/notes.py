"""Clinicians' notes (US Core DocumentReference), their text inline or in a Binary."""

from base64 import b64encode
from dataclasses import dataclass
from importlib.resources import files

from portal.seed.build.chart import LOINC, TERMINOLOGY, US_CORE, Chart, Resource, coded, concept
from portal.seed.build.pdf import pdf_page
from portal.seed.build.people import CLINIC, practitioner

_CATEGORY = "http://hl7.org/fhir/us/core/CodeSystem/us-core-documentreference-category"
#: LOINC codes of the note types that must be shared (USCDI), by their name.
NOTE_TYPES = {
    "Consultation note": "11488-4",
    "Discharge summary": "18842-5",
    "History and physical note": "34117-2",
    "Procedure note": "28570-0",
    "Progress note": "11506-3",
    "Diagnostic imaging study": "18748-4",
    "Laboratory report": "11502-2",
    "Pathology report": "11526-1",
}
_CONTENT_TYPES = {"txt": "text/plain; charset=utf-8", "xhtml": "application/xhtml+xml", "pdf": "application/pdf"}


@dataclass(frozen=True)
class Note:
    """A note whose text is the file `notes/<text>` beside its chart's spec; a `.pdf` is made from the `.txt`."""

    kind: str
    when: str
    by: str
    text: str
    inline: bool = True
    psychotherapy: bool = False


def add_note(chart: Chart, note: Note) -> Resource:
    """File a note. What a psychotherapist keeps apart is labelled so and is not part of the shared record."""
    name, suffix = note.text.rsplit(".", 1)
    attachment = _attachment(chart, f"note-{name}", suffix, _content(chart.key, name, suffix), note.inline)
    label = coded(f"{TERMINOLOGY}/v3-ActCode", "PSYTHPN", "psychotherapy note information sensitivity")
    return chart.add(
        "DocumentReference",
        f"note-{name}",
        meta={"profile": [f"{US_CORE}/us-core-documentreference"]},
        status="current",
        docStatus="final",
        type=concept(note.kind, LOINC, NOTE_TYPES.get(note.kind)),
        category=[coded(_CATEGORY, "clinical-note", "Clinical Note")],
        subject=chart.patient,
        date=chart.clock.instant(note.when),
        author=[practitioner(note.by)],
        custodian=CLINIC,
        securityLabel=[label] if note.psychotherapy else None,
        content=[{"attachment": attachment | {"title": note.kind, "creation": chart.clock.instant(note.when)}}],
        context={"period": {"start": chart.clock.instant(note.when), "end": chart.clock.instant(note.when)}},
    )


def _content(key: str, name: str, suffix: str) -> bytes:
    folder = files(f"portal.seed.demo.{key}") / "notes"
    source = folder / f"{name}.{'txt' if suffix == 'pdf' else suffix}"
    text = source.read_text(encoding="utf-8")
    return pdf_page(text) if suffix == "pdf" else text.encode()


def _attachment(chart: Chart, slug: str, suffix: str, content: bytes, inline: bool) -> Resource:
    content_type = _CONTENT_TYPES[suffix]
    data = b64encode(content).decode()
    if inline:
        return {"contentType": content_type, "data": data, "size": len(content)}
    binary = chart.add("Binary", slug, contentType=content_type, securityContext=chart.patient, data=data)
    return {"contentType": content_type, "url": f"{chart.fhir_url}/Binary/{binary['id']}", "size": len(content)}
