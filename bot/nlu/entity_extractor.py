"""Entities by names and patterns: what the examples annotate, lookup tables, `regex:` entries and gazetteer files."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from rasa.engine.graph import ExecutionContext, GraphComponent
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.nlu.constants import ENTITIES, INTENT, TEXT
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData

from bot.nlu.gazetteer import Gazetteer, Span, tokenize
from bot.nlu.name_files import NameSource

MODEL_FILE = "entities.json"
ORDINARY = frozenset({"may"})  # as a name only where a pattern says so: "in May", not "may I"


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.ENTITY_EXTRACTOR, is_trainable=True)
class GazetteerEntityExtractor(GraphComponent):
    """Finds names (also misspelt) and patterns, and keeps the types that fit the message's intent."""

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """`gazetteers`: for an entity type, a list of `NameSource`. `fuzzy`: least similarity (0 to 100) to a name.

        `sure_intent`: from this confidence of the intent on, entity types never seen with it are left out.
        """
        return {
            "gazetteers": {},
            "fuzzy": {"medication": 80, "lab_test": 82, "specialty": 84, "pharmacy": 85, "language": 84},
            "sure_intent": 0.5,
        }

    def __init__(
        self,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        learned: dict[str, Any] | None = None,
    ) -> None:
        self.config = config
        self._model_storage = model_storage
        self._resource = resource
        self._use(learned or {"names": {}, "patterns": {}, "common_words": [], "seen_with": {}})

    def _use(self, learned: dict[str, Any]) -> None:
        self._gazetteer = Gazetteer(learned["names"], self.config["fuzzy"], frozenset(learned["common_words"]))
        self._patterns = [
            (entity, re.compile(pattern, re.IGNORECASE))
            for entity, patterns in learned["patterns"].items()
            for pattern in patterns
        ]
        self._seen_with: dict[str, dict[str, int]] = learned["seen_with"]

    @classmethod
    def create(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
    ) -> GazetteerEntityExtractor:
        """An extractor that knows no name yet."""
        return cls(config, model_storage, resource)

    @classmethod
    def fingerprint_addon(cls, config: dict[str, Any]) -> str | None:
        """The contents of the gazetteer files: a change in one makes Rasa train this component again."""
        # Rasa also asks with the configuration of a node that stands in for this one, which has no gazetteers.
        sources = [source for group in config.get("gazetteers", {}).values() for source in group]
        files = [Path(source["file"]) for source in sources]
        return sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()

    def train(self, training_data: TrainingData) -> Resource:
        """Collects names and patterns, and which types of entity go with which intent."""
        names = known_names(training_data, self.config["gazetteers"])
        learned = {
            "names": names,
            "patterns": patterns(training_data),
            "common_words": sorted(common_words(training_data.intent_examples)),
            "seen_with": seen_with(training_data.intent_examples),
        }
        self._use(learned)
        with self._model_storage.write_to(self._resource) as folder:
            (folder / MODEL_FILE).write_text(json.dumps(learned), encoding="utf-8")
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> GazetteerEntityExtractor:
        """The extractor with what `train` stored."""
        with model_storage.read_from(resource) as folder:
            learned = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
        return cls(config, model_storage, resource, learned)

    def process(self, messages: list[Message]) -> list[Message]:
        """Adds the entities found to each message."""
        for message in messages:
            spans = self._spans(message.get(TEXT) or "", message.get(INTENT) or {})
            found = [self._as_entity(span) for span in spans]
            message.set(ENTITIES, message.get(ENTITIES, []) + found, add_to_output=True)
        return messages

    def _spans(self, text: str, intent: dict[str, Any]) -> list[Span]:
        fitting = self._seen_with.get(intent.get("name") or "", {})
        sure = intent.get("confidence", 0.0) >= self.config["sure_intent"]
        candidates = [*self._gazetteer.find(text), *self._matches(text)]
        if sure and intent.get("name") in self._seen_with:
            candidates = [span for span in candidates if span.entity in fitting]
        candidates.sort(key=lambda span: _rank(span, fitting), reverse=True)
        return sorted(without_overlaps(candidates), key=lambda span: span.start)

    def _matches(self, text: str) -> Iterator[Span]:
        for entity, pattern in self._patterns:
            for match in pattern.finditer(text):
                group = 1 if pattern.groups else 0
                if match.group(group):
                    yield Span(entity, match.group(group), match.start(group), match.end(group), 1.0)

    def _as_entity(self, span: Span) -> dict[str, Any]:
        return {
            "entity": span.entity,
            "value": span.value,
            "start": span.start,
            "end": span.end,
            "confidence_entity": span.confidence,
            "extractor": type(self).__name__,
        }


def _rank(span: Span, fitting: dict[str, int]) -> tuple[bool, bool, int, float]:
    """Spelt as known before misspelt; a type that fits the intent before others; then the longer."""
    return span.entity in fitting, span.confidence == 1.0, span.end - span.start, span.confidence


def without_overlaps(spans: Iterable[Span]) -> list[Span]:
    """Of overlapping spans the first."""
    kept: list[Span] = []
    for span in spans:
        if all(span.end <= other.start or span.start >= other.end for other in kept):
            kept.append(span)
    return kept


def known_names(training_data: TrainingData, gazetteers: dict[str, list[dict[str, Any]]]) -> dict[str, dict[str, str]]:
    """Names to values by entity type; an annotated example overrules a lookup table, which overrules a file."""
    names: dict[str, dict[str, str]] = {}
    for entity, sources in gazetteers.items():
        for source in sources:
            known = names.setdefault(entity, {})
            known.update({name: value for name, value in NameSource(**source).read().items() if name not in known})
    synonyms = {name.lower(): value for name, value in training_data.entity_synonyms.items()}
    for table in training_data.lookup_tables:
        for name in table["elements"]:
            names.setdefault(table["name"], {})[name.lower()] = synonyms.get(name.lower(), name)
    for example in training_data.entity_examples:
        for entity in example.get(ENTITIES):
            surface = example.get(TEXT)[entity["start"] : entity["end"]].lower()
            if surface not in ORDINARY:
                names.setdefault(entity["entity"], {})[surface] = entity["value"]
    return names


def patterns(training_data: TrainingData) -> dict[str, list[str]]:
    """The `regex:` entries, whose name is the entity type; a group, where there is one, is the entity."""
    found: dict[str, list[str]] = {}
    for entry in training_data.regex_features:
        found.setdefault(entry["name"], []).append(entry["pattern"])
    return found


def common_words(examples: list[Message]) -> set[str]:
    """Words that stand in examples outside every annotation: never a misspelt name."""
    words: Counter[str] = Counter()
    for example in examples:
        text = example.get(TEXT) or ""
        for entity in example.get(ENTITIES) or []:
            text = text[: entity["start"]] + " " * (entity["end"] - entity["start"]) + text[entity["end"] :]
        words.update({token.text for token in tokenize(text)})
    return set(words)


def seen_with(examples: list[Message]) -> dict[str, dict[str, int]]:
    """For each intent, how often each type of entity stands in its examples."""
    counts: dict[str, Counter[str]] = {}
    for example in examples:
        types = Counter(entity["entity"] for entity in example.get(ENTITIES) or [])
        counts.setdefault(example.get(INTENT), Counter()).update(types)
    return {intent: dict(types) for intent, types in counts.items()}
