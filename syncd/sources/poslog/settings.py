"""The settings of a POSLog source."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from syncd.canonical.kinds import TenderKind
from syncd.sources.folder import FolderSettings
from syncd.sources.settings import ZoneName
from syncd.sources.zones import Fold, Skipped


class PosLogSettings(FolderSettings):
    """How to read a chain's POSLog files. ``timezone`` is needed where their times name no zone, ``currency`` where they name none.

    ``prices``: whether amounts of lines hold the tax; what the totals tell goes before it. ``sale_id``: by what a sale is known;
    unset, the transaction id where there is one, else the sequence number with store, workstation and business day.
    """

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None
    timezone: ZoneName | None = None
    ambiguous_hour: Fold = "first"
    skipped_hour: Skipped = "later"
    prices: Literal["auto", "include_tax", "exclude_tax"] = "auto"
    sale_id: Literal["transaction_id", "sequence"] | None = None
    tenders: dict[str, TenderKind] = Field(default_factory=dict)
