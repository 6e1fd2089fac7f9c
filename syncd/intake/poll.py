"""Poll one source: record each batch together with its cursor, then ask for the next."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from syncd.canonical import Batch, Fault
from syncd.canonical.exchanges import part_id
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.tips import without_tips
from syncd.errors import SyncdError
from syncd.ledger import Ledger, Recorded, RecordOptions
from syncd.logs import bind, get_logger
from syncd.sale.sale import Sale
from syncd.sources import Source

_TOLD = 5
_EARLY = "sales from before start_from"


class PollReport(Struct, frozen=True):
    """What one pass over a source recorded, what the config left out, and the first of the faults."""

    new: int = 0
    changed: int = 0
    same: int = 0
    held: int = 0
    faults: int = 0
    older: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    told: tuple[Fault, ...] = ()

    def merge(self, other: PollReport) -> PollReport:
        """Add the counts of both."""
        return PollReport(
            self.new + other.new,
            self.changed + other.changed,
            self.same + other.same,
            self.held + other.held,
            self.faults + other.faults,
            self.older + other.older,
            dict(Counter(self.left_out) + Counter(other.left_out)),
            (*self.told, *other.told)[:_TOLD],
        )

    def with_batch(self, recorded: Recorded, batch: Batch) -> PollReport:
        """Add the counts of one more batch, and the first of its faults where some are new."""
        done = PollReport(
            recorded.new,
            recorded.changed,
            recorded.same,
            recorded.held,
            recorded.faults,
            len(recorded.older),
            {**batch.left_out, **({_EARLY: len(recorded.too_early)} if recorded.too_early else {})},
            batch.faults if recorded.faults else (),
        )
        return self.merge(done)


def poll(
    source: Source,
    options: RecordOptions,
    ledger: Ledger,
    stop: threading.Event,
    seen: Callable[[PollReport], None] = lambda _: None,
) -> PollReport:
    """Record what is new in ``source`` since its cursor; stops between batches once ``stop`` is set.

    ``seen`` is told after every batch how far it is.

    Raises:
        SourceError: the source could not be read; what was recorded before stays recorded.
        LedgerError: the ledger cannot be written.

    """
    with bind(source=options.source):
        return record_all(source.fetch(ledger.sources.cursor(options.source)), options, ledger, stop, seen)


def _with_voids(batch: Batch, options: RecordOptions, ledger: Ledger) -> Batch:
    """Add a void for each known sale that the POS has deleted."""
    if not batch.deleted_ids:
        return batch
    known = [sale for sale_id in batch.deleted_ids for sale in _all_parts(sale_id, options, ledger)]
    voids = [sale.order().model_copy(update={"status": SaleStatus.VOIDED}) for sale in known if sale.document]
    return replace(batch, orders=(*batch.orders, *voids), deleted_ids=())


def _all_parts(sale_id: str, options: RecordOptions, ledger: Ledger) -> Iterator[Sale]:
    """Yield what the ledger has of a document: its sale, and the returns of an exchange."""
    for number in itertools.count():
        sale = ledger.sales.get(options.key_of(part_id(sale_id, number)))
        if sale is None:
            return
        yield sale


def _with_tips_in_note(batch: Batch, options: RecordOptions) -> Batch:
    """Take tips out of the sales whose store wants them in the note alone."""
    if not options.tips_in_note:
        return batch
    orders = tuple(
        without_tips(order) if options.router(order) in options.tips_in_note else order for order in batch.orders
    )
    return replace(batch, orders=orders)


def _record(batch: Batch, options: RecordOptions, ledger: Ledger) -> Recorded:
    """Record a batch. A sale that breaks recording becomes a fault, and the others are recorded."""
    try:
        return ledger.sales.record(batch, options)
    except SyncdError:
        raise
    except Exception as error:  # noqa: BLE001  one of its sales, perhaps: each is written alone
        get_logger().exception("batch_not_recorded", why=str(error))
    done, faults = Recorded(), list(batch.faults)
    for order in batch.orders:
        hold = {order.sale_id: batch.review_reasons[order.sale_id]} if order.sale_id in batch.review_reasons else {}
        try:
            done = done.merge(
                ledger.sales.record(
                    replace(batch, orders=(order,), review_reasons=hold, faults=(), cursor=None), options
                )
            )
        except SyncdError:
            raise
        except Exception as error:  # noqa: BLE001  this is the one
            why = f"syncd cannot record it ({type(error).__name__}: {str(error)[:200]})"
            faults.append(Fault(order.sale_key, why, order.to_json(), order.sale_id))
    return done.merge(ledger.sales.record(replace(batch, orders=(), review_reasons={}, faults=tuple(faults)), options))


def record_all(
    batches: Iterator[Batch],
    options: RecordOptions,
    ledger: Ledger,
    stop: threading.Event,
    seen: Callable[[PollReport], None] = lambda _: None,
) -> PollReport:
    """Record batch after batch and tell ``seen`` how far it is; the next batch is asked for after the commit of the last."""
    log, done = get_logger(), PollReport()
    for batch in batches:
        recorded = _record(_with_tips_in_note(_with_voids(batch, options, ledger), options), options, ledger)
        done = done.with_batch(recorded, batch)
        if recorded.new or recorded.changed or recorded.faults:
            log.info(
                "batch_recorded", new=recorded.new, changed=recorded.changed, held=recorded.held, faults=recorded.faults
            )
        for key in recorded.older:
            log.info("older_version_left_alone", sale=key)
        for key in recorded.too_early:
            log.info("sale_from_before_start_from", sale=key)
        for fault in batch.faults[:_TOLD] if recorded.faults else ():
            log.info("record_not_read", where=fault.where, why=fault.reason)
        seen(done)
        if stop.is_set():
            break
    return done
