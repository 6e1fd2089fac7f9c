"""A ledger on a real PostgreSQL server: many stores, many transactions, poolers, and servers that go away."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from syncd.canonical import Batch
from syncd.errors import Busy, LeaseTaken, LedgerError
from syncd.ledger import SERVER_CHANGED, Alert, Lease, Ledger, RecordOptions, ReplyInfo
from syncd.ledger.engine import Engines
from syncd.sale.attempt import Attempt
from syncd.sale.events import Deferred
from syncd.sale.states import State
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import ledger_url, to_revision
from tests.deciders import DECIDER
from tests.ledger.conftest import FAR, Book, intent, took
from tests.ledger.test_facts import old_sale
from tests.pooler import bouncer

pytestmark = pytest.mark.postgresql
REPLY = ReplyInfo(200, "r1", 0.2, "accepted", "7")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with ledger_url("postgresql", tmp_path) as found:
        yield found


def opened(url: str) -> Ledger:
    return Ledger.open(url, ManualClock(), DECIDER)


HERE = "database = (select oid from pg_database where datname = current_database())"


def on(url: str, statement: str) -> list[tuple[object, ...]]:
    engines = Engines(url)
    with engines.write.begin() as connection:
        found = connection.execute(text(statement))
        rows = [tuple(row) for row in found] if found.returns_rows else []
    engines.dispose()
    return rows


# Transactions that meet

STORES, SALES, ROUNDS = 4, 16, 40


def test_stores_that_push_and_are_throttled_at_the_same_time_never_lock_each_other_out(url: str) -> None:
    with opened(url) as ledger, ThreadPoolExecutor(STORES) as pool:
        for store in range(STORES):
            orders = tuple(sale(source=f"till{store}", sale_id=str(n)) for n in range(SALES))
            ledger.sales.record(Batch(orders, (), "c"), RecordOptions(f"till{store}", lambda _, name=f"s{store}": name))  # type: ignore[misc]  # mypy#12557
        together = threading.Barrier(STORES)
        for done in [pool.submit(throttled, ledger, f"s{store}", together) for store in range(STORES)]:
            done.result()
        assert ledger.maintenance.verify() == []
        assert sum(ledger.sales.counts().values()) == STORES * SALES


def throttled(ledger: Ledger, store: str, together: threading.Barrier) -> None:
    """Claims everything that is due, again and again; some are throttled at once, others pushed and edited."""
    with ledger.lease(store) as lease:
        together.wait()
        for turn in range(ROUNDS):
            now = ledger.sales.database.clock.now()
            due = ledger.sales.due(store, limit=SALES, now=now, far=FAR)
            settled = []
            for some in (
                due[start : start + 4] for start in range(0, SALES, 4)
            ):  # each begun while the last is settled
                for attempt in ledger.attempts.begin(lease, [intent(sale_) for sale_ in some]):
                    news = took(attempt, attempt.id) if (attempt.id + turn) % 97 == 0 else Deferred(now, "429")
                    settled.append(ledger.attempts.settle(attempt, news, REPLY))
            for one in settled:
                one.result(60)
            if turn % 5 == 0:
                ledger.maintenance.tidy()


@contextmanager
def locking(url: str, first: str, then: str) -> Iterator[Callable[[], None]]:
    """A transaction that holds a sale's row; called, it wants another's too, and never is the one that a deadlock ends."""
    engines = Engines(url)
    lock = text("select id from sales where sale_key = :key for update")
    with engines.write.connect() as connection, connection.begin():
        connection.execute(text("set local deadlock_timeout = '60s'"))
        connection.execute(lock, {"key": first})

        def want() -> None:
            connection.execute(lock, {"key": then})
            connection.commit()

        yield want
    engines.dispose()


def waiting(url: str) -> int:
    """How many sessions of this database wait for a row of another transaction."""
    asked = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    return int(str(on(url, asked)[0][0]))


@pytest.mark.parametrize("codes", ["known", "unknown"])
def test_an_outcome_is_never_thrown_away_by_a_deadlock(codes: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the retry taken out, the outcomes are lost: the deadlock is a real one."""
    if codes == "unknown":
        monkeypatch.setattr("syncd.ledger.engine._CONFLICTS", ())
    on(url, f"alter database {make_url(url).database} set deadlock_timeout = '2s'")
    free = threading.Event()
    with opened(url) as ledger:
        ledger.sales.record(
            Batch((sale(sale_id="a"), sale(sale_id="b")), (), "c"), RecordOptions("till", lambda _: "main")
        )
        with ledger.lease("main") as lease, ExitStack() as exits:
            due = ledger.sales.due("main", limit=9, now=ledger.sales.database.clock.now(), far=FAR)
            begun = ledger.attempts.begin(lease, [intent(one) for one in due])
            want = exits.enter_context(locking(url, "till:b", "till:a"))
            ledger._writer.submit(lambda _connection: free.wait(60))  # what comes meanwhile is one transaction
            settled = [ledger.attempts.settle(attempt, took(attempt, attempt.id), REPLY) for attempt in begun]
            free.set()
            while not waiting(url):
                pass
            want()
            found = [one.exception(60) or one.result() for one in settled]
    expected = [State.SYNCED] * 2 if codes == "known" else [Busy] * 2
    assert [one if isinstance(one, State) else type(one) for one in found] == expected


def test_counts_are_right_before_and_after_they_are_folded(url: str) -> None:
    with opened(url) as ledger:
        ledger.sales.record(
            Batch(tuple(sale(sale_id=str(n)) for n in range(7)), (), "c"), RecordOptions("till", lambda _: "main")
        )
        assert sum(ledger.sales.counts("main").values()) == 7
        ledger.maintenance.tidy()
        assert on(url, "select * from count_changes") == []
        ledger.sales.record(Batch((sale(sale_id="8"),), (), "c"), RecordOptions("till", lambda _: "main"))
        assert {state: n for (_, _, state), n in ledger.sales.counts().items()} == {State.PENDING: 8}
        assert ledger.maintenance.verify() == []


def test_counts_of_an_older_ledger_stay_right(url: str) -> None:
    engines = to_revision(url, "0007")
    with engines.write.begin() as connection:
        for number in range(1, 6):
            old_sale(connection, number, "pending", next_attempt_at=0)
    engines.dispose()
    with opened(url) as ledger:
        with ledger.lease("main") as lease:
            (attempt,) = ledger.attempts.begin(
                lease, [intent(ledger.sales.due("main", limit=1, now=ledger.sales.database.clock.now(), far=FAR)[0])]
            )
            ledger.attempts.settle(attempt, took(attempt, attempt.id), REPLY).result(60)
        assert ledger.maintenance.verify() == []
        ledger.maintenance.tidy()
        assert {state: n for (_, _, state), n in ledger.sales.counts().items()} == {State.PENDING: 4, State.SYNCED: 1}


def test_a_document_whose_sale_has_just_become_pending_again_is_not_dropped(url: str) -> None:
    with opened(url) as ledger:
        book = Book(ledger, ManualClock(), url)
        book.record(sale())
        book.push()
        engines = Engines(url)
        with engines.write.connect() as connection, ThreadPoolExecutor(1) as pool:
            connection.execute(text("update sales set state = 'pending', next_attempt_at = 0"))  # not committed yet
            dropping = pool.submit(ledger.maintenance.forget_documents, book.clock.now() + timedelta(days=1))
            while not on(
                url, "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
            ):
                assert not dropping.done()
            connection.commit()
            assert dropping.result(60) == 0
        engines.dispose()
        assert book.sale().document is not None


# Sessions


def test_twenty_five_stores_need_one_session_and_everything_else_goes_on(url: str) -> None:
    with opened(url) as mine, opened(url) as theirs, ExitStack() as held:
        leases = [held.enter_context(mine.lease(f"s{n}")) for n in range(25)]
        assert all(lease.alive() for lease in leases)
        (row,) = on(url, f"select count(distinct pid), count(*) from pg_locks where locktype = 'advisory' and {HERE}")
        assert row == (1, 25)
        assert mine.sales.get("till:1") is None  # there is a connection left to read with
        for n in (0, 24):
            with pytest.raises(LeaseTaken, match="database session"), theirs.lease(f"s{n}"):
                pass
            with pytest.raises(LeaseTaken, match="this process"), mine.lease(f"s{n}"):
                pass
        held.close()
        with theirs.lease("s0"), theirs.lease("s24"):
            pass


def test_a_session_that_is_cut_loses_every_right_at_once_and_they_can_be_taken_anew(url: str) -> None:
    with opened(url) as ledger, ExitStack() as held:
        one, two = (held.enter_context(ledger.lease(name)) for name in ("one", "two"))
        on(url, f"select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and {HERE}")
        with pytest.raises(Busy):
            begin_nothing(ledger, one)
        assert (one.alive(), two.alive()) == (False, False)
        with pytest.raises(Busy, match="lost"):
            begin_nothing(ledger, two)
        with ledger.lease("one") as again:
            begin_nothing(ledger, again)
            held.close()  # giving back what was lost takes nothing from who has it now
            assert again.alive()
            begin_nothing(ledger, again)


def begin_nothing(ledger: Ledger, lease: Lease) -> list[Attempt]:
    return list(ledger.attempts.begin(lease, []))


def test_nothing_takes_for_ever_and_the_server_notices_that_we_are_gone(url: str) -> None:
    engines = Engines(url)
    with engines.write.connect() as connection:

        def shown(name: str) -> str:
            return str(connection.execute(text(f"show {name}")).scalar_one())

        assert (shown("statement_timeout"), shown("lock_timeout")) == ("5min", "30s")
        assert shown("idle_in_transaction_session_timeout") == "2min"
        assert (shown("tcp_keepalives_idle"), shown("tcp_user_timeout")) in {("30", "60000"), ("0", "0")}
    engines.dispose()


def test_limits_that_the_database_sets_for_itself_stay(url: str) -> None:
    on(url, f'alter database "{make_url(url).database}" set statement_timeout = 1234')
    engines = Engines(url)
    with engines.write.connect() as connection:
        assert connection.execute(text("show statement_timeout")).scalar_one() == "1234ms"
    engines.dispose()


def test_a_pool_that_is_used_up_is_told_with_a_cure(url: str) -> None:
    with opened(url) as ledger, ExitStack() as held:
        pool = ledger._engines.write.pool
        pool._timeout = 0.05  # type: ignore[attr-defined]  # the 30 s of the pool, which a test need not wait for
        for _ in range(20):
            held.enter_context(ledger._engines.write.connect())
        with pytest.raises(Busy, match="no connection free"):
            ledger.sales.get("till:1")
        with pytest.raises(Busy, match="no connection free"):
            ledger.maintenance.tidy()
        held.close()
        assert ledger.sales.get("till:1") is None


# A pooler between


def test_a_pooler_that_hands_sessions_round_is_refused_with_a_cure(url: str) -> None:
    opened(url).close()
    with bouncer("transaction") as through, opened(through(url)) as ledger, opened(url) as straight:
        with pytest.raises(LedgerError, match="hands its sessions round") as refused, ledger.lease("main"):
            pass
        assert "session mode" in refused.value.cure
        assert "hands its sessions round" in str(ledger.maintenance.shared())
        assert straight.maintenance.shared() is None
        with straight.lease("main"):
            pass


def test_a_pooler_in_session_mode_is_as_good_as_the_database(url: str) -> None:
    opened(url).close()
    with bouncer("session") as through, opened(through(url)) as one, opened(through(url)) as two:
        with one.lease("main"), pytest.raises(LeaseTaken), two.lease("main"):
            pass
        assert one.maintenance.shared() is None
        with two.lease("main"):
            pass


def test_a_session_that_is_taken_away_in_mid_flight_writes_nothing(url: str) -> None:
    """As behind a pooler that began to hand sessions round: the token of the session is not the lease's."""
    with opened(url) as ledger:
        book = Book(ledger, ManualClock(), url)
        book.record(sale())
        with ledger.lease("main") as lease:
            lease.run(lambda connection: connection.execute(text("select set_config('syncd.session', 'x', false)")))
            with pytest.raises(Busy, match="hands its sessions round"):
                ledger.attempts.begin(lease, [intent(book.due()[0])])
            assert not lease.alive()
        assert book.sale().state is State.PENDING


def test_a_server_that_was_promoted_is_noticed_once_and_remembered(url: str) -> None:
    with opened(url) as ledger:
        with ledger.lease("main") as lease:
            assert lease.promoted_at is None
        on(url, "update state set value = '0000FFFF' where owner = 'schema' and name = 'server'")
        with ledger.lease("main") as lease:
            noticed = lease.promoted_at
            assert noticed is not None
            assert abs(noticed - ledger.maintenance.server_time()) < timedelta(minutes=1)
        (alert,) = ledger.alerts.present()
        assert (alert.store, alert.kind) == ("", SERVER_CHANGED)
    with opened(url) as other, other.lease("main") as lease:
        assert lease.promoted_at == noticed, "every process heeds it, not only the one that noticed"


def test_two_processes_that_notice_a_cause_at_once_raise_it_once(url: str) -> None:
    with opened(url) as one, opened(url) as two, ThreadPoolExecutor(2) as pool:
        for turn in range(40):
            alert = Alert("", "held", str(turn), "words", "cure")
            together = threading.Barrier(2)

            def look(ledger: Ledger, alert: Alert = alert, together: threading.Barrier = together) -> list[Alert]:
                together.wait()
                return ledger.alerts.watched(("held",), [alert])

            assert sum(map(len, pool.map(look, (one, two)))) == 1
