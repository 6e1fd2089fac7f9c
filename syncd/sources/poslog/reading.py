"""A POSLog transaction as a canonical order. Pure.

Written after files of NCR ACS 2.1, Wincor 2.2, Visma 6, roqqio/Futura 6 and Decathlon 6, and the ARTS schema of version 6. What
vendors leave open (whether prices hold the tax, which of two lines a void flag voids) is decided by the receipt's own totals.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, tzinfo
from decimal import Decimal
from typing import Any

from msgspec import Struct

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO, allocate, minor_unit, round_to, total
from syncd.sources.poslog.elements import Element, Node, attribute, number
from syncd.sources.poslog.lines import Item, counted, item_of
from syncd.sources.poslog.people import customer_of, operator_of, register_of, store_id, store_of
from syncd.sources.poslog.settings import PosLogSettings
from syncd.sources.poslog.tenders import rounding_of, settled, tenders_of
from syncd.sources.records import Excluded, ParsedSale, ParseResult, Unreadable
from syncd.sources.zones import Hours, in_zone, zone

_CANCELLED = ("canceled", "cancelled", "voided", "aborted", "failed", "rejected")
_SUSPENDED = ("suspended", "parked", "inprocess")
_RESUMED = ("resume", "resumed", "retrieve")


class Voids(Struct, frozen=True):
    """The transaction voids an earlier one, whose id this is."""

    sale_id: str


class _Money(Struct, frozen=True):
    """What a receipt comes to: its lines, whether their amounts hold the tax, its tax, and the total as it states it."""

    items: Sequence[Item]
    within: bool
    tax: Decimal
    rewards: Sequence[dict[str, Any]]
    grand: Decimal


def read_transaction(element: Element, settings: PosLogSettings, source: str) -> ParseResult | Voids:
    """Return what a ``Transaction`` says.

    Raises:
        Unreadable: it is not what a POSLog says.
        pydantic.ValidationError: the same, of a field.

    """
    whole = Node(element)
    retail = whole.node("RetailTransaction")
    if retail is None:
        return Excluded("transactions that are no sales")
    if original := _voids(whole, retail, settings):
        return Voids(original)
    rows = list(retail.nodes("LineItem"))
    status = _status(whole, retail)
    items = [item for row in rows if _counts(row, status) and (item := item_of(row)) is not None]
    currency = _currency(whole, retail, settings)
    money = _money(items, retail, rows, (settings, currency))
    if not money.items and not money.grand:
        return Excluded("receipts of which every line was voided" if items else "receipts without a line")
    rounded = rounding_of(rows, retail)
    tenders = settled(tenders_of(rows, settings.tenders), (money.grand, money.grand + rounded))
    rounding, total_inc = _with_rounding(money, rounded, tenders)
    placed, assumed = _placed(whole, settings)
    lines = _lines(money, currency, lambda link: _linked(link, whole, settings))
    original = (
        _original(whole, retail, rows, settings) if money.items and all(i.amount <= 0 for i in money.items) else ""
    )
    fields: dict[str, Any] = {
        "source": source,
        "sale_id": sale_id_of(whole, settings),
        "number": whole.text("ReceiptNumber") or whole.text("SequenceNumber") or None,
        **status,
        "training": whole.is_true("TrainingModeFlag"),
        "placed_at": placed,
        "business_day": _day(whole.text("BusinessDayDate")),
        "currency": currency,
        "prices_include_tax": money.within,
        "location": store_of(whole),
        "register": register_of(whole),
        "cashier": operator_of(whole),
        "customer": customer_of(retail),
        "lines": lines,
        "discounts": list(money.rewards),
        "tenders": tenders,
        "returns_of": f"{source}:{original}" if original else None,
        "rounding": rounding,
        "note": assumed,
        "total_inc_tax": total_inc,
        "total_tax": money.tax,
    }
    return ParsedSale(CanonicalOrder.model_validate(fields))


def sale_id_of(whole: Node, settings: PosLogSettings) -> str:
    """By what a transaction is known, for good.

    Raises:
        Unreadable: it has nothing of the kind.

    """
    return _key(
        store_id(whole),
        whole.text("WorkstationID"),
        whole.text("BusinessDayDate") or _any_time(whole)[:10],
        whole.text("SequenceNumber"),
        "" if settings.sale_id == "sequence" else whole.text("TransactionID"),
    )


def _key(store: str, till: str, day: str, sequence: str, transaction: str) -> str:
    if transaction:
        return f"{store}-{transaction}" if store else transaction
    if not (sequence and till):
        msg = "it has neither a TransactionID nor a WorkstationID and a SequenceNumber"
        raise Unreadable(msg)
    return "-".join(part for part in (store, till, day.rstrip("Z")[:10], sequence) if part)


def _status(whole: Node, retail: Node) -> dict[str, Any]:
    said = (retail.said("TransactionStatus") or retail.text("TransactionStatus")).lower()
    if whole.is_true("CancelFlag") or retail.is_true("CancelFlag") or retail.is_true("VoidFlag") or said in _CANCELLED:
        return {"status": "voided"}
    if said in _SUSPENDED or whole.is_true("SuspendFlag"):
        return {"status": "open", "open_kind": "parked"}
    return {"status": "completed"}


def _counts(row: Node, status: dict[str, Any]) -> bool:
    """Whether a line is one of the receipt's: not cancelled before it was finished, unless all of it was."""
    return status["status"] == "voided" or not (row.is_true("CancelFlag") or row.is_true("DeleteFlag"))


def _money(items: Sequence[Item], retail: Node, rows: Sequence[Node], how: tuple[PosLogSettings, str]) -> _Money:
    """Return the lines that count and whether they hold the tax: as the totals tell, else as the lines and the config say."""
    totals = {attribute(one, "TotalType").rpartition(":")[2]: (one.text or "").strip() for one in retail.all("Total")}
    stated, rewards = _stated(totals), _rewards(rows)
    off = total(one["amount_inc_tax"] for one in rewards)
    flags = [item.tax_within for item in items if item.tax_within is not None]
    settings, currency = how
    wanted = flags[0] if flags else settings.prices != "exclude_tax"
    readings: list[_Money] = []
    for kept in counted(items):
        sums = total(item.amount for item in kept) - off
        for within in (wanted, not wanted):
            tax = _tax(totals, rows, kept, _rated(kept, currency, within=within))
            grand = sums if within else sums + tax
            if grand == stated:
                return _Money(kept, within, tax, rewards, grand)
            readings.append(_Money(kept, within, tax, rewards, grand if stated is None else stated))
    return readings[0]


def _stated(totals: dict[str, str]) -> Decimal | None:
    """Return the receipt's total: what its vendor calls grand, gross, or (where there is neither) net."""
    names = ("TransactionGrandAmount", "TransactionGrossAmount", "TransactionNetAmount")
    return next((number(said, name) for name in names if (said := totals.get(name))), None)


def _tax(totals: dict[str, str], rows: Sequence[Node], kept: Sequence[Item], rated: Decimal) -> Decimal:
    if said := totals.get("TransactionTaxAmount"):
        return number(said, "TransactionTaxAmount")
    lines = [amount for row in rows for tax in row.nodes("Tax") if (amount := tax.amount("Amount")) is not None]
    return total(lines) if lines else total(item.tax or ZERO for item in kept) + rated


def _rated(kept: Sequence[Item], currency: str, *, within: bool) -> Decimal:
    """Return the tax of lines that tell its rate and not its amount."""
    return round_to(total(_by_rate(item, within=within) for item in kept if item.tax is None), minor_unit(currency))


def _by_rate(item: Item, *, within: bool) -> Decimal:
    rate = item.rate or ZERO
    return item.amount * rate / (100 + rate if within else 100)


def _rewards(rows: Sequence[Node]) -> list[dict[str, Any]]:
    """Return what was taken off the receipt as a whole.

    NCR's rewards in detail (the sums repeat them), and discounts of the standard.
    """
    found = []
    for row in rows:
        for reward in row.nodes("LoyaltyReward"):
            amount = reward.amount("ExtendedRewardAmount") or ZERO
            if reward.text("RewardCategory") == "Monetary" and reward.is_true("detailedData") and amount:
                found.append(_off(reward.text("Description") or f"Promotion {reward.text('PromotionID')}", -amount))
        found += [
            _off(discount.text("Description", "ReasonCode") or "Discount", abs(taken))
            for discount in row.nodes("Discount")
            if (taken := discount.amount("Amount"))
        ]
    return found


def _off(name: str, amount: Decimal) -> dict[str, Any]:
    return {"name": name.strip(), "amount_inc_tax": amount, "amount_ex_tax": amount}


def _with_rounding(money: _Money, rounding: Decimal, tenders: Sequence[dict[str, Any]]) -> tuple[Decimal, Decimal]:
    """Return the cash rounding, and the total with it: vendors state the total before or after."""
    paid = total(tender["amount"] for tender in tenders)
    if not rounding or not tenders:
        return ZERO, money.grand
    if paid == money.grand + rounding:
        return rounding, money.grand + rounding
    return (rounding, money.grand) if paid == money.grand else (ZERO, money.grand)


def _lines(money: _Money, currency: str, linked: Callable[[Node], str]) -> list[dict[str, Any]]:
    """Return the lines with their tax: their own where it is reported, else their share of the receipt's."""
    bare = [item for item in money.items if item.tax is None]
    left = money.tax - total(item.tax or ZERO for item in money.items)
    by_rate = [abs(_by_rate(item, within=money.within)) for item in bare]
    shares = iter(
        allocate(left, by_rate if any(by_rate) else [abs(item.amount) for item in bare], currency) if left else ()
    )
    taxes = [next(shares, ZERO) if item.tax is None else item.tax for item in money.items]
    return [_line(item, tax, money, linked) for item, tax in zip(money.items, taxes, strict=True)]


def _line(item: Item, tax: Decimal, money: _Money, linked: Callable[[Node], str]) -> dict[str, Any]:
    return {
        "line_id": item.sequence or "1",
        "kind": item.kind,
        "sku": item.sku or None,
        "upc": item.upc or None,
        "name": item.name,
        "quantity": item.quantity,
        "unit": item.unit or None,
        "total_ex_tax": item.amount - tax if money.within else item.amount,
        "total_inc_tax": item.amount if money.within else item.amount + tax,
        "list_price": item.list_price,
        "discount": -item.discount if item.amount < 0 else item.discount,
        "taxes": [{"rate": item.rate, "amount": tax, "included": money.within}] if tax else [],
        "serials": [item.serial] if item.serial else [],
        "gift_card": item.gift_card or None,
        "origin": _origin(item, linked) if item.origin else None,
    }


def _origin(item: Item, linked: Callable[[Node], str]) -> dict[str, Any]:
    """Where goods came from; of goods that were sold, a link says nothing of that."""
    assert item.origin is not None  # noqa: S101  the caller has looked
    link, reason = item.origin
    if link is None:
        return {"reason": reason}
    sale = linked(link) if item.quantity < 0 and link.text("SequenceNumber", "TransactionID") else None
    return {"sale_id": sale, "line_id": link.text("LineItemSequenceNumber") or None, "reason": reason}


def _any_time(whole: Node) -> str:
    retail = whole.node("RetailTransaction")
    return _written(whole) or (retail.text("ReceiptDateTime") if retail else "")


def _written(whole: Node) -> str:
    """When the transaction ended, as it is written; a time with its zone goes before one without."""
    logged = [
        (one.text or "").strip() for one in whole.all("POSLogDateTime") if attribute(one, "TypeCode") != "Message"
    ]
    times = [whole.text("EndDateTime"), *logged, whole.text("ReceiptDateTime"), whole.text("BeginDateTime")]
    times = [one for one in times if one]
    return next((one for one in times if _offset(one)), times[0] if times else "")


def _offset(written: str) -> bool:
    return written.endswith("Z") or written[-6:-5] in ("+", "-")


def _placed(whole: Node, settings: PosLogSettings) -> tuple[datetime, str]:
    written = _any_time(whole)
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        msg = f"it has no time: {written[:40]!r}" if written else "it has no time"
        raise Unreadable(msg) from None
    here: tzinfo | None = zone(settings.timezone) if settings.timezone else None
    if at.tzinfo is not None:
        return at.astimezone(here) if here and at.utcoffset() == UTC.utcoffset(None) else at, ""
    if here is None:
        msg = f"its time {written!r} names no zone: set timezone for this source"
        raise Unreadable(msg)
    said: list[str] = []
    try:
        return in_zone(at, here, Hours(settings.ambiguous_hour, settings.skipped_hour, said.append)), "; ".join(said)
    except ValueError as error:
        raise Unreadable(str(error)) from None


def _day(written: str) -> date | None:
    try:
        return date.fromisoformat(written.rstrip("Z")[:10]) if written else None
    except ValueError:
        return None


def _currency(whole: Node, retail: Node, settings: PosLogSettings) -> str:
    said = whole.text("CurrencyCode") or retail.text("CurrencyCode")
    said = said or next((code for one in retail.all("Total") if (code := attribute(one, "CurrencyCode"))), "")
    said = said or settings.currency or ""
    if not said:
        msg = "it names no currency: set currency for this source"
        raise Unreadable(msg)
    return said.upper()


def _voids(whole: Node, retail: Node, settings: PosLogSettings) -> str:
    """Return the id of the transaction that this one voids as a whole (the standard's post-void); empty where it voids none."""
    kind = f"{retail.said('TypeCode')} {retail.said('TransactionType')} {whole.said('TypeCode')}".lower()
    if "postvoid" not in kind.replace("-", "").replace("_", ""):
        return ""
    link = next(retail.nodes("TransactionLink"), None) or next(whole.nodes("TransactionLink"), None)
    if link is None:
        msg = "it voids another transaction and does not say which"
        raise Unreadable(msg)
    return _linked(link, whole, settings)


def _original(whole: Node, retail: Node, rows: Sequence[Node], settings: PosLogSettings) -> str:
    """Return the one sale that all goods of a return came from; empty where it is not reported, or where they came from several."""
    links = [link for row in rows for goods in row.nodes("Sale", "Return") for link in goods.nodes("TransactionLink")]
    links += [link for row in rows for link in row.nodes("TransactionLink")]
    links += [link for link in retail.nodes("TransactionLink") if link.said("ReasonCode").lower() not in _RESUMED]
    found = {_linked(link, whole, settings) for link in links}
    return found.pop() if len(found) == 1 else ""


_LINK_DAYS = (
    "BusinessDayDate",
    "BusinessDay",
    "POSLogDateTime",
    "ReceiptDateTime",
    "BeginDateTime",
    "EndDateTime",
    "Date",
)


def _linked_day(link: Node) -> str:
    """Return the day of the sale that a link names: its business day, else the day of any time of it."""
    return link.text(*_LINK_DAYS)[:10]


def _linked(link: Node, whole: Node, settings: PosLogSettings) -> str:
    return _key(
        store_id(link) or store_id(whole),
        link.text("WorkstationID") or whole.text("WorkstationID"),
        _linked_day(link) or _any_time(whole)[:10],
        link.text("SequenceNumber"),
        "" if settings.sale_id == "sequence" else link.text("TransactionID"),
    )
