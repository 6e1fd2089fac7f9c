"""How the sale was paid, and everything that only the shop's staff should read."""

from __future__ import annotations

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import format_money
from syncd.canonical.order import Line, Tender, TenderStatus
from syncd.mapping.text import bounded, mask_cards

_LONGEST_METHOD = 100
_LONGEST_NOTES = 60_000


def payment_method(order: CanonicalOrder) -> str:
    """``Cash``, ``Visa 4242``, ``Cash + Gift Card``: the captured tenders, each named once; empty where there is none."""
    names = dict.fromkeys(tender_name(tender) for tender in _captured(order))
    return bounded(" + ".join(names), _LONGEST_METHOD)


def tender_name(tender: Tender) -> str:
    """What a tender is called: its card's brand and last digits where it was a card."""
    if tender.card_brand:
        return f"{tender.card_brand} {tender.card_last4 or ''}".strip()
    return tender.label or tender.kind.value.replace("_", " ").capitalize()


def _captured(order: CanonicalOrder) -> list[Tender]:
    return [tender for tender in order.tenders if tender.status is TenderStatus.CAPTURED]


def staff_notes(order: CanonicalOrder) -> str:
    """Receipt, place and people, each tender, serial numbers, and the POS's own notes."""
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
    notes += [_paid(tender, order.currency) for tender in _captured(order)]
    notes += [text for line in order.lines if (text := _line_note(line))]
    notes += [f"Note: {order.note}"] if order.note else []
    return mask_cards("\n".join(notes))[:_LONGEST_NOTES]


def _paid(tender: Tender, currency: str) -> str:
    text = f"Paid {format_money(tender.amount, currency)} by {tender_name(tender)}"
    if tender.tip:
        text += f", of which tip {format_money(tender.tip, currency)}"
    return text + (f", change {format_money(tender.change, currency)}" if tender.change else "")


def _line_note(line: Line) -> str:
    parts = [f"serial {serial}" for serial in line.serials] + ([line.note] if line.note else [])
    return f"{line.name}: {', '.join(parts)}" if parts else ""
