"""``syncd backfills``: those that were asked for, and what can be done about them."""

from __future__ import annotations

import getpass
from datetime import UTC
from pathlib import Path

from msgspec.structs import asdict

from syncd.app import App
from syncd.cli.backfill import till_of
from syncd.cli.exits import Exit
from syncd.cli.render import columns, out, print_json, say
from syncd.cli.session import opened
from syncd.errors import UsageError
from syncd.formatting import count
from syncd.intake.backfill import REPORT, cancel, report
from syncd.ledger import Backfill
from syncd.ledger import Progress as Far
from syncd.presentation.backfills import compared, days_of, progress_words
from syncd.spreadsheet import lines


def run_list(config: Path | None, as_json: bool) -> Exit:
    """Show the newest backfills and how far they are."""
    with opened(config, existing=True) as app:
        found = [(row, app.ledger.backfills.progress(row.number)) for row in app.ledger.backfills.newest()]
        if as_json:
            print_json([document_of(row, far) for row, far in found])
        elif out.is_terminal:
            for row, far in found:
                say(f"{row.number}  {row.source}  {_days(app, row)}\n  {progress_words(row, far)}")
        else:
            rows = [(row.number, row.source, _days(app, row), progress_words(row, far)) for row, far in found]
            columns(rows, head=("backfill", "source", "days", "stands"))
        if not found and not as_json:
            say("nobody has asked for one yet: syncd backfill --help")
    return Exit.OK


def run_turn(config: Path | None, number: int, what: str, as_json: bool) -> Exit:
    """Pause, resume or cancel one."""
    with opened(config, existing=True) as app:
        gone = cancel(app.ledger, number, f"cli:{getpass.getuser()}") if what == "cancel" else 0
        if what != "cancel":
            getattr(app.ledger.backfills, what)(number)
        row = app.ledger.backfills.get(number)
        if as_json:
            print_json({**document_of(row, app.ledger.backfills.progress(number)), "skipped": gone})
        else:
            say(f"backfill {number} is {row.stage}")
            if gone:
                say(f"{count(gone, 'sale')} of it skipped; what was pushed before stays.")
    return Exit.OK


def run_report(config: Path | None, number: int, csv_file: Path | None, as_json: bool) -> Exit:
    """Every sale of a backfill's range with its order, and whether both sides have the same."""
    with opened(config) as app:
        row = app.ledger.backfills.get(number)
        books = compared(app, till_of(app, row.source), row)
        if csv_file is not None:
            written = _write(app, row, csv_file)
            say(f"{count(written, 'sale')} written to {csv_file}")
        if as_json:
            print_json({**document_of(row, app.ledger.backfills.progress(number)), "books": books})
        else:
            for line in books.values():
                say(line)
    return Exit.OK


def document_of(row: Backfill, far: Far) -> dict[str, object]:
    """Return a backfill as JSON shows it."""
    estimate = asdict(row.estimate) if row.estimate else None
    states, left = {state.value: number for state, number in far.states.items()}, far.seconds_left
    rest = {"sales": states, "to_push": far.waiting, "seconds_left": left if far.waiting else None}
    return {**asdict(row), "estimate": estimate, **rest}


def _days(app: App, row: Backfill) -> str:
    till = app.tills.get(row.source)
    return days_of(row, till.zone if till is not None else UTC)


def _write(app: App, row: Backfill, target: Path) -> int:
    number, till = -1, till_of(app, row.source)  # a row less: the head
    rows = report(app.ledger, row, till.zone, till.config.common.all_stores)
    try:
        with target.open("w", encoding="utf-8", newline="") as file:
            for line in lines(REPORT, rows):
                file.write(line)
                number += 1
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}", "Name another file with --csv.") from None
    return number
