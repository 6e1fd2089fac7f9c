"""The settings of a Shopify POS source."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncd.durations import Duration
from syncd.secret import Secret, Token
from syncd.sources.cloud import CloudSettings, one_way_in
from syncd.sources.settings import ApiUrl, ZoneName


class ShopifyWebhook(BaseModel):
    """``secret`` is the app's client secret, with which Shopify signs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: Secret


class ShopifyApp(BaseModel):
    """An app of the shop's own organisation: its client credentials get a token that lives for a day.

    Source: https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/client-credentials-grant
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: Annotated[str, Field(min_length=1)]
    client_secret: Secret


class ShopifySettings(CloudSettings):
    """``shop`` is the first part of ``<shop>.myshopify.com``. Staff and customers need permissions of their own.

    ``only`` names the sources of orders to carry: the tills'. The web shop's own stay where they are.
    """

    shop: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")] = ""
    token: Token | None = None
    app: ShopifyApp | None = None
    webhook: ShopifyWebhook | None = None
    api_url: ApiUrl | None = None
    version: Annotated[str, Field(pattern=r"^(\d{4}-\d\d|unstable)$")] = "2026-07"
    only: Annotated[tuple[str, ...], Field(min_length=1)] = ("pos",)
    customers: bool = True
    staff: bool = False
    timezone: ZoneName | None = None
    page: Annotated[int, Field(ge=1, le=50)] = 10
    overlap: Duration = timedelta(minutes=5)
    look_back_every: Duration = timedelta(hours=1)

    @model_validator(mode="after")
    def _said_enough(self) -> Self:
        one_way_in(token=self.token, app=self.app)
        if not self.shop and not self.api_url:
            msg = "shop is required: the first part of its myshopify.com address"
            raise ValueError(msg)
        return self

    @property
    def base(self) -> str:
        """The API's base URL."""
        return self.api_url or f"https://{self.shop}.myshopify.com"
