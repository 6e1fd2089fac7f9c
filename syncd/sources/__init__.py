"""The sources: adapters that turn what a POS gives into canonical orders. They know no ledger and no BigCommerce.

An adapter of your own begins with these names; see ``docs/adapter.md``.
"""

from syncd.sources.arrivals import Arrivals, WatchedFolder
from syncd.sources.base import Finding, Source
from syncd.sources.capabilities import (
    AsksConsent,
    Delivery,
    FetchesOne,
    FolderReport,
    HasFolder,
    ReadsFiles,
    Received,
    Receiving,
    Watching,
)
from syncd.sources.context import AdapterState, SourceContext
from syncd.sources.errors import Forged, SourceAccessDenied, SourceRateLimited, SourceRejected, SourceUnavailable

__all__ = [
    "AdapterState",
    "Arrivals",
    "AsksConsent",
    "Delivery",
    "FetchesOne",
    "Finding",
    "FolderReport",
    "Forged",
    "HasFolder",
    "ReadsFiles",
    "Received",
    "Receiving",
    "Source",
    "SourceAccessDenied",
    "SourceContext",
    "SourceRateLimited",
    "SourceRejected",
    "SourceUnavailable",
    "WatchedFolder",
    "Watching",
]
