"""A date range in the backfill lane: count it, record it, leave off when it is paused, skip what is left of a cancelled one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal

from msgspec.structs import replace

from syncd.canonical import Batch, Cursor, fingerprint
from syncd.canonical.money import to_minor
from syncd.errors import SourceError
from syncd.intake.poll import PollReport, record_all
from syncd.ledger import Backfill, Estimate, Ledger, RecordOptions, Selection
from syncd.sale.overrides import Verb
from syncd.sale.sale import IncomingVersion
from syncd.sale.states import BackfillStage, Lane, State
from syncd.sources import Source

StateOf = Callable[[IncomingVersion, str], State]
_SKIPPED_AT_ONCE = 500
_ZONES = timedelta(hours=27)  # from the easternmost zone to the westernmost, and an hour


class _Left(threading.Event):
    """Set once syncd stops, or once the backfill is no longer to be walked."""

    def __init__(self, stop: threading.Event) -> None:
        super().__init__()
        self._stop = stop

    def is_set(self) -> bool:
        """Whether to leave off."""
        return super().is_set() or self._stop.is_set()


def of_days(
    source: Source, span: tuple[datetime, datetime], zone: tzinfo, cursor: Cursor | None = None
) -> Iterator[Batch]:
    """Yield the sales of whole days as the till counts them: ``span`` is their midnights in the source's own ``zone``.

    A source may know the zone of each of its sales better than its config does, so more than the span is read.
    """
    first, last = days_of(span, zone)
    for batch in source.fetch_range(span[0] - _ZONES, span[1] + _ZONES, cursor):
        yield replace(batch, orders=tuple(order for order in batch.orders if first <= order.day <= last))


def days_of(span: tuple[datetime, datetime], zone: tzinfo) -> tuple[date, date]:
    """Return the first and the last day of a span ``[start, end)``, as a zone has them."""
    return span[0].astimezone(zone).date(), (span[1].astimezone(zone) - timedelta(microseconds=1)).date()


def walk(  # noqa: PLR0913, PLR0917  what is walked, where to, and until when
    source: Source,
    backfill: Backfill,
    zone: tzinfo,
    options: RecordOptions,
    ledger: Ledger,
    stop: threading.Event,
    seen: Callable[[PollReport], None] = lambda _: None,
) -> PollReport:
    """Record what is left of a backfill, or until it is paused or cancelled, or ``stop`` is set.

    ``zone`` and ``options`` are the source's own.

    Raises:
        LeaseTaken: another process walks it.
        SourceError: the source could not be read; what was recorded stays, and the next walk goes on from there.

    """
    left, number = _Left(stop), backfill.number
    how = replace(options, lane=Lane.BACKFILL, backfill=number, history=backfill.history)
    span = (backfill.start, backfill.end)

    def told(polled: PollReport) -> None:
        seen(polled)
        if ledger.backfills.get(number).stage is not BackfillStage.OPEN:
            left.set()

    with ledger.backfills.walking(number):
        cursor = ledger.sources.cursor(options.source, backfill=number)
        try:
            polled = record_all(of_days(source, span, zone, cursor), how, ledger, left, told)
        except SourceError as error:
            ledger.backfills.note_error(number, error.what)
            raise
        if not left.is_set():
            ledger.backfills.recorded(number)
        ledger.backfills.note_error(number, "")
    return polled


def estimate(
    batches: Iterator[Batch], options: RecordOptions, ledger: Ledger, judged: StateOf, stop: threading.Event
) -> Estimate:
    """Count what a walk over ``batches`` would record, and in which states; changes nothing. What ``stop`` cuts off is too low.

    Raises:
        SourceError: the source could not be read.

    """
    states: Counter[str] = Counter()
    totals: dict[str, Decimal] = {}
    faults = new = requests = 0
    for batch in batches:
        faults += len(batch.faults)
        for order in batch.orders:
            kept = ledger.sales.get(order.sale_key)
            said = IncomingVersion(order, fingerprint(order), hold=batch.review_reasons.get(order.sale_id, ""))
            after = judged(said, options.router(order))
            states[after.value] += 1
            totals[order.currency] = totals.get(order.currency, Decimal(0)) + order.total_inc_tax
            new += kept is None
            requests += after is State.PENDING
        if stop.is_set():
            break
    sums = {currency: to_minor(total, currency) for currency, total in totals.items()}
    return Estimate(sum(states.values()), new, faults, requests, None, dict(states), sums)


REPORT = ("sale", "placed", "receipt", "total", "currency", "state", "store", "order", "order total", "why")


def report(ledger: Ledger, backfill: Backfill, zone: tzinfo, stores: Sequence[str]) -> Iterator[tuple[object, ...]]:
    """Every sale of a backfill's source and range, those known before too, with its order; columns as in ``REPORT``."""
    for store in stores:
        for sale in ledger.overviews.of_days(store, *days_of((backfill.start, backfill.end), zone)):
            if sale.source == backfill.source:
                there = sale.belief.snapshot.total_inc_tax
                yield (
                    sale.sale_key,
                    sale.placed_here.isoformat(),
                    sale.number,
                    to_minor(sale.total_inc_tax, sale.currency),
                    sale.currency,
                    sale.state.value,
                    sale.store,
                    sale.order_id,
                    None if there is None else to_minor(there, sale.belief.snapshot.currency or sale.currency),
                    sale.why,
                )


def waiting_of(number: int) -> Selection:
    """Return the sales of a backfill that wait to be pushed, that came by it alone, and that have no order."""
    return Selection(state=State.PENDING, lane=Lane.BACKFILL, backfill=number, has_order=False)


def cancel(ledger: Ledger, number: int, by: str) -> int:
    """Cancel a backfill and set aside its sales that wait to be pushed; how many those were.

    Only those that came by the backfill alone and have no order. One that arrives again, by whatever way, is pushed after all.

    Raises:
        UsageError: there is no such backfill, or it is over.

    """
    ledger.backfills.cancel(number)
    gone = 0
    while waiting := ledger.sales.find(waiting_of(number), limit=_SKIPPED_AT_ONCE):
        keys = tuple(sale.sale_key for sale in waiting)
        moved = ledger.sales.decide(
            Verb.ASIDE, replace(waiting_of(number), keys=keys), by, f"backfill {number} was cancelled"
        )
        gone += len(moved.moved)
        if not moved.moved:
            break
    return gone
