"""Facts that must survive: an upgrade of the schema, of the fingerprint, of an adapter; and a database that forgets."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from syncd.canonical import fingerprint
from syncd.ledger import Ledger, upgrade
from syncd.ledger.engine import Engines
from syncd.sale.overrides import Verb
from syncd.sale.states import AttemptKind, State
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import both_databases, ledger_url, to_revision
from tests.deciders import DECIDER
from tests.ledger.conftest import Book, numbered

# A ledger of the schema before, with a sale in every situation


def old_sale(connection: Connection, number: int, state: str, **columns: Any) -> None:
    order = sale(sale_id=f"s{number}")
    row = {
        "id": number,
        "sale_key": order.sale_key,
        "source": "till",
        "store": "main",
        "lane": "live",
        "state": state,
        "fingerprint": fingerprint(order),
        "placed_at": 1,
        "recorded_at": 1,
        "changed_at": 1,
        "currency": "USD",
        "total_inc_tax": "10.80",
        "total_tax": "0.80",
        "document": order.to_json(),
        **columns,
    }
    names = ", ".join(row)
    connection.execute(text(f"insert into sales ({names}) values ({', '.join(f':{name}' for name in row)})"), row)
    audit = "insert into audit (sale_id, at, actor, after, why) values (:id, 1, 'syncd', :state, 'recorded')"
    connection.execute(text(audit), {"id": number, "state": state})


def old_ledger(connection: Connection) -> None:
    mark = fingerprint(sale(sale_id="s1"))
    old_sale(connection, 1, "synced", order_id=101, pushed_fingerprint=mark, synced_at=5)
    mark = fingerprint(sale(sale_id="s2"))
    old_sale(connection, 2, "held", order_id=102, pushed_fingerprint=mark, why="off by 1.00", cure="look")
    old_sale(connection, 3, "held", why="it does not add up", cure="mend it")
    old_sale(connection, 4, "rejected", why="BigCommerce said 400", cure="retry")
    old_sale(connection, 5, "skipped", settled_by="cli:ada", why="typed by hand")
    old_sale(connection, 6, "skipped", settled_by="syncd", why="a training sale")
    old_sale(connection, 7, "unknown", next_attempt_at=1, lookups=json.dumps([["boot", 5.0], ["boot", 9.0]]))
    old_sale(connection, 8, "unknown", next_attempt_at=1)
    old_sale(connection, 9, "pending", next_attempt_at=1)
    for number, kind in ((7, "update"), (8, "create")):
        insert = (
            "insert into attempts (sale_id, kind, fingerprint, digest, began_at, boot_id, boot_s, settled_at, outcome)"
            " values (:id, :kind, 'f', 'd', 1, 'boot', '4.5', 2, 'unknown')"
        )
        connection.execute(text(insert), {"id": number, "kind": kind})
    connection.execute(text("insert into known_orders values ('main', 'till:x', 100, '1.00', 'USD')"))


@both_databases
def test_a_ledger_of_the_schema_before_keeps_every_sale_and_learns_what_is_told_doubted_and_decided(
    database: str, tmp_path: Path
) -> None:
    with ledger_url(database, tmp_path) as url:
        engines = to_revision(url, "0003")
        with engines.write.begin() as connection:
            old_ledger(connection)
        engines.dispose()
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            kept = {number: ledger.sales.get(f"till:s{number}") for number in range(1, 10)}
            assert ledger.maintenance.verify() == []
            assert ledger.stores.known("main", ["till:x"])["till:x"].order_id == 100
            assert ledger.alerts.present() == []
        one, difference, off, refused, by_hand, by_rule, changed, created, due = kept.values()
        assert all((one, difference, off, refused, by_hand, by_rule, changed, created, due))
        assert one
        assert one.belief.confirmed_version == one.fingerprint
        assert difference
        assert (difference.order_id, difference.belief.confirmed_version) == (102, None)
        assert off
        assert off.objection
        assert off.objection.why == "it does not add up"
        assert refused
        assert refused.objection
        assert refused.objection.state is State.REJECTED
        assert by_hand
        assert by_hand.override
        assert (by_hand.override.verb, by_hand.override.by) == (Verb.SKIP, "cli:ada")
        assert by_rule
        assert by_rule.override is None
        assert changed
        assert changed.doubt
        assert (changed.doubt.kind, len(changed.doubt.looks)) == (AttemptKind.UPDATE, 1)
        assert created
        assert created.doubt
        assert (created.doubt.kind, created.doubt.since.seconds) == (AttemptKind.CREATE, 4.5)


def test_a_checked_copy_is_made_before_the_schema_changes_and_opens_as_it_was(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    engines = to_revision(url, "0003")
    with engines.write.begin() as connection:
        old_ledger(connection)
    engines.dispose()
    copied = tmp_path / f"ledger.db.before-{upgrade.HEAD}"
    copied.write_text("left by an upgrade that was cut off")
    Ledger.open(url, ManualClock(), DECIDER).close()
    with sqlite3.connect(copied) as raw:
        assert raw.execute("select version_num from alembic_version").fetchone() == ("0003",)
        assert raw.execute("select count(*) from sales").fetchone() == (9,)
    assert copied.stat().st_mode & 0o077 == 0


def test_a_new_ledger_needs_no_copy(tmp_path: Path) -> None:
    Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", ManualClock(), DECIDER).close()
    assert [path.name for path in tmp_path.iterdir() if "before" in path.name] == []


# The same sales, read by another syncd


@both_databases
def test_another_way_of_taking_fingerprints_turns_no_synced_sale_into_an_edit(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.record(*numbered(3))
    book.push()
    monkeypatch.setattr(sys.modules["syncd.canonical.fingerprint"], "_VERSION", "2")
    recorded = book.record(*numbered(3))
    assert (recorded.same, recorded.changed, book.due()) == (3, 0, [])
    kept = book.sale("till:0")
    assert kept.fingerprint.startswith("2")
    assert kept.belief.confirmed_version == kept.fingerprint
    assert book.ledger.maintenance.verify() == []
    assert book.record(sale(sale_id="0", note="edited")).changed == 1


@both_databases
def test_what_a_person_decided_outlives_another_way_of_taking_fingerprints(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.record(sale(total_inc_tax="99.00"))
    book.decide(Verb.RELEASE)
    monkeypatch.setattr(sys.modules["syncd.canonical.fingerprint"], "_VERSION", "2")
    assert book.record(sale(total_inc_tax="99.00")).same == 1
    assert book.state() is State.PENDING
    decision = book.sale().override
    assert decision is not None
    assert decision.fingerprint == book.sale().fingerprint


FILLED: dict[str, Any] = {"cashier": {"id": "7", "name": "Ada"}, "business_day": "2026-11-20"}
EDITS: dict[str, dict[str, Any]] = {
    "a customer": {"customer": {"email": "ada@example.com"}},
    "a void": {"status": "voided"},
    "a tip": {
        "fees": [{"kind": "tip", "name": "Tip", "total_ex_tax": "1", "total_inc_tax": "1"}],
        "total_inc_tax": "11.80",
    },
    "a refund": {"refunds": [{"id": "r1", "amount_inc_tax": "1.00"}], "status": "partially_refunded"},
}


@both_databases
def test_an_adapter_that_fills_new_fields_turns_no_synced_sale_into_an_edit(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.record(sale())
    book.push()
    monkeypatch.setattr("syncd.ledger.record.__version__", "99.0")
    assert book.record(sale(**FILLED)).same == 1
    assert book.state() is State.SYNCED
    assert book.sale().order().cashier is not None
    assert book.ledger.maintenance.verify() == []
    assert book.record(sale(**FILLED | {"cashier": {"id": "8", "name": "Bo"}})).changed == 1


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("database", ["sqlite"])
def test_what_changes_the_sale_itself_is_an_edit_whoever_reads_it(
    book: Book, edit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.record(sale())
    book.push()
    monkeypatch.setattr("syncd.ledger.record.__version__", "99.0")
    assert book.record(sale(**FILLED | EDITS[edit])).changed == 1


@pytest.mark.parametrize("database", ["sqlite"])
def test_the_same_syncd_takes_a_field_that_was_filled_since_for_an_edit(book: Book) -> None:
    book.record(sale())
    book.push()
    assert book.record(sale(**FILLED)).changed == 1


# A database that forgets what it has said


@pytest.mark.postgresql
@pytest.mark.parametrize(("default", "used"), [("off", "on"), ("local", "on"), ("remote_apply", "remote_apply")])
def test_commits_wait_for_the_disk_whatever_the_database_has_by_default(
    tmp_path: Path, default: str, used: str
) -> None:
    with ledger_url("postgresql", tmp_path) as url:
        engines = Engines(url)
        with engines.write.begin() as connection:
            name = connection.execute(text("select current_database()")).scalar_one()
            connection.execute(text(f'alter database "{name}" set synchronous_commit = {default}'))
        engines.dispose()
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            assert f"synchronous_commit {used}" in ledger.maintenance.describe()[1]
            assert ledger.maintenance.careless() == ""


# A connection that breaks


def broken_in_mid_batch(engines: Engines) -> object:
    """A batch whose connection is cut in the middle of it: the driver's connection that it leaves in pipeline mode."""
    broken: Any = None
    with contextlib.suppress(OperationalError), engines.write.begin() as connection:
        broken = connection.connection.driver_connection
        broken.pgconn.enter_pipeline_mode()
        connection.execute(text("select 1"))
    return broken


@pytest.mark.postgresql
def test_a_connection_that_breaks_in_mid_batch_is_thrown_away_without_a_noise(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ledger_url("postgresql", tmp_path) as url:
        engines = Engines(url)
        broken = broken_in_mid_batch(engines)
        with engines.write.begin() as connection:
            assert connection.connection.driver_connection is not broken
            assert connection.execute(text("select 1")).scalar_one() == 1
        engines.dispose()
    assert [record.getMessage() for record in caplog.records if record.levelname in ("ERROR", "WARNING")] == []
