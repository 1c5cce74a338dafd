"""The house stands: import rules, one class an action, every response and action there, words in the domain alone."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from rasa_sdk import Action

import actions

ROOT = Path(__file__).parent.parent
DOMAIN = [ROOT / "domain.yml", *sorted((ROOT / "domain").rglob("*.yml"))]
ACTIONS = sorted((ROOT / "actions").rglob("*.py"))


def domain(section: str) -> list[str]:
    """The names in one section of all domain files, repeated where they are."""
    names: list[str] = []
    for path in DOMAIN:
        for name in yaml.safe_load(path.read_text()).get(section) or []:
            names.append(next(iter(name)) if isinstance(name, dict) else name)
    return names


def strings(path: Path) -> set[str]:
    return {
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def action_names() -> Counter[str]:
    """The names of all action classes, as rasa-sdk finds them."""
    for module in pkgutil.iter_modules(actions.__path__, "actions."):
        importlib.import_module(module.name)
    known = [kind for kind in subclasses(Action) if kind.__module__.startswith("actions.")]
    return Counter(kind().name() for kind in known if not inspect.isabstract(kind))


def subclasses(kind: type[Any]) -> set[type[Any]]:
    direct = set(kind.__subclasses__())
    return direct.union(*(subclasses(child) for child in direct))


def test_the_rooms_keep_to_their_import_rules() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "lint-imports")], cwd=ROOT, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stdout


def test_every_action_of_the_domain_has_exactly_one_class() -> None:
    names = action_names()
    assert {name: names[name] for name in domain("actions")} == dict.fromkeys(domain("actions"), 1)
    assert set(names) <= set(domain("actions")), "an action that the domain does not know"


@pytest.mark.parametrize("section", ["responses", "intents", "slots", "forms", "actions"])
def test_nothing_is_declared_twice(section: str) -> None:
    repeated = [name for name, count in Counter(domain(section)).items() if count > 1]
    assert not repeated


def test_every_response_that_the_code_names_is_in_the_domain() -> None:
    code = [*ACTIONS, *sorted((ROOT / "bot").rglob("*.py"))]
    named = {(p.name, s) for p in code for s in strings(p) if s.startswith("utter_") and " " not in s and s != "utter_"}
    known = set(domain("responses"))
    prefixes = {(f, s) for f, s in named if s.endswith("_") and any(k.startswith(s) for k in known)}
    missing = {(f, s) for f, s in named - prefixes if s not in known and s != "utter_action"}
    assert not missing


def test_every_response_of_the_domain_is_used() -> None:
    code = [*ACTIONS, *sorted((ROOT / "bot").rglob("*.py"))]
    named = set().union(*(strings(path) for path in code))
    built = [
        pattern for path in code for pattern in patterns(path) if pattern.startswith("utter_") and len(pattern) > 8
    ]
    told = "\n".join(p.read_text() for p in [ROOT / "config.yml", *sorted((ROOT / "data").rglob("*.yml"))])
    unused = [
        name
        for name in domain("responses")
        if not named & {name, name.removeprefix("utter_")}
        and name not in told
        and not any(re.fullmatch(pattern, name) for pattern in built)
    ]
    assert not unused


def patterns(path: Path) -> list[str]:
    """The f-strings of a module, with `.+` for what is put in."""
    joined = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.JoinedStr)]
    return ["".join(str(v.value) if isinstance(v, ast.Constant) else ".+" for v in node.values) for node in joined]


def test_a_capability_has_a_file_of_the_same_name_in_each_layer() -> None:
    for name in ("labs", "medications", "refills", "privacy", "messages", "record"):
        for path in (f"domain/{name}.yml", f"data/{name}.yml", f"actions/{name}.py", f"tests/test_{name}.py"):
            assert (ROOT / path).exists(), path
