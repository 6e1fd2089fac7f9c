"""``syncd audit``: the POS's books beside BigCommerce's, by day, location and way of paying; each difference with its cause."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import asdict

from syncd.cli.exits import Exit
from syncd.cli.render import columns, out, print_json, say
from syncd.cli.session import opened
from syncd.errors import UsageError
from syncd.formatting import amount, count
from syncd.presentation.books import COLUMNS, audit_of, days_asked, lines_of, summary
from syncd.push.store_orders.audit import AuditReport
from syncd.spreadsheet import line as csv_line


def run_audit(  # noqa: PLR0913  an option each
    config: Path | None,
    days: tuple[str, str],
    store: str | None,
    csv_file: Path | None,
    *,
    by_card: bool,
    as_json: bool,
) -> Exit:
    """Compare the stores' books over some days; exit 1 where they differ."""
    wanted = days_asked(*days)
    with opened(config) as app:
        if store is not None and store not in app.stores:
            raise UsageError(f"there is no store {store!r}", f"Stores are {', '.join(app.stores)}.")
        names = [name for name in app.stores if store in (None, name)]
        found = {name: audit_of(app, name, wanted, by_card=by_card) for name in names}
    if csv_file is not None:
        _write(csv_file, found)
    if as_json:
        print_json({name: _document(report) for name, report in found.items()})
    else:
        for name, report in found.items():
            _show(name, report)
    return Exit.OK if all(report.agrees for report in found.values()) else Exit.ATTENTION


def _document(report: AuditReport) -> dict[str, object]:
    return {
        "groups": [dict(zip(COLUMNS, row, strict=True)) for row in lines_of(report)],
        "differences": [asdict(difference) for difference in report.differences],
        "not in BigCommerce": {reason: asdict(missing) for reason, missing in sorted(report.missing.items())},
        "unread": report.unread,
        "checkout": {"orders": report.by_checkout, "drafts": report.drafts, "carts": report.carts},
    }


def _show(name: str, report: AuditReport) -> None:
    say(name)
    if out.is_terminal:
        for key, row in sorted(report.rows.items(), key=lambda item: item[0]):
            pos, there, off = (amount(one, key.currency) for one in (row.pos.net, row.there.net, row.difference))
            say(f"  {key.day}  {key.location}  {key.tender}")
            sold = f"{count(row.pos.number, 'sale')}, {count(row.there.number, 'order')}"
            say(f"    {sold}; {key.currency} {pos}, BigCommerce {there}, difference {off}")
    else:
        columns(list(lines_of(report)), head=COLUMNS)
    for line in summary(name, report):
        out.print(line, markup=False)
    for one in report.differences:
        where = f"order {one.order_id}" if one.order_id else "no order"
        say(f"{one.sale} ({where}): POS {one.pos}, BigCommerce {one.bigcommerce}: {one.cause}")
        say(f"  {one.cure}")


def _write(path: Path, found: dict[str, AuditReport]) -> None:
    """One row for each group, then one for each difference, told apart by the first column."""
    said = ("sale", "order", "POS says", "BigCommerce says", "cause", "cure")
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.write(csv_line(("row", "store", *COLUMNS, *said)))
            for name, report in found.items():
                for row in lines_of(report):
                    file.write(csv_line(("total", name, *row, *("",) * len(said))))
                for reason, missing in sorted(report.missing.items()):
                    for currency, value in sorted(missing.amounts.items()):
                        blank = ("",) * (len(COLUMNS) - 4)
                        what = ("not in BigCommerce", name, "", "", reason, currency, *blank, "", "", value, "", "", "")
                        file.write(csv_line(what))
                for one in report.differences:
                    cells = (one.sale, one.order_id or "", one.pos, one.bigcommerce, one.cause, one.cure)
                    file.write(csv_line(("difference", name, *("",) * len(COLUMNS), *cells)))
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}", "Name another file with --csv.") from None
