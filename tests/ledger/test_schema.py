"""The migrations, and what holds of the database itself."""

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

from syncd.errors import Busy, Corrupt, Full, LedgerError, TooNew, TooOld
from syncd.ledger import Ledger, upgrade, upgrade_apart
from syncd.ledger.engine import Engines
from syncd.ledger.indexes import INDEXES
from syncd.ledger.schema import metadata
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import both_databases, ledger_url, older_ledger, to_revision
from tests.deciders import DECIDER
from tests.ledger.conftest import Book, numbered


@both_databases
def test_the_migrations_make_the_tables_that_the_code_knows(book: Book) -> None:
    engines = Engines(book.url)
    with engines.read.connect() as connection:
        assert {index.name for index in INDEXES} <= {
            index.name for table in metadata.tables.values() for index in table.indexes
        }
        names = {"include_name": lambda name, kind, _: kind != "table" or not str(name).startswith("sale_words")}
        assert compare_metadata(MigrationContext.configure(connection, opts=names), metadata) == []
    engines.dispose()


def test_the_head_that_the_code_names_is_the_newest_migration() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(upgrade.__file__).with_name("migrations")))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [upgrade.HEAD]
    assert {revision.revision for revision in script.walk_revisions()} == set(upgrade.KNOWN)


@both_databases
def test_faults_and_known_orders_of_an_older_ledger_stay_and_the_faults_are_open(database: str, tmp_path: Path) -> None:
    with ledger_url(database, tmp_path) as url:
        with older_ledger(url, "0002") as connection:
            values = "('till', 'd1', 1, 'day.csv:3', 'bad', 'x')"
            connection.exec_driver_sql(f"insert into faults (source, digest, at, place, reason, raw) values {values}")
            connection.exec_driver_sql("insert into known_orders values ('main', 'till:a', 100, '1.00')")
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            assert ledger.sources.open_faults() == {"till": 1}
            assert ledger.stores.known("main", ["till:a"])["till:a"].snapshot.currency is None
            assert ledger.sources.settle_faults("till", (), "me") == 1
            assert ledger.sources.open_faults() == {}
            assert ledger.maintenance.verify() == []


@both_databases
def test_two_processes_that_open_a_new_ledger_at_once_both_succeed(open_book: Callable[[], Book]) -> None:
    with ThreadPoolExecutor(2) as pool:
        opened = [pool.submit(open_book) for _ in range(2)]
    assert [one.result().due() for one in opened] == [[], []]


def test_a_ledger_that_many_open_for_the_first_time_at_once_opens_for_each(tmp_path: Path) -> None:
    def open_it(file: Path, together: threading.Barrier) -> None:
        together.wait()
        Ledger.open(f"sqlite:///{file}", ManualClock(), DECIDER).close()

    with ThreadPoolExecutor(4) as pool:
        for turn in range(30):  # without waiting for the switch to the write-ahead log about one turn in six failed
            together = threading.Barrier(4)
            for one in [pool.submit(open_it, tmp_path / f"{turn}.db", together) for _ in range(4)]:
                one.result()


@both_databases
def test_two_processes_may_record_at_the_same_time(open_book: Callable[[], Book]) -> None:
    def record(book: Book) -> int:
        return sum(book.record(order).new for order in numbered(60))

    books = open_book(), open_book()
    with ThreadPoolExecutor(2) as pool:
        assert sum(pool.map(record, books)) == 60
    assert len(books[0].due(200)) == 60


@both_databases
def test_a_newer_ledger_is_refused(book: Book) -> None:
    engines = Engines(book.url)
    with engines.write.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
    engines.dispose()
    with pytest.raises(TooNew, match="9999"):
        Ledger.open(book.url, ManualClock(), DECIDER)


def _says_oldest(connection: Connection, schema: str) -> None:
    connection.exec_driver_sql("delete from state where owner = 'schema'")
    connection.exec_driver_sql(f"insert into state values ('', 'schema', 'oldest', '{schema}', 0)")


@both_databases
def test_a_newer_ledger_that_says_so_is_worked_on_beside_the_newer_program(book: Book) -> None:
    book.record(sale())
    engines = Engines(book.url)
    with engines.write.begin() as connection:
        connection.exec_driver_sql("update alembic_version set version_num = '9999'")
        _says_oldest(connection, f"9999:{upgrade.HEAD}")
    with Ledger.open(book.url, ManualClock(), DECIDER) as ledger:
        assert ledger.maintenance.verify() == []
        ledger.maintenance.check_schema()
        with engines.write.begin() as connection:
            _says_oldest(connection, "9999:9999")
        with pytest.raises(TooNew, match="9999"):
            ledger.maintenance.check_schema()
    engines.dispose()


@both_databases
@pytest.mark.parametrize(("ahead", "accepted"), [(1, True), (2, False)])
def test_a_newer_ledger_that_says_nothing_is_worked_on_one_step_ahead_and_no_further(
    book: Book, ahead: int, accepted: bool
) -> None:
    engines = Engines(book.url)
    with engines.write.begin() as connection:
        _says_oldest(connection, f"{upgrade.HEAD}:{upgrade.HEAD}")  # of the schema before
        connection.exec_driver_sql(f"update alembic_version set version_num = '{int(upgrade.HEAD) + ahead:04}'")
    engines.dispose()
    if accepted:
        Ledger.open(book.url, ManualClock(), DECIDER).close()
    else:
        with pytest.raises(TooNew):
            Ledger.open(book.url, ManualClock(), DECIDER)


@both_databases
def test_whoever_may_not_upgrade_a_ledger_leaves_it_as_it_was(database: str, tmp_path: Path) -> None:
    with ledger_url(database, tmp_path) as url:
        with pytest.raises(TooOld, match="has no tables yet"):
            Ledger.open(url, ManualClock(), DECIDER, upgrades=False)
        to_revision(url, "0025").dispose()
        with pytest.raises(TooOld, match=f"has schema 0025; this syncd needs {upgrade.HEAD}"):
            Ledger.open(url, ManualClock(), DECIDER, upgrades=False)
        Ledger.open(url, ManualClock(), DECIDER).close()
        Ledger.open(url, ManualClock(), DECIDER, upgrades=False).close()


def test_a_ledger_file_is_its_owners_alone(tmp_path: Path) -> None:
    with Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", ManualClock(), DECIDER):
        assert (tmp_path / "ledger.db").stat().st_mode & 0o077 == 0


def test_writes_are_flushed_to_disk_and_readers_cannot_write(tmp_path: Path) -> None:
    engines = Engines(f"sqlite:///{tmp_path / 'ledger.db'}")
    engines.prepare_file()
    with engines.write.begin() as connection:
        assert connection.exec_driver_sql("pragma synchronous").scalar_one() == 2
        assert connection.exec_driver_sql("pragma journal_mode").scalar_one() == "wal"
    with engines.read.connect() as connection, pytest.raises(Exception, match="readonly"):
        connection.exec_driver_sql("create table x (y)")
    engines.dispose()


@pytest.mark.parametrize("database", ["sqlite"])
def test_a_full_ledger_is_told_and_goes_on_once_there_is_room(book: Book) -> None:
    book.record(sale(sale_id="before"))
    _limit(book, 1)
    with pytest.raises(Full, match="full"):
        book.record(*numbered(500))
    assert len(book.due(1000)) == 1
    _limit(book, 1_000_000)
    book.record(*numbered(500))
    assert len(book.due(1000)) == 501


def _limit(book: Book, pages: int) -> None:
    def set_limit(connection: object) -> None:
        connection.exec_driver_sql(f"pragma max_page_count = {pages}")  # type: ignore[attr-defined]  # SQLAlchemy's

    book.ledger._writer.run(set_limit)


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_pushers_query_walks_an_index_and_sorts_nothing(book: Book) -> None:
    book.record(*numbered(3))
    with sqlite3.connect(book.url.removeprefix("sqlite:///")) as raw:
        plan = raw.execute(
            "explain query plan select * from sales where store = 'main' and state = 'pending' and lane = 'live'"
            " and (next_attempt_at <= 5 or next_attempt_at > 9) order by placed_at, id limit 8"
        ).fetchall()
    words = " ".join(row[3] for row in plan)
    assert "sales_due" in words
    assert "TEMP B-TREE" not in words


@pytest.mark.parametrize("database", ["sqlite"])
def test_an_operation_that_fails_takes_nobody_elses_with_it(book: Book) -> None:
    gate = threading.Event()
    writer = book.ledger._writer
    blocked = writer.submit(lambda _: gate.wait(10))

    def fail(_: object) -> None:
        raise LedgerError("mine alone")

    broken = writer.submit(fail)
    fine = writer.submit(lambda connection: connection.exec_driver_sql("select 7").scalar_one())
    gate.set()
    assert blocked.result(10)
    assert fine.result(10) == 7
    with pytest.raises(LedgerError, match="mine alone"):
        broken.result(10)


@pytest.mark.postgresql
def test_another_ledger_on_the_same_server_is_not_taken_for_the_holder(tmp_path: Path) -> None:
    with (
        ledger_url("postgresql", tmp_path) as one,
        ledger_url("postgresql", tmp_path) as two,
        Ledger.open(one, ManualClock(), DECIDER) as mine,
        Ledger.open(two, ManualClock(), DECIDER) as theirs,
        Ledger.open(two, ManualClock(), DECIDER) as third,
        mine.lease("main"),
        theirs.lease("main"),
        pytest.raises(Busy, match="session"),
        third.lease("main"),
    ):
        pass


@both_databases
def test_what_lasts_leaves_the_cache_with_its_values_and_look_ups_stay_there(database: str, tmp_path: Path) -> None:
    kept = {
        ("-", "health", "host/1/2"): "{}",
        ("-", "operator", "silent until"): "2026-11-29T10:00:00+00:00",
        ("-", "operator", "last digest"): "2026-11-28",
        ("main", "operator", "probe key length"): '{"question": "key length"}',
        ("main", "operator", "metafields"): "5.6",
        ("main", "quota", "2026-11-29T09:00"): '{"used": 0.5}',
        ("main", "forgotten", "history"): "[7, 8]",
        ("main", "catch up", "places"): '{"orders": 9}',
        ("main", "rebuild", "None..None"): '{"archived": 3}',
        ("main", "sku", "A"): "1",
        ("main", "email", "b@example.com"): None,
    }
    with ledger_url(database, tmp_path) as url:
        with older_ledger(url, "0024") as connection:
            for (store, kind, code), value in kept.items():
                values = {"store": store, "kind": kind, "code": code, "value": value}
                connection.execute(text("insert into cache values (:store, :kind, :code, :value, 5000000)"), values)
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            state = ledger.state
            assert state.all("daemons") == {"host/1/2": "{}"}
            assert state.all("alerts") == {"silent until": "2026-11-29T10:00:00+00:00", "last digest": "2026-11-28"}
            assert state.all("probe", "main") == {"key length": '{"question": "key length"}'}
            assert state.all("metafields", "main") == {"metafields": "5.6"}
            assert state.all("quota", "main") == {"2026-11-29T09:00": '{"used": 0.5}'}
            assert state.all("retention", "main") == {"history": "[7, 8]"}
            assert state.all("scans", "main") == {
                "catch up/places": '{"orders": 9}',
                "rebuild/None..None": '{"archived": 3}',
            }
            assert (
                state.get("retention", ["history"], "main", younger_than=datetime(1970, 1, 1, 0, 0, 6, tzinfo=UTC))
                == {}
            )
            assert ledger.catalog.lookups("main", "sku", ["A"]) == {"A": "1"}
            assert ledger.catalog.lookups("main", "email", ["b@example.com"]) == {"b@example.com": None}
            assert (
                ledger.catalog.prune_lookups(datetime(1970, 1, 1, 0, 0, 6, tzinfo=UTC)) == 2
            )  # nothing else is left there
            assert ledger.maintenance.verify() == []


@both_databases
def test_state_is_kept_by_owner_and_store_whatever_is_pruned_from_the_cache(book: Book) -> None:
    state = book.ledger.state
    state.put("scans", {"place": "1"}, "main")
    state.put("scans", {"place": "2"}, "second")
    state.put("quota", {"place": "3"}, "main")
    book.clock.pass_time(40 * 86_400)
    book.ledger.catalog.prune_lookups(book.clock.now())
    state.put("scans", {"place": "4"}, "second")
    assert [state.all("scans", store) for store in ("main", "second", "")] == [{"place": "1"}, {"place": "4"}, {}]
    assert state.drop_older("scans", book.clock.now()) == 1
    state.drop("scans", ["place"], "second")
    assert (state.all("scans", "main"), state.all("scans", "second")) == ({}, {})
    assert state.all("quota", "main") == {"place": "3"}


@both_databases
def test_a_ledger_is_upgraded_apart_and_nothing_of_that_is_loaded_here(database: str, tmp_path: Path) -> None:
    with ledger_url(database, tmp_path) as url:
        script = f"""if True:
            import sys
            from syncd.app import SystemClock
            from syncd.ledger import Ledger, upgrade_apart
            upgrade_apart({url!r})
            Ledger.open({url!r}, SystemClock(), None, upgrades=False).close()
            upgrade_apart({url!r})
            print([name for name in sys.modules if name.partition(".")[0] in ("alembic", "mako", "pygments")])
            """
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_ledger_that_cannot_be_upgraded_apart_is_told_of_by_whoever_opens_it(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no database at all, but a text of some length")
    url = f"sqlite:///{tmp_path / 'notes.txt'}"
    upgrade_apart(url)
    with pytest.raises(Corrupt):
        Ledger.open(url, ManualClock(), DECIDER)
    upgrade_apart("postgresql://nobody@127.0.0.1:1/none")
    upgrade_apart("no-such-database://x")
