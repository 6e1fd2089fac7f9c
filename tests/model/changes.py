"""What a sale of the model may say next, and the status that its order must then have."""

from __future__ import annotations

from typing import Any

from syncd.canonical.kinds import SaleStatus

MUG = {"line_id": "1", "name": "Mug", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}
MUGS = {"line_id": "1", "name": "Mug", "quantity": "2", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
BEANS = {"line_id": "2", "name": "Beans", "total_ex_tax": "5.00", "total_inc_tax": "5.40"}
TIP = {"kind": "tip", "name": "Tip", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}
REFUND = {"id": "r1", "amount_inc_tax": "1.00"}
WHOLE: dict[str, Any] = {
    "status": "completed",
    "training": False,
    "refunds": (),
    "fees": (),
    "lines": [MUG, BEANS],
    "total_inc_tax": "10.80",
    "total_tax": "0.80",
}
CHANGES: dict[str, dict[str, Any]] = {
    "note": {},
    "void": {"status": "voided"},
    "un-void": {"status": "completed"},
    "refund": {"status": "refunded"},
    "part refund": {"status": "partially_refunded", "refunds": [REFUND]},
    "tip": WHOLE | {"fees": [TIP], "total_inc_tax": "12.80"},
    "more": WHOLE | {"lines": [MUGS, BEANS], "total_inc_tax": "16.20", "total_tax": "1.20"},
    "fewer lines": WHOLE | {"lines": [BEANS], "total_inc_tax": "5.40", "total_tax": "0.40"},
    "as it was": WHOLE,
    "open": {"status": "open"},
    "training": {"training": True},
    "off balance": {"total_inc_tax": "99.00"},
    "poison": {"note": "poison"},
}
STATUS = {
    SaleStatus.COMPLETED: 10,
    SaleStatus.VOIDED: 5,
    SaleStatus.REFUNDED: 4,
    SaleStatus.PARTIALLY_REFUNDED: 14,
}
