"""The settings of a Loyverse source."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from syncd.clock import Duration
from syncd.secret import Token
from syncd.sources.settings import ApiUrl, SignedOrNot, ZoneName


class LoyverseSettings(BaseModel):
    """A personal access token. Loyverse tells no time zone: ``timezone`` is the shop's.

    ``leave_out`` names the sources of receipts that are none of the till's: apps write receipts too.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    token: Token
    webhook: SignedOrNot | None = None
    api_url: ApiUrl = "https://api.loyverse.com"
    timezone: ZoneName = "UTC"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    leave_out: tuple[str, ...] = ("BigCommerce",)
    customers: bool = True
    page: Annotated[int, Field(ge=1, le=250)] = 250
    overlap: Duration = timedelta(minutes=5)
    look_back: Duration = timedelta(days=4)
    look_back_every: Duration = timedelta(hours=6)
