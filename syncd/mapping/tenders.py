"""How the sale was paid, and everything that only the shop's staff should read."""

from __future__ import annotations

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import LineKind, TenderStatus
from syncd.canonical.money import format_money, to_minor, total
from syncd.canonical.order import Discount, Line, Refund, Tender
from syncd.mapping.addresses import contact_notes
from syncd.mapping.formats import bounded
from syncd.mapping.lines import line_name, lowers_total
from syncd.mapping.note import render_note
from syncd.mapping.rules import Rules, applied

_LONGEST_METHOD = 100
_REDEEMED = (LineKind.DEPOSIT, LineKind.GIFT_CARD)
_LONGEST_NOTES = 60_000  # bytes; a column of text holds 65,535


def payment_method(order: CanonicalOrder, rules: Rules) -> str:
    """``Cash``, ``Visa 4242``, ``Cash + Gift Card``: the captured tenders, each named once; empty where there is none.

    What went back over the counter (change as a tender of its own) is no way in which the sale was paid.
    """
    captured = _captured(order)
    paid = [tender for tender in captured if tender.amount > 0] or captured
    names = dict.fromkeys(tender_name(tender, rules) for tender in paid)
    return bounded(" + ".join(names), _LONGEST_METHOD)


def tender_name(tender: Tender, rules: Rules) -> str:
    """Return what a tender is called: the config's name for it, else its card's brand and last digits, else the till's label."""
    label = tender.label or tender.kind.value.replace("_", " ").capitalize()
    names = rules.tender_names
    renamed = {name.casefold(): other for name, other in names.items()}.get(label.casefold()) if names else None
    if renamed or not tender.card_brand:
        return renamed or label
    return f"{tender.card_brand} {tender.card_last4 or ''}".strip()


def _captured(order: CanonicalOrder) -> list[Tender]:
    return [tender for tender in order.tenders if tender.status is TenderStatus.CAPTURED]


def staff_notes(order: CanonicalOrder, rules: Rules) -> str:
    """Return the config's own template, else: receipt, place and people, each tender, serial numbers, refunds, the POS's notes.

    Raises:
        ValueError: the template fails on this sale.

    """
    standard = "\n".join(_standard(order, rules))
    said = render_note(rules.note_template, order, standard) if rules.note_template else standard
    return said.encode()[:_LONGEST_NOTES].decode("utf-8", "ignore").strip()


def _standard(order: CanonicalOrder, rules: Rules) -> list[str]:
    where = [
        f"{label} {value}"
        for label, value in (
            ("receipt", order.number),
            ("at", order.location.label if order.location else ""),
            ("register", order.register.label if order.register else ""),
            ("cashier", order.cashier.label if order.cashier else ""),
        )
        if value
    ]
    notes = [", ".join([f"POS sale {order.sale_key}", *where])]
    notes += [_paid(tender, order.currency, rules) for tender in _captured(order)]
    if order.exchanged_with:
        notes.append(f"Exchange: the goods that came back are {order.exchanged_with}")
    notes += [_discount(one, order.currency) for one in order.discounts]
    notes += _lowers(order)
    notes += contact_notes(order, applied(order, rules).default_address)
    notes += _owed(order)
    if order.tips_in_note:
        notes.append(f"Tip {format_money(order.tips_in_note, order.currency)}, which is not part of this order")
    notes += [text for line in order.lines if (text := _line_note(line, order.currency))]
    notes += [refund_note(refund, order) for refund in order.refunded]
    return notes + ([f"Note: {order.note}"] if order.note and rules.note_for == "staff" else [])


def refund_note(refund: Refund, order: CanonicalOrder) -> str:
    """``Refunded 12.00 USD on 2026-11-20 by Cash: Mug x1 (torn), refund r1``."""
    names = {line.line_id: line.name for line in order.lines}
    goods = ", ".join(f"{names.get(r.line_id, r.line_id)} x{format(r.quantity, 'f')}" for r in refund.lines)
    said = f"Refunded {format_money(refund.amount_inc_tax, order.currency)}"
    said += f" on {refund.at.date()}" if refund.at else ""
    by = refund.tender or " + ".join(dict.fromkeys(tender.label for tender in refund.tenders))
    said += f" by {by}" if by else ""
    parts = (("tip", refund.tip), ("fees", refund.fees), ("shipping", refund.shipping))
    beside = ", ".join(f"{what} {format_money(amount, order.currency)}" for what, amount in parts if amount)
    said += f" (of which {beside})" if beside else ""
    said += f" (and a tip of {format_money(refund.tip_in_note, order.currency)})" if refund.tip_in_note else ""
    said += f": {goods}" if goods else ""
    return said + (f" ({refund.reason})" if refund.reason else "") + f", refund {refund.id}"


def _paid(tender: Tender, currency: str, rules: Rules) -> str:
    verb = "Paid" if tender.amount >= 0 else "Given back"
    text = f"{verb} {format_money(abs(tender.amount), currency)} by {tender_name(tender, rules)}"
    if tender.tip:
        text += f", of which tip {format_money(tender.tip, currency)}"
    text += f", change {format_money(tender.change, currency)}" if tender.change else ""
    text += f", cash back {format_money(tender.cash_back, currency)}" if tender.cash_back else ""
    return text + (f", payment {tender.id}" if tender.id else "")


def _owed(order: CanonicalOrder) -> list[str]:
    """Return what is still to be paid, what was paid ahead, and what the amounts are in the shop's own currency."""
    currency, notes = order.currency, list[str]()
    if order.balance_due:
        notes.append(f"Still to be paid: {format_money(order.balance_due, currency)}")
    if order.paid_ahead:
        notes.append(f"Paid ahead: {format_money(order.paid_ahead, currency)}")
    if order.shop_currency and order.shop_currency != currency and order.exchange_rate is not None:
        in_shop = format_money(
            to_minor(order.total_inc_tax * order.exchange_rate, order.shop_currency), order.shop_currency
        )
        notes.append(f"In the shop's currency: {in_shop}, at {format(order.exchange_rate, 'f')}")
    return notes


def _discount(taken: Discount, currency: str) -> str:
    """``Discount 5.00 USD: Staff, code S5``; its share is in each line's price."""
    code = f", code {taken.code}" if taken.code else ""
    named = f": {taken.name}" if taken.name and taken.name != "Discount" else ""
    return f"Discount {format_money(taken.amount_inc_tax, currency)}{named}{code}"


def _lowers(order: CanonicalOrder) -> list[str]:
    """Return what the prices of the other lines hold, and no line of the order shows; and by how much the till rounded."""
    currency, notes = order.currency, list[str]()
    for line in order.lines:
        if lowers_total(line):
            what = "Redeemed" if line.kind in _REDEEMED else "Came back"
            notes.append(f"{what} {format_money(-line.total_inc_tax, currency)}: {line_name(line, weighed=False)}")
    notes += [
        f"Taken off {format_money(-fee.total_inc_tax, currency)}: {fee.name}"
        for fee in order.fees
        if fee.total_inc_tax < 0
    ]
    return notes + ([f"Rounded by {format_money(order.rounding, currency)}"] if order.rounding else [])


def _line_note(line: Line, currency: str) -> str:
    """Return serial numbers, a gift card's last digits, the discounts in a price, where returned goods came from, the note.

    The price before the discounts stands beside them, where the till tells it.
    """
    parts = [f"serial {serial}" for serial in line.serials]
    parts += [f"gift card ending {line.gift_card[-4:]}"] if line.gift_card else []
    parts += [f"{taken.name or 'discount'} -{format_money(taken.amount, currency)}" for taken in line.discounts]
    if unnamed := line.discount - total(taken.amount for taken in line.discounts):
        parts.append(f"discount -{format_money(unnamed, currency)}")
    if line.list_price and (line.discount or line.discounts):
        parts.append(f"list price {format_money(line.list_price, currency)}")
    if line.origin is not None:
        sold_in = f"sold in {line.origin.sale_id}" if line.origin.sale_id else ""
        parts += [text for text in (sold_in, line.origin.reason) if text]
    parts += [line.note] if line.note else []
    return f"{line.name}: {', '.join(parts)}" if parts else ""
