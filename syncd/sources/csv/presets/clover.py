"""Clover's orders export: one row an order, no lines in it.

By rule such an order becomes one custom line or is held. ``Order Total`` leaves the tip out and so does ``Payments Total``: by
rule the tip is a note, and the order's total the export's, or a fee on top of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from syncd.canonical.money import ZERO
from syncd.sources.csv.amounts import DecimalMark
from syncd.sources.csv.fields import BadCell, Reading
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import CsvRow
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.times import parse_clover

COLUMNS = frozenset({"order date", "order id", "order total", "payments total", "tender"})
_PAID = ("paid", "refunded", "partially refunded", "manually refunded", "")


class CloverOptions(CsvSettings):
    """The export has no lines, and tips lie outside its totals."""

    NAMES_CURRENCY: ClassVar[bool] = True
    NAMES_ZONE: ClassVar[bool] = True

    decimal_mark: DecimalMark | dict[str, DecimalMark] | None = "."
    no_lines: Literal["custom", "hold"] = "custom"
    tips_beside: Literal["note", "fee"] = "note"


def key(row: CsvRow) -> str:
    """Clover's own order id."""
    return row.get("order id")


def parse(rows: Sequence[CsvRow], how: Reading[CloverOptions]) -> dict[str, Any]:
    """Return an order's row as the fields of a canonical order.

    Raises:
        BadCell: a cell cannot be read, or two rows of one id differ.

    """
    row = rows[0]
    if any(list(other.cells) != list(row.cells) for other in rows[1:]):
        raise BadCell(rows[1].line, "two different orders have this Order ID")
    stated, tax = how.amount(row, "Order Total"), how.zero(row, "Tax Amount")
    service, tip = how.zero(row, "Service Charge"), how.zero(row, "Tip")
    fees = (
        [{"kind": "service_charge", "name": "Service charge", "total_ex_tax": service, "total_inc_tax": service}]
        if service
        else []
    )
    beside = tip if how.settings.tips_beside == "fee" else ZERO
    fees += [{"kind": "tip", "name": "Tip", "total_ex_tax": beside, "total_inc_tax": beside}] if beside else []
    line = {"line_id": "1", "kind": "custom", "name": _name(row), "total_inc_tax": stated - service}
    return {
        "sale_id": key(row),
        "number": row.get("invoice number") or row.get("order number") or None,
        "placed_at": _time(row, how),
        "status": _status(row, how),
        "currency": how.currency(row, "Currency"),
        "location": how.place(how.settings.location or ""),
        "cashier": how.place(row.get("order employee name"), row.get("order employee id")),
        "lines": [{**line, "total_ex_tax": stated - service - tax, "discount": abs(how.zero(row, "Discount"))}],
        "fees": fees,
        "tenders": _tenders(row, stated + beside),
        "refunds": _refunds(row, how),
        "note": _note(row, tip if not beside else ZERO),
        "total_inc_tax": stated + beside,
        "total_tax": tax,
        "hold": _hold(row, how),
    }


def _name(row: CsvRow) -> str:
    kind = row.get("order type")
    return f"Clover order ({kind})" if kind else "Clover order"


def _time(row: CsvRow, how: Reading[CloverOptions]) -> Any:  # noqa: ANN401  an aware time; the caller's dictionary takes anything
    try:
        return parse_clover(row.get("order date"), how.here, how.hours)
    except ValueError as error:
        raise BadCell(row.line, f"Order Date: {error}") from None


def _hold(row: CsvRow, how: Reading[CloverOptions]) -> str:
    """Why a person must look: money went out that no sale of this export accounts for."""
    gone = abs(how.zero(row, "Manual Refunds Total"))
    if gone:
        currency = how.currency(row, "Currency")
        return f"{gone} {currency} were given back by a manual refund: name the sale, or release it unchanged"
    if how.amount(row, "Order Total") < 0 or how.zero(row, "Payments Total") < 0:
        return "money went out: a refund without its sale"
    return "Clover's export has no lines" if how.settings.no_lines == "hold" else ""


def _status(row: CsvRow, how: Reading[CloverOptions]) -> str:
    state = row.get("order payment state").lower()
    money_out = how.zero(row, "Manual Refunds Total") or how.amount(row, "Order Total") < 0
    if state not in _PAID and not money_out:
        return "open"
    came_back = how.zero(row, "Refunds Total") + how.zero(row, "Manual Refunds Total")
    if not came_back:
        return "completed"
    return "refunded" if came_back >= how.amount(row, "Order Total") else "partially_refunded"


def _refunds(row: CsvRow, how: Reading[CloverOptions]) -> list[dict[str, Any]]:
    sums = {"refunds": how.zero(row, "Refunds Total"), "manual refunds": how.zero(row, "Manual Refunds Total")}
    return [{"id": name, "amount_inc_tax": abs(amount)} for name, amount in sums.items() if amount]


def _tenders(row: CsvRow, paid: Any) -> list[dict[str, Any]]:  # noqa: ANN401  an amount
    """Several tenders are comma-joined without their amounts: they are named as one."""
    label = row.get("tender")
    if not label:
        return []
    kind = {"cash": "cash", "credit card": "card", "debit card": "card"}.get(label.lower(), "other")
    return [{"kind": kind, "label": label.replace(", ", " + "), "amount": paid}]


def _note(row: CsvRow, tip: Any) -> str:  # noqa: ANN401  an amount
    notes = [row.get("note"), row.get("payment note"), f"Tip of {tip} paid beside the order" if tip else ""]
    return "; ".join(note for note in notes if note)


PRESET = CsvPreset(
    "clover",
    (COLUMNS,),
    key,
    parse,
    "Order ID",
    CloverOptions,
    ids=("order id",),
    amounts=("order total", "payments total"),
)
