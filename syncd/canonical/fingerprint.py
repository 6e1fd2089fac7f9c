"""The fingerprint: a digest of what a sale says; same fingerprint, nothing to do.

It is the same in every process, whatever order the fields came in, for ``1.0`` and ``1.00``, and for one instant in any
zone. What changes without the sale changing (``version``, ``updated_at``, ``uploaded_at``, ``extra``) is left out, and so
are fields at their default, so that a field added later leaves the fingerprints of old sales alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

from syncd.canonical.order import CanonicalOrder

_SILENT = {"version", "updated_at", "uploaded_at", "extra"}
_VERSION = "1"


def fingerprint(order: CanonicalOrder) -> str:
    """32 hex digits that change when what the sale says changes."""
    said = order.model_dump_json(exclude=_SILENT, exclude_defaults=True, context="fingerprint")
    return _VERSION + blake2b(said.encode(), digest_size=16).hexdigest()


def fingerprint_of(document: str) -> str:
    """Return the fingerprint of the order that ``to_json`` wrote as ``document``: the fast path of recording.

    The text differs from what a fingerprint is made of in a few fields: those that are silent, and times. Their names in quotes
    can be nowhere else, for quotes within a text are escaped; ``extra``, which may have any names, is the last field of all.
    """
    said, extra, _ = document.partition(',"extra":{')
    said = _DIFFERS.sub(_as_in_fingerprint, said)
    return _VERSION + blake2b(f"{said}}}".encode() if extra else said.encode(), digest_size=16).hexdigest()


_DIFFERS = re.compile(
    r'"(?:version":"(?:[^"\\]|\\.)*|(?:updated|uploaded)_at":"[^"]*)",|"(?:(?:placed|opened|closed|cancelled)_)?at":"([^"]+)'
)


def _as_in_fingerprint(found: re.Match[str]) -> str:
    """Return a time as its instant in UTC, and nothing for a silent field."""
    at: str | None = found[1]
    return "" if at is None else found[0][: -len(at)] + datetime.fromisoformat(at).astimezone(UTC).isoformat()


_DESCRIBES = {
    "number",
    "business_day",
    "location",
    "register",
    "cashier",
    "billing",
    "shipping_method",
    "taxes",
    "note",
    "opened_at",
    "closed_at",
    "cancelled_at",
    "shop_currency",
    "exchange_rate",
    "open_kind",
    "balance_due",
    "paid_ahead",
}
_DESCRIBES_PART = {
    "lines": {
        *("sku", "upc", "variant", "unit", "list_price", "taxes", "modifiers", "serials", "note"),
        *("discounts", "gift_card", "parent", "origin"),
    },
    "tenders": {"tendered", "change", "card_brand", "card_last4", "id", "at", "cash_back"},
    "fees": {"taxes"},
    "refunds": {"at", "tender", "reason", "tenders", "tip", "fees", "shipping"},
}


def is_same_sale(before: CanonicalOrder, now: CanonicalOrder) -> bool:
    """Whether ``now`` is ``before``, read anew: the same but for descriptions that were empty and have been filled since.

    What a sale sold, to whom, for how much and what became of it are no descriptions: filled in later, they are an edit.
    """
    one, two = (order.model_dump(mode="json", exclude=_SILENT, exclude_defaults=True) for order in (before, now))
    for name, fillable in _DESCRIBES_PART.items():
        parts, others = one.get(name, ()), two.get(name, ())
        if len(parts) != len(others):
            return False
        two[name] = [_without_filled(part, other, fillable) for part, other in zip(parts, others, strict=True)]
        one[name] = list(parts)
    return _without_filled(one, two, _DESCRIBES) == one


def _without_filled(before: Mapping[str, Any], now: Mapping[str, Any], fillable: set[str]) -> dict[str, Any]:
    return {name: value for name, value in now.items() if name in before or name not in fillable}
