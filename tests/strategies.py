"""Sales of every kind, balanced as a till would print them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st

from syncd.canonical import CanonicalOrder

PLACES = {"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3, "CHF": 2}
FEES = ["tip", "service_charge", "bag", "delivery", "surcharge", "other"]
words = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
names = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1, max_size=40)
times = st.builds(
    lambda seconds, hours: datetime.fromtimestamp(seconds, timezone(timedelta(hours=hours))),
    st.integers(1_420_000_000, 1_763_000_000),
    st.integers(-11, 13),
)

SHIPPED = {
    "fulfilment": "ship",
    "shipping": {"street_1": "2 Hill Road", "city": "Austin", "state": "TX", "zip": "78702", "country": "US"},
}


@st.composite
def amounts(draw: st.DrawFn, currency: str, most: int = 100_000) -> Decimal:
    return Decimal(draw(st.integers(0, most))).scaleb(-PLACES[currency])


@st.composite
def charged(draw: st.DrawFn, currency: str, finer: int = 0) -> dict[str, str]:
    """An amount with its tax: at a rate, at none, or as a till rounds it; with ``finer`` places more than the currency has."""
    ex_tax = draw(amounts(currency)).scaleb(-finer)
    rate = draw(st.sampled_from(["0", "0.05", "0.08875", "0.19", "0.25"]))
    unit = Decimal(1).scaleb(-PLACES[currency] - finer)
    tax = (ex_tax * Decimal(rate)).quantize(unit)
    return {"total_ex_tax": str(ex_tax), "total_inc_tax": str(ex_tax + tax)}


QUANTITIES = ["1", "1", "2", "3", "7", "12", "0.450", "1.5", "144", "1000", "100000"]
SKUS = ["MUG-1", "TEE-M-BLK", "EBOOK-1", "RING-1", "UNKNOWN", " mug-1 "]
KINDS = ["product", "product", "product", "custom", "gift_card", "service", "deposit"]


@st.composite
def lines(draw: st.DrawFn, currency: str, number: int, finer: int = 0) -> dict[str, Any]:
    return {
        "line_id": str(number),
        "name": draw(names),
        "sku": draw(st.none() | st.sampled_from(SKUS)),
        "variant": draw(st.none() | names),
        "quantity": draw(st.sampled_from(QUANTITIES)),
        "kind": draw(st.sampled_from(KINDS)),
        "serials": draw(st.lists(st.from_regex(r"[A-Z0-9]{4,12}", fullmatch=True), max_size=2)),
        "modifiers": draw(st.lists(st.builds(lambda name: {"name": name}, names), max_size=2)),
        "unit": draw(st.none() | st.sampled_from(["kg", "lb", "m"])),
        "digital": draw(st.booleans()),
        "note": draw(words),
        **draw(charged(currency, finer)),
    }


def came_back(draw: st.DrawFn, line: dict[str, Any], currency: str) -> dict[str, Any]:
    """Goods of a line returned on the same receipt, or a deposit redeemed: at most what was paid for them."""
    unit, part = (
        Decimal(1).scaleb(-PLACES[currency]),
        draw(st.sampled_from([Decimal("0.3"), Decimal("0.5"), Decimal(1)])),
    )
    back = {side: -(Decimal(line[side]) * part).quantize(unit) for side in ("total_ex_tax", "total_inc_tax")}
    return (
        line
        | {"line_id": f"back-{line['line_id']}", "quantity": "-1"}
        | {side: str(amount) for side, amount in back.items()}
    )


@st.composite
def tenders(draw: st.DrawFn, total: Decimal, currency: str) -> list[dict[str, Any]]:
    """One tender, or two that share the total."""
    first = {"kind": "cash", "label": draw(names), "amount": str(total)}
    if not draw(st.booleans()):
        return [first]
    part = (total / 3).quantize(Decimal(1).scaleb(-PLACES[currency]))
    card = {"kind": "card", "label": "Card", "card_brand": "Visa", "card_last4": "4242", "amount": str(total - part)}
    return [first | {"amount": str(part)}, card]


def sums(parts: Iterable[dict[str, Any]]) -> tuple[Decimal, Decimal]:
    """Without and with tax."""
    both = [(Decimal(part["total_ex_tax"]), Decimal(part["total_inc_tax"])) for part in parts]
    return sum((ex_tax for ex_tax, _ in both), Decimal(0)), sum((inc_tax for _, inc_tax in both), Decimal(0))


Sides = tuple[Decimal, Decimal]
PARTS = [Decimal(0), Decimal("0.1"), Decimal("0.333"), Decimal(1)]


@st.composite
def discounts(draw: st.DrawFn, goods: Sides, whole: Sides, currency: str) -> list[dict[str, str]]:
    """None; a part of the goods with its tax; a coupon that leaves the tax alone; everything, fees and delivery too."""
    unit, part = Decimal(1).scaleb(-PLACES[currency]), draw(st.sampled_from(PARTS))
    match draw(st.sampled_from(["none", "none", "part", "part", "coupon", "everything"])):
        case "part":
            off = [(side * part).quantize(unit) for side in goods]
        case "coupon":
            off = [(max(goods[0], Decimal(0)) * part).quantize(unit)] * 2
        case "everything":
            off = [side.quantize(unit) for side in whole]
        case _:
            return []
    return [{"name": draw(names), "amount_ex_tax": str(off[0]), "amount_inc_tax": str(off[1])}]


@st.composite
def sales(
    draw: st.DrawFn, most_lines: int = 8, copies: Sequence[int] = (1, 1, 1, 1, 1, 1, 1, 1, 1, 25)
) -> CanonicalOrder:
    """A completed sale in which everything adds up, of up to 200 lines: some hold each of theirs ``copies`` times."""
    currency = draw(st.sampled_from(sorted(PLACES)))
    unit, finer = Decimal(1).scaleb(-PLACES[currency]), draw(st.sampled_from([0, 0, 0, 2]))
    drawn = [draw(lines(currency, number, finer)) for number in range(draw(st.integers(1, most_lines)))]
    times_over = range(draw(st.sampled_from(copies)))
    sold = [line | {"line_id": f"{line['line_id']}-{copy}"} for copy in times_over for line in drawn]
    sold += [came_back(draw, line, currency) for line in draw(st.lists(st.sampled_from(drawn), max_size=2))]
    fees = [
        {"kind": kind, "name": draw(names), **draw(charged(currency))}
        for kind in draw(st.lists(st.sampled_from(FEES), max_size=3, unique=True))
    ]
    taken = draw(discounts(sums(sold), sums([*sold, *fees]), currency))
    ex_tax, inc_tax = sums([*sold, *fees])
    ex_tax -= sum((Decimal(one["amount_ex_tax"]) for one in taken), Decimal(0))
    inc_tax -= sum((Decimal(one["amount_inc_tax"]) for one in taken), Decimal(0))
    tax = (inc_tax - ex_tax).quantize(unit, ROUND_HALF_UP)
    assume(Decimal(0) <= tax <= inc_tax)  # what came back was not worth more than what was sold
    rounding = draw(st.sampled_from([0, 0, 1, -1, 2])) * unit
    rounding = rounding if inc_tax + rounding >= tax else Decimal(0)
    total = (inc_tax + rounding).quantize(unit, ROUND_HALF_UP)
    return CanonicalOrder.model_validate(
        {
            "source": "till",
            "sale_id": draw(st.from_regex(r"[A-Za-z0-9-]{1,20}", fullmatch=True)),
            "placed_at": draw(times),
            "currency": currency,
            "lines": sold,
            "fees": fees,
            "discounts": taken,
            "rounding": str(rounding),
            "tenders": draw(tenders(total, currency)),
            "prices_include_tax": draw(st.booleans()),
            "status": draw(st.sampled_from(["completed", "completed", "open", "refunded", "partially_refunded"])),
            "customer": draw(
                st.none() | st.builds(lambda first: {"first_name": first, "email": "a@example.com"}, names)
            ),
            "total_inc_tax": str(total),
            "total_tax": str(tax),
            "note": draw(words),
            **draw(st.sampled_from([{"fulfilment": one} for one in ("in_store", "pickup", "digital")] + [SHIPPED])),
        }
    )
