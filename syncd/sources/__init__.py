"""The sources: adapters that turn what a POS gives into canonical orders. They know no ledger and no BigCommerce.

An adapter of your own begins with these names; see ``docs/adapter.md``.
"""

from syncd.sources.base import Finding, Source
from syncd.sources.context import SourceContext, State
from syncd.sources.doors import Delivery, FetchesOne, FolderReport, HasFolder, ReadsFiles, Received, Receiving, Watching
from syncd.sources.errors import Denied, Forged, Refused, Throttled, Unavailable

__all__ = [
    "Delivery",
    "Denied",
    "FetchesOne",
    "Finding",
    "FolderReport",
    "Forged",
    "HasFolder",
    "ReadsFiles",
    "Received",
    "Receiving",
    "Refused",
    "Source",
    "SourceContext",
    "State",
    "Throttled",
    "Unavailable",
    "Watching",
]
