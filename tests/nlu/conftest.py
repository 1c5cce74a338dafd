"""Understanding as the assistant has it, trained once for a test run from the real data, without Rasa's graph."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from rasa.engine.graph import ExecutionContext, GraphSchema
from rasa.engine.storage.resource import Resource
from rasa.nlu.tokenizers.whitespace_tokenizer import WhitespaceTokenizer
from rasa.shared.nlu.training_data.loading import load_data
from rasa.shared.nlu.training_data.message import Message
from rasa.shared.nlu.training_data.training_data import TrainingData
from rasa.shared.utils.common import class_from_module_path

ROOT = Path(__file__).parents[2]
STOCK = {"WhitespaceTokenizer": WhitespaceTokenizer}


@dataclass
class FolderStorage:
    """Rasa's model storage, reduced to a folder."""

    folder: Path

    @contextmanager
    def write_to(self, resource: Resource) -> Iterator[Path]:
        place = self.folder / resource.name
        place.mkdir(parents=True, exist_ok=True)
        yield place

    @contextmanager
    def read_from(self, resource: Resource) -> Iterator[Path]:
        place = self.folder / resource.name
        if not place.exists():
            raise ValueError(f"Nothing is stored under {resource.name}.")
        yield place


class Understanding:
    """The pipeline of `config.yml`: trained, stored, and loaded again as the assistant does."""

    def __init__(self, data: TrainingData, folder: Path) -> None:
        config = yaml.safe_load((ROOT / "config.yml").read_text())
        self._components = [self._trained(dict(part), data, FolderStorage(folder)) for part in config["pipeline"]]

    def parse(self, text: str) -> dict[str, Any]:
        """What the assistant makes of a text: `intent`, `intent_ranking`, `entities`."""
        message = Message(data={"text": text})
        for component in self._components:
            component.process([message])
        return message.data

    @staticmethod
    def _trained(part: dict[str, Any], data: TrainingData, storage: FolderStorage) -> Any:
        name = part.pop("name")
        kind = STOCK.get(name) or class_from_module_path(name)
        config = {**kind.get_default_config(), **part}
        place = (config, storage, Resource(name), ExecutionContext(GraphSchema({}), node_name=name))
        component = kind.create(*place)
        if hasattr(component, "train"):
            component.train(data)
            component = kind.load(*place)
        if hasattr(component, "process_training_data"):
            component.process_training_data(data)
        return component


@pytest.fixture(scope="session")
def understanding(tmp_path_factory: pytest.TempPathFactory) -> Understanding:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(ROOT)  # the gazetteers' paths are the project's
        return Understanding(load_data(str(ROOT / "data")), tmp_path_factory.mktemp("understanding"))
