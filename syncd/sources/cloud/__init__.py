"""One driver for every POS in the cloud: an adapter describes its API and reads its records, the driver walks."""

from syncd.sources.cloud.access import Access, OAuthApi
from syncd.sources.cloud.driver import CloudSource, Read
from syncd.sources.cloud.feed import Ask, Feed, Page
from syncd.sources.cloud.lists import oldest_first, one_of, pages_by_cursor, rows_of, stamp
from syncd.sources.cloud.names import Kept, NameCache, names_of
from syncd.sources.cloud.proof import Signature, event_of
from syncd.sources.cloud.settings import CloudSettings, Currency, OAuthApp, one_way_in

__all__ = [
    "Access",
    "Ask",
    "CloudSettings",
    "CloudSource",
    "Currency",
    "Feed",
    "Kept",
    "NameCache",
    "OAuthApi",
    "OAuthApp",
    "Page",
    "Read",
    "Signature",
    "event_of",
    "names_of",
    "oldest_first",
    "one_of",
    "one_way_in",
    "pages_by_cursor",
    "rows_of",
    "stamp",
]
