"""The ``sql`` source: read-only by construction, over SQLite, MariaDB and PostgreSQL."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from syncd.canonical import CanonicalOrder, Fault
from syncd.canonical.balance import check_balance
from syncd.errors import SecretMissing, SourceError
from syncd.sources import SourceContext
from syncd.sources.errors import SourceAccessDenied, SourceUnavailable
from syncd.sources.sql.presets.queries import QueriesOptions
from syncd.sources.sql.source import SqlSource
from syncd.testing.clocks import ManualClock
from syncd.testing.contract import Notebook, SourceContract
from tests.shared import needs_samples
from tests.tills import unicenta
from tests.tills.opensourcepos import SCHEMA, SEED, OpenSourcePos
from tests.tills.servers import mariadb_till, postgresql_till

SALES = "select id as sale_id, sold as placed_at, edited as changed_at, receipt as number, total, staff as cashier from sale"
LINES = "select sale as sale_id, no as line_id, sku, name, qty as quantity, net as total_ex_tax, tax from item"
TENDERS = "select sale as sale_id, label, amount from paid"
TABLES = """
    create table sale(id integer primary key, sold {time} not null, edited {time} not null, receipt text,
        total {money}, staff text);
    create table item(sale integer, no integer, sku text, name text, qty {money}, net {money}, tax {money});
    create table paid(sale integer, label text, amount {money});
    create index by_edited on sale(edited, id);
    create index by_sold on sale(sold, id);
"""


_opened: list[SqlSource] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Connections are closed before the next test, whatever became of this one."""
    yield
    while _opened:
        _opened.pop().close()


def source(url: str, folder: Path, clock: ManualClock | None = None, **more: Any) -> SqlSource:
    table = {"url": SecretStr(url), "currency": "USD", "timezone": "UTC"}
    table["queries"] = {"sales": SALES, "lines": LINES, "tenders": TENDERS}
    made = SqlSource(QueriesOptions.model_validate(table | more), SourceContext("till", clock or ManualClock(), folder))
    _opened.append(made)
    return made


def opened(pos: OpenSourcePos | unicenta.UniCenta, folder: Path, **more: Any) -> SqlSource:
    _opened.append(SqlSource(pos.settings(), SourceContext("till", pos.clock, folder, **more)))
    return _opened[-1]


def read(found: SqlSource) -> tuple[list[CanonicalOrder], list[Fault]]:
    batches = list(found.fetch(None))
    return [o for batch in batches for o in batch.orders], [f for batch in batches for f in batch.faults]


class OwnQueries:
    """A till with a schema of nobody's, which keeps when a sale was changed."""

    adapter = SqlSource

    def __init__(self, url: str, run: Callable[..., Any], mark: str) -> None:
        self.url, self._run, self._mark = url, run, mark
        self.clock, self.ahead, self.made, self.page = ManualClock(), timedelta(0), 0, 4

    def settings(self) -> QueriesOptions:
        table: dict[str, Any] = {"url": SecretStr(self.url), "currency": "USD", "timezone": "UTC", "page": self.page}
        return QueriesOptions.model_validate(table | {"queries": {"sales": SALES, "lines": LINES, "tenders": TENDERS}})

    def run(self, statement: str, *values: Any) -> None:
        self._run(statement.replace("?", self._mark), values)

    def skew(self, seconds: float) -> None:
        self.ahead = timedelta(seconds=seconds)

    def sell(self, count: int) -> list[str]:
        ids = []
        for _ in range(count):
            self.clock.pass_time(1)
            ids.append(self._make(self.clock.now() + self.ahead))
        return ids

    def sell_many(self, count: int) -> list[str]:
        self.page = 500
        begin = self.clock.now() - timedelta(days=30)
        return [self._make(begin + timedelta(seconds=number)) for number in range(count)]

    def _make(self, at: datetime) -> str:
        self.made += 1
        local = f"{at:%Y-%m-%d %H:%M:%S}"
        self.run("insert into sale values (?, ?, ?, ?, ?, ?)", self.made, local, local, f"R{self.made}", "10.80", "Ada")
        self.run("insert into item values (?, ?, ?, ?, ?, ?, ?)", self.made, 1, "MUG-1", "Mug", 2, "10.00", "0.80")
        self.run("insert into paid values (?, ?, ?)", self.made, "Cash", "10.80")
        return str(self.made)

    def edit(self, sale_id: str) -> None:
        now = f"{self.clock.now() + self.ahead:%Y-%m-%d %H:%M:%S}"
        self.run("update sale set staff = ?, edited = ? where id = ?", f"Bea {now}", now, int(sale_id))

    def spoil(self, sale_id: str) -> None:
        self.run("update sale set total = null where id = ?", int(sale_id))


class TestOwnQueriesOnSqlite(SourceContract):
    many = 1500

    @pytest.fixture
    def pos(self, tmp_path: Path) -> Iterator[OwnQueries]:
        file = sqlite3.connect(tmp_path / "pos.db", isolation_level=None)
        file.execute("pragma journal_mode=wal")
        file.execute("pragma synchronous=off")
        file.executescript(TABLES.format(time="text", money="numeric"))
        yield OwnQueries("sqlite:///pos.db", file.execute, "?")
        file.close()


@pytest.mark.postgresql
class TestOwnQueriesOnPostgresql(SourceContract):
    many = 1500

    @pytest.fixture
    def pos(self) -> Iterator[OwnQueries]:
        with postgresql_till(TABLES.format(time="timestamp", money="numeric(12, 2)")) as till:
            yield OwnQueries(till.url, till.admin.execute, "%s")


# What the account may do, and what a query may say


def test_an_account_that_can_write_is_refused_until_the_config_says_that_it_may(tmp_path: Path) -> None:
    with mariadb_till() as till:
        for statement in TABLES.format(time="datetime", money="decimal(12, 2)").split(";"):
            if statement.strip():
                till.run(statement.replace("sku text", "sku varchar(64)"))
        reader = till.url.split("//")[1].split(":")[0]
        till.run(f"grant insert on {till.name}.item to '{reader}'@'%%'".replace("%%", "%"))
        with pytest.raises(
            SourceAccessDenied, match=r"the account has INSERT on .*item; an account that can only read"
        ) as refused:
            read(source(till.url, tmp_path))
        assert "grant select" in refused.value.cure
        assert "only-to-read" not in f"{refused.value} {refused.value.cure}"
        assert read(source(till.url, tmp_path, may_write=True)) == ([], [])


def test_a_role_of_the_account_that_can_write_is_seen(tmp_path: Path) -> None:
    with mariadb_till() as till:
        reader = till.url.split("//")[1].split(":")[0]
        till.run(f"create role {reader}_role")
        try:
            till.run(f"grant delete on {till.name}.* to {reader}_role")
            till.run(f"grant {reader}_role to '{reader}'@'%'")
            with pytest.raises(SourceAccessDenied, match=r"the account (has DELETE on|can take the role)"):
                read(source(till.url, tmp_path))
        finally:
            till.run(f"drop role {reader}_role")


@pytest.mark.postgresql
def test_postgresql_accounts_are_looked_at_too(tmp_path: Path) -> None:
    with postgresql_till(TABLES.format(time="timestamp", money="numeric")) as till:
        reader = till.url.split("//")[1].split(":")[0]
        assert read(source(till.url, tmp_path)) == ([], [])
        till.run(f"grant update on item to {reader}")
        with pytest.raises(SourceAccessDenied, match="the account may write to item") as refused:
            read(source(till.url, tmp_path))
        assert "create role" in refused.value.cure
        trusted = source(till.url, tmp_path, may_write=True)
        assert read(trusted) == ([], [])
        with trusted._database.look() as connection, pytest.raises(Exception, match="read-only transaction"):
            connection.exec_driver_sql("update item set name = 'changed'")


def test_even_with_an_account_that_may_write_nothing_can_be_written(tmp_path: Path) -> None:
    with mariadb_till() as till:
        till.run("create table t(x int) engine=InnoDB")
        till.run(f"grant all on {till.name}.* to '{till.url.split('//')[1].split(':')[0]}'@'%'")
        trusted = source(till.url, tmp_path, may_write=True)
        with (
            pytest.raises(SourceAccessDenied, match="a query of this source would write"),
            trusted._database.look() as connection,
        ):
            connection.exec_driver_sql("insert into t values (1)")
        file = sqlite3.connect(tmp_path / "pos.db")
        file.execute("create table t(x int)")
        file.commit()
        light = source("sqlite:///pos.db", tmp_path)
        with pytest.raises(SourceUnavailable, match="readonly"), light._database.look() as connection:
            connection.exec_driver_sql("insert into t values (1)")


@pytest.mark.parametrize(
    "query",
    [
        "delete from sale",
        "select 1; drop table sale",
        "update sale set total = 0",
        "select * into outfile '/tmp/x' from sale",
        "select * from sale for update",
        "with gone as (delete from sale returning *) select * from gone",
        "/* select */ truncate sale",
        "call close_the_day()",
    ],
)
def test_a_query_that_would_write_is_refused_with_the_config(query: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match=r"must be one SELECT|must only read"):
        source("sqlite:///pos.db", tmp_path, queries={"sales": query, "lines": LINES})


@needs_samples
@pytest.mark.parametrize(
    ("kind", "status"), [(0, "completed"), (1, "completed"), (2, "open"), (3, "open"), (4, "completed")]
)
def test_quotes_and_work_orders_are_no_sales_yet(kind: int, status: str, tmp_path: Path) -> None:
    with OpenSourcePos.running() as pos:
        (key,) = pos.sell(1)
        pos.database.run("update ospos_sales set sale_type = %s where sale_id = %s", kind, key)
        (order,), _ = read(opened(pos, tmp_path))
    assert str(order.status) == status


def test_marks_that_drivers_give_a_meaning_to_are_words_in_a_query(tmp_path: Path) -> None:
    where = " where receipt like 'R%%' or receipt like '%5' or receipt = ':x' or 'a' = '%(y)s'"
    for make in (mariadb_till, postgresql_till):
        with make() as till:
            for statement in TABLES.format(time="timestamp", money="numeric(12, 2)").split(";")[:3]:
                till.run(statement.replace("receipt text", "receipt varchar(20)"))
            grant = f"grant select on all tables in schema public to {till.reader}"
            if make is postgresql_till:
                till.run(grant)
            sold = "insert into sale values (1, '2026-11-23 10:00:00', '2026-11-23 10:00:00', 'R5', 5, 'Ada')"
            till.run(sold)
            shop = source(till.url, tmp_path, queries={"sales": SALES + where, "lines": LINES})
            assert [order.sale_id for order in read(shop)[0]] == ["1"]


@pytest.mark.parametrize("query", ["select 'insert; -- into' as x from sale", "with a as (select 1) select * from a;"])
def test_words_in_quotes_are_no_writing(query: str, tmp_path: Path) -> None:
    source("sqlite:///pos.db", tmp_path, queries={"sales": query, "lines": LINES})


def test_a_url_with_a_password_in_clear_is_refused_and_not_shown() -> None:
    table = {"url": "mysql://root:hunter2@127.0.0.1/pos", "currency": "USD", "timezone": "UTC"}
    with pytest.raises(ValidationError) as refused:
        QueriesOptions.model_validate(table | {"queries": {"sales": SALES, "lines": LINES}})
    assert "must be { env" in refused.value.errors()[0]["msg"]


def test_what_is_no_url_is_told_with_the_config_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POS_DATABASE", "hunter2")
    table = {"url": {"env": "POS_DATABASE"}, "currency": "USD", "timezone": "UTC"}
    settings = QueriesOptions.model_validate(table | {"queries": {"sales": SALES, "lines": LINES}})
    with pytest.raises(SecretMissing, match="must be, or name, a database URL") as refused:
        settings.url.get_secret_value()  # read when it is needed
    assert "hunter2" not in str(refused.value)


# What it says where things are wrong


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("mysql://reader@127.0.0.1:1/pos", "Can't connect"),
        ("postgresql://reader@127.0.0.1:1/pos", "refused"),
        ("sqlite:///not-there.db", "unable to open"),
        ("strange://x/y", "kind of database"),
    ],
)
def test_a_database_that_cannot_be_opened_is_told_in_words(url: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=says):
        read(source(url, tmp_path))


def test_a_query_that_takes_too_long_ends_on_the_server(tmp_path: Path) -> None:
    with mariadb_till() as till:
        slow = source(till.url, tmp_path, patience="1s")
        with pytest.raises(SourceUnavailable, match="a query has 1 s"), slow._database.look() as connection:
            connection.exec_driver_sql("select sleep(5)")


def test_a_column_that_must_be_there_is_named(tmp_path: Path) -> None:
    file = sqlite3.connect(tmp_path / "pos.db")
    file.executescript(TABLES.format(time="text", money="numeric"))
    wrong = {"sales": SALES.replace("sold as placed_at,", ""), "lines": LINES}
    (finding,) = source("sqlite:///pos.db", tmp_path, queries=wrong).check()
    assert (finding.level, "gives no column placed_at" in finding.what) == ("error", True)


def test_a_query_may_tell_the_customers_address(tmp_path: Path) -> None:
    file = sqlite3.connect(tmp_path / "pos.db", isolation_level=None)
    file.executescript(TABLES.format(time="text", money="numeric"))
    file.execute("insert into sale values (1, '2026-11-23 09:30:00', '2026-11-23 09:30:00', 'R', 5.4, 'Ada')")
    file.execute("insert into item values (1, 1, null, 'Mug', 1, 5, 0.4)")
    home = "'Lee' as last_name, '2 Side Street' as street_1, 'Austin' as city, 'TX' as state, 'US' as country, "
    queries = {"sales": SALES.replace("select ", f"select {home}", 1), "lines": LINES}
    orders, faults = read(source("sqlite:///pos.db", tmp_path, queries=queries))
    assert faults == []
    home_of = orders[0].billing
    assert home_of is not None
    assert (home_of.last_name, home_of.street_1, home_of.city) == ("Lee", "2 Side Street", "Austin")
    assert (home_of.state, home_of.country) == ("TX", "US")


@pytest.mark.parametrize(
    ("written", "placed"),
    [
        ("2026-11-23 09:30:00", "2026-11-23T09:30:00-06:00"),
        ("2026-11-23T09:30:00", "2026-11-23T09:30:00-06:00"),
        ("2026-11-23 15:30:00+00:00", "2026-11-23T15:30:00+00:00"),
        (1795447800, "2026-11-23T15:30:00+00:00"),
        (1795447800000, "2026-11-23T15:30:00+00:00"),
    ],
)
def test_times_of_sqlite_are_read_as_they_are_written(written: object, placed: str, tmp_path: Path) -> None:
    file = sqlite3.connect(tmp_path / "pos.db", isolation_level=None)
    file.executescript(TABLES.format(time="numeric" if isinstance(written, int) else "text", money="numeric"))
    shop = source("sqlite:///pos.db", tmp_path, timezone="America/Chicago", page=3)
    assert read(shop) == ([], [])  # a table without a row shows nothing of how it writes its times
    for number in range(1, 11):  # all of one second: pages must not lose any
        file.execute("insert into sale values (?, ?, ?, 'R', 5.4, 'Ada')", (number, written, written))
        file.execute("insert into item values (?, 1, null, 'Mug', 1, 5, 0.4)", (number,))
    orders, faults = read(shop)
    assert faults == []
    assert sorted(int(order.sale_id) for order in orders) == list(range(1, 11))
    assert {order.placed_at for order in orders} == {datetime.fromisoformat(placed)}
    assert {order.total_inc_tax for order in orders} == {Decimal("5.4")}


@needs_samples
def test_a_table_that_the_till_has_locked_is_waited_for_two_seconds_and_no_longer(tmp_path: Path) -> None:
    with OpenSourcePos.running() as pos:
        ids = pos.sell(3)
        shop = opened(pos, tmp_path)
        assert len(read(shop)[0]) == 3
        with pos.database.admin.cursor() as cursor:
            cursor.execute("lock tables ospos_sales write")
            begun = time.monotonic()
            with pytest.raises(SourceUnavailable, match="a query has 30 s"):
                read(shop)
            assert time.monotonic() - begun < 10
            cursor.execute("unlock tables")
        pos.edit(ids[0])
        assert [order.sale_id for order in read(shop)[0]] == [ids[0]]


@needs_samples
def test_a_look_sees_one_moment_and_keeps_nobody_from_writing(tmp_path: Path) -> None:
    with OpenSourcePos.running() as pos:
        pos.sell(3)
        shop = opened(pos, tmp_path)
        with shop._database.look() as connection:
            count = "select count(*) from ospos_sales"
            assert connection.exec_driver_sql(count).scalar() == 3
            pos.sell(2)
            pos.edit("1")
            assert connection.exec_driver_sql(count).scalar() == 3
        with shop._database.look() as connection:
            assert connection.exec_driver_sql(count).scalar() == 5


@pytest.mark.postgresql
def test_a_sale_that_is_gone_is_looked_for_by_ids_of_any_kind(tmp_path: Path) -> None:
    with postgresql_till(TABLES.format(time="timestamp", money="numeric")) as till:
        pos = OwnQueries(till.url, till.admin.execute, "%s")
        ids = pos.sell(4)
        known = lambda _start, _end: ids  # noqa: E731  what a ledger would say
        shop = SqlSource(pos.settings(), SourceContext("till", pos.clock, tmp_path, known=known))
        _opened.append(shop)
        list(shop.fetch(None))
        pos.run("delete from sale where id = ?", int(ids[2]))
        pos.clock.pass_time(3600)
        assert [sale for batch in shop.fetch(None) for sale in batch.deleted_ids] == [ids[2]]


# Open Source Point of Sale


@needs_samples
def test_the_seed_of_opensourcepos_reads_as_its_program_sums_it_up(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 3, 10, 12, tzinfo=UTC))
    with mariadb_till(SCHEMA, SEED) as till:
        pos = OpenSourcePos(till, clock)
        shop = opened(pos, tmp_path)
        orders, faults = read(shop)
    found = {order.sale_id: order for order in orders}
    assert faults == []
    assert {key: str(order.total_inc_tax) for key, order in found.items()} == {
        "1": "34.56",
        "2": "-14.58",
        "3": "9",
        "4": "24",
    }
    assert [str(found[key].status) for key in "1234"] == ["completed", "completed", "open", "completed"]
    assert [(str(t.kind), str(t.amount), str(t.change)) for t in found["1"].tenders] == [("cash", "34.56", "5.44")]
    assert [(str(t.kind), str(t.amount)) for t in found["4"].tenders] == [("gift_card", "10"), ("card", "14")]
    assert found["1"].placed_at.isoformat() == "2026-03-07T18:59:41-05:00"


@needs_samples
def test_the_payment_tells_which_of_two_hours_a_sale_was_made_in(tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 11, 1, 12, tzinfo=UTC))
    with OpenSourcePos.running(clock) as pos:
        first, second = datetime(2026, 11, 1, 5, 30, tzinfo=UTC), datetime(2026, 11, 1, 6, 30, tzinfo=UTC)
        pos.write([second, first])
        orders, _ = read(opened(pos, tmp_path))
    assert [order.placed_at.astimezone(UTC) for order in sorted(orders, key=lambda one: one.sale_id)] == [second, first]


@needs_samples
def test_a_deleted_sale_is_told_and_very_many_at_once_are_not_believed(tmp_path: Path) -> None:
    with OpenSourcePos.running() as pos:
        ids = pos.sell(30)
        shop = opened(pos, tmp_path, known=lambda _start, _end: list(ids))
        book = Notebook().walk(shop.fetch(None))
        pos.delete(ids[3])
        pos.clock.pass_time(3600)
        gone = [sale for batch in shop.fetch(book.cursor) for sale in batch.deleted_ids]
        assert gone == [ids[3]]
        for key in ids[5:28]:
            pos.delete(key)
        pos.clock.pass_time(3600)
        batches = list(shop.fetch(book.cursor))
        assert [sale for batch in batches for sale in batch.deleted_ids] == []
        (fault,) = [fault for batch in batches for fault in batch.faults]
        assert "24 sales of the last days are not in the database any more" in fault.reason


@needs_samples
def test_a_missing_index_is_told_with_the_statement_that_makes_it(tmp_path: Path) -> None:
    with OpenSourcePos.running() as pos:
        pos.database.run("alter table ospos_sales drop index sale_time")
        findings = opened(pos, tmp_path).check()
    (warning,) = [finding for finding in findings if finding.level == "warning"]
    assert warning.cure == "create index on ospos_sales (sale_time)"


def test_a_database_of_something_else_is_told(tmp_path: Path) -> None:
    with mariadb_till() as till:
        findings = opened(OpenSourcePos(till), tmp_path).check()
    assert [(one.level, one.what) for one in findings] == [("error", "the database has no table ospos_app_config")]


@needs_samples
def test_what_opensourcepos_writes_adds_up_to_the_cent(tmp_path: Path) -> None:
    with OpenSourcePos.running() as pos:
        pos.sell(200)
        orders, faults = read(opened(pos, tmp_path))
    assert (len(orders), faults) == (200, [])
    assert [(order.sale_id, check_balance(order)) for order in orders if check_balance(order)] == []


# uniCenta and its family


@needs_samples
@pytest.mark.parametrize("kind", ["mariadb", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def test_the_seed_of_unicenta_reads_as_its_program_sums_it_up(kind: str, tmp_path: Path) -> None:
    clock = ManualClock(datetime(2026, 3, 30, 12, tzinfo=UTC))
    seed = unicenta.SEED.read_text(encoding="utf-8").replace("\\n", "\n")
    schema = unicenta.for_postgresql(unicenta.SCHEMA.read_text(encoding="utf-8"))
    made = mariadb_till(unicenta.SCHEMA, unicenta.SEED) if kind == "mariadb" else postgresql_till(schema, seed)
    with made as till:
        shop = opened(unicenta.UniCenta(till, clock), tmp_path)
        batches = list(shop.fetch(None))
    found = {order.sale_id: order for batch in batches for order in batch.orders}
    left_out = {why: count for batch in batches for why, count in batch.left_out.items()}
    assert [fault for batch in batches for fault in batch.faults] == []
    assert {key: str(order.total_inc_tax) for key, order in found.items()} == {
        "r-1": "14.05",
        "r-2": "-5.4",
        "r-5": "13",
    }
    assert left_out == {"payments of what customers owe": 1, "drawers opened without a sale": 1}
    assert found["r-2"].returns_of == "till:r-1"
    assert found["r-1"].lines[0].name == "Mug blue"
    assert "&" not in found["r-1"].lines[1].name
    assert str(found["r-1"].lines[1].kind) == "custom"
    assert [(str(t.kind), str(t.amount), str(t.change)) for t in found["r-1"].tenders] == [("cash", "14.05", "5.95")]
    assert [(str(t.kind), str(t.amount)) for t in found["r-5"].tenders] == [("card", "10"), ("on_account", "3")]
    assert [check_balance(order) for order in found.values()] == [(), (), ()]
    assert found["r-1"].placed_at.isoformat() == "2026-03-28T23:58:10+00:00"
    assert found["r-2"].placed_at.isoformat() == "2026-03-29T03:10:00+01:00"


@needs_samples
def test_floating_point_prices_come_out_right_to_the_cent(tmp_path: Path) -> None:
    with unicenta.UniCenta.running() as pos:
        pos.sell(300)
        orders, faults = read(opened(pos, tmp_path))
    assert (len(orders), faults) == (300, [])
    assert [(order.sale_id, check_balance(order)) for order in orders if check_balance(order)] == []


@needs_samples
def test_37_a_refund_of_chromis_is_linked_by_what_came_back_of_the_sold_lines(tmp_path: Path) -> None:
    with unicenta.UniCenta.running("mariadb") as pos:
        run = pos.database.run
        run("alter table ticketlines add column refundqty double default 0")
        sold, other, refund = (pos.write(pos.clock.now()) for _ in range(3))
        run("delete from ticketlines where line > 0")
        run("update ticketlines set product = 'p-1', units = 2 where ticket in (%s, %s)", sold, other)
        run("update ticketlines set refundqty = 1 where ticket = %s", sold)
        run("update tickets set tickettype = 1, status = 0 where id = %s", refund)
        run("update ticketlines set product = 'p-1', units = -1 where ticket = %s", refund)
        orders, _ = read(opened(pos, tmp_path))
    assert {order.sale_id: order.returns_of for order in orders} == {sold: None, other: None, refund: f"till:{sold}"}


@needs_samples
def test_a_refund_whose_number_names_a_sale_of_other_goods_is_not_linked(tmp_path: Path) -> None:
    with unicenta.UniCenta.running() as pos:
        sold = pos.write(pos.clock.now())
        pos.database.run("update ticketlines set product = 'p-2' where ticket = %s", sold)
        refund = pos.write(pos.clock.now())
        pos.database.run("update tickets set tickettype = 1, status = 1 where id = %s", refund)
        pos.database.run("update ticketlines set product = 'p-1' where ticket = %s", refund)
        orders, _ = read(opened(pos, tmp_path))
    assert {order.sale_id: order.returns_of for order in orders} == {sold: None, refund: None}


@needs_samples
def test_tables_in_upper_case_are_found(tmp_path: Path) -> None:
    with unicenta.UniCenta.running() as pos:
        pos.sell(2)
        for table in (
            "tickets",
            "receipts",
            "closedcash",
            "people",
            "customers",
            "ticketlines",
            "products",
            "taxes",
            "taxlines",
            "payments",
        ):
            pos.database.run(f"rename table {table} to {table.upper()}")
        orders, faults = read(opened(pos, tmp_path))
    assert (len(orders), faults) == (2, [])


@needs_samples
def test_the_tax_of_a_receipt_is_the_sum_of_its_rounded_taxes(tmp_path: Path) -> None:
    with OpenSourcePos.running() as pos:
        (key,) = pos.sell(1)
        run = pos.database.run
        for table in ("sales_items_taxes", "sales_items", "sales_taxes"):
            run(f"delete from ospos_{table} where sale_id = %s", key)
        run(
            "insert into ospos_sales_items(sale_id, item_id, line, quantity_purchased, item_cost_price, item_unit_price,"
            " item_location) values (%s, 10, 1, 1, 1, 5, 1)",
            key,
        )
        for name in ("State", "City"):
            run(
                "insert into ospos_sales_items_taxes values (%s, 10, 1, %s, 2.5, 1, 0, 0, 0.1250, null, null, null)",
                key,
                name,
            )
            run(
                "insert into ospos_sales_taxes(sale_id, tax_type, tax_group, sale_tax_basis, sale_tax_amount, name, tax_rate)"
                " values (%s, 1, %s, 5, 0.1250, %s, 2.5)",
                *(key, name, name),
            )
        run("update ospos_sales_payments set payment_amount = 5.26, cash_refund = 0 where sale_id = %s", key)
        (order,), _ = read(opened(pos, tmp_path))
    assert (str(order.total_inc_tax), str(order.total_tax), check_balance(order)) == ("5.26", "0.26", ())
    assert [str(tax.amount) for tax in order.lines[0].taxes] == ["0.135", "0.125"]


@needs_samples
def test_a_till_whose_clock_was_wrong_once_hides_no_sale_of_the_next_minutes(tmp_path: Path) -> None:
    with OpenSourcePos.running() as pos:
        shop = opened(pos, tmp_path)
        book = Notebook().walk(shop.fetch(None))
        pos.clock.pass_time(60)
        pos.skew(5 * 3600)
        pos.sell(1)
        book.walk(shop.fetch(book.cursor))
        pos.clock.pass_time(60)
        pos.skew(0)
        (key,) = pos.sell(1)
        book.walk(shop.fetch(book.cursor))
    assert f"till:{key}" in book.sales
