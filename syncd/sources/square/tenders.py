"""How a Square order was paid, and how money went back. Pure.

A tender's ``amount_money`` holds the tip; a payment's does not. Source: https://developer.squareup.com/reference/square/objects/Tender
"""

from __future__ import annotations

from typing import Any

from syncd.sources.records import Document, listed, moment
from syncd.sources.square.money import money

_KINDS = {
    "CARD": ("card", "Card"),
    "CASH": ("cash", "Cash"),
    "THIRD_PARTY_CARD": ("card", "Card"),
    "SQUARE_GIFT_CARD": ("gift_card", "Gift Card"),
    "BANK_ACCOUNT": ("other", "Bank account"),
    "WALLET": ("other", "Wallet"),
    "BUY_NOW_PAY_LATER": ("other", "Buy now, pay later"),
    "SQUARE_ACCOUNT": ("other", "Square account"),
}
_BRANDS = {
    "AMERICAN_EXPRESS": "American Express",
    "DISCOVER_DINERS": "Diners",
    "JCB": "JCB",
    "CHINA_UNIONPAY": "UnionPay",
}
_CARD = {"AUTHORIZED": "pending", "VOIDED": "voided", "FAILED": "failed"}
REFUND = {
    "PENDING": "pending",
    "APPROVED": "captured",
    "COMPLETED": "captured",
    "REJECTED": "failed",
    "FAILED": "failed",
}


def paid(order: Document, currency: str) -> list[dict[str, Any]]:
    """Return the tenders of what was sold; opening the drawer is none."""
    return [_tender(one, currency) for one in listed(order, "tenders") if one.get("type") != "NO_SALE"]


def given_back(order: Document, currency: str) -> list[dict[str, Any]]:
    """Return the refunds of what came back, as negative tenders."""
    return [
        {
            "id": one.get("id"),
            "at": moment(one.get("created_at")),
            "kind": "other",
            "label": "Refund",
            "amount": -money(one, "amount_money", currency),
            "status": REFUND.get(str(one.get("status")), "pending"),
        }
        for one in listed(order, "refunds")
    ]


def _tender(one: Document, currency: str) -> dict[str, Any]:
    kind, label = _KINDS.get(str(one.get("type")), ("other", "Other"))
    card, cash = one.get("card_details") or {}, one.get("cash_details") or {}
    about = card.get("card") or {}
    brand = str(about.get("card_brand") or "")
    digits = str(about.get("last_4") or "")
    change = money(cash, "change_back_money", currency)
    return {
        "id": one.get("id"),
        "at": moment(one.get("created_at")),
        "kind": kind,
        "label": _BRANDS.get(brand, brand.replace("_", " ").title()) if brand and kind == "card" else label,
        "amount": money(one, "amount_money", currency),
        "tip": money(one, "tip_money", currency),
        "tendered": money(cash, "buyer_tendered_money", currency) if "buyer_tendered_money" in cash else None,
        "change": change,
        "card_brand": _BRANDS.get(brand, brand.replace("_", " ").title()) or None,
        "card_last4": digits if digits.isdigit() and len(digits) <= 4 else None,
        "status": _CARD.get(str(card.get("status")), "captured"),
    }
