"""The settings of a Loyverse source."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from syncd.clock import Duration
from syncd.secret import Secret
from syncd.sources.zones import zone
from syncd.wire.limits import https_or_loopback


class LoyverseWebhook(BaseModel):
    """``client_secret`` checks signatures; a webhook made with a personal token carries none, and is then a mere hint to poll."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_secret: Secret | None = None
    unsigned: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.client_secret is None) == (not self.unsigned):
            msg = "client_secret is required, or unsigned = true where the webhook was made with a personal token"
            raise ValueError(msg)
        return self


class LoyverseSettings(BaseModel):
    """A personal access token. Loyverse tells no time zone: ``timezone`` is the shop's.

    ``leave_out`` names the sources of receipts that are none of the till's: apps write receipts too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Secret
    webhook: LoyverseWebhook | None = None
    api_url: str = "https://api.loyverse.com"
    timezone: str = "UTC"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    leave_out: tuple[str, ...] = ("BigCommerce",)
    customers: bool = True
    page: Annotated[int, Field(ge=1, le=250)] = 250
    overlap: Duration = timedelta(minutes=5)
    look_back: Duration = timedelta(days=4)
    look_back_every: Duration = timedelta(hours=6)

    @field_validator("api_url")
    @classmethod
    def _safe(cls, url: str) -> str:
        return https_or_loopback(url)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        zone(name)
        return name
