"""The ledger: opened, closed, leased, and its repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from types import TracebackType
from typing import Self, TypeVar

from sqlalchemy import Connection

from syncd.clock import Clock
from syncd.ledger import upgrade
from syncd.ledger.accounts import AccountRepository
from syncd.ledger.activity import ActivityRepository
from syncd.ledger.alerts import AlertRepository
from syncd.ledger.attempts import AttemptRepository
from syncd.ledger.backfills import BackfillRepository
from syncd.ledger.catalog import CatalogRepository
from syncd.ledger.engine import Engines, translated
from syncd.ledger.lease import Lease, take
from syncd.ledger.maintenance import Maintenance
from syncd.ledger.outbox import OutboxRepository
from syncd.ledger.overviews import OverviewRepository
from syncd.ledger.sales import SaleRepository
from syncd.ledger.session import Session
from syncd.ledger.sources import SourceRepository
from syncd.ledger.state import StateRepository
from syncd.ledger.stores import StoreRepository
from syncd.ledger.transactions import OutcomeBatcher, Transactions, Writer
from syncd.ledger.turns import TurnRepository
from syncd.sale.outgoing import EventKind
from syncd.sale.sale import Decider

T = TypeVar("T")


class Ledger:
    """The single source of truth about every sale. Safe to use from many threads.

    ``overviews`` reads what pages show of sales and attempts; every other repository reads and writes its own part.
    """

    def __init__(
        self, engines: Engines, clock: Clock, where: str, decider: Decider, events: AbstractSet[EventKind]
    ) -> None:
        self._engines, self._where = engines, where
        self._writer = Writer(engines, where)
        self._session = None if engines.is_sqlite else Session(engines.write, where)
        database = Transactions(self._writer.run, self._read, clock, decider, events)
        self.sales = SaleRepository(database)
        self.attempts = AttemptRepository(database, OutcomeBatcher(self._writer))
        self.overviews = OverviewRepository(database)
        self.activity = ActivityRepository(database)
        self.stores = StoreRepository(database)
        self.sources = SourceRepository(database)
        self.catalog = CatalogRepository(database)
        self.backfills = BackfillRepository(database, self.lease)
        self.alerts = AlertRepository(database)
        self.state = StateRepository(database)
        self.outbox = OutboxRepository(database)
        self.accounts = AccountRepository(database)
        self.turns = TurnRepository(database)
        self.maintenance = Maintenance(database, engines, where)

    @classmethod
    def open(
        cls,
        url: str,
        clock: Clock,
        decider: Decider,
        *,
        upgrades: bool = True,
        events: AbstractSet[EventKind] = frozenset(),
    ) -> Self:
        """Open the ledger; ``decider`` says where each sale stands. Create or upgrade its tables, if it ``upgrades`` them at all.

        ``events`` are the kinds of events that other programs are to hear of; only those go to the outbox.

        Raises:
            LedgerError: it cannot be opened (``Full``), is no ledger (``Corrupt``), is locked (``Busy``) or was written by a
                newer syncd (``TooNew``), or its tables are to be upgraded by somebody else first (``TooOld``).
            ConfigError: the URL is none, or its database has no driver here.

        """
        engines = Engines(url)
        where = str(engines.path) if engines.path else engines.write.url.render_as_string(hide_password=True)
        engines.prepare_file()
        try:
            with translated(where):
                if upgrades:
                    upgrade.to_head(engines, where, clock)
                else:
                    upgrade.check(engines, where)
        except BaseException:
            engines.dispose()
            raise
        return cls(engines, clock, where, decider, events)

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
        self._writer.run(lambda _: None)

    @contextmanager
    def lease(self, store: str) -> Iterator[Lease]:
        """Take the right to push for ``store``; raises Busy, naming the holder, where another process has it."""
        with take(store, self._session, self._engines.path, self._writer) as lease:
            self.attempts.follow_epoch(store)
            yield lease

    @contextmanager
    def right(self, what: str) -> Iterator[Lease]:
        """Take the right to do something that only one process may, and that sends no order; raises Busy as ``lease`` does."""
        with take(what, self._session, self._engines.path, self._writer) as lease:
            yield lease

    def _read(self, query: Callable[[Connection], T], /) -> T:
        with translated(self._where), self._engines.read.connect() as connection:
            return query(connection)
