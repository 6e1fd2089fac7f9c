"""A plain export, one row a line: its columns are named in the config, or go by the usual names.

A sale is known by ``sale_id`` where there is such a column, else by receipt, register and day: receipt numbers repeat.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from syncd.canonical.kinds import TenderKind
from syncd.canonical.money import total
from syncd.sources.csv.dates import read_date
from syncd.sources.csv.fields import BadCell, Reading, agree, first
from syncd.sources.csv.headings import GENERIC
from syncd.sources.csv.preset import CsvPreset
from syncd.sources.csv.rows import CsvRow
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.states import is_refund
from syncd.sources.csv.strays import is_totals_word
from syncd.sources.tenders import kind_of
from syncd.sources.values import PLACE, people

_OF_THE_SALE = (
    "sale_id",
    "receipt",
    "register",
    "date",
    "time",
    "total",
    "total_tax",
    "tender",
    "status",
    "kind",
    "cashier",
)
_LAST_HOUR = 23
_A_VISIT = timedelta(hours=1)
_ABOUT = ("company", "email", "phone", *PLACE)


class GenericOptions(CsvSettings):
    """What an export of columns that are named may need to be told."""

    COLUMNS: ClassVar[Collection[str] | None] = GENERIC

    prices_include_tax: bool = False


def key(row: CsvRow) -> str:
    """Return the sale's own id, else receipt, register and day."""
    if sale_id := row.get("sale_id"):
        return sale_id
    receipt, day = row.get("receipt"), row.get("date").split(" ")[0].split("T")[0]
    return "@".join(part for part in (receipt, row.get("register"), day) if part) if receipt and day else ""


def keys() -> Callable[[CsvRow], str]:
    """Return what tells a row's sale, by the rows above it.

    Child rows leave their sale's cells empty, and a receipt may pass midnight.
    """
    last: CsvRow | None = None
    current = ""

    def key_of(row: CsvRow) -> str:
        nonlocal last, current
        found = key(row)
        if last is not None and current and (_is_child(row, last) if not found else _is_past_midnight(row, last)):
            found = current
        if found:
            last, current = row if row.get("date") else last, found
        return found

    return key_of


def _is_child(row: CsvRow, last: CsvRow) -> bool:
    """Whether a row is a further line of the sale above, whose total can confirm it: something sold, no cell of a sale's own."""
    if not last.get("total") or any(row.get(name) for name in _OF_THE_SALE):
        return False
    name = row.get("name") or row.get("sku")
    return bool(name) and not is_totals_word(name) and any(row.get(one) for one in ("line_total", "price"))


def _is_past_midnight(row: CsvRow, last: CsvRow) -> bool:
    """Whether a row goes on with a receipt that was begun on the day before."""
    if row.get("sale_id") or row.get("date") == last.get("date"):
        return False
    if any(row.get(name) != last.get(name) for name in ("receipt", "register", "total")):
        return False
    try:
        before, after = (read_date(f"{one.get('date')} {one.get('time')}".strip(), "dmy").local for one in (last, row))
    except ValueError:
        return False
    return before.hour == _LAST_HOUR and after.hour == 0


def parse(rows: Sequence[CsvRow], how: Reading[GenericOptions]) -> list[dict[str, Any]]:
    """Return the rows of one sale as the fields of a canonical order.

    Each refund that stands under its number as those of a return.

    Raises:
        BadCell: a cell cannot be read, or a sale states two totals.

    """
    rows, paid_by = _one_set(rows, how)
    sold, refunds = _apart(rows, how)
    found = [_sale(sold, how, paid_by)] if sold else []
    return found + [_return(back, how) for back in refunds]


def _one_set(rows: Sequence[CsvRow], how: Reading[GenericOptions]) -> tuple[Sequence[CsvRow], str]:
    """Return the lines of a sale once, where a report repeats them for each payment, or was pasted twice; and what paid for them.

    Raises:
        BadCell: rows are repeated for each payment, and no total tells how often.

    """
    if len(rows) == 1:
        return rows, ""
    by_tender: dict[str, list[CsvRow]] = {}
    for row in rows:
        by_tender.setdefault(row.get("tender"), []).append(row)
    if (
        len(by_tender) > 1
        and len({tuple(sorted(_but_payment(row) for row in part)) for part in by_tender.values()}) == 1
    ):
        settled = {
            tender: part for tender, part in by_tender.items() if how.status(first(part, "status"))[0] == "completed"
        }
        kept = settled or by_tender
        once = next(iter(kept.values()))
        if len(kept) > 1 and _comes_to(once, how) is not True:
            raise BadCell(
                rows[0].line,
                f"its rows are repeated for each payment ({', '.join(by_tender)}), and no total says that the lines count once",
            )
        return once, " + ".join(kept)
    counts = Counter(tuple(row.cells) for row in rows)
    once = list({tuple(row.cells): row for row in reversed(rows)}.values())[::-1]
    if len(set(counts.values())) == 1 and len(once) < len(rows) and _comes_to(once, how) and not _comes_to(rows, how):
        return once, ""
    return rows, ""


def _but_payment(row: CsvRow) -> tuple[str, ...]:
    of_payment = {row.columns.get("tender"), row.columns.get("status")}
    return tuple(cell for place, cell in enumerate(row.cells) if place not in of_payment)


def _comes_to(rows: Sequence[CsvRow], how: Reading[GenericOptions]) -> bool | None:
    """Whether the lines of rows come to the total that they state; None where they state none."""
    stated = _stated(rows, "total", how)
    if stated is None:
        return None
    lines = [_line(number, row, how) for number, row in enumerate(rows, start=1)]
    return total(line["total_inc_tax"] for line in lines) + _tip(rows, how) == stated


def _apart(rows: Sequence[CsvRow], how: Reading[GenericOptions]) -> tuple[Sequence[CsvRow], list[list[CsvRow]]]:
    """Return the rows of the sale, and those of each refund of it: by a column of kinds, else rows below nothing of a later time.

    Raises:
        BadCell: an amount cannot be read.

    """
    if len(rows) == 1 and "kind" not in rows[0].columns:
        return rows, []
    kinds = [is_refund(row.get("kind")) for row in rows]
    first_time = rows[0].get("date"), rows[0].get("time")
    by_sign = not any(kinds) and not _below_nothing(rows[0], how)
    sold, refunds = [], dict[tuple[str, str], list[CsvRow]]()
    for row, kind in zip(rows, kinds, strict=True):
        at = row.get("date"), row.get("time")
        if kind or (by_sign and at != first_time and _below_nothing(row, how)):
            refunds.setdefault(at, []).append(row)
        else:
            sold.append(row)
    return sold, list(refunds.values())


def _is_one_visit(rows: Sequence[CsvRow], how: Reading[GenericOptions]) -> bool:
    """Whether rows of different times are one receipt for all that: each repeats its total, and an hour holds them all."""
    if any(not row.get("total") or row.get("total") != rows[0].get("total") for row in rows):
        return False
    times = [_time(row, how) for row in rows]
    return max(times) - min(times) <= _A_VISIT


def _time(row: CsvRow, how: Reading[GenericOptions]) -> datetime:
    return how.split_time(row, "date", "time") if row.get("time") else how.time(row, "date")


def _unknown_kind(rows: Sequence[CsvRow]) -> str:
    kind = next((cell for row in rows if (cell := row.get("kind")) and is_refund(cell) is None), "")
    return f"its kind, {kind[:40]!r}, is neither a sale nor a refund in any language that syncd knows" if kind else ""


def _below_nothing(row: CsvRow, how: Reading[GenericOptions]) -> bool:
    return any(row.get(name) and how.amount(row, name) < 0 for name in ("line_total", "total"))


def _return(rows: Sequence[CsvRow], how: Reading[GenericOptions]) -> dict[str, Any]:
    """Return a refund as a return of the sale whose number it has, whatever the sign of its amounts."""
    fields = _sale(rows, how)
    if fields["total_inc_tax"] > 0:
        for part in (*fields["lines"], *fields["fees"]):
            part |= {name: -part[name] for name in ("total_ex_tax", "total_inc_tax")}
        for part in (*fields["tenders"], *(tax for line in fields["lines"] for tax in line["taxes"])):
            part["amount"] = -part["amount"]
        fields |= {name: -fields[name] for name in ("total_inc_tax", "total_tax")}
    for line in fields["lines"]:
        line["quantity"] = -abs(line["quantity"])
    sold_as = fields["sale_id"]
    at = fields["placed_at"].strftime("%Y%m%d%H%M%S")
    return fields | {
        "sale_id": f"{sold_as}/refund-{at}",
        "returns_of": f"{how.source}:{sold_as}",
        "status": "completed",
    }


def _sale(rows: Sequence[CsvRow], how: Reading[GenericOptions], paid_by: str = "") -> dict[str, Any]:
    head = rows[0]
    if len(rows) > 1 and not _is_one_visit(rows, how):
        agree(rows, "date", "time")
    agree(rows, "register", "tender", "cashier", "status", "currency")
    lines = [_line(number, row, how) for number, row in enumerate(rows, start=1)]
    tip = _tip(rows, how)
    summed = total(line["total_inc_tax"] for line in lines) + tip
    whole = _stated(rows, "total", how)
    tax = _stated(rows, "total_tax", how)
    found = summed if whole is None else whole
    status, unknown = how.status(first(rows, "status"))
    tender = paid_by or first(rows, "tender")
    return {
        "sale_id": key(head),
        "number": head.get("receipt") or None,
        "placed_at": _time(head, how),
        "status": status,
        "hold": unknown or _unknown_kind(rows),
        "currency": how.currency(head, "currency"),
        "prices_include_tax": how.settings.prices_include_tax,
        "location": how.place(first(rows, "location"), how.settings.location or ""),
        "register": how.place(head.get("register")),
        "cashier": how.place(first(rows, "cashier")),
        **_people(rows),
        "lines": lines,
        "fees": [{"kind": "tip", "name": "Tip", "total_ex_tax": tip, "total_inc_tax": tip}] if tip else [],
        "tenders": [_tender(tender, found)] if tender else [],
        "note": first(rows, "note"),
        "total_inc_tax": found,
        "total_tax": total(line["total_inc_tax"] - line["total_ex_tax"] for line in lines) if tax is None else tax,
    }


def _tip(rows: Sequence[CsvRow], how: Reading[GenericOptions]) -> Decimal:
    """Return the sale's tip: one amount that each row repeats, or what stands on single rows."""
    tips = [how.zero(row, "tip") for row in rows]
    return tips[0] if len(set(tips)) == 1 else total(tips)


def _stated(rows: Sequence[CsvRow], name: str, how: Reading[GenericOptions]) -> Decimal | None:
    """Return the sale's own total, which each of its rows may repeat; None where the export has none."""
    found: Decimal | None = None
    for row in rows:
        if not row.get(name):
            continue
        amount = how.amount(row, name)
        if found is not None and amount != found:
            raise BadCell(row.line, f"the rows of this sale state two values of {name}: {found} and {amount}")
        found = amount
    return found


def _line(number: int, row: CsvRow, how: Reading[GenericOptions]) -> dict[str, Any]:
    quantity, off, tax = how.quantity(row, "quantity"), abs(how.zero(row, "discount")), how.zero(row, "tax")
    stated = how.amount(row, "line_total") if row.get("line_total") else None
    amount = how.amount(row, "price") * quantity - off if stated is None else stated
    included = how.settings.prices_include_tax
    return {
        "line_id": str(number),
        "sku": row.get("sku") or None,
        "upc": row.get("upc") or None,
        "name": row.get("name") or row.get("sku") or "Item",
        "quantity": quantity,
        "total_ex_tax": amount - tax if included else amount,
        "total_inc_tax": amount if included else amount + tax,
        "discount": off,
        "taxes": [{"amount": tax, "included": included}] if tax else [],
    }


def _tender(label: str, amount: Decimal) -> dict[str, Any]:
    return {"kind": TenderKind.OTHER if " + " in label else kind_of(label, {}), "label": label, "amount": amount}


def _people(rows: Sequence[CsvRow]) -> dict[str, Any]:
    """Return the customer and the address; a file without a name or an e-mail has none: its address may be the shop's."""
    if "customer" not in rows[0].columns and "email" not in rows[0].columns:
        return {}
    given, _, family = first(rows, "customer").rpartition(" ")
    about = {name: first(rows, "region" if name == "state" else name) for name in _ABOUT}
    if not family and not about["email"]:
        return {}
    return people("", about | {"first_name": given or family, "last_name": family if given else ""})


PRESET = CsvPreset(
    "generic",
    (frozenset({"date", "name"}), frozenset({"date", "sku"})),
    key,
    parse,
    "sale id, or receipt and date",
    GenericOptions,
    headings=GENERIC,
    telling=False,
    ids=("sale_id", "receipt"),
    dates=("date",),
    amounts=("line_total", "price", "tax", "discount", "tip", "total", "total_tax", "quantity"),
    reader=keys,
)
