"""A sale whose values go by the names of the canonical order, as a shop's own queries and mappings give them. Pure.

Source: docs/sources/sql.md, docs/sources/rest.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from syncd.canonical import CanonicalOrder
from syncd.canonical.cash_rounding import with_cents_as_rounding
from syncd.canonical.kinds import TenderKind
from syncd.canonical.money import ZERO, total
from syncd.sources.records import Unreadable
from syncd.sources.tenders import kind_of
from syncd.sources.values import PERSON, decimal, people, words
from syncd.sources.zones import Fold, Hours, Skipped, in_zone

Named = Mapping[str, Any]

SALES = frozenset(
    [
        "sale_id",
        "placed_at",
        "changed_at",
        "number",
        "status",
        "currency",
        "total",
        "total_tax",
        "tip",
        "rounding",
        "location",
        "location_name",
        "register",
        "cashier",
        "customer_id",
        *PERSON,
        "returns_of",
        "note",
    ]
)
LINES = frozenset(
    [
        "sale_id",
        "line_id",
        "kind",
        "sku",
        "upc",
        "name",
        "variant",
        "quantity",
        "unit",
        "list_price",
        "discount",
        "total_ex_tax",
        "total_inc_tax",
        "tax",
        "tax_name",
        "tax_rate",
        "note",
    ]
)
TENDERS = frozenset(
    ["sale_id", "tender_id", "kind", "label", "amount", "tip", "tendered", "change", "card_brand", "card_last4"]
)
MILLISECONDS = 100_000_000_000  # a count since 1970 that is larger counts milliseconds


class About(Struct, frozen=True):
    """What the config says of a source: its name, the zone of times that name none, and what a sale leaves out."""

    source: str
    zone: tzinfo | None
    currency: str = ""
    location: str | None = None
    prices_include_tax: bool = False
    tenders: Mapping[str, TenderKind] = field(default_factory=dict)
    extra: Sequence[str] = ()
    ambiguous_hour: Fold = "first"
    skipped_hour: Skipped = "later"


def moment_of(value: object, here: tzinfo | None, per_second: int = 1) -> datetime | None:
    """Return a time of any kind, aware, an hour that happens twice as the first."""
    if isinstance(value, int | float | Decimal):
        scale = 1000 if value > MILLISECONDS else per_second
        return datetime.fromtimestamp(float(value) / scale, UTC)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    if value.tzinfo is None and here is None:
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=here)


def read_named(said: Named, lines: Sequence[Named], tenders: Sequence[Named], about: About) -> CanonicalOrder:
    """Return a sale, its lines and its tenders as a canonical order.

    Each value under a name of ``SALES``, ``LINES`` or ``TENDERS``.

    Raises:
        Unreadable: they do not say what they must.
        pydantic.ValidationError: the same, of a field.

    """
    placed, assumed = _placed(said.get("placed_at"), about)
    read = [_line(number, row, about) for number, row in enumerate(lines, start=1)]
    tip = decimal(said.get("tip"), ZERO)
    stated = decimal(said.get("total"))
    tax = total(line["total_inc_tax"] - line["total_ex_tax"] for line in read)
    original = words(said.get("returns_of"))
    fields: dict[str, Any] = {
        "source": about.source,
        "sale_id": words(said.get("sale_id")),
        "number": words(said.get("number")) or None,
        "status": words(said.get("status")).lower() or "completed",
        "placed_at": placed,
        "updated_at": moment_of(said.get("changed_at"), about.zone),
        "currency": words(said.get("currency")).upper() or about.currency,
        "prices_include_tax": about.prices_include_tax,
        "location": _named(said.get("location") or about.location, said.get("location_name")),
        "register": _named(said.get("register")),
        "cashier": _named(said.get("cashier")),
        **people(words(said.get("customer_id")), {name: words(said.get(name)) for name in PERSON}),
        "lines": read,
        "fees": [{"kind": "tip", "name": "Tip", "total_ex_tax": tip, "total_inc_tax": tip}] if tip else [],
        "tenders": [_tender(row, about) for row in tenders],
        "returns_of": f"{about.source}:{original}" if original else None,
        "rounding": decimal(said.get("rounding"), ZERO),
        "note": "; ".join(filter(None, (words(said.get("note")), assumed))),
        "total_inc_tax": stated,
        "total_tax": decimal(said.get("total_tax"), tax),
        "extra": {name: _plain(said[name]) for name in about.extra if said.get(name) is not None},
    }
    if not fields["currency"]:
        msg = "it names no currency: name one as currency, or set currency for this source"
        raise Unreadable(msg)
    return with_cents_as_rounding(CanonicalOrder.model_validate(fields))


def _placed(value: object, about: About) -> tuple[datetime, str]:
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value.strip())
    if isinstance(value, datetime) and value.tzinfo is None:
        if about.zone is None:
            msg = f"its time {value.isoformat(' ')} names no zone: set timezone for this source"
            raise Unreadable(msg)
        said: list[str] = []
        try:
            return in_zone(value, about.zone, Hours(about.ambiguous_hour, about.skipped_hour, said.append)), "; ".join(
                said
            )
        except ValueError as error:
            raise Unreadable(str(error)) from None
    at = moment_of(value, about.zone)
    if at is None:
        msg = f"placed_at is no time: {str(value)[:40]!r}"
        raise Unreadable(msg)
    return at, ""


def _line(number: int, said: Named, about: About) -> dict[str, Any]:
    ex, inc = decimal(said.get("total_ex_tax"), None), decimal(said.get("total_inc_tax"), None)
    tax = decimal(said.get("tax"), None)
    if ex is None and inc is None:
        msg = f"line {number} has neither total_ex_tax nor total_inc_tax"
        raise Unreadable(msg)
    if ex is None or inc is None:
        tax = tax or ZERO
        ex = (inc or ZERO) - tax if ex is None else ex
        inc = ex + tax if inc is None else inc
    tax = inc - ex if tax is None else tax
    included = about.prices_include_tax
    taxed = {"name": words(said.get("tax_name")) or "Tax", "rate": decimal(said.get("tax_rate"), None), "amount": tax}
    return {
        "line_id": words(said.get("line_id")) or str(number),
        "kind": words(said.get("kind")).lower() or "product",
        "sku": words(said.get("sku")) or None,
        "upc": words(said.get("upc")) or None,
        "name": words(said.get("name")) or words(said.get("sku")) or "Item",
        "variant": words(said.get("variant")) or None,
        "quantity": decimal(said.get("quantity"), Decimal(1)),
        "unit": words(said.get("unit")) or None,
        "total_ex_tax": ex,
        "total_inc_tax": inc,
        "list_price": decimal(said.get("list_price"), None),
        "discount": decimal(said.get("discount"), ZERO),
        "taxes": [{**taxed, "included": included}] if tax else [],
        "note": words(said.get("note")),
    }


def _tender(said: Named, about: About) -> dict[str, Any]:
    label = words(said.get("label")) or words(said.get("kind")) or "Paid"
    return {
        "id": words(said.get("tender_id")) or None,
        "kind": words(said.get("kind")).lower() or kind_of(label, about.tenders),
        "label": label,
        "amount": decimal(said.get("amount")),
        "tip": decimal(said.get("tip"), ZERO),
        "tendered": decimal(said.get("tendered"), None),
        "change": decimal(said.get("change"), ZERO),
        "card_brand": words(said.get("card_brand")) or None,
        "card_last4": words(said.get("card_last4")) or None,
    }


def _named(key: object, name: object = None) -> dict[str, Any] | None:
    return {"id": words(key), "name": words(name) or words(key)} if words(key) else None


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | bool) else str(value)
