"""The settings of a Lightspeed X source."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from syncd.secret import Secret
from syncd.wire.limits import https_or_loopback


class LightspeedOAuth(BaseModel):
    """An application's access to a retailer; the refresh token rotates with every renewal.

    Source: https://x-series-api.lightspeedhq.com/docs/authorization
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_id: str
    client_secret: Secret
    refresh_token: Secret


class LightspeedWebhook(BaseModel):
    """``client_secret`` checks signatures; a webhook made by hand carries none, and is then taken as a mere hint to poll."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    client_secret: Secret | None = None
    unsigned: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.client_secret is None) == (not self.unsigned):
            msg = "client_secret is required, or unsigned = true where the webhook was made by hand"
            raise ValueError(msg)
        return self


class LightspeedSettings(BaseModel):
    """``prefix`` is the store's own part of its address (``https://<prefix>.retail.lightspeed.app``).

    ``leave_out`` names sale sources whose sales are none of the till's; ``registers`` is how many the shop has, for its rate limit.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]*$")] = ""
    token: Secret | None = None
    oauth: LightspeedOAuth | None = None
    webhook: LightspeedWebhook | None = None
    api_url: str = ""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    leave_out: tuple[str, ...] = ("ECOMMERCE", "BIGCOMMERCE")
    customers: bool = True
    registers: Annotated[int, Field(ge=1)] = 1
    page: Annotated[int, Field(ge=1, le=200)] = 200

    @field_validator("api_url")
    @classmethod
    def _safe(cls, url: str) -> str:
        return https_or_loopback(url) if url else ""

    @model_validator(mode="after")
    def _said_enough(self) -> Self:
        if (self.token is None) == (self.oauth is None):
            msg = "token or oauth is required, and not both"
            raise ValueError(msg)
        if not self.prefix and not self.api_url:
            msg = "prefix is required: the first part of the store's address"
            raise ValueError(msg)
        return self

    @property
    def base(self) -> str:
        """The API's base URL."""
        return self.api_url or f"https://{self.prefix}.retail.lightspeed.app"
