"""What the assistant reads from the environment, once, typed. `accounts.settings` holds what it shares with actions."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from pydantic import BaseSettings, Field, ValidationError

from accounts.errors import SettingsError

Settings = TypeVar("Settings", bound=BaseSettings)


class ClinicSettings(BaseSettings):
    """The facts about the clinic that responses may name, such as `{clinic_phone}`."""

    clinic_name: str = Field("Riverbend Clinic", env="CHARTLINE_CLINIC_NAME")
    clinic_phone: str = Field("555-0100", env="CHARTLINE_CLINIC_PHONE")
    clinic_urgent_phone: str = Field("555-0199", env="CHARTLINE_CLINIC_URGENT_PHONE")
    emergency_number: str = Field("911", env="CHARTLINE_EMERGENCY_NUMBER")
    crisis_line: str = Field("988", env="CHARTLINE_CRISIS_LINE")
    poison_line: str = Field("1-800-222-1222", env="CHARTLINE_POISON_LINE")


class BotSettings(BaseSettings):
    """Where the assistant listens, and which web pages may talk to it."""

    host: str = Field("127.0.0.1", env="CHARTLINE_BOT_HOST")
    port: int = Field(5005, env="CHARTLINE_BOT_PORT", gt=0, lt=65536)
    public_url: str = Field("http://localhost:5005", env="CHARTLINE_PUBLIC_URL")
    web_origins: str = Field("", env="CHARTLINE_WEB_ORIGINS")
    # Proxies of ours in front of the assistant, each of which adds to X-Forwarded-For.
    trusted_proxies: int = Field(0, env="CHARTLINE_TRUSTED_PROXIES", ge=0, le=10)
    sessions_per_minute: int = Field(30, env="CHARTLINE_SESSIONS_PER_MINUTE", ge=1)  # new web chats of one address
    sign_ins_per_minute: int = Field(60, env="CHARTLINE_SIGN_INS_PER_MINUTE", ge=1)  # sign-in pages of one address
    models: Path = Field(Path("models"), env="CHARTLINE_MODELS")
    endpoints: Path = Field(Path("endpoints.yml"), env="CHARTLINE_ENDPOINTS")
    credentials: Path = Field(Path("credentials.yml"), env="CHARTLINE_CREDENTIALS")

    @property
    def origins(self) -> frozenset[str]:
        """The web origins whose pages may embed the widget (RFC 6454), the assistant's own among them."""
        own = {origin(self.public_url), f"http://localhost:{self.port}", f"http://127.0.0.1:{self.port}"}
        return frozenset(own | {origin(o.strip()) for o in self.web_origins.split(",") if o.strip()})


def origin(url: str) -> str:
    """Scheme, host and port of a URL, as a browser writes it in `Origin`."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()


def read(kind: type[Settings]) -> Settings:
    """Read one group of settings; `SettingsError` names the variable that is wrong."""
    try:
        return kind()
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        variable = kind.__fields__[field].field_info.extra["env"]
        raise SettingsError(f"{variable}: {error.errors()[0]['msg']}") from error
