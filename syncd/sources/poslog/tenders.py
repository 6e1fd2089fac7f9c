"""How a POSLog transaction was paid: change and cash back taken out, rounding told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from syncd.canonical.kinds import TenderKind
from syncd.canonical.money import ZERO, total
from syncd.sources.poslog.elements import Node, number
from syncd.sources.tenders import kind_of

_KINDS = {
    "cash": TenderKind.CASH,
    "creditdebit": TenderKind.CARD,
    "credit": TenderKind.CARD,
    "debit": TenderKind.CARD,
    "giftcertificate": TenderKind.GIFT_CARD,
    "giftcard": TenderKind.GIFT_CARD,
    "storedvalue": TenderKind.GIFT_CARD,
    "storecredit": TenderKind.STORE_CREDIT,
    "creditvoucher": TenderKind.STORE_CREDIT,
    "accountsreceivable": TenderKind.ON_ACCOUNT,
    "customeraccount": TenderKind.ON_ACCOUNT,
    "loyalty": TenderKind.LOYALTY,
}
_WORDS = {"CreditDebit": "Card", "GiftCertificate": "Gift card", "AccountsReceivable": "On account"}
_BACK = ("refund", "change", "return")


def tenders_of(rows: Sequence[Node], own: Mapping[str, TenderKind]) -> list[dict[str, Any]]:
    """Return the tenders of a transaction's lines, and what each settled.

    Raises:
        Unreadable: an amount is none.

    """
    found = [one for row in rows for tender in row.nodes("Tender") if (one := _tender(row, tender, own)) is not None]
    alone = [change.amount("Amount") for row in rows for change in row.nodes("TenderChange")]
    return found + [_change(abs(amount)) for amount in alone if amount]


def _change(amount: Decimal) -> dict[str, Any]:
    return {"kind": TenderKind.CASH, "label": "Change", "amount": -amount, "change": ZERO, "cash_back": ZERO}


def settled(tenders: list[dict[str, Any]], dues: Sequence[Decimal]) -> list[dict[str, Any]]:
    """Return the tenders so that they come to one of the sums that may have been due.

    Where one reading of change and cash back does.

    Some vendors write change or cash back as a line of its own and beside the tender as well; roqqio writes change as a tender
    with a positive amount. What fits nowhere stays as it is, and the sale is held for its sums.
    """
    paid = total(one["amount"] for one in tenders)
    if paid in dues:
        return tenders
    for twice in ("cash_back", "change"):
        if paid + total(one[twice] for one in tenders) in dues:
            return [one | {"amount": one["amount"] + one[twice], twice: ZERO} for one in tenders]
    given_back = [one for one in tenders[1:] if one["kind"] is TenderKind.CASH and paid - 2 * one["amount"] in dues]
    if len(given_back) == 1:
        return [_change(one["amount"]) if one is given_back[0] else one for one in tenders]
    return tenders


def _tender(row: Node, tender: Node, own: Mapping[str, TenderKind]) -> dict[str, Any] | None:
    amount = tender.amount("Amount")
    if amount is None:
        return None  # a rounding alone
    if row.is_true("VoidFlag") and amount > 0:
        return None
    said = tender.said("TenderType").rpartition(":")[2]
    label = tender.text("PaymentTypeDescription", "Description") or _WORDS.get(said, said) or "Paid"
    kind = _KINDS.get(said.lower()) or kind_of(label, own)
    kind = next((mine for word, mine in own.items() if word.casefold() in (label.casefold(), said.casefold())), kind)
    if tender.said("TypeCode").lower() in _BACK:
        amount = -abs(amount)
    change = total(abs(one.amount("Amount") or ZERO) for one in tender.nodes("TenderChange")) if amount > 0 else ZERO
    back = abs(tender.amount("CashbackAmount", "CashBackAmount", "Cashback") or ZERO)
    card = next(tender.nodes("CreditDebit"), None)
    return {
        "id": row.text("SequenceNumber") or None,
        "kind": kind,
        "label": label
        if amount >= 0 or kind is not TenderKind.CASH or tender.said("TypeCode") == "Refund"
        else "Change",
        "amount": amount - change - back,
        "change": change,
        "cash_back": back,
        "tendered": amount if change or back else None,
        "card_brand": (card.text("CardType", "IssuerName") or card.said("CardType") or None) if card else None,
    }


def rounding_of(rows: Sequence[Node], retail: Node) -> Decimal:
    """Cash rounding, signed: up is what the customer pays more.

    Raises:
        Unreadable: an amount is none.

    """
    holders = [retail, *rows, *(tender for row in rows for tender in row.nodes("Tender"))]
    return total(_rounded(Node(one)) for holder in holders for one in holder.all("Rounding"))


def _rounded(node: Node) -> Decimal:
    text = (node.element.text or "").strip()
    amount = number(text, "Rounding") if text else node.amount("Amount") or ZERO
    return -abs(amount) if node.said("RoundingDirection").lower() == "down" else amount
