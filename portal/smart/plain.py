"""Scopes in plain words, for the person who is asked to allow them."""

from __future__ import annotations

from dataclasses import dataclass

from portal.smart import scopes

#: What the record's parts are called, in the order in which people are told.
_SEES = {
    "Observation": "test results and vital signs",
    "DiagnosticReport": "lab reports",
    "MedicationRequest": "medicines and refills",
    "MedicationDispense": "pharmacy pick-ups",
    "Communication": "messages with your care team",
    "DocumentReference": "notes from your visits",
    "Appointment": "visits",
    "Condition": "health problems",
    "AllergyIntolerance": "allergies",
    "Immunization": "vaccines",
    "Account": "bills",
    "Invoice": "bills",
    "Task": "requests you have made",
    "Patient": "your name and contact details",
    "Consent": "your privacy choices",
    "AuditEvent": "who has looked at your record",
}
_DOES = {
    "Task": "Ask for refills and renewals",
    "MedicationRequest": "Change your medicine list",
    "Communication": "Send messages to your care team",
    "DocumentReference": "Add files to your messages",
    "Binary": "Add files to your messages",
    "Appointment": "Book, move, or cancel visits",
    "Consent": "Save your privacy choices",
    "Subscription": "Send you reminders and news about your care",
    "AuditEvent": "Note down who looked at your record",
}


@dataclass(frozen=True)
class Asked:
    """What an app asks for: parts of the record it sees (all of it: `everything`), what it does, whether it stays."""

    everything: bool
    sees: list[str]
    does: list[str]
    stays: bool


def describe(scope: str) -> Asked:
    """A granted or requested scope in plain words."""
    clinical = scopes.parse(scope)
    seen = {s.resource for s in clinical if s.letters & {"r", "s"}}
    done = {s.resource for s in clinical if s.letters & {"c", "u", "d"}}
    return Asked(
        everything="*" in seen,
        sees=_words(seen - {"*"}, _SEES, "{} entries"),
        does=["Change anything in your health record"] if "*" in done else _words(done, _DOES, "Add {} entries"),
        stays="offline_access" in scope.split(),
    )


def describe_types(types: frozenset[str]) -> list[str]:
    """The parts of another's record that are open, in plain words: what has no word here is left out."""
    return list(dict.fromkeys(word.removeprefix("your ") for name, word in _SEES.items() if name in types))


def _words(resources: set[str], words: dict[str, str], other: str) -> list[str]:
    known = [word for resource, word in words.items() if resource in resources]
    unknown = [other.format(resource) for resource in sorted(resources - set(words))]
    return list(dict.fromkeys(known + unknown))
