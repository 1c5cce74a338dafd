"""What stands in deploy/ is what the programs know: names of settings, ports, routes, commands, groups, targets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from portal.settings import PREFIX, Settings
from portal.smart.settings import SmartSettings
from tests.harness import ROOT

DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm" / "chartline"
ROOMS = ("portal", "accounts", "actions", "bot")
NAME = r"\b(?:CHARTLINE|TWILIO|TELEGRAM)_[A-Z_]*[A-Z]\b"
OF_COMPOSE = {"CHARTLINE_DOMAIN"}  # read by compose.yaml and the Caddyfile alone


def known() -> set[str]:
    """Every variable that a program reads."""
    code = [path.read_text() for room in ROOMS for path in (ROOT / room).rglob("*.py")]
    files = [(ROOT / name).read_text() for name in ("credentials.yml", "endpoints.yml")]
    of_portal = {PREFIX + field.upper() for kind in (Settings, SmartSettings) for field in kind.__fields__}
    quoted = {name for text in code for name in re.findall(f'"({NAME})"', text)}
    return quoted | of_portal | {name for text in files for name in re.findall(rf"\$\{{({NAME})\}}", text)}


def rendered(path: Path) -> list[dict[str, Any]]:
    """A template of the chart as YAML: every expression of Helm's is a word, or left out with its line."""
    text = re.sub(r"(?m)^\s*\{\{-? *(if|end|range|include|\$|toYaml).*\}\}\n", "", path.read_text())
    text = re.sub(r": \{\{-.*?\}\}", ": {}", text)
    return [found for found in yaml.safe_load_all(re.sub(r"\{\{.*?\}\}", "word", text)) if found]


def deployments() -> dict[str, dict[str, Any]]:
    files = [CHART / "templates" / f"{name}.yaml" for name in ("bot", "actions", "portal")]
    return {path.stem: next(d for d in rendered(path) if d["kind"] == "Deployment") for path in files}


def test_the_example_lists_every_setting_and_no_other() -> None:
    listed = set(re.findall(rf"(?m)^#?({NAME})=", (DEPLOY / "env.example").read_text()))
    assert listed - OF_COMPOSE == known()


def test_nothing_in_deploy_names_a_setting_that_no_program_reads() -> None:
    files = [path for path in DEPLOY.rglob("*") if path.is_file() and path.name != ".env"]
    named = {(path.name, name) for path in files for name in re.findall(NAME, path.read_text())}
    assert len(named) > 50
    assert not {(file, name) for file, name in named if name not in known() | OF_COMPOSE}


def test_no_secret_stands_in_a_file() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert not [name for name in values["config"] if re.search("KEY|TOKEN|SECRET|DATABASE|PASSWORD", name)]
    example = (DEPLOY / "env.example").read_text()
    assert not re.findall(r"(?m)^#?\w*(?:KEY|TOKEN|SECRET|PASSWORD|SID)\w*=\S+", example.replace("TOKEN_SECONDS", ""))


@pytest.mark.parametrize("name", ["bot", "actions", "portal"])
def test_the_compose_file_builds_what_the_dockerfile_has_and_guards_it(name: str) -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    targets = set(re.findall(r"(?m)^FROM \S+ AS (\S+)", (DEPLOY / "Dockerfile").read_text()))
    builds = {service["build"]["target"] for service in services.values() if "build" in service}
    assert {name} <= builds <= targets
    assert services[name]["read_only"] is True
    assert services[name]["cap_drop"] == ["ALL"]
    assert "ports" not in services[name]  # only what stands in front is reached from outside


def test_there_are_two_assistants_and_they_wait_for_the_migration() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text())["services"]
    assert services["bot"]["deploy"]["replicas"] == 2
    assert services["migrate"]["command"][1:] == ["-m", "accounts", "migrate"]
    assert services["actions"]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert services["portal"]["profiles"] == ["portal"]


def test_the_images_run_as_nobody_special_and_hold_the_groups_of_the_project() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    groups = re.findall(r"--group (\w+)", text)
    project = (ROOT / "pyproject.toml").read_text()
    assert groups == ["portal", "actions", "bot"]
    assert all(re.search(rf"(?m)^{group} = \[", project) for group in groups)
    assert "USER 10001:10001" in text
    for copied in re.findall(r"(?m)^COPY (?!--from)(.+) \S+$", text):
        assert all(name == "." or list(ROOT.glob(name)) for name in copied.split())


@pytest.mark.parametrize(("name", "port", "ready"), [("bot", 5005, "/ready"), ("actions", 5055, "/health")])
def test_the_chart_asks_the_right_routes_at_the_right_ports(name: str, port: int, ready: str) -> None:
    container = deployments()[name]["spec"]["template"]["spec"]["containers"][0]
    assert container["ports"][0]["containerPort"] == port
    assert container["readinessProbe"]["httpGet"]["path"] == ready
    assert container["livenessProbe"]["httpGet"]["path"] == "/health"


@pytest.mark.parametrize("path", sorted((CHART / "templates").glob("*.yaml")), ids=lambda path: path.name)
def test_every_template_is_yaml_with_balanced_expressions(path: Path) -> None:
    text = path.read_text()
    opened = re.findall(r"\{\{-? *(?:if|range|define|with)\b", text)
    assert len(opened) == len(re.findall(r"\{\{-? *end\b", text))
    assert all({"apiVersion", "kind", "metadata"} <= found.keys() for found in rendered(path))
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    for dotted in re.findall(r"\.Values\.([\w.]+)", text):
        found = values
        for part in dotted.split("."):
            found = found[part]
