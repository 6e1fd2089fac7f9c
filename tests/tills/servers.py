"""Databases of tills on the real servers: loaded with a vendor's own schema, with an account that can only read."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pymysql
import pytest
from pymysql.constants import CLIENT
from sqlalchemy import URL, create_engine, make_url
from sqlalchemy.exc import OperationalError

from tests.databases import SERVER

MARIADB = os.environ.get("SYNCD_TEST_MARIADB", "mysql+pymysql://root@127.0.0.1:3306")
READER, PASSWORD = "syncd_reader", "only-to-read"


@dataclass
class TillDatabase:
    """A till's database: what its program writes through, and the URL that syncd reads it by."""

    name: str
    admin: Any
    url: str

    def run(self, statement: str, *values: Any) -> None:
        with self.admin.cursor() as cursor:
            cursor.execute(statement, values or None)

    @property
    def reader(self) -> str:
        """The account that can only read."""
        return str(make_url(self.url).username)

    def lock_out(self) -> None:
        """The reader may not come in any more, and what it had open is closed."""
        if self.url.startswith("mysql"):
            self.run(f"alter user '{self.reader}'@'%' identified by 'another'")
            with self.admin.cursor() as cursor:
                cursor.execute("select id from information_schema.processlist where user = %s", (self.reader,))
                for (number,) in cursor.fetchall():
                    cursor.execute(f"kill {number}")
            return
        self.run(f"alter role {self.reader} nologin")
        self.run("select pg_terminate_backend(pid) from pg_stat_activity where usename = %s", self.reader)

    def many(self, statement: str, rows: Sequence[Sequence[Any]]) -> None:
        with self.admin.cursor() as cursor:
            cursor.executemany(statement, rows)


@cache
def _mariadb_answers() -> bool:
    try:
        _mariadb().close()
    except pymysql.err.OperationalError:
        return False
    return True


def _mariadb(database: str | None = None) -> Any:
    where = make_url(MARIADB)
    return pymysql.connect(
        host=where.host or "127.0.0.1",
        port=where.port or 3306,
        user=where.username or "root",
        password=where.password or "",
        database=database,
        autocommit=True,
        client_flag=CLIENT.MULTI_STATEMENTS,
        init_command="SET SESSION innodb_strict_mode=OFF",
    )


@contextmanager
def mariadb_till(*files: Path) -> Iterator[TillDatabase]:
    """A database of its own on the MariaDB server, made by SQL files, with a reader's account."""
    if not _mariadb_answers():
        pytest.skip("no MariaDB server answers (SYNCD_TEST_MARIADB names one)")
    name = f"syncd_pos_{uuid.uuid4().hex[:12]}"
    admin = _mariadb()
    admin.query(f"create database {name} character set utf8mb4")
    try:
        admin.select_db(name)
        for file in files:
            with admin.cursor() as cursor:
                cursor.execute(file.read_text(encoding="utf-8"))
                while cursor.nextset():
                    pass
        reader = f"{READER}_{name[-6:]}"
        for statement in (
            f"create user '{reader}'@'%' identified by '{PASSWORD}'",
            f"grant select on {name}.* to '{reader}'@'%'",
        ):
            admin.query(statement)
        where = make_url(MARIADB)
        url = URL.create("mysql", reader, PASSWORD, where.host, where.port, name)
        yield TillDatabase(name, admin, url.render_as_string(hide_password=False))
    finally:
        admin.query(f"drop user if exists '{READER}_{name[-6:]}'@'%'")
        admin.query(f"drop database {name}")
        admin.close()


@contextmanager
def postgresql_till(*scripts: str) -> Iterator[TillDatabase]:
    """The same on the PostgreSQL server."""
    name = f"syncd_pos_{uuid.uuid4().hex[:12]}"
    reader = f"{READER}_{name[-6:]}"
    server = create_engine(SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 2})
    try:
        with server.connect() as connection:
            connection.exec_driver_sql(f"create database {name}")
    except OperationalError:
        server.dispose()
        pytest.skip("no PostgreSQL server answers (SYNCD_TEST_POSTGRESQL names one)")
    where = make_url(SERVER).set(database=name)
    engine = create_engine(where, isolation_level="AUTOCOMMIT")
    admin = engine.raw_connection()
    assert admin.driver_connection is not None
    admin.driver_connection.autocommit = True
    till = TillDatabase(
        name,
        admin.driver_connection,
        where.set(username=reader, password=PASSWORD).render_as_string(hide_password=False),
    )
    till.run(f"create role {reader} login password '{PASSWORD}'")
    try:
        for script in scripts:
            till.run(script)
        till.run(f"grant select on all tables in schema public to {reader}")
        yield till
    finally:
        till.run(f"drop owned by {reader}")
        admin.invalidate()
        engine.dispose()
        with server.connect() as connection:
            connection.exec_driver_sql(f"drop database {name} with (force)")
            connection.exec_driver_sql(f"drop role if exists {reader}")
        server.dispose()
