"""``syncd audit``: the POS's books beside BigCommerce's, by day, location and tender; every difference with its cause."""

from __future__ import annotations

import csv
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path

from syncd.canonical.money import format_money, to_minor
from syncd.cli.exits import Exit
from syncd.cli.opening import opened
from syncd.cli.render import columns, out, print_json, say
from syncd.errors import UsageError
from syncd.push import Books, Days, Group, audit, sums
from syncd.spreadsheet import tame
from syncd.telling.words import amount, count

_COLUMNS = ("day", "location", "paid by", "currency", "sales", "orders", "POS", "BigCommerce", "difference")


def run_audit(
    config: Path | None, days: tuple[str, str], store: str | None, csv_file: Path | None, as_json: bool
) -> Exit:
    """Compare the stores' books over some days; exit 1 where they differ."""
    wanted = _days(days)
    with opened(config) as app:
        if store is not None and store not in app.stores:
            raise UsageError(f"there is no store {store!r}", f"Stores are {', '.join(app.stores)}.")
        found = {
            name: audit(name, app.ledger, one.orders, one.settings.rules, wanted)
            for name, one in app.stores.items()
            if store in (None, name)
        }
    if csv_file is not None:
        _write(csv_file, found)
    if as_json:
        print_json({name: _document(books) for name, books in found.items()})
    else:
        for name, books in found.items():
            _show(name, books)
    return Exit.ATTENTION if any(books.differences for books in found.values()) else Exit.OK


def _days(days: tuple[str, str]) -> Days:
    try:
        wanted = Days(date.fromisoformat(days[0]), date.fromisoformat(days[1]))
    except ValueError:
        raise UsageError(f"{days[0]!r} to {days[1]!r} are not two days", "Write them as 2026-11-23.") from None
    if wanted.last < wanted.first:
        raise UsageError(f"{days[1]} lies before {days[0]}", "Give --from and --to in their order.")
    return wanted


def _rows(books: Books) -> list[tuple[object, ...]]:
    return [(*key, group.sales, group.orders, *_amounts(group, key[-1])) for key, group in sorted(books.groups.items())]


def _amounts(group: Group, currency: str) -> tuple[Decimal, ...]:
    sides = (group.pos_total, group.order_total, group.pos_total - group.order_total)
    return tuple(to_minor(side, currency) for side in sides)


def _document(books: Books) -> dict[str, object]:
    return {
        "groups": [dict(zip(_COLUMNS, row, strict=True)) for row in _rows(books)],
        "differences": [asdict(difference) for difference in books.differences],
        "left_out": books.left_out,
        "returns": books.returns,
    }


def _show(name: str, books: Books) -> None:
    say(name)
    if out.is_terminal:
        for (day, place, paid, currency), group in sorted(books.groups.items()):
            pos, there, off = (amount(side, currency) for side in _amounts(group, currency))
            say(f"  {day}  {place}  {paid}")
            sold = f"{count(group.sales, 'sale')}, {count(group.orders, 'order')}"
            say(f"    {sold}; {currency} {pos}, BigCommerce {there}, difference {off}")
    else:
        columns(_rows(books), head=_COLUMNS)
    for currency, both in sums(books.groups.items()).items():
        off = format_money(both.pos_total - both.order_total, currency)
        shown = [format_money(total, currency) for total in (both.pos_total, both.order_total)]
        out.print(f"{name}: POS {shown[0]}, BigCommerce {shown[1]}, difference {off}", markup=False)
    if books.returns or books.left_out:
        out.print(
            f"{books.returns} returns (they change their sale's order), {books.left_out} sales left out", markup=False
        )
    for one in books.differences:
        where = f"order {one.order_id}" if one.order_id else "no order"
        say(f"{one.sale} ({where}): POS {one.pos}, BigCommerce {one.bigcommerce}: {one.cause}")
        say(f"  {one.cure}")


def _write(path: Path, found: dict[str, Books]) -> None:
    """One row for each group, then one for each difference, told apart by the first column."""
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("row", "store", *_COLUMNS, "sale", "order", "cause"))
            for name, books in found.items():
                for row in _rows(books):
                    rows.writerow(("total", name, *row, "", "", ""))
                for one in books.differences:
                    blank = ("",) * 6
                    said = (
                        "difference",
                        name,
                        *blank,
                        one.pos,
                        one.bigcommerce,
                        "",
                        one.sale,
                        one.order_id or "",
                        one.cause,
                    )
                    rows.writerow([tame(cell) for cell in said])
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "Name another file with --csv.") from None
