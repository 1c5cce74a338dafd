"""What `rasa train`, `validate`, `test` and `shell` read as the domain."""

from __future__ import annotations

from pathlib import Path

import pytest
from rasa.shared.core.domain import InvalidDomain

from bot.importer import SAFETY_INTENTS, ChartlineImporter

ROOT = Path(__file__).parents[1]

CORE = 'version: "3.1"\nintents: [greet]\n'
FORM = """
version: "3.1"
intents: [order]
slots:
  size: {type: text, mappings: [{type: from_text}]}
forms:
  order_form: {ignored_intents: order, required_slots: [size]}
"""


def test_the_folder_domain_is_read_together_with_domain_yml(tmp_path: Path) -> None:
    (tmp_path / "domain.yml").write_text(CORE)
    (tmp_path / "domain").mkdir()
    (tmp_path / "domain" / "orders.yml").write_text(FORM)
    domain = ChartlineImporter(domain_path=str(tmp_path / "domain.yml")).get_domain()
    assert {"greet", "order"} <= set(domain.intents)


def test_every_form_ignores_danger_besides_what_it_ignores_itself(tmp_path: Path) -> None:
    (tmp_path / "domain.yml").write_text(FORM)
    domain = ChartlineImporter(domain_path=str(tmp_path / "domain.yml")).get_domain()
    assert domain.forms["order_form"]["ignored_intents"] == ["order", *SAFETY_INTENTS]


def test_a_domain_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidDomain):
        ChartlineImporter(domain_path=str(tmp_path / "domain.yml")).get_domain()


def test_a_domain_that_says_nothing_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "domain.yml").write_text('version: "3.1"\n')
    with pytest.raises(InvalidDomain):
        ChartlineImporter(domain_path=str(tmp_path / "domain.yml")).get_domain()


def test_the_project_s_own_forms_all_ignore_danger() -> None:
    forms = ChartlineImporter(domain_path=str(ROOT / "domain.yml")).get_domain().forms
    assert forms
    assert all(set(SAFETY_INTENTS) <= set(form["ignored_intents"]) for form in forms.values())
