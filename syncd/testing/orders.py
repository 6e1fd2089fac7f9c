"""Builders of sales for tests: small, balanced, and different where a test says so."""

from __future__ import annotations

from typing import Any

from syncd.canonical import CanonicalOrder

LINES = (
    {"line_id": "1", "sku": "MUG-1", "name": "Mug", "quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.40"},
    {"line_id": "2", "name": "Coffee beans", "quantity": "1", "total_ex_tax": "5.00", "total_inc_tax": "5.40"},
)


def sale(**changes: Any) -> CanonicalOrder:  # noqa: ANN401  any field of a canonical order
    """Return a completed sale of 10.80 USD, 0.80 of it tax, paid in cash; ``changes`` replace its fields."""
    fields: dict[str, Any] = {
        "source": "till",
        "sale_id": "1001",
        "number": changes.get("sale_id", "1001"),
        "placed_at": "2026-11-20T10:15:00-06:00",
        "currency": "USD",
        "lines": LINES,
        "tenders": [{"kind": "cash", "label": "Cash", "amount": changes.get("total_inc_tax", "10.80")}],
        "total_inc_tax": "10.80",
        "total_tax": "0.80",
    }
    return CanonicalOrder.model_validate(fields | changes)
