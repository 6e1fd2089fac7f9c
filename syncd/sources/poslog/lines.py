"""The lines of a POSLog transaction: what was sold and given back, what was voided again, and what was taken off.

Vendors differ in what carries the sign: NCR writes negative amounts of positive quantities, roqqio positive amounts of negative
ones, the standard a ``Return`` of positive both. And in how a line is voided: by a line that counters it (its amounts negative, or
positive with a link), or by a flag of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from syncd.canonical.money import ZERO, total
from syncd.sources.poslog.elements import Node, attribute

_SOLD, _BACK = ("Sale", "SaleForDelivery", "SaleForPickup"), ("Return", "ReturnForDelivery")
_EAN_TYPES = ("GTIN", "EAN", "EAN13", "UPC", "UPC-A", "GTIN-13")


class PoslogOrigin(NamedTuple):
    """Where goods that came back had been sold: the link to that transaction, if there is one, and why they came back."""

    link: Node | None
    reason: str


class Item(NamedTuple):
    """A line of goods: amounts signed, as the file has them (with or without tax)."""

    sequence: str
    sku: str
    upc: str
    name: str
    quantity: Decimal
    amount: Decimal
    unit: str
    list_price: Decimal | None
    discount: Decimal
    tax: Decimal | None
    rate: Decimal | None
    tax_within: bool | None
    kind: str
    voided: bool
    counters: str
    origin: PoslogOrigin | None
    serial: str
    gift_card: str

    @property
    def looks(self) -> tuple[str, Decimal, Decimal]:
        """What a line and the one that counters it have in common."""
        return (self.upc or self.sku or self.name, abs(self.quantity), abs(self.amount))


def item_of(row: Node) -> Item | None:
    """Return the line of goods in a ``LineItem``; None where it is something else.

    Raises:
        Unreadable: an amount is none.

    """
    goods = next(row.nodes(*_SOLD, *_BACK), None)
    if goods is None:
        return None
    given_back = any(name in row.kids for name in _BACK)
    amount = goods.amount("ExtendedAmount")
    quantity = goods.amount("Quantity")
    price = goods.amount("ActualSalesUnitPrice", "RegularSalesUnitPrice", "SuggestedPrice")
    quantity = Decimal(1) if quantity is None else quantity
    amount = (price or ZERO) * abs(quantity) if amount is None else amount
    quantity, amount = _signed(quantity, amount, given_back=given_back)
    tax, rate, within = _tax(goods, -1 if amount < 0 else 1)
    sku, upc = _numbers(goods)
    link = next(row.nodes("ItemLink", "LineItemLink"), None) or next(goods.nodes("ItemLink"), None)
    card = next(goods.nodes("GiftCertificate", "GiftCard"), None)
    return Item(
        row.text("SequenceNumber"),
        sku,
        upc,
        goods.text("Description") or _name(goods) or sku or upc or "Item",
        quantity,
        amount,
        _unit(goods),
        goods.amount("RegularSalesUnitPrice", "SuggestedPrice"),
        abs(goods.amount("ExtendedDiscountAmount") or ZERO),
        tax,
        rate,
        within,
        _kind(goods),
        row.is_true("VoidFlag"),
        link.text("SequenceNumber", "LineItemSequenceNumber") or (link.element.text or "").strip() if link else "",
        _origin(row, goods),
        goods.text("SerialNumber"),
        card.text("SerialNumber", "CardNumber", "ID") if card else "",
    )


def _signed(quantity: Decimal, amount: Decimal, *, given_back: bool) -> tuple[Decimal, Decimal]:
    """Quantity and amount of one sign: goods that came back are negative, whichever of the two says so."""
    if given_back:
        back = not (quantity < 0 < amount)  # a return that was voided again, in amounts that cancel it
        return (-abs(quantity), -abs(amount)) if back else (quantity, amount)
    if quantity < 0 < amount:
        return quantity, -amount
    if amount < 0 < quantity:
        return -quantity, amount
    return quantity, amount


def _tax(goods: Node, sign: int) -> tuple[Decimal | None, Decimal | None, bool | None]:
    taxes = list(goods.nodes("Tax"))
    if not taxes:
        return None, None, _flag(goods)
    amounts = [amount for tax in taxes if (amount := tax.amount("Amount")) is not None]
    amount = total(map(abs, amounts)) * sign if amounts else None  # some vendors tell rates alone
    rate = taxes[0].amount("Percent") if len(taxes) == 1 else None
    within = next((found for tax in taxes if (found := _flag(tax)) is not None), None)
    return amount, rate, _flag(goods) if within is None else within


_FLAGS = ("TaxIncludedInPriceFlag", "IncludedInPriceFlag", "TaxIncludedInTaxableAmountFlag")


def _flag(node: Node) -> bool | None:
    """Whether a line or its tax says that prices hold the tax."""
    said = _said(node) or (_said(base) if (base := node.node("TaxableAmount")) else "")
    return said.lower() in ("true", "1") if said else None


def _said(node: Node) -> str:
    for name in _FLAGS:
        if name in node.attributes or name in node.kids:
            return node.said(name) or node.text(name)
    return ""


def _numbers(goods: Node) -> tuple[str, str]:
    """Return the article number and the barcode."""
    ids = [(attribute(one, "POSIDType"), Node(one).text("POSItemID")) for one in goods.all("POSIdentity")]
    upc = next((said for kind, said in ids if kind.upper() in _EAN_TYPES and said), "")
    other = next((said for kind, said in ids if kind.upper() not in _EAN_TYPES and said), "")
    item = goods.text("ItemID")
    if not upc and item.isdigit() and len(item) in (8, 12, 13, 14):
        upc = item
    return item or other or upc, upc.lstrip("0").zfill(12) if len(upc) == 14 and upc.startswith("00") else upc


def _name(goods: Node) -> str:
    return next((said for one in goods.all("ItemID") if (said := attribute(one, "Name"))), "")


def _unit(goods: Node) -> str:
    unit = next((said for one in goods.all("Quantity") if (said := attribute(one, "UnitOfMeasureCode"))), "")
    return "" if unit.upper() in ("EA", "PCE", "H87", "C62") else unit


def _kind(goods: Node) -> str:
    said = goods.said("ItemType").rpartition(":")[2].lower()
    if said in ("giftcertificate", "giftcard", "storedvalue"):
        return "gift_card"
    return {"service": "service", "deposit": "deposit"}.get(said, "product")


def _origin(row: Node, goods: Node) -> PoslogOrigin | None:
    link = next(goods.nodes("TransactionLink"), None) or next(row.nodes("TransactionLink"), None)
    reason = goods.text("Reason", "ReasonCode") or row.text("ReasonCode")
    if link is None:
        return PoslogOrigin(None, reason) if reason and any(name in row.kids for name in _BACK) else None
    return PoslogOrigin(link, reason)


def counted(items: Sequence[Item]) -> tuple[list[Item], list[Item]]:
    """Return the lines that count, in two readings: a voided line goes with the one that it counters, or only itself is void.

    Where the flag alone does not tell which, the receipt's totals do.
    """
    return _paired(items), [one for one in items if not one.voided]


def _paired(items: Sequence[Item]) -> list[Item]:
    kept: list[Item] = []
    for one in items:
        if not one.voided:
            kept.append(one)
            continue
        target = next((old for old in reversed(kept) if one.counters and old.sequence == one.counters), None)
        if target is None and (one.amount < 0 or one.quantity < 0 or one.amount == 0):
            target = next((old for old in reversed(kept) if old.looks == one.looks), None)
            if target is None:
                kept.append(one._replace(voided=False))  # it counters something that is not there: its sum counts
                continue
        if target is not None:
            kept.remove(target)
    return kept
