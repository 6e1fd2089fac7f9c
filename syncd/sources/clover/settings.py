"""The settings of a Clover source."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncd.durations import Duration
from syncd.secret import Secret, Token
from syncd.sources.cloud import CloudSettings, OAuthApp, one_way_in
from syncd.sources.settings import ApiUrl, ZoneName


class CloverWebhook(BaseModel):
    """``auth_code`` is what every message carries in ``X-Clover-Auth``; Clover shows it once the callback was verified."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    auth_code: Secret | None = None


class CloverSettings(CloudSettings):
    """One merchant (a location of its own). Clover tells no time zone in its orders: ``timezone`` is the shop's.

    ``leave_out`` names orders, by their type, title or note, that are none of the till's. Each refresh token works once.
    """

    merchant_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+$")]
    token: Token | None = None
    oauth: OAuthApp | None = None
    webhook: CloverWebhook | None = None
    api_url: ApiUrl = "https://api.clover.com"
    timezone: ZoneName = "UTC"
    leave_out: tuple[str, ...] = ("BigCommerce",)
    skus: bool = True
    staff: bool = True
    page: Annotated[int, Field(ge=1, le=1000)] = 100
    overlap: Duration = timedelta(minutes=5)

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        one_way_in(token=self.token, oauth=self.oauth)
        return self
