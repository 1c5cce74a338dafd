"""What this room reads from the environment, once, typed."""

from __future__ import annotations

import base64
import binascii
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseSettings, Field, SecretStr, ValidationError, validator
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from accounts.errors import SettingsError
from accounts.grants import SessionPolicy

# What the capabilities read and write, as SMART v2 scopes:
# http://hl7.org/fhir/smart-app-launch/scopes-and-launch-context.html
SCOPES = "launch/patient offline_access patient/*.rs patient/Task.cu patient/Communication.cu"


class AccountsSettings(BaseSettings):
    """Where state lives, and the portal that patients sign in at.

    `secret_key` is 32 random bytes in base64. All that is stored encrypted hangs on it: losing it means that nothing
    of that can be read. `secret_keys_old` are earlier ones, separated by commas, until `rotate-keys` has run.
    """

    secret_key: SecretStr = Field(..., env="CHARTLINE_SECRET_KEY")
    secret_keys_old: SecretStr = Field(SecretStr(""), env="CHARTLINE_SECRET_KEYS_OLD")
    database_url: SecretStr = Field(SecretStr(""), env="CHARTLINE_DATABASE_URL")  # may hold a password
    var: Path = Field(Path("var"), env="CHARTLINE_VAR")
    public_url: str = Field("http://localhost:5005", env="CHARTLINE_PUBLIC_URL")
    fhir_url: str = Field("http://localhost:8000/fhir", env="CHARTLINE_FHIR_URL")
    client_id: str = Field("chartline", env="CHARTLINE_CLIENT_ID")
    client_secret: SecretStr | None = Field(None, env="CHARTLINE_CLIENT_SECRET")
    scopes: str = Field(SCOPES, env="CHARTLINE_SCOPES")
    link_seconds: int = Field(600, env="CHARTLINE_LINK_SECONDS", ge=30, le=3600)
    idle_minutes: int = Field(15, env="CHARTLINE_IDLE_MINUTES", ge=2, le=240)
    session_hours: int = Field(24, env="CHARTLINE_SESSION_HOURS", ge=1, le=24)
    linked_days: int = Field(30, env="CHARTLINE_LINKED_DAYS", ge=1, le=90)  # on SMS and Telegram

    @validator("secret_key")
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        _key(value.get_secret_value())
        return value

    @validator("secret_keys_old")
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        _keys(value.get_secret_value())
        return value

    @validator("database_url")
    def _is_of_a_known_database(cls, value: SecretStr) -> SecretStr:
        try:
            url = make_url(value.get_secret_value() or "sqlite://")
            known = url.get_backend_name() in ("sqlite", "postgresql") and bool(url.get_dialect())
        except (SQLAlchemyError, ValueError):
            known = False
        if not known:
            raise ValueError("must start with sqlite:/// or postgresql://")
        return value

    @validator("public_url", "fhir_url")
    def _has_no_trailing_slash(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("must start with http:// or https://")
        if not urlsplit(value).hostname:
            raise ValueError("must name a host")
        return value.rstrip("/")

    @property
    def database(self) -> str:
        """The SQLAlchemy URL of Chartline's own state."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.var / 'chartline.db'}"

    @property
    def session_policy(self) -> SessionPolicy:
        """How long a sign-in lasts."""
        return SessionPolicy(
            timedelta(minutes=self.idle_minutes), timedelta(hours=self.session_hours), timedelta(days=self.linked_days)
        )

    @property
    def keys(self) -> list[bytes]:
        """The secret keys of 32 bytes each, the current one first."""
        return [_key(self.secret_key.get_secret_value()), *_keys(self.secret_keys_old.get_secret_value())]


def _keys(text: str) -> list[bytes]:
    return [_key(part.strip()) for part in text.split(",") if part.strip()]


def _key(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("must be base64") from error
    if len(raw) != 32:
        raise ValueError("must be 32 bytes in base64")
    return raw


def read_settings() -> AccountsSettings:
    """Read the environment; `SettingsError` names the variable that is wrong."""
    try:
        return AccountsSettings()
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        variable = AccountsSettings.__fields__[field].field_info.extra["env"]
        raise SettingsError(f"{variable}: {error.errors()[0]['msg']}") from error
