"""Real databases for tests: SQLite files, and databases of their own on a PostgreSQL server where one answers."""

from __future__ import annotations

import atexit
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from syncd.ledger import upgrade
from syncd.ledger.engine import Engines

SERVER = os.environ.get("SYNCD_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres")

both_databases = pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)


@contextmanager
def ledger_url(database: str, folder: Path, *, migrated: bool = False) -> Iterator[str]:
    """The URL of an empty database; with ``migrated``, of one that has today's tables already, which opens faster."""
    if database == "sqlite":
        if migrated:
            put_empty_ledger(folder / "ledger.db")
        yield f"sqlite:///{folder / 'ledger.db'}"
        return
    if not _answers():
        pytest.skip("no PostgreSQL server answers (SYNCD_TEST_POSTGRESQL names one)")
    name = _new_name()
    _on_server(f"create database {name}" + (f" template {_postgresql_template()}" if migrated else ""))
    try:
        yield _url_of(name)
    finally:
        _drop(name)


def put_empty_ledger(file: Path) -> None:
    """Copy an empty ledger in SQLite that has today's tables already: it opens faster than one that is made step by step."""
    shutil.copy(_sqlite_template(), file)


@contextmanager
def writes_refused(file: Path, change: str) -> Iterator[None]:
    """The database itself refuses one kind of write to a ledger in SQLite, such as ``insert on attempts``, until the end."""
    with sqlite3.connect(file) as connection:
        connection.execute(
            f"create trigger refuse before {change} begin select raise(abort, 'refused by the test'); end"
        )
    try:
        yield
    finally:
        with sqlite3.connect(file) as connection:
            connection.execute("drop trigger refuse")


@contextmanager
def shut_out(url: str) -> Iterator[None]:
    """A PostgreSQL database that ends every connection and takes no new one until the end."""
    name = make_url(url).database
    _on_server(f"alter database {name} allow_connections false")
    _on_server(f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'")
    try:
        yield
    finally:
        _on_server(f"alter database {name} allow_connections true")


@cache
def _sqlite_template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="syncd-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    to_revision(f"sqlite:///{folder / 'ledger.db'}", "head").dispose()
    return folder / "ledger.db"


@cache
def _postgresql_template() -> str:
    name = _new_name()
    _on_server(f"create database {name}")
    atexit.register(_drop, name)
    to_revision(_url_of(name), "head").dispose()
    return name


def _new_name() -> str:
    return f"syncd_test_{uuid.uuid4().hex[:12]}"


def _url_of(name: str) -> str:
    return make_url(SERVER).set(database=name).render_as_string(hide_password=False)


def _drop(name: str) -> None:
    _on_server(f"drop database if exists {name} with (force)")


def to_revision(url: str, revision: str) -> Engines:
    """A ledger of an older schema, empty, or brought to it."""
    config = Config()
    config.set_main_option("script_location", str(Path(upgrade.__file__).with_name("migrations")))
    engines = Engines(url)
    engines.prepare_file()
    with engines.write.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    return engines


@contextmanager
def older_ledger(url: str, revision: str) -> Iterator[Connection]:
    """A ledger as a syncd of an older schema left it, to be filled until the end of the block."""
    engines = to_revision(url, revision)
    with engines.write.begin() as connection:
        yield connection
    engines.dispose()


@cache
def _answers() -> bool:
    try:
        _on_server("select 1")
    except OperationalError:
        return False
    return True


def _on_server(statement: str) -> None:
    engine = create_engine(SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    try:
        with engine.connect() as connection:
            connection.execute(text(statement))
    finally:
        engine.dispose()
