"""The queue's own schema: made once, dropped once no worker uses it, and a hint that cannot be given is no error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from syncd.errors import ConfigError, LedgerError
from syncd.fleet.queue import PREFIX, Hints, check_queue, connection_of, count_jobs, migrate_queue, queue_schema
from tests.databases import ledger_url, shut_out

pytestmark = pytest.mark.postgresql


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with ledger_url("postgresql", tmp_path) as made:
        yield made


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def schemas(url: str) -> set[object]:
    return {row[0] for row in execute(url, f"select nspname from pg_namespace where nspname like '{PREFIX}%'")}


def test_the_queue_is_made_once_in_a_schema_of_its_own(url: str) -> None:
    with pytest.raises(LedgerError, match="no queue for a fleet yet"):
        check_queue(url)
    assert migrate_queue(url)
    assert not migrate_queue(url)
    check_queue(url)
    assert schemas(url) == {queue_schema()}
    public = execute(
        url, "select count(*) from pg_tables where schemaname = 'public' and tablename like 'procrastinate%'"
    )
    assert public == [(0,)]


def test_a_queue_of_another_version_goes_once_no_worker_has_used_it_for_an_hour(url: str) -> None:
    migrate_queue(url)
    for name in ("old", "used"):
        execute(url, f"create schema {PREFIX}{name}")
        execute(url, f"create table {PREFIX}{name}.procrastinate_workers as select 1 as id, now() as last_heartbeat")
    execute(url, f"update {PREFIX}old.procrastinate_workers set last_heartbeat = now() - interval '2 hours'")
    migrate_queue(url)
    assert schemas(url) == {queue_schema(), f"{PREFIX}used"}


def test_one_job_waits_for_each_store_however_often_it_is_asked_for(url: str) -> None:
    migrate_queue(url)
    with Hints(url) as hints:
        assert hints.push("a")
        assert not hints.push("a", live=False)
        assert hints.push("b")
        assert hints.poll(1)
        assert hints.poll(2)
        assert [(one.queue, one.waiting) for one in count_jobs(url)] == [("push", 2), ("poll", 2), ("control", 0)]


def test_a_hint_that_cannot_be_given_is_dropped_and_the_next_one_arrives(url: str) -> None:
    migrate_queue(url)
    with Hints(url) as hints:
        with shut_out(url):
            assert not hints.push("a")
        assert hints.push("a")


@pytest.mark.parametrize("given", ["sqlite:///ledger.db", "mysql://root@127.0.0.1/syncd"])
def test_a_queue_needs_postgresql(given: str) -> None:
    with pytest.raises(ConfigError, match="PostgreSQL"):
        connection_of(given)


@pytest.mark.parametrize(
    "given",
    ["postgresql://u:p@db:5433/x", "postgres://u:p@db:5433/x", "postgresql+psycopg://u:p@db:5433/x?sslmode=require"],
)
def test_a_ledgers_url_becomes_what_the_driver_takes(given: str) -> None:
    found = connection_of(given)
    assert found["conninfo"].startswith("postgresql://u:p@db:5433/x")


def test_options_of_the_url_stay() -> None:
    found = connection_of("postgresql://u@db/x?options=-c%20statement_timeout%3D5s&tcp_user_timeout=9")
    assert "options=-c" in found["conninfo"]
    assert "tcp_user_timeout" not in found["kwargs"]
