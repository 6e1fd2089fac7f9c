"""The settings of a Square source."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncd.durations import Duration
from syncd.secret import Secret, Token
from syncd.sources.cloud import CloudSettings, OAuthApp, one_way_in
from syncd.sources.settings import ApiUrl


class SquareOAuth(OAuthApp):
    """An application's access to a seller's account.

    Source: https://developer.squareup.com/docs/oauth-api/overview
    """

    client_secret: Secret | None = None


class SquareWebhook(BaseModel):
    """A webhook subscription: its signature key, and its notification URL to the letter, for the signature covers it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signature_key: Secret
    url: Annotated[str, Field(pattern=r"^https?://")]


class SquareSettings(CloudSettings):
    """``token`` (a personal access token) or ``oauth``; ``locations`` by id, all active ones where it is empty.

    ``leave_out`` names order sources whose sales are none of the till's: BigCommerce's own come back otherwise.
    """

    token: Token | None = None
    oauth: SquareOAuth | None = None
    webhook: SquareWebhook | None = None
    api_url: ApiUrl = "https://connect.squareup.com"
    version: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] = "2025-10-16"
    locations: tuple[str, ...] = ()
    leave_out: tuple[str, ...] = ("BigCommerce",)
    skus: bool = True
    customers: bool = True
    staff: bool = True
    page: Annotated[int, Field(ge=1, le=1000)] = 500
    overlap: Duration = timedelta(minutes=5)
    look_back_every: Duration = timedelta(hours=1)

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        one_way_in(token=self.token, oauth=self.oauth)
        return self
