"""What the POS says of a sale as facts that other apps can read: metafields of its order, in the namespace ``syncd``. Pure.

Source: https://developer.bigcommerce.com/docs/rest-management/orders/metafields
"""

from __future__ import annotations

import json

from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import TenderStatus
from syncd.canonical.money import to_minor

NAMESPACE = "syncd"
_LONGEST = 65_535


def facts_of(order: CanonicalOrder) -> dict[str, str]:
    """By key: source, sale, receipt, location, register, cashier, business day, tenders (JSON), the other half of an exchange.

    Amounts are in major units of the sale's currency. What the POS does not say is left out.
    """
    tenders = [
        {
            "kind": one.kind.value,
            "label": one.label,
            "amount": format(to_minor(one.amount, order.currency), "f"),
            "currency": order.currency,
        }
        for one in order.tenders
        if one.status is TenderStatus.CAPTURED
    ]
    said = {
        "source": order.source,
        "sale": order.sale_key,
        "receipt": order.number,
        "location": order.location.label if order.location else None,
        "register": order.register.label if order.register else None,
        "cashier": order.cashier.label if order.cashier else None,
        "business_day": order.day.isoformat(),
        "tenders": json.dumps(tenders, ensure_ascii=False) if tenders else None,
        "exchanged_with": order.exchanged_with,
    }
    return {name: value[:_LONGEST] for name, value in said.items() if value}
