"""The environment that the processes share: what the operator set, the generated secrets, and defaults."""

from __future__ import annotations

import base64
import os
import re
import secrets
from pathlib import Path

from bot.model import ROOT


def environment() -> dict[str, str]:
    """Everything the processes read. Secrets are made once, into `var/secrets.env`, for the owner only."""
    env = dict(os.environ)
    var = Path(env.setdefault("CHARTLINE_VAR", str(ROOT / "var")))
    for name, value in _secrets(var).items():
        env.setdefault(name, value)
    bot, actions, portal = (env.setdefault(f"CHARTLINE_{n}_PORT", p) for n, p in _PORTS.items())
    env.setdefault("CHARTLINE_PUBLIC_URL", f"http://localhost:{bot}")
    env.setdefault("CHARTLINE_ACTIONS_URL", f"http://127.0.0.1:{actions}/webhook")
    env.setdefault("CHARTLINE_PORTAL_BASE_URL", f"http://localhost:{portal}")
    env.setdefault("CHARTLINE_PORTAL_DEMO", "1")
    env.setdefault("CHARTLINE_FHIR_URL", f"{env['CHARTLINE_PORTAL_BASE_URL']}/fhir")
    env.setdefault("CHARTLINE_PORTAL_CLIENT_REDIRECT_URIS", f"{env['CHARTLINE_PUBLIC_URL']}/signin/callback")
    for variable in re.findall(r"\$\{(\w+)\}", (ROOT / "credentials.yml").read_text()):
        env.setdefault(variable, "")  # a channel that is not wanted
    env["RASA_TELEMETRY_ENABLED"] = "false"
    env["TF_CPP_MIN_LOG_LEVEL"] = "3"
    env.setdefault("PYTHONWARNINGS", "ignore::DeprecationWarning")  # of Rasa's own pins
    env.setdefault("SQLALCHEMY_SILENCE_UBER_WARNING", "1")
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # the second start would be as slow as the first
    return env


def uses_own_portal(env: dict[str, str]) -> bool:
    """Whether the embedded portal is the backend, or the operator named another."""
    return env["CHARTLINE_FHIR_URL"].startswith(env["CHARTLINE_PORTAL_BASE_URL"])


_PORTS = {"BOT": "5005", "ACTIONS": "5055", "PORTAL": "8000"}


def _secrets(var: Path) -> dict[str, str]:
    path = var / "secrets.env"
    if not path.exists():
        var.mkdir(parents=True, exist_ok=True)
        made = {
            "CHARTLINE_SECRET_KEY": base64.b64encode(secrets.token_bytes(32)).decode(),
            "CHARTLINE_ACTIONS_TOKEN": secrets.token_urlsafe(32),
        }
        with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.writelines(f"{name}={value}\n" for name, value in made.items())
    lines = (line.partition("=") for line in path.read_text().splitlines() if "=" in line)
    return {name.strip(): value.strip() for name, _, value in lines}
