"""What is told only in the signed-in web chat, whatever the patient agreed to: the one place where that is decided.

By security label, code, section, class or name; the lists and their sources stand in `sensitivity.yml`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from actions.medication_names import names, phrase

Resource = dict[str, Any]

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
LOINC = "http://loinc.org"
SECTION = "http://terminology.hl7.org/CodeSystem/v2-0074"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"


@dataclass(frozen=True)
class Sensitivity:
    """The lists, ready to ask."""

    labels: frozenset[tuple[str, str]]
    codes: frozenset[str]
    sections: frozenset[str]
    classes: frozenset[str]
    ingredients: frozenset[str]
    words: re.Pattern[str]
    record_words: re.Pattern[str]
    chapters: tuple[str, ...]

    def of_result(self, resource: Resource) -> bool:
        """Whether an Observation, one of its components, or a DiagnosticReport is."""
        code = resource.get("code", {})
        codes = (c.get("code", "") for c in code.get("coding", []) if c.get("system") == LOINC)
        section = any(
            coding.get("system") == SECTION and coding.get("code") in self.sections
            for category in resource.get("category", [])
            for coding in category.get("coding", [])
        )
        return self.is_labeled(resource) or section or self.of_test(codes, _words_of(code))

    def of_test(self, codes: Iterable[str], called: Iterable[str]) -> bool:
        """Whether a test of one of these LOINC codes or names is."""
        return bool(self.codes & set(codes)) or any(map(self.words.search, called))

    def of_medication(self, resource: Resource, ingredients: Iterable[str]) -> bool:
        """Whether a MedicationRequest of these ingredients is, by the drug or by what it is for."""
        reasons = [words for reason in resource.get("reasonCode", []) for words in _words_of(reason)]
        return self.is_labeled(resource) or self.of_drugs(ingredients) or any(map(self.words.search, reasons))

    def of_record(self, resource: Resource) -> bool:
        """Whether a Condition, an AllergyIntolerance or an Immunization is: by label, ICD-10-CM code or name."""
        concept = resource.get("code") or resource.get("vaccineCode") or {}
        codes = (str(c.get("code") or "") for c in concept.get("coding", []) if c.get("system") == ICD10)
        by_code = any(code.upper().startswith(self.chapters) for code in codes)
        return self.is_labeled(resource) or by_code or any(map(self.of_record_name, _words_of(concept)))

    def of_record_name(self, called: str) -> bool:
        """Whether words, of a chart or of a question, name a condition or vaccine of a sensitive kind."""
        return bool(self.words.search(called) or self.record_words.search(called))

    def of_drugs(self, called: Iterable[str]) -> bool:
        """Whether one of these names is a drug of a sensitive kind: generic, brand, or what such drugs are called."""
        return any(self._of_drug(name) for name in called)

    def _of_drug(self, called: str) -> bool:
        known = names()
        meant = known.proper.get(phrase(called)) or known.everyday.get(phrase(called)) or {called.lower()}
        return all(self._of_generic(known.generics.get(generic, {}), generic) for generic in meant)

    def _of_generic(self, facts: dict[str, Any], generic: str) -> bool:
        return bool(self.classes & set(facts.get("classes", []))) or bool(self.ingredients & set(generic.split()))

    def is_labeled(self, resource: Resource) -> bool:
        """Whether who wrote it says so (https://hl7.org/fhir/R4/security-labels.html)."""
        labels = resource.get("meta", {}).get("security", [])
        return any((label.get("system"), label.get("code")) in self.labels for label in labels)


@lru_cache(maxsize=1)
def sensitivity() -> Sensitivity:
    """The lists of `sensitivity.yml`, read once."""
    lists: dict[str, Any] = YAML(typ="safe").load(Path(__file__).with_suffix(".yml"))
    labels = {(CONFIDENTIALITY, code) for code in lists["confidentiality"]}
    labels |= {(ACT_CODE, code) for code in lists["policies"]}
    return Sensitivity(
        labels=frozenset(labels),
        codes=frozenset(code for kind in lists["loinc"].values() for code in kind),
        sections=frozenset(lists["sections"]),
        classes=frozenset(lists["classes"]),
        ingredients=frozenset(name for kind in lists["ingredients"].values() for name in kind),
        words=_beginnings(lists["words"]),
        record_words=_beginnings(lists["record words"]),
        chapters=tuple(lists["icd10"]),
    )


def _beginnings(words: list[str]) -> re.Pattern[str]:
    """Short words whole ("std", "gene"), longer ones as the beginning of a word ("gonorrh")."""
    parts = (re.escape(word) + (r"\b" if len(word) < 5 and " " not in word else "") for word in words)
    return re.compile(rf"\b(?:{'|'.join(parts)})", re.IGNORECASE)


def _words_of(concept: Resource) -> Iterator[str]:
    """What a CodeableConcept is called."""
    yield str(concept.get("text") or "")
    for coding in concept.get("coding", []):
        yield str(coding.get("display") or "")
