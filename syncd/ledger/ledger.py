"""The ledger as the other rooms see it: a thin front over the modules beside it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from types import TracebackType
from typing import Concatenate, ParamSpec, Self

from sqlalchemy import Connection, select

from syncd.canonical import Batch, Cursor
from syncd.clock import Clock, Now
from syncd.ledger import actions, alerts, attempts, faults, queries, store_state, upgrade
from syncd.ledger import lease as leases
from syncd.ledger import record as intake
from syncd.ledger.adapter_state import PrivateState
from syncd.ledger.attempts import ReplyInfo, trails
from syncd.ledger.backfills import Backfills
from syncd.ledger.cache import Cache
from syncd.ledger.counting import number_of
from syncd.ledger.engine import Engines, translated
from syncd.ledger.erasure import Forgetting
from syncd.ledger.group_commit import Operation, OutcomeBatcher, T, Writer
from syncd.ledger.links import Links
from syncd.ledger.maintenance import Care
from syncd.ledger.mirror import MirrorTables
from syncd.ledger.names import NameRegistry
from syncd.ledger.overviews import Overviews
from syncd.ledger.pending_fetches import Hints
from syncd.ledger.retention import Retention
from syncd.ledger.rows import chunked, from_micros, to_micros
from syncd.ledger.schema import cursors
from syncd.ledger.session import Session
from syncd.ledger.store_state import Pausing, StoreState, read_epoch
from syncd.sale.attempt import Attempt, Intent
from syncd.sale.events import Drifted, SaleEvent
from syncd.sale.facts import UNTOUCHED, StoreOrder, Trail
from syncd.sale.overrides import Override, Verb
from syncd.sale.sale import Decider, Sale
from syncd.sale.states import AttemptKind, Lane, State

P = ParamSpec("P")
_RESOLVED_AT_ONCE = 500


class Ledger:
    """The single source of truth about every sale. Safe to use from many threads."""

    def __init__(self, engines: Engines, clock: Clock, where: str, decider: Decider) -> None:
        self._engines, self._clock, self._where, self._decider = engines, clock, where, decider
        self._epochs: dict[str, int] = {}
        self._writer = Writer(engines, where)
        self._settling = OutcomeBatcher(self._writer, decider)
        self._session = None if engines.is_sqlite else Session(engines.write, where)

    @classmethod
    def open(cls, url: str, clock: Clock, decider: Decider) -> Self:
        """Open the ledger, creating or upgrading it where that is needed; ``decider`` says where each sale stands.

        Raises:
            LedgerError: it cannot be opened (``Full``), is no ledger (``Corrupt``), is locked (``Busy``) or was written by a
                newer syncd (``TooNew``).
            ConfigError: the URL is none, or its database has no driver here.

        """
        engines = Engines(url)
        where = str(engines.path) if engines.path else engines.write.url.render_as_string(hide_password=True)
        engines.prepare_file()
        try:
            with translated(where):
                upgrade.to_head(engines, where)
        except BaseException:
            engines.dispose()
            raise
        return cls(engines, clock, where, decider)

    def __enter__(self) -> Self:
        """Return the ledger itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Write what is queued and close every connection."""
        self._writer.close()
        self._engines.dispose()

    def flush(self) -> None:
        """Wait until everything queued before is durable."""
        self._write(lambda _: None)

    def check_file(self) -> None:
        """Make sure that the ledger's file still is the one that was opened.

        Raises:
            Replaced: it was removed, or another one is in its place.

        """
        self._engines.check_file()

    @property
    def care(self) -> Care:
        """How the ledger is kept in order."""
        return Care(self._engines, self._where, self._write, self._read)

    # Intake

    def record(self, batch: Batch, options: intake.RecordOptions) -> intake.Recorded:
        """Write a batch of sales, its faults and its cursor in one transaction; returns once it is durable.

        Raises:
            LedgerError: nothing of the batch was written.

        """
        now = Now.of(self._clock)
        return self._write(lambda connection: intake.record(connection, batch, options, self._decider, now))

    def cursor(self, source: str, *, backfill: int | None = None) -> Cursor | None:
        """Return where a source was left; None where it was never read."""
        query = cursors.select().where(cursors.c.name == intake.cursor_name(source, backfill))
        row = self._read(lambda connection: connection.execute(query).one_or_none())
        return row.cursor if row else None

    def cursor_age(self, source: str) -> datetime | None:
        """Return when a source's cursor was last written; None where it was never read."""
        query = select(cursors.c.at).where(cursors.c.name == source)
        return from_micros(self._read(lambda connection: connection.execute(query).scalar_one_or_none()))

    # Pushing

    def due(self, store: str, *, limit: int, now: datetime, far: timedelta) -> Sequence[Sale]:
        """Return pending sales that are due: live lane first, then oldest. Claims nothing."""
        return self._read(queries.due, store, limit, now, far)

    @contextmanager
    def lease(self, store: str) -> Iterator[leases.Lease]:
        """Take the right to push for ``store``; raises Busy, naming the holder, where another process has it."""
        with leases.take(store, self._session, self._engines.path, self._writer) as lease:
            self.know_again(store)
            yield lease

    def know_again(self, store: str) -> None:
        """Accept the store's epoch as it is now; only the holder of its lease may."""
        self._epochs[store] = self._read(read_epoch, store)

    def recover_interrupted(self, lease: leases.Lease) -> int:
        """Set a dead holder's ``sending`` sales to ``unknown``; return how many."""
        now = Now.of(self._clock)
        return lease.run(lambda connection: attempts.recover_interrupted(connection, lease.store, self._decider, now))

    def begin(self, lease: leases.Lease, intents: Sequence[Intent]) -> Sequence[Attempt]:
        """Commit intents, durably, before anything is sent; leave out sales that changed since they were read.

        Raises:
            WoundBack: the ledger was taken back in time; nothing was claimed.

        """
        now = Now.of(self._clock)
        known = self._epochs.get(lease.store, 0)
        begun = lease.run(lambda connection: attempts.begin(connection, lease.store, intents, known, now))
        self._epochs[lease.store] = begun.epoch
        return begun.attempts

    def trail(self, store: str, order_id: int) -> Trail:
        """Return what was sent to an order; ask before the order is read."""
        return self._read(trails, store, [order_id]).get(order_id, UNTOUCHED)

    def settle(self, attempt: Attempt, news: SaleEvent, reply: ReplyInfo) -> Future[State | None]:
        """Close an attempt with its outcome; outcomes commit in groups. Gives the sale's state; None where it was closed before."""
        outcome = attempts.Outcome(attempt, news, reply, Now.of(self._clock))
        return self._settling.add(outcome)

    def record_without_request(
        self, lease: leases.Lease, decided: Sequence[tuple[Sale, SaleEvent]]
    ) -> dict[int, State]:
        """Apply events of pending sales that need no request; return the state of each that changed, by its id."""
        now = Now.of(self._clock)
        return lease.run(lambda connection: attempts.record_without_request(connection, decided, self._decider, now))

    def drift(self, lease: leases.Lease, drifted: Sequence[tuple[Sale, Drifted]]) -> int:
        """Mark sales whose orders were changed, so that each is looked at again; return how many."""
        now = Now.of(self._clock)
        return lease.run(lambda connection: attempts.drift(connection, drifted, self._decider, now)) if drifted else 0

    def last_attempt_at(self) -> datetime | None:
        """When the newest attempt began; None where there is none."""
        return self._read(queries.last_attempt_at)

    def reevaluate_holds(self, lease: leases.Lease) -> int:
        """Decide again about held sales whose hold should have ended; return how many are held no more."""
        now = Now.of(self._clock)
        ended = self._read(queries.ended_holds, lease.store, now.wall)
        if not ended:
            return 0
        states = lease.run(lambda connection: attempts.reevaluate_holds(connection, ended, self._decider, now))
        return sum(state is not State.HELD for state in states.values())

    # Settling what is unknown

    def unsettled(self, store: str, *, limit: int, now: datetime, far: timedelta) -> Sequence[Sale]:
        """Unknown sales whose look-up is due."""
        return self._read(queries.unsettled, store, limit, now, far)

    def reschedule_lookups(self, lease: leases.Lease, unsettled: Sequence[Sale], again_at: datetime) -> None:
        """Look-ups that failed, and are to be made again."""
        lease.run(lambda connection: attempts.reschedule_lookups(connection, unsettled, again_at))

    def resolve(
        self, lease: leases.Lease, settled: Sequence[tuple[Sale, SaleEvent]], now: Now
    ) -> dict[int, tuple[State, str]]:
        """Apply what look-ups said of sales in doubt, some hundreds a transaction so that nobody waits long.

        ``now`` is when the look-ups began. The state of each sale that moved, by its id, and why.
        """
        moved: dict[int, tuple[State, str]] = {}
        for some in chunked(settled, _RESOLVED_AT_ONCE):
            moved |= lease.run(partial(attempts.resolve, settled=some, decider=self._decider, now=now))
        return moved

    # Reading

    def sale(self, key: str) -> Sale | None:
        """One sale."""
        return self._read(queries.sale, key)

    def find(self, selection: queries.Selection, *, limit: int, offset: int = 0) -> list[Sale]:
        """Return the chosen sales, newest first."""
        return self._read(queries.find, selection, limit, offset)

    def story(self, key: str) -> queries.Story | None:
        """One sale with its attempts and audit rows."""
        return self._read(queries.story, key)

    def sales_by_key(self, keys: Sequence[str]) -> dict[str, Sale]:
        """Return the sales of some keys."""
        return self._read(queries.by_key, keys)

    def stamps(self, sale: Sale) -> list[str]:
        """Return what the sale's order was last made to say, and what later tries may have made it say."""
        return self._read(queries.stamps, sale.id)

    def stamps_of(self, ids: Sequence[int]) -> dict[int, str]:
        """Return what the orders of some sales were last made to say for certain, by the sale's id; leave out sales without."""
        return self._read(queries.stamps_of, ids)

    def sent_at(self, ids: Sequence[int]) -> dict[int, datetime]:
        """When the newest request for each of some sales was settled, by the sale's id."""
        return self._read(queries.sent_at, ids)

    def refunds_sent(self, sale: Sale) -> list[tuple[str, str | None]]:
        """Every refund record that was sent for a sale: what names it, and the outcome's name."""
        return self._read(queries.refunds_sent, sale.id)

    def last_sent(self, sale: Sale) -> AttemptKind | None:
        """Return what the newest request for a sale that BigCommerce accepted did; None where none was."""
        return self._read(queries.last_sent, sale.id)

    def returned_total(self, of: str, *, but: str) -> Decimal:
        """Return what the synced returns of a sale come to, leaving out one."""
        return self._read(queries.returned_total, of, but)

    def of_orders(self, store: str, order_ids: Sequence[int]) -> list[Sale]:
        """Return the sales that are linked to some orders."""
        return self._read(queries.of_orders, store, order_ids)

    def remark(self, store: str, order_ids: Sequence[int], actor: str, what: str) -> int:
        """Write into the story of each linked sale what a person did to its order; how many sales those are."""
        now = Now.of(self._clock)
        return self._write(lambda connection: actions.remark(connection, (store, order_ids), (actor, what), now))

    def placed(self, store: str, start: datetime, end: datetime) -> Iterator[Sale]:
        """Every sale of a store that was placed in ``[start, end]``, oldest first, page by page."""
        after = (0, 0)
        while page := self._read(queries.placed, store, (start, end), after):
            yield from page
            after = (to_micros(page[-1].placed_at), page[-1].id)

    def told_by(self, source: str, start: datetime, end: datetime) -> Iterator[str]:
        """Yield the POS's own ids of a source's sales that were placed in ``[start, end]`` and are not void, page by page."""
        after = (0, 0)
        while page := self._read(queries.told_by, source, (start, end), after):
            yield from (key.partition(":")[2] for _, _, key in page)
            after = page[-1][:2]

    def linked(self, store: str, start: datetime | None, end: datetime | None) -> Iterator[Sale]:
        """Every sale of a store that is linked to an order and was placed in ``[start, end]``, page by page."""
        if start is not None:
            ever = datetime(9999, 1, 1, tzinfo=UTC)
            yield from (sale for sale in self.placed(store, start, end or ever) if sale.order_id is not None)
            return
        after = (0, 0)
        while page := self._read(queries.linked, store, after):
            yield from (sale for sale in page if end is None or sale.placed_at <= end)
            after = (page[-1].order_id or 0, page[-1].id)

    def counts(self, store: str | None = None) -> dict[tuple[str, Lane, State], int]:
        """Sales by store, lane and state."""
        return self._read(number_of, store)

    def lag(self, store: str) -> queries.Lag:
        """How far behind a store is."""
        return self._read(queries.lag, store)

    def faults(self, source: str | None = None, *, limit: int, settled: bool = False) -> list[faults.FaultRow]:
        """Return the newest faults that are still open; with ``settled``, all of them."""
        return self._read(lambda connection: faults.list_faults(connection, source, limit, settled=settled))

    def sources(self) -> set[str]:
        """Return the names of the sources that ever recorded anything."""
        return self._read(queries.source_names)

    def open_faults(self) -> dict[str, int]:
        """How many faults of each source nobody has settled; sources without any are left out."""
        return self._read(faults.count_open)

    def settle_faults(self, source: str | None, ids: Sequence[int], actor: str) -> int:
        """Settle the faults of ``ids``, else all open ones of a source, for a person; return how many they were."""
        now = self._clock.now()
        return self._write(lambda connection: faults.settle(connection, source, ids, actor, now))

    def decide(self, verb: Verb, selection: queries.Selection, by: str, why: str = "") -> actions.DecisionResult:
        """Keep a person's decision about the chosen sales: which of them it was kept for, and which not."""
        now = Now.of(self._clock)
        decision = Override(verb, by, now.wall, "", why)
        return self._write(lambda connection: actions.act(connection, selection, decision, self._decider, now))

    @property
    def links(self) -> Links:
        """Which sales the goods of returns came from, where the POS does not say it."""
        return Links(self._write, self._read, self._decider, self._clock)

    # Stores

    def store_state(self, store: str) -> StoreState:
        """Return what is known of a store."""
        return self._read(store_state.store_state, store)

    def bind(self, store: str, store_hash: str, present: Collection[str] = ()) -> None:
        """Tie a store's name to its hash; ``present`` are the names that the config has. See ``store_state.bind``."""
        if self.store_state(store).store_hash != store_hash:
            self._write(lambda connection: store_state.bind(connection, store, store_hash, present))

    def check_binding(self, store: str, store_hash: str, present: Collection[str]) -> None:
        """Raise what ``bind`` would raise; nothing is written."""
        self._read(lambda connection: store_state.check_binding(connection, store, store_hash, present))

    def set_pause(self, store: str, words: tuple[str, str], by: Pausing, probe_at: datetime) -> None:
        """Pause a store until what failed (``by``) goes well again; ``words`` are why, and the cure."""
        at = (self._clock.now(), probe_at)
        self._write(lambda connection: store_state.set_pause(connection, store, words, by, at))

    def clear_pause(self, store: str) -> None:
        """Open a store again."""
        self._write(lambda connection: store_state.clear_pause(connection, store))

    def note_order_id(self, store: str, highest: int) -> None:
        """Remember up to which order id everything of ours is in the ledger."""
        self._write(lambda connection: store_state.note_order_id(connection, store, highest))

    def note_listed(self, store: str) -> None:
        """All orders of the store were listed for this ledger."""
        now = self._clock.now()
        self._write(lambda connection: store_state.note_listed(connection, store, now))

    def unlisted(self, stores: Sequence[str]) -> list[str]:
        """Those stores whose orders were never listed for this ledger."""
        return self._read(store_state.unlisted, stores)

    def newest_of(self, keys: str, stores: Sequence[str]) -> datetime | None:
        """When the newest sale of a source that has an order was placed; see ``store_state.newest_of``."""
        return self._read(store_state.newest_of, keys, stores)

    def note_known(self, store: str, found: Sequence[tuple[str, StoreOrder]]) -> list[alerts.Alert]:
        """Remember orders that the store was seen to have under sale keys; the alerts that this opened."""
        now = self._clock.now()
        return self._write(lambda connection: store_state.note_known(connection, store, found, now)) if found else []

    def known(self, store: str, keys: Sequence[str]) -> dict[str, StoreOrder]:
        """Which of ``keys`` the store was seen to have."""
        return self._read(store_state.known, store, keys) if keys else {}

    def open_checkouts(self, store: str) -> int:
        """Count the pending sales of a store whose cart is there."""
        return self._read(queries.open_checkouts, store)

    def knows_any(self, store: str) -> bool:
        """Whether the store was seen to have any order that the ledger had no attempt for."""
        return self._read(queries.knows_any, store)

    def note_key_limit(self, store: str, limit: int) -> None:
        """Remember that the store cuts our keys at a length."""
        self._write(lambda connection: store_state.update_store(connection, store, {"key_limit": limit}))

    def note_checked(self, store: str, at: datetime) -> None:
        """Remember when the store's newest orders were gone through."""
        self._write(lambda connection: store_state.update_store(connection, store, {"checked_at": to_micros(at)}))

    # Alerts

    def raise_alerts(self, new: Sequence[alerts.Alert]) -> list[alerts.Alert]:
        """Open alerts, each once for as long as it lasts; those that were not open before."""
        now = self._clock.now()
        return self._write(lambda connection: alerts.raise_alerts(connection, new, now)) if new else []

    def end_alerts(self, store: str, kind: str, over: Collection[str]) -> int:
        """End the alerts of one kind about subjects that have been put right; how many those were."""
        now = self._clock.now()
        return self._write(lambda connection: alerts.end_alerts(connection, store, kind, over, now))

    @property
    def notices(self) -> alerts.Notices:
        """What people are told of alerts."""
        return alerts.Notices(self._write, self._read, self._clock)

    def alerts(self, store: str | None = None) -> list[alerts.Alert]:
        """Return the alerts that are open, oldest first."""
        return self._read(alerts.open_alerts, store)

    @property
    def overviews(self) -> Overviews:
        """What pages show."""
        return Overviews(self._read, self._clock)

    @property
    def backfills(self) -> Backfills:
        """The date ranges that somebody asked for."""
        return Backfills(self._write, self._read, self._clock, self.lease)

    # What adapters keep, and sales that webhooks named

    @property
    def names(self) -> NameRegistry:
        """The names of sources and stores that this ledger knows."""
        return NameRegistry(self._write, self._read)

    def private(self, source: str) -> PrivateState:
        """Return what a source's adapter keeps for itself."""
        return PrivateState(source, self._write, self._read, self._clock)

    @property
    def hints(self) -> Hints:
        """Sales that webhooks named and that are still to be fetched."""
        return Hints(self._write, self._read, self._clock)

    # What was looked up, and the mirrors of catalogs

    @property
    def cache(self) -> Cache:
        """What was looked up of catalogs, customers and stores."""
        return Cache(self._write, self._read, self._clock)

    @property
    def mirror(self) -> MirrorTables:
        """The catalogs as the ledger mirrors them."""
        return MirrorTables(self._write, self._read)

    @property
    def forgetting(self) -> Forgetting:
        """Forgets a person."""
        return Forgetting(self._write, self._read)

    @property
    def retention(self) -> Retention:
        """What the ledger forgets of sales that were settled long ago."""
        return Retention(self._write, self._read, self.cache)

    def _write(self, operation: Operation[T]) -> T:
        return self._writer.run(operation)

    def _read(self, query: Callable[Concatenate[Connection, P], T], *words: P.args, **named: P.kwargs) -> T:
        with translated(self._where), self._engines.read.connect() as connection:
            return query(connection, *words, **named)
