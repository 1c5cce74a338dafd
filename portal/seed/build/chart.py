"""What every builder needs: the chart that grows, and the small FHIR data types."""

from dataclasses import dataclass, field
from typing import Any

from portal.seed.clock import Clock

Resource = dict[str, Any]

LOINC = "http://loinc.org"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
US_CORE = "http://hl7.org/fhir/us/core/StructureDefinition"


@dataclass
class Chart:
    """One patient's growing record. `key` is the patient's id and the prefix of all ids in the chart.

    `fhir_url` is the server's own address: the data type `url` may not be relative.
    """

    key: str
    clock: Clock
    sex: str = "unknown"
    age: int = 0
    fhir_url: str = ""
    resources: list[Resource] = field(default_factory=list)

    @property
    def patient(self) -> Resource:
        """Reference to the patient."""
        return ref("Patient", self.key)

    def add(self, kind: str, slug: str, **elements: Any) -> Resource:
        """File a resource of type `kind` as `<key>-<slug>`, leaving out the elements that are None."""
        filled = {name: value for name, value in elements.items() if value is not None}
        resource = {"resourceType": kind, "id": f"{self.key}-{slug}", **filled}
        self.resources.append(resource)
        return resource


def ref(kind: str, key: str, display: str | None = None) -> Resource:
    """A literal reference."""
    return {"reference": f"{kind}/{key}"} | ({"display": display} if display else {})


def to(resource: Resource, display: str | None = None) -> Resource:
    """A literal reference to a resource at hand."""
    return ref(resource["resourceType"], resource["id"], display)


def concept(text: str, system: str | None = None, code: str | None = None, display: str | None = None) -> Resource:
    """A CodeableConcept; `display` is the code system's own wording where it differs from `text`."""
    coding = {"system": system, "code": code, "display": display or text}
    return ({"coding": [coding]} if code else {}) | {"text": text}


def coded(system: str, code: str, display: str) -> Resource:
    """A CodeableConcept that is a code only."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


def quantity(value: float, unit: str, code: str | None = None) -> Resource:
    """A Quantity in UCUM; `unit` is what people read and `code` the UCUM code where it differs."""
    return {"value": value, "unit": unit, "system": UCUM, "code": code or unit}
