"""When a message that nobody waits for may ring a phone. An answer to a message is never held back."""

from __future__ import annotations

from datetime import datetime, timezone
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseSettings, Field, validator


class SendingHours(BaseSettings):
    """The hours of the clinic's day in which reminders go out; by default the TCPA's (47 CFR 64.1200(c)(1))."""

    time_zone: str = Field("America/New_York", env="CHARTLINE_TIME_ZONE")
    send_from: int = Field(8, env="CHARTLINE_SEND_FROM", ge=0, le=23)  # the first hour, 0 to 23
    send_until: int = Field(21, env="CHARTLINE_SEND_UNTIL", ge=1, le=24)  # no longer in this hour, 1 to 24

    class Config:
        allow_population_by_field_name = True

    @validator("time_zone")
    def _is_known(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("no such time zone") from error
        return value

    @validator("send_until")
    def _comes_after(cls, value: int, values: dict[str, object]) -> int:
        first = values.get("send_from")
        if isinstance(first, int) and value <= first:
            raise ValueError("must be after CHARTLINE_SEND_FROM")
        return value

    def include(self, moment: datetime) -> bool:
        """Whether `moment` (naive UTC) is in these hours where the clinic is."""
        local = moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(self.time_zone))
        return self.send_from <= local.hour < self.send_until
