"""What the sign-in reads from the environment besides the portal's own settings."""

from __future__ import annotations

from pydantic import BaseSettings, Field, SecretStr, ValidationError

from portal.settings import PREFIX, SettingsError

ASSISTANT_SCOPES = (
    "launch/patient offline_access patient/*.rs patient/Task.cu patient/Communication.cu patient/Appointment.cu "
    "patient/DocumentReference.c patient/Binary.c patient/Consent.cu patient/Subscription.cud patient/AuditEvent.c"
)


class SmartSettings(BaseSettings):
    """Sign-in and tokens. Every variable starts with `CHARTLINE_PORTAL_`.

    `client_*` describe the assistant, which `install` registers. With `client_secret` it is a confidential client.
    `demo` shows the demo patients and their password on the sign-in pages: never set it where real charts are.
    """

    client_id: str = "chartline"
    client_name: str = "Chartline"
    client_redirect_uris: str = "http://127.0.0.1:5005/signin/callback,http://localhost:5005/signin/callback"
    client_scopes: str = ASSISTANT_SCOPES
    client_secret: SecretStr | None = None
    access_token_seconds: int = Field(3600, ge=60, le=86400)
    grant_days: int = Field(90, ge=1, le=365)
    session_minutes: int = Field(15, ge=1, le=120)
    demo: bool = False
    demo_password: str = "chartline-demo"  # noqa: S105 - shown on the page, for made-up people only

    class Config:
        env_prefix = PREFIX

    @property
    def redirect_uris(self) -> list[str]:
        """The assistant's redirect URIs, from a list with commas."""
        return [uri.strip() for uri in self.client_redirect_uris.split(",") if uri.strip()]


def load_smart_settings() -> SmartSettings:
    """Read the environment. Raises SettingsError, whose one line names the variable that is wrong."""
    try:
        return SmartSettings()
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{PREFIX}{str(first['loc'][0]).upper()} {first['msg']}") from error
