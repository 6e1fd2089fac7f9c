"""The settings of an Odoo source."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from syncd.canonical.kinds import TenderKind
from syncd.durations import Duration
from syncd.secret import Token
from syncd.sources.cloud import CloudSettings, Currency
from syncd.sources.settings import ApiUrl, ZoneName


class OdooSettings(CloudSettings):
    """Where Odoo is, and an API key of a user who may read the Point of Sale.

    ``api``: ``jsonrpc`` (Odoo 13 to 21; it wants the user's ``login``) or ``json2`` (19 and newer).
    ``tills`` by name, all where it is empty. ``cash_step``: what sums in cash are rounded to, where it is more than is usual
    in the currency.
    """

    url: ApiUrl
    database: str
    key: Token
    api: Literal["jsonrpc", "json2"] = "jsonrpc"
    login: str = ""
    tills: tuple[str, ...] = ()
    currency: Currency | None = None
    timezone: ZoneName = "UTC"
    customers: bool = True
    cash_step: Annotated[Decimal, Field(gt=0)] | None = None
    tenders: dict[str, TenderKind] = Field(default_factory=dict)
    page: Annotated[int, Field(ge=1, le=500)] = 100
    overlap: Duration = timedelta(minutes=5)
    look_back_every: Duration = timedelta(hours=1)

    @model_validator(mode="after")
    def _login_is_said(self) -> Self:
        if self.api == "jsonrpc" and not self.login:
            msg = 'login is required with api = "jsonrpc": the user whose key it is'
            raise ValueError(msg)
        return self
