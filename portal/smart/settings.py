"""What the sign-in reads from the environment besides the portal's own settings."""

from __future__ import annotations

from typing import Any

from pydantic import BaseSettings, Field, SecretStr, ValidationError, validator

from portal.search_parameters import RESOURCE_TYPES
from portal.settings import PREFIX, SettingsError
from portal.smart.rights import Policy

ASSISTANT_SCOPES = (
    "launch/patient offline_access patient/*.rs patient/Task.cu patient/Communication.cu patient/Appointment.cu "
    "patient/DocumentReference.c patient/Binary.c patient/Consent.cu patient/Subscription.cud patient/AuditEvent.c"
)
LIMITED_TYPES = (
    "Patient, Appointment, Slot, Schedule, Location, Practitioner, PractitionerRole, Organization, Immunization, "
    "AllergyIntolerance"
)


class SmartSettings(BaseSettings):
    """Sign-in and tokens. Every variable starts with `CHARTLINE_PORTAL_`.

    `client_*` describe the assistant, which `install` registers. With `client_secret` it is a confidential client.
    `proxy_*` are the ages (in years) at which a child's proxy gets less, and the types that are open in between.
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
    proxy_full_under: int = Field(13, ge=0, le=150)
    proxy_none_from: int = Field(18, ge=0, le=150)
    proxy_limited_types: str = LIMITED_TYPES
    demo: bool = False
    demo_password: str = "chartline-demo"  # noqa: S105 - shown on the page, for made-up people only

    class Config:
        env_prefix = PREFIX

    @validator("proxy_none_from")
    def _ages_rise(cls, value: int, values: dict[str, Any]) -> int:
        if value < values.get("proxy_full_under", 0):
            raise ValueError(f"must not be lower than {PREFIX}PROXY_FULL_UNDER")
        return value

    @validator("proxy_limited_types")
    def _types_are_known(cls, value: str) -> str:
        if not _words(value) <= set(RESOURCE_TYPES):
            raise ValueError("must be a list, with commas, of resource types that the portal has")
        return value

    @property
    def proxy_policy(self) -> Policy:
        """What somebody who acts for a patient may open, by the patient's age."""
        return Policy(self.proxy_full_under, self.proxy_none_from, _words(self.proxy_limited_types))

    @property
    def redirect_uris(self) -> list[str]:
        """The assistant's redirect URIs, from a list with commas."""
        return [uri.strip() for uri in self.client_redirect_uris.split(",") if uri.strip()]


def _words(text: str) -> frozenset[str]:
    return frozenset(word for part in text.split(",") if (word := part.strip()))


def load_smart_settings() -> SmartSettings:
    """Read the environment. Raises SettingsError, whose one line names the variable that is wrong."""
    try:
        return SmartSettings()
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"{PREFIX}{str(first['loc'][0]).upper()} {first['msg']}") from error
