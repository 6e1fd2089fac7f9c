"""Exports of the same vendors that hold no sales by line: lists of payments, of articles, of customers, sums by article. Pure.

They look enough like sales to be mapped by hand, and would make false orders: a payment that failed would be a sale.
"""

from __future__ import annotations

from collections.abc import Collection

# What tells an export (all of its columns), what it is, and what to drop instead.
_OTHERS: tuple[tuple[frozenset[str], str, str], ...] = (
    (frozenset({"payment id", "payment date", "result", "amount"}), "Clover's payments export", "drop its orders export"),
    (frozenset({"payment id", "order id", "paid date", "amount"}), "Toast's payment details", "drop its ItemSelectionDetails"),
    (frozenset({"order id", "opened", "server", "amount", "tax", "tip"}), "Toast's order details", "drop its ItemSelectionDetails"),
    (frozenset({"items sold", "gross sales", "items refunded"}), "a summary by article (Loyverse)", "drop its receipts by item"),
    (frozenset({"item name", "items sold"}), "a summary by article", "drop the export of receipts"),
    (frozenset({"order", "gateway", "kind", "amount"}), "Shopify's transactions export", "drop its orders export"),
    (frozenset({"payout id", "amount", "fee", "net"}), "a list of payouts", "drop the export of sales"),
    (frozenset({"handle", "title", "variant sku"}), "Shopify's products export", "drop its orders export"),
    (frozenset({"token", "item name", "variation name"}), "Square's library of items", "drop its item details"),
    (frozenset({"payment id", "deposit id"}), "Square's transfers export", "drop its item details and transactions"),
    (frozenset({"transaktions-id", "zahlungsart", "gebühr"}), "SumUp's transactions report", "drop its sales report"),
    (frozenset({"transaction id", "transaction type", "payout date"}), "SumUp's transactions report", "drop its sales report"),
    (frozenset({"first name", "last name", "total spent"}), "a list of customers", "drop the export of sales"),
    (frozenset({"register", "opening float"}), "a report of register closures", "drop the export of sales"),
)  # fmt: skip


def other_export(columns: Collection[str]) -> str:
    """Return what an export is that holds no sales by line, and what to drop instead, as a sentence.

    Empty where it is none of those.
    """
    for which, name, cure in _OTHERS:
        if which <= set(columns):
            return f"it is {name}, which says of no sale what was sold: {cure}"
    return ""
