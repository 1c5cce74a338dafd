"""Reads the project the way it is laid out: `domain.yml` together with every file of the folder `domain/`."""

from __future__ import annotations

from pathlib import Path

from rasa.shared.core.domain import Domain, InvalidDomain
from rasa.shared.importers.rasa import RasaFileImporter
from rasa.shared.utils.common import cached_method

SAFETY_INTENTS = ("report_emergency", "report_crisis", "maybe_emergency", "maybe_crisis", "no_danger")


class ChartlineImporter(RasaFileImporter):
    """Merges `domain.yml` with the folder `domain/` beside it, for train, validate, test and shell alike.

    Rasa reads only the one path that it is given and turns a missing domain into an empty one with a warning:
    the assistant would train and then know nothing. Here that is an error.
    Every form ignores the safety intents, so that "I have chest pain" never becomes a slot's value.
    """

    @cached_method
    def get_domain(self) -> Domain:
        """The merged domain.

        Raises:
            InvalidDomain: a path does not exist, a file is not a valid domain, or the result is empty.
        """
        if not self._domain_path:
            return Domain.empty()  # an NLU command, which needs no domain
        domain = Domain.load([str(path) for path in domain_paths(Path(self._domain_path))])
        if domain.is_empty():
            raise InvalidDomain(f"The domain at '{self._domain_path}' says nothing.")
        return with_safe_forms(domain)


def domain_paths(path: Path) -> list[Path]:
    """`path`, and the folder of the same name without suffix where there is one (`domain.yml`, `domain/`)."""
    folder = path.with_suffix("")
    return [path, folder] if path.is_file() and folder.is_dir() else [path]


def with_safe_forms(domain: Domain) -> Domain:
    """The same domain; each of its forms ignores the safety intents besides what it ignores already."""
    content = domain.as_dict()
    for form in content.get("forms", {}).values():
        ignored = form.get("ignored_intents") or []
        ignored = [ignored] if isinstance(ignored, str) else list(ignored)
        form["ignored_intents"] = ignored + [intent for intent in SAFETY_INTENTS if intent not in ignored]
    return Domain.from_dict(content)
