"""The settings of a Loyverse source."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from syncd.durations import Duration
from syncd.secret import Token
from syncd.sources.cloud import CloudSettings, Currency
from syncd.sources.settings import ApiUrl, SignedOrNot, ZoneName


class LoyverseSettings(CloudSettings):
    """A personal access token. Loyverse tells no time zone: ``timezone`` is the shop's.

    ``leave_out`` names the sources of receipts that are none of the till's: apps write receipts too.
    """

    token: Token
    webhook: SignedOrNot | None = None
    api_url: ApiUrl = "https://api.loyverse.com"
    timezone: ZoneName = "UTC"
    currency: Currency | None = None
    leave_out: tuple[str, ...] = ("BigCommerce",)
    customers: bool = True
    page: Annotated[int, Field(ge=1, le=250)] = 250
    overlap: Duration = timedelta(minutes=5)
