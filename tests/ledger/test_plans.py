"""How the database answers: every statement that commands and the service issue, explained over 300,000 sales.

A statement may walk what it gives back, and no more: none may scan a table that grows with the ledger, nor sort what it found.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, event, text

from syncd.canonical import Batch, Fault
from syncd.clock import Now
from syncd.ledger import Alert, Ledger, RecordOptions, ReplyInfo, Selection, place_of
from syncd.ledger.engine import Engines
from syncd.sale.attempt import Intent
from syncd.sale.events import LookedUp
from syncd.sale.facts import OrderSnapshot, StoreOrder
from syncd.sale.outgoing import EventKind
from syncd.sale.overrides import Verb
from syncd.sale.states import AttemptKind, Lane, State
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import both_databases, ledger_url
from tests.deciders import DECIDER, to_main
from tests.ledger.conftest import FAR, took

SALES = 300_000
OTHERS = 60_000  # rows of each other table: more than any plan would walk without a reason
GROWING = ("sales", "attempts", "audit", "faults", "known_orders", "catalog", "cache", "state", "outbox")
DAY = 86_400_000_000
NEWEST = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * 1_000_000
NUMBERS = {
    "sqlite": "with recursive n(i) as (select 1 union all select i + 1 from n where i < {count}) ",
    "postgresql": "with n(i) as (select generate_series(cast(1 as bigint), {count})) ",
}
# A store of 200,000 sales, one of 100,000; a hundred of each open state; the newest last.
FILL = (
    """
    insert into sales (id, sale_key, source, store, lane, state, fingerprint, placed_at, recorded_at, changed_at, next_attempt_at,
        synced_at, tries, why, cure, currency, total_inc_tax, total_tax, order_id, told, document, unclean, history)
    {numbers} select i, 'till:' || i, case when i % 3 = 0 then 'other' else 'till' end,
        case when i % 3 = 0 then 'second' else 'main' end, 'live',
        case when i % 3000 = 1 then 'held' when i % 3000 = 2 then 'unknown' when i % 3000 = 4 then 'pending'
             when i % 3000 = 5 then 'rejected' when i % 3000 = 7 then 'skipped' else 'synced' end,
        '1f', {newest} - ({count} - i) * 60000000, {newest}, {newest},
        case when i % 3000 in (2, 4) then 0 end,
        case when i % 3000 not in (1, 2, 4, 5, 7) then {newest} - ({count} - i) * 60000000 end,
        1, '', '', 'USD', '10.80', '0.80', case when i % 3000 not in (1, 2, 4, 5, 7) then i end, '1f', '{{}}', 0, 0 from n
    """,
    """
    insert into attempts (sale_id, kind, fingerprint, digest, began_at, boot_id, boot_s, settled_at, outcome)
    {numbers} select i, 'create', '1f', 'd', {newest}, 'b', '1.0', {newest}, 'accepted' from n
    """,
    "insert into audit (sale_id, at, actor, after, why) {numbers} select i, {newest}, 'syncd', 'pending', 'recorded' from n",
    """
    insert into faults (source, digest, at, place, reason, raw, settled_at)
    {numbers} select 'till', 'd' || i, {newest}, 'f.csv', 'bad', 'x', case when i % 1000 > 0 then {newest} end from n
    """,
    "insert into known_orders (store, sale_key, order_id, archived, others) {numbers} select 'main', 'old:' || i, i, 0, '' from n",
    """
    insert into catalog (store, variant_id, product_id, sku, upc, variant, walk)
    {numbers} select 'main', i, i, 'S' || i, 'U' || i, '{{}}', 1 from n
    """,
    """
    insert into state (store, owner, name, value, at)
    {numbers} select 's' || (i % 40), 'quota', 'n' || i, '{{}}', {newest} + i from n
    """,
    """
    insert into outbox (message_id, at, kind, store, sale_id, data, next_attempt_at)
    {numbers} select 'm' || i, {newest} + i, 'order.made', 'main', i, '{{}}', {newest} + i from n
    """,
)


def fill(connection: Connection, sales: int = SALES) -> None:
    """A ledger with so many sales, in seconds."""
    dialect = connection.dialect.name
    for statement in FILL:
        numbers = NUMBERS[dialect].format(count=sales if "into sales" in statement else min(sales, OTHERS))
        sql = statement.format(numbers=numbers, newest=NEWEST, count=sales)
        if dialect == "sqlite":  # there the common table goes before the insert
            head, _, rest = sql.partition(numbers)
            sql = numbers + head + rest
        else:
            sql = sql.replace("%", "%%")
        connection.exec_driver_sql(sql)
    if dialect == "postgresql":
        connection.execute(text("select setval(pg_get_serial_sequence('sales', 'id'), (select max(id) from sales))"))


Statement = tuple[str, Any]


@contextmanager
def listening(engines: Engines) -> Iterator[list[Statement]]:
    """Every statement that is executed meanwhile, with its parameters."""
    heard: list[Statement] = []

    def hear(_c: object, _cursor: object, statement: str, parameters: Any, _x: object, many: bool) -> None:
        several = many and not isinstance(parameters, dict) and isinstance(parameters[0], dict | tuple | list)
        one = parameters[0] if several else parameters
        heard.append((statement, one if isinstance(one, dict) else tuple(one)))

    both: set[Engine] = {engines.read, engines.write}
    for engine in both:
        event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        for engine in both:
            event.remove(engine, "before_cursor_execute", hear)


# What is asked


def everything(ledger: Ledger, clock: ManualClock) -> None:
    """What a pass of the service, and each command, asks of a ledger."""
    now, day = clock.now(), timedelta(days=1)
    span = (now - day, now)
    _intake(ledger)
    _service(ledger, clock)
    selections = [Selection(), Selection(keys=("till:5",)), Selection(days=(span[0].date(), span[1].date()))]
    selections += [Selection(state=state) for state in State]
    selections += [Selection(store="second"), Selection(source="other"), Selection(store="main", state=State.HELD)]
    selections += [Selection(source="till", state=State.REJECTED), Selection(state=State.HELD, text="no")]
    for selection in selections:
        ledger.sales.find(selection, limit=20)
    for selection in selections[1:3]:
        ledger.sales.decide(Verb.RETRY, selection, "ada")
    for verb, state in ((Verb.RETRY, State.REJECTED), (Verb.RELEASE, State.HELD), (Verb.SKIP, State.HELD)):
        ledger.sales.decide(verb, Selection(state=state), "ada")
    ledger.sales.story("till:5")
    ledger.sales.by_key(["till:5", "till:6"])
    ledger.sales.of_orders("main", [5, 7, 8])
    ledger.sales.remark("main", [5, 8], "ada", "archived")
    ledger.sales.returned_total("till:5", but="till:6")
    _first(ledger.sales.placed("main", *span))
    _first(ledger.sales.linked("main", *span))
    _first(ledger.sales.linked("main", None, None))
    ledger.sources.faults(limit=20)
    ledger.sources.faults("till", limit=20)
    ledger.sources.faults("till", limit=20, settled=True)
    ledger.sources.open_faults()
    ledger.sources.settle_faults("till", [3], "ada")
    ledger.sources.settle_faults("till", [], "ada")
    ledger.sources.names()
    _pages(ledger, selections, span)


def _pages(ledger: Ledger, selections: list[Selection], span: tuple[datetime, datetime]) -> None:
    overviews = ledger.overviews
    by_words = [
        Selection(words="mug 12.30", store="main", state=State.SYNCED),
        Selection(words="5", location="Downtown", days=(span[0].date(), span[0].date())),
        Selection(sku="MUG-1", days=(span[0].date(), span[1].date())),
        Selection(number="5"),
    ]
    for selection in [*selections, Selection(ids=(5, 6)), *by_words]:
        page = overviews.page(selection, 20)
        overviews.page(selection, 20, place_of(page[-1]) if page else (1, 1))
    for selection in [Selection(), Selection(store="main", state=State.SYNCED), *by_words]:
        overviews.how_many(selection, 20)
        overviews.is_cut(selection)
    for store in (None, "main"):
        ledger.activity.of(span[1], store)
        ledger.activity.failures(span[1], store)
    ledger.activity.orders_of(["main"], span[1])
    ledger.activity.orders_since(span[1])
    overviews.sides_of_store("main", span[1].date(), span[1].date())
    overviews.sides_of_day(span[1].date())
    overviews.sides("till", span[1].date())
    _first(overviews.of_days("main", span[0].date(), span[1].date()))
    overviews.returns_of("main", ["till:5", "till:6"])
    overviews.synced_after("main", (1, 1), 20)
    overviews.refunded_since("main", span[0].date())
    for state in (State.HELD, State.REJECTED, State.UNKNOWN):
        overviews.reasons(state)
    overviews.named("5", ["till"], ["main"])
    overviews.newest_placed()
    overviews.key_of(5)
    overviews.log(overviews.log(None, 5)[-1].place, 5)


def _first(sales: Iterator[object]) -> None:
    next(sales, None)


def _intake(ledger: Ledger) -> None:
    orders = tuple(sale(source="till", sale_id=str(number)) for number in (SALES + 1, SALES + 2, 8))
    batch = Batch(orders, (Fault("a.csv:1", "bad", "x", "9"),), "c")
    ledger.sales.record(batch, RecordOptions("till", to_main))
    number = ledger.backfills.ask("till", *_SPAN, by="me").number
    ledger.sales.record(batch, RecordOptions("till", to_main, lane=Lane.BACKFILL, backfill=number))
    ledger.backfills.recorded(number)
    ledger.backfills.progress(number)
    ledger.backfills.pause(number)
    ledger.sources.cursor("till")


_SPAN = (datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 11, 2, tzinfo=UTC))


def _service(ledger: Ledger, clock: ManualClock) -> None:
    now = clock.now()
    ledger.stores.bind("main", "hash")
    with ledger.lease("main") as lease:
        ledger.attempts.recover_interrupted(lease)
        ledger.attempts.reevaluate_holds(lease)
        due = ledger.sales.due("main", limit=4, now=now, far=FAR)
        attempts = ledger.attempts.begin(
            lease, [Intent(s.id, s.sale_key, AttemptKind.CREATE, s.fingerprint, "d") for s in due]
        )
        for attempt in attempts:
            ledger.attempts.settle(
                attempt, took(attempt, attempt.id + SALES), ReplyInfo(200, "r", 0.1, "accepted", "7")
            ).result(60)
        doubtful = ledger.sales.unsettled("main", limit=100, now=now, far=FAR)
        ledger.attempts.reschedule_lookups(lease, doubtful[:2], now)
        ledger.attempts.resolve(lease, [(doubtful[2], LookedUp(clock.elapsed()))], Now.of(clock))
        ledger.attempts.stamps(doubtful[0])
    ledger.stores.knows_any("main")
    ledger.stores.open_checkouts("main")
    ledger.stores.known("main", ["old:5", "old:6"])
    ledger.stores.note_known("main", [("old:7", StoreOrder(7, OrderSnapshot()))])
    ledger.sales.counts()
    ledger.sales.lags(["main", "never spoken to"])
    ledger.stores.get("main")
    ledger.alerts.raise_new([Alert("main", "two orders", "x", "y", "z")])
    ledger.alerts.end("main", "two orders", ["x"])
    ledger.alerts.present("main")
    ledger.catalog.keep_lookups("main", "sku", {"A": "1"})
    ledger.catalog.lookups("main", "sku", ["A"], younger_than=now)
    ledger.catalog.prune_lookups(now - timedelta(days=2))
    ledger.state.put("quota", {"now": "{}"}, "s7")
    ledger.state.get("quota", ["now"], "s7")
    ledger.state.drop("quota", ["now"], "s7")
    ledger.state.drop_older("quota", now - timedelta(days=2))
    ledger.state.all("daemons")
    ledger.catalog.find_variants("main", "sku", ["S5"])
    ledger.catalog.find_variants("main", "upc", ["U5"])
    old = now - timedelta(days=200)
    ledger.maintenance.forget_documents(old)
    ledger.maintenance.forget_history(old)
    ledger.maintenance.tidy()
    waiting = ledger.outbox.due(20)
    ledger.outbox.taken([one.number for one in waiting[2:]])
    ledger.outbox.refused(waiting[0].number, "no", now)
    ledger.outbox.backlog()
    ledger.outbox.drop(old)
    forget_person = ledger.maintenance.find_person(None, ("till:8",))
    ledger.maintenance.forget_person(forget_person)


# What the database says of it


def explain(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """What is wrong with the plan of a statement; empty where nothing is."""
    if connection.dialect.name == "sqlite":
        rows = connection.exec_driver_sql(f"explain query plan {statement}", parameters).all()
        steps = [str(row[3]) for row in rows]
        return [step for step in steps if _scans(step, statement) or _walks_a_store(step, statement)] + _sorts(steps)
    raw = connection.exec_driver_sql(f"explain (format json) {statement}", parameters).scalar_one()
    document = raw if isinstance(raw, list) else json.loads(raw)
    return [words for node in _nodes(document[0]["Plan"]) if (words := _bad(node))]


def _scans(step: str, statement: str) -> bool:
    """A walk of a whole table or of a whole index, unless it is one in the order that is asked for, which a limit ends."""
    words = step.split()
    ends = "sales_newest" in words or ("outbox" in words and "limit" in statement.lower())
    return words[0] == "SCAN" and words[1] in GROWING and not ends


def _walks_a_store(step: str, statement: str) -> bool:
    """A walk of everything that one store or source has; in the order of the index a limit ends it, and so does min or max."""
    whole = re.search(r"sales_(synced|of_order|of_store|of_source) \((store|source)=\?\)", step)
    said = statement.lower()
    ends = "limit" in said and re.search(r"order by sales.(placed_at|order_id|synced_at)", said)
    return bool(whole) and not ends and "max(" not in said and "min(" not in said


def _sorts(steps: list[str]) -> list[str]:
    """Sorting is fine for what an index has found; the few open sales, the rows of one sale."""
    walked = [step for step in steps if "sales_newest" in step or step.startswith("SCAN sales")]
    return [step for step in steps if "TEMP B-TREE FOR ORDER BY" in step and walked]


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from _nodes(below)


def _bad(node: dict[str, Any]) -> str:
    if node["Node Type"] == "Seq Scan" and node.get("Relation Name") in GROWING and node["Relation Name"] != "cache":
        return f"Seq Scan on {node['Relation Name']}: {node.get('Filter')}"
    if node["Node Type"] == "Sort" and node["Plan Rows"] > SALES / 30:
        return f"Sort of {node['Plan Rows']} rows by {node.get('Sort Key')}"
    return ""


@both_databases
def test_no_statement_scans_what_grows_with_the_ledger(database: str, tmp_path: Path) -> None:
    clock = ManualClock()
    with ledger_url(database, tmp_path) as url, Ledger.open(url, clock, DECIDER, events=frozenset(EventKind)) as ledger:
        engines = ledger._engines
        with engines.write.begin() as connection:
            if database == "postgresql":
                connection.execute(text("set local synchronous_commit = off"))
            fill(connection)
        if database == "postgresql":
            with engines.write.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("analyze"))
        with listening(engines) as heard:
            everything(ledger, clock)
        plans = {statement: parameters for statement, parameters in heard if _is_explained(statement)}
        assert len(plans) > 60
        found: dict[str, list[str]] = {}
        with engines.write.connect() as connection:
            for statement, parameters in plans.items():
                if wrong := explain(connection, statement, parameters):
                    found[statement] = wrong
            connection.rollback()
    assert not found, "\n\n".join(f"{statement}\n  {wrong}" for statement, wrong in found.items())


def _is_explained(statement: str) -> bool:
    words = statement.lower().split(None, 1)
    return words[0] in {"select", "update", "delete", "insert", "with"} and "pg_" not in statement


def test_a_scan_is_seen(tmp_path: Path) -> None:
    """The test above can fail."""
    with (
        Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", ManualClock(), DECIDER) as ledger,
        ledger._engines.write.connect() as connection,
    ):
        assert explain(connection, "select * from sales where why = 'x'", ())
        assert explain(connection, "select * from sales where register > '1' order by register limit 5", ())
        assert not explain(connection, "select * from sales where sale_key = 'x'", ())
