"""Links returns to the sales that their goods came from, by rule: where exactly one sale fits."""

from __future__ import annotations

from collections.abc import Collection

from syncd.ledger import Ledger
from syncd.logs import get_logger


def link_where_one_fits(ledger: Ledger, source: str, stores: Collection[str]) -> int:
    """Link the held returns of a source, as far as exactly one sale fits each in everything; how many were linked."""
    linked = 0
    for returned in ledger.sales.unlinked(source, sorted(stores)):
        whole = [one for one in ledger.sales.originals_for(returned) if one.is_whole]
        if len(whole) != 1:
            continue
        (only,) = whole
        if ledger.sales.link(returned.sale_key, only.sale_key).moved:
            get_logger().info("return_linked", sale=returned.sale_key, to=only.sale_key, why=only.reason)
            linked += 1
    return linked
