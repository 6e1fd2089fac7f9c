"""Backfills in words: which days, how far, and whether both sides have the same in the end."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

from syncd.app import App
from syncd.canonical.money import format_money
from syncd.errors import StoreError, UsageError
from syncd.formatting import count, lasts
from syncd.ledger import Backfill, Progress
from syncd.presentation.books import audit_of, missing_words
from syncd.push.store_orders.audit import Days, by_currency
from syncd.sale.states import BackfillStage
from syncd.source_runner import SourceRunner

_FIRST_YEAR, _LAST_YEAR = 1970, 9000


def date_range(days: tuple[str, str], zone: tzinfo) -> tuple[datetime, datetime]:
    """Return the instants from the first day's midnight to the midnight after the last.

    Raises:
        UsageError: a day that is none, or a range that ends before it begins.

    """
    try:
        first, last = (date.fromisoformat(day) for day in days)
    except ValueError:
        raise UsageError(f"{days[0]!r} to {days[1]!r} is not a range of days", "Write days as 2026-11-23.") from None
    if first.year < _FIRST_YEAR or last.year > _LAST_YEAR:
        raise UsageError(f"{first} to {last} is not a range of days that a till has seen", "Write days as 2026-11-23.")
    if last < first:
        raise UsageError(f"the range ends ({last}) before it begins ({first})", "Give the two days in their order.")
    start, end = datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone)
    return start.astimezone(UTC).astimezone(zone), end.astimezone(UTC).astimezone(zone)


def days_of(row: Backfill, zone: tzinfo) -> str:
    """Which days it is of, as a time zone has them."""
    first, last = row.start.astimezone(zone).date(), (row.end.astimezone(zone) - timedelta(microseconds=1)).date()
    return f"{first}" if first == last else f"{first} to {last}"


def progress_words(row: Backfill, far: Progress) -> str:
    """How far a backfill is, in a line."""
    if row.stage not in (BackfillStage.OPEN, BackfillStage.RECORDED, BackfillStage.PAUSED):
        waits = {
            BackfillStage.ESTIMATING: "its sales are being counted",
            BackfillStage.ESTIMATED: "counted; it waits to be started",
        }
        return waits.get(row.stage, row.stage.value)
    parts = [
        "recording" if row.stage is BackfillStage.OPEN else "paused" if row.stage is BackfillStage.PAUSED else "sending"
    ]
    if row.stage is BackfillStage.RECORDED and not far.waiting:
        parts = ["done"]
    parts.append(f"{far.sales - far.waiting:,} of {count(far.sales, 'sale')} sent")
    if far.waiting and far.per_second:
        parts.append(f"{far.per_second:.1f}/s")
        if row.stage is BackfillStage.RECORDED and far.seconds_left is not None:
            parts.append(f"about {lasts(far.seconds_left)} left")
    return ", ".join(parts) + (f"; {row.last_error}" if row.last_error else "")


def compared(app: App, till: SourceRunner, row: Backfill) -> dict[str, str]:
    """For each store the line that says whether both sides have the same; asks the stores."""
    last = (row.end.astimezone(till.zone) - timedelta(microseconds=1)).date()
    days = Days(row.start.astimezone(till.zone).date(), last, till.keys)
    found: dict[str, str] = {}
    for name in till.config.common.all_stores:
        try:
            report = audit_of(app, name, days)
        except StoreError as error:
            found[name] = f"{name}: BigCommerce could not be asked: {error.what}"
            continue
        lines = [
            f"{name}: {row.pos.number:,} in the POS, {row.there.number:,} in BigCommerce, "
            f"difference {format_money(row.difference, currency)}"
            for currency, row in by_currency(report.rows).items()
        ]
        if report.missing:
            words = "; ".join(missing_words(*one) for one in sorted(report.missing.items()))
            lines.append(f"{name}: not in BigCommerce: {words}")
        found[name] = "\n".join(lines) or f"{name}: nothing was sold"
    return found
