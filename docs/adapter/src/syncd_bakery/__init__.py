"""A syncd source for Bakery POS, a cloud till that we made up: one list of sales, by the time of their last change.

The driver (``syncd.sources.cloud``) walks: cursor, overlap, look-back, ranges, tokens that renew themselves, webhooks. This says
how Bakery POS is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from syncd.durations import Duration
from syncd.secret import Secret, Token
from syncd.sources import Delivery, Finding, Received, SourceContext
from syncd.sources.cloud import (
    Access,
    Ask,
    CloudSettings,
    CloudSource,
    Feed,
    OAuthApi,
    OAuthApp,
    Page,
    Read,
    Signature,
    event_of,
    oldest_first,
    one_of,
    one_way_in,
    rows_of,
)
from syncd.sources.http import ApiProfile
from syncd.sources.records import Document, moment
from syncd_bakery.reading import read_sale


class BakeryWebhook(BaseModel):
    """The secret with which Bakery POS signs what it posts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: Secret


class BakerySettings(CloudSettings):
    """What ``[sources.<name>]`` may say beside what every source's table does: a token, or an application's access."""

    token: Token | None = None
    oauth: OAuthApp | None = None
    webhook: BakeryWebhook | None = None
    api_url: str = "https://api.bakery.example"
    timezone: str = "Europe/Berlin"
    page: Annotated[int, Field(ge=1, le=200)] = 100
    overlap: Duration = timedelta(minutes=5)

    @model_validator(mode="after")
    def _one_way_in(self) -> Self:
        one_way_in(token=self.token, oauth=self.oauth)
        return self


class BakerySource(CloudSource[BakerySettings]):
    """One shop's sales."""

    Settings: ClassVar[type[BaseModel]] = BakerySettings
    feed = Feed(
        changed="changed", placed="changed", mark="changed", late=None
    )  # whatever was placed was changed then, or later

    def __init__(self, settings: BakerySettings, context: SourceContext) -> None:
        profile = ApiProfile("Bakery POS", per_second=5, burst=10)
        oauth = OAuthApi(
            "Bakery POS", page=f"{settings.api_url}/allow", exchange="/token", renew="/token", form=True, pkce=True
        )
        access = Access(context, settings.api_url, profile, (settings.token, settings.oauth), oauth)
        self.http = access.http
        super().__init__(settings, context, access)

    def pages(self, ask: Ask) -> Iterator[Page]:
        """GET /sales: oldest change first; ``after`` is the last sale's id where more were changed in one moment."""

        def fetch(begin: datetime, after: str | None) -> tuple[list[Document], str | None]:
            asked = {"changed_since": begin.isoformat(), "limit": self.settings.page, "after": after or ""}
            rows = rows_of(self.http.get("/sales", asked), "sales")
            return rows, str(rows[-1]["id"]) if len(rows) == self.settings.page else None

        for rows in oldest_first(fetch, ask.since, lambda sale: moment(sale.get("changed"))):
            yield Page(rows, moment(rows[-1].get("changed")))

    def one(self, sale_id: str) -> Document | None:
        """GET /sales/{id}, for what a webhook names."""
        return one_of(self.http, f"/sales/{sale_id}")

    def reader(self, records: Sequence[Document]) -> Read:
        """Return what reads sales; what they name by id would be looked up here, for all of ``records`` at once."""
        del records
        return lambda sale: read_sale(sale, self.context.name, self.settings.timezone)

    def heard(self, delivery: Delivery, webhook: BakeryWebhook) -> Received:
        """Return the sale that an event is about."""
        Signature("X-Bakery-Signature", ("hex",)).check(delivery, webhook.secret)
        return Received(sales=(str(event_of(delivery, "Bakery POS").get("sale") or ""),))

    def findings(self) -> Sequence[Finding]:
        """Return which shop the token opens."""
        return [Finding("ok", f"Bakery POS answers: {self.http.get('/shop').get('name')}")]
