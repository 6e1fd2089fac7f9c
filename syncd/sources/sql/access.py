"""What the account that we were given may do to the till's database: it should be able to read, and nothing else."""

from __future__ import annotations

import re

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

# Privileges that change nothing. EXECUTE is not among them: a procedure runs with its owner's rights.
_HARMLESS = frozenset(
    {
        "USAGE",
        "SELECT",
        "SHOW VIEW",
        "SHOW DATABASES",
        "PROCESS",
        "REPLICATION CLIENT",
        "BINLOG MONITOR",
        "SLAVE MONITOR",
    }
)
_GRANT = re.compile(r"GRANT (?P<what>.+?) ON (?P<where>\S+) TO ", re.IGNORECASE)
_ROLE = re.compile(r"GRANT (?P<role>`[^`]+`(?:@`[^`]*`)?|'[^']+'(?:@'[^']*')?|\w+) TO ", re.IGNORECASE)
_COLUMNS = re.compile(r"\([^)]*\)")

_POSTGRESQL = """
    select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and n.nspname not in ('pg_catalog', 'information_schema') and n.nspname not like 'pg_toast%'
    and has_schema_privilege(n.oid, 'USAGE') and has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
    order by 1 limit 3
"""


def may_write(connection: Connection) -> str:
    """Return what the account could change, in words; empty where it can only read. No write is tried.

    MariaDB and MySQL: by ``SHOW GRANTS``, those of its roles included. PostgreSQL: by its tables' privileges. SQLite: the file is
    opened for reading alone. Of other databases nothing is known, and that is said.
    """
    kind = connection.dialect.name
    if kind in ("mysql", "mariadb"):
        return _mysql(connection)
    if kind == "postgresql":
        return _postgresql(connection)
    return "" if kind == "sqlite" else f"of an account of {kind} whether it can write is unknown"


def _mysql(connection: Connection) -> str:
    found: list[str] = []
    asked, waiting = set[str](), [""]
    while waiting:
        role = waiting.pop()
        if role in asked:
            continue
        asked.add(role)
        lines = _grants(connection, role)
        if lines is None:
            found.append(f"can take the role {role.replace('`', '')}, which it does not let us look into")
        for line in lines or ():
            if said := _GRANT.match(line):
                found += _harmful(said["what"], said["where"], line)
            elif granted := _ROLE.match(line):
                waiting.append(granted["role"])
    return "" if not found else f"the account {'; '.join(dict.fromkeys(found))}"


def _grants(connection: Connection, role: str) -> list[str] | None:
    try:
        rows = connection.exec_driver_sql(f"SHOW GRANTS FOR {role}" if role else "SHOW GRANTS").all()
    except SQLAlchemyError:
        return None
    return [str(row[0]) for row in rows]


def _harmful(what: str, where: str, line: str) -> list[str]:
    words = {word.strip().upper() for word in _COLUMNS.sub("", what).split(",")}
    bad = sorted(word for word in words - _HARMLESS if word != "PROXY")
    if "WITH GRANT OPTION" in line.upper() and words != {"PROXY"}:
        bad.append("GRANT")
    return [f"has {', '.join(bad[:4])}{' and more' if len(bad) > 4 else ''} on {where.replace('`', '')}"] if bad else []


def _postgresql(connection: Connection) -> str:
    if connection.execute(text("select rolsuper from pg_roles where rolname = current_user")).scalar():
        return "the account is a superuser"
    tables = connection.execute(text(_POSTGRESQL)).scalars().all()
    return f"the account may write to {', '.join(tables)}" if tables else ""


def cure(connection: Connection) -> str:
    """How an account is made that can only read."""
    name = connection.engine.url.database or "pos"
    if connection.dialect.name == "postgresql":
        make = f"create role syncd_reader login password '...'; grant connect on database {name} to syncd_reader;"
        return f"Make one: {make} grant select on all tables in schema public to syncd_reader; or set may_write = true."
    if connection.dialect.name in ("mysql", "mariadb"):
        make = f"create user syncd_reader@'%' identified by '...'; grant select on `{name}`.* to syncd_reader@'%';"
        return f"Make one: {make} or set may_write = true."
    return "Make one that can only read, and say so with may_write = true: syncd writes nothing."
