"""The settings of a Lightspeed X source."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from syncd.secret import Secret, Token
from syncd.sources.cloud import CloudSettings, Currency, OAuthApp, one_way_in
from syncd.sources.settings import ApiUrl, SignedOrNot


class LightspeedOAuth(OAuthApp):
    """An application's access to a retailer; the refresh token rotates with every renewal.

    Source: https://x-series-api.lightspeedhq.com/docs/authorization
    """

    client_secret: Secret


class LightspeedSettings(CloudSettings):
    """``prefix`` is the store's own part of its address (``https://<prefix>.retail.lightspeed.app``).

    ``leave_out`` names sale sources whose sales are none of the till's; ``registers`` is how many the shop has, for its rate limit.
    """

    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")] = ""
    token: Token | None = None
    oauth: LightspeedOAuth | None = None
    webhook: SignedOrNot | None = None
    api_url: ApiUrl | None = None
    currency: Currency | None = None
    leave_out: tuple[str, ...] = ("ECOMMERCE", "BIGCOMMERCE")
    customers: bool = True
    registers: Annotated[int, Field(ge=1)] = 1
    page: Annotated[int, Field(ge=1, le=200)] = 200

    @model_validator(mode="after")
    def _said_enough(self) -> Self:
        one_way_in(token=self.token, oauth=self.oauth)
        if not self.prefix and not self.api_url:
            msg = "prefix is required: the first part of the store's address"
            raise ValueError(msg)
        return self

    @property
    def base(self) -> str:
        """The API's base URL."""
        return self.api_url or f"https://{self.prefix}.retail.lightspeed.app"
