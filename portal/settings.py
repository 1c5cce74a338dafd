"""The portal's settings, read once from the environment and checked at start-up."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseSettings, Field, SecretStr, ValidationError, validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "CHARTLINE_PORTAL_"


class SettingsError(Exception):
    """A variable is missing or wrong. The message is one line and names the variable."""


class Settings(BaseSettings):
    """Where the portal listens, what address the outside sees, and where its data is.

    Every field is the variable ``CHARTLINE_PORTAL_<NAME>``; the default database lies in the folder
    ``CHARTLINE_VAR`` (default ``var/``).
    """

    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    #: May hold a password: masked in ``repr``; read it with ``.get_secret_value()``.
    database_url: SecretStr = SecretStr("")
    #: The address that clients use, without ``/fhir`` and without a slash at its end.
    base_url: str = ""

    class Config:
        env_prefix = PREFIX

    @validator("database_url", always=True)
    def _database_is_a_url(cls, value: SecretStr) -> SecretStr:
        text = value.get_secret_value() or default_database_url()
        try:
            backend = make_url(text).get_backend_name()
        except ArgumentError as error:
            raise ValueError("is not a database URL") from error
        if backend not in ("sqlite", "postgresql"):
            raise ValueError("must begin with sqlite:/// or postgresql://")
        return SecretStr(text)

    @validator("base_url", always=True)
    def _base_is_http(cls, value: str, values: dict[str, Any]) -> str:
        url = (value or f"http://127.0.0.1:{values.get('port', 8000)}").rstrip("/")
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError("must be an http or https address")
        return url

    @property
    def fhir_url(self) -> str:
        """The FHIR service base URL: what a client configures as the server's address."""
        return f"{self.base_url}/fhir"


def default_database_url() -> str:
    """The SQLite file in ``CHARTLINE_VAR``, as an absolute URL."""
    return f"sqlite:///{(Path(os.environ.get('CHARTLINE_VAR') or 'var') / 'portal.db').resolve()}"


def load_settings(**overrides: Any) -> Settings:
    """Read the environment. Raises SettingsError, whose one line names the variable that is wrong."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{PREFIX}{str(first['loc'][0]).upper()} {first['msg']}") from error
