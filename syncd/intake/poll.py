"""One source, one pass: each batch into the ledger together with its cursor, and only then the next."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from syncd.canonical import Batch, Fault
from syncd.canonical.exchanges import part_id
from syncd.canonical.keys import LONGEST_KEY
from syncd.canonical.kinds import SaleStatus
from syncd.canonical.tips import without_tips
from syncd.errors import SyncdError
from syncd.ledger import Ledger, Recorded
from syncd.logs import bind, get_logger
from syncd.sale.sale import Router, Sale
from syncd.sale.states import Lane
from syncd.sources import Source

_TOLD = 5
_EARLY = "sales from before start_from"


@dataclass(frozen=True, slots=True)
class Polled:
    """What one pass over a source recorded, what the config left out, and the first of the faults."""

    new: int = 0
    changed: int = 0
    same: int = 0
    held: int = 0
    faults: int = 0
    older: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict)
    told: tuple[Fault, ...] = ()

    def and_(self, other: Polled) -> Polled:
        """The counts of both."""
        left_out = dict(self.left_out)
        for why, count in other.left_out.items():
            left_out[why] = left_out.get(why, 0) + count
        return Polled(
            self.new + other.new,
            self.changed + other.changed,
            self.same + other.same,
            self.held + other.held,
            self.faults + other.faults,
            self.older + other.older,
            left_out,
            (*self.told, *other.told)[:_TOLD],
        )

    def plus(self, recorded: Recorded, batch: Batch) -> Polled:
        """The counts with those of one more batch, and the first faults of those that are new."""
        told = (*self.told, *batch.faults)[:_TOLD] if recorded.faults else self.told
        left_out = {**self.left_out}
        for why, count in batch.left_out.items():
            left_out[why] = left_out.get(why, 0) + count
        if recorded.too_early:
            left_out[_EARLY] = left_out.get(_EARLY, 0) + len(recorded.too_early)
        return Polled(
            self.new + recorded.new,
            self.changed + recorded.changed,
            self.same + recorded.same,
            self.held + recorded.held,
            self.faults + recorded.faults,
            self.older + len(recorded.older),
            left_out,
            told,
        )


@dataclass(frozen=True, slots=True)
class Intake:
    """Where the batches of one walk go: the source's name, its route, its lane, and the backfill that it belongs to.

    New sales from before ``not_before`` are left out, and counted, but for those whose store has an order of them;
    ``longest_keys`` are the lengths to which keys were cut there. ``just_asked``: the source says what the POS says now; what is
    posted to us may be an old delivery that is repeated. ``keys``: the name in its sale keys, where that is not its own.
    ``holds_twins``: the stores by whose rules a sale that looks like another one is held; ``tips_in_note``: those whose
    orders leave tips out.
    """

    name: str
    route: Router
    lane: Lane = Lane.LIVE
    backfill: int | None = None
    history: bool = False
    not_before: datetime | None = None
    longest_keys: Collection[int] = (LONGEST_KEY,)
    just_asked: bool = True
    keys: str = ""
    holds_twins: Collection[str] = ()
    tips_in_note: Collection[str] = ()

    def key_of(self, sale_id: str) -> str:
        """The sale key of a sale of this source."""
        return f"{self.keys or self.name}:{sale_id}"


def poll(
    source: Source,
    intake: Intake,
    ledger: Ledger,
    stop: threading.Event,
    seen: Callable[[Polled], None] = lambda _: None,
) -> Polled:
    """Record what is new in ``source`` since its cursor; stops between batches once ``stop`` is set.

    ``seen`` is told after every batch how far it is.

    Raises:
        SourceError: the source could not be read; what was recorded before stays recorded.
        LedgerError: the ledger cannot be written.

    """
    with bind(source=intake.name):
        return record_all(source.fetch(ledger.cursor(intake.name)), intake, ledger, stop, seen)


def _with_voids(batch: Batch, intake: Intake, ledger: Ledger) -> Batch:
    """The batch with a void for each sale of it that the POS has deleted, as far as it is known."""
    if not batch.gone:
        return batch
    known = [sale for sale_id in batch.gone for sale in _all_parts(sale_id, intake, ledger)]
    voids = [sale.order().model_copy(update={"status": SaleStatus.VOIDED}) for sale in known if sale.document]
    return replace(batch, orders=(*batch.orders, *voids), gone=())


def _all_parts(sale_id: str, intake: Intake, ledger: Ledger) -> Iterator[Sale]:
    """What the ledger knows of a document: its sale, and the returns of an exchange."""
    for number in itertools.count():
        sale = ledger.sale(intake.key_of(part_id(sale_id, number)))
        if sale is None:
            return
        yield sale


def _with_tips_in_note(batch: Batch, intake: Intake) -> Batch:
    """The batch with the tips taken out of the sales whose store wants them in the note alone."""
    if not intake.tips_in_note:
        return batch
    orders = tuple(
        without_tips(order) if intake.route(order) in intake.tips_in_note else order for order in batch.orders
    )
    return replace(batch, orders=orders)


def _record(batch: Batch, intake: Intake, ledger: Ledger) -> Recorded:
    """Write a batch. A sale that breaks that in a way that nobody foresaw is a fault, and the others are written."""
    write = partial(
        ledger.record,
        intake.name,
        router=intake.route,
        lane=intake.lane,
        backfill=intake.backfill,
        history=intake.history,
        not_before=intake.not_before,
        longest_keys=intake.longest_keys,
        keys=intake.keys,
        holds_twins=intake.holds_twins,
        just_asked=intake.just_asked,
    )
    try:
        return write(batch)
    except SyncdError:
        raise
    except Exception as error:  # noqa: BLE001  one of its sales, perhaps: each is written alone
        get_logger().exception("batch_not_recorded", why=str(error))
    done, faults = Recorded(), list(batch.faults)
    for order in batch.orders:
        hold = {order.sale_id: batch.holds[order.sale_id]} if order.sale_id in batch.holds else {}
        try:
            done = done.and_(write(replace(batch, orders=(order,), holds=hold, faults=(), cursor=None)))
        except SyncdError:
            raise
        except Exception as error:  # noqa: BLE001  this is the one
            why = f"syncd cannot record it ({type(error).__name__}: {str(error)[:200]})"
            faults.append(Fault(order.sale_key, why, order.to_json(), order.sale_id))
    return done.and_(write(replace(batch, orders=(), holds={}, faults=tuple(faults))))


def record_all(
    batches: Iterator[Batch],
    intake: Intake,
    ledger: Ledger,
    stop: threading.Event,
    seen: Callable[[Polled], None] = lambda _: None,
) -> Polled:
    """Record batch after batch and tell ``seen`` how far it is; the next batch is asked for after the commit of the last."""
    log, done = get_logger(), Polled()
    for batch in batches:
        recorded = _record(_with_tips_in_note(_with_voids(batch, intake, ledger), intake), intake, ledger)
        done = done.plus(recorded, batch)
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
