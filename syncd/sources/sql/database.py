"""A connection to a till's database that reads, holds nothing for long, and changes nothing.

Every look is one transaction that can only read and sees one moment (REPEATABLE READ); queries and waits for locks are bounded
on the server, so that the till never waits for us. Plain statements alone: nothing that a server of ten years ago would not take.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from syncd.errors import SourceError
from syncd.extras import extra_of, require
from syncd.sources.errors import SourceAccessDenied, SourceUnavailable
from syncd.sources.sql.access import cure, may_write

_CONNECT_S = 10
_LOCK_S = 2
_DRIVERS = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
}
# What a server says where the account is the trouble: MariaDB's error numbers, PostgreSQL's SQLSTATEs.
_DENIED = {1044, 1045, 1130, 1142, 1143, 1227, 1698, "28000", "28P01", "42501"}
# A connection that PostgreSQL refuses carries no SQLSTATE; its words are those of the server's language.
_REFUSALS = ("authentication failed", "not permitted to log in", "no pg_hba.conf entry")
_SLOW = {1969, 3024, 1205, "57014", "55P03"}
_WRITES = {1792, 1290, "25006"}


class Database:
    """A till's database; safe to use from many threads, each look with a connection of its own."""

    def __init__(self, url: str, patience: timedelta, base_dir: Path, *, trusted: bool) -> None:
        self._trusted, self._looked_at = trusted, False
        self._patience_s = max(1, round(patience.total_seconds()))
        self._url, self._base_dir = make_url(url), base_dir
        self.kind = (
            self._url.get_backend_name()
        )  # ``mysql``, ``postgresql``, ``sqlite`` or another of SQLAlchemy's names
        self.shown = self._url.render_as_string(hide_password=True)
        self._lock = threading.Lock()
        self._made: Engine | None = None

    @property
    def _engine(self) -> Engine:
        """Made at the first look: a database that cannot be used must not keep its neighbours from their work."""
        with self._lock:
            if self._made is None:
                self._made = _engine(self._url, self._patience_s, self._base_dir)
                event.listen(self._made, "connect", self._prepare)
            return self._made

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """One look: a transaction that can only read, and sees one moment throughout.

        Raises:
            Denied: the account may not read, or it may write and nobody said that it may.
            Unavailable: the database does not answer, answers too slowly, or has not what was asked for.

        """
        with self._told(), self._engine.connect() as connection:
            if self.kind == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            elif self.kind == "sqlite":
                connection.exec_driver_sql("BEGIN")
            if not self._looked_at and not self._trusted and (able := may_write(connection)):
                raise SourceAccessDenied(
                    f"{self.shown}: {able}; an account that can only read is asked for", cure(connection)
                )
            self._looked_at = True
            try:
                yield connection
            finally:
                with suppress(SQLAlchemyError):
                    connection.rollback()

    def close(self) -> None:
        """Let go of the connections."""
        with self._lock:
            if self._made is not None:
                self._made.dispose()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except DBAPIError as error:
            raise self._in_words(error) from None
        except SQLAlchemyError as error:
            raise SourceUnavailable(f"{self.shown}: {str(error)[:300]}") from None
        except OSError as error:
            raise SourceUnavailable(f"{self.shown} does not answer: {error}") from None

    def _in_words(self, error: DBAPIError) -> SourceError:
        codes = {getattr(error.orig, "sqlstate", None), *(error.orig.args[:1] if error.orig else ())}
        words = str(error.orig.args[-1] if error.orig and error.orig.args else error.orig).strip().splitlines()
        what = f"{self.shown}: {(words or [''])[0][:300]}"
        if codes & _SLOW:
            return SourceUnavailable(
                f"{what} (a query has {self._patience_s} s)", "An index may be missing: see syncd check."
            )
        if codes & _WRITES:
            return SourceAccessDenied(
                f"{what}: a query of this source would write", "Queries may read and nothing else."
            )
        if codes & _DENIED or any(words in what for words in _REFUSALS):
            return SourceAccessDenied(what, "Mend the account, its password or its grants.")
        return SourceUnavailable(
            what, "Is the database up, and does url name it? syncd continues automatically once it answers."
        )

    def _prepare(self, raw: Any, record: object) -> None:  # noqa: ANN401  the driver's own connection
        """Set up each connection first. What an old server does not know of, it is not held to."""
        del record
        if self.kind == "sqlite":
            raw.isolation_level = None
            raw.execute("pragma query_only=on")
            return
        for statement in self._session():
            cursor = raw.cursor()
            try:
                cursor.execute(statement)
            except Exception as error:  # each driver has its own
                if not _is_unknown(error):
                    raise
            finally:
                cursor.close()
        raw.commit()

    def _session(self) -> tuple[str, ...]:
        patience = self._patience_s
        if self.kind == "postgresql":
            return (
                f"set statement_timeout = '{patience}s'",
                f"set lock_timeout = '{_LOCK_S}s'",
                f"set idle_in_transaction_session_timeout = '{patience + 30}s'",
            )
        if self.kind in ("mysql", "mariadb"):
            return (
                # TIMESTAMP columns are shifted by the session's zone: ours must be the till's own, the server's default.
                "SET SESSION time_zone = @@global.time_zone",
                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                "SET SESSION TRANSACTION READ ONLY",
                f"SET SESSION lock_wait_timeout = {_LOCK_S}",
                f"SET SESSION innodb_lock_wait_timeout = {_LOCK_S}",
                f"SET SESSION max_statement_time = {patience}",
                f"SET SESSION max_execution_time = {patience * 1000}",
            )
        return ()


def _is_unknown(error: Exception) -> bool:
    """Whether an old server does not know a variable (1193), or a word (1064)."""
    return bool(error.args) and error.args[0] in (1193, 1064)


def _engine(where: URL, patience_s: int, base_dir: Path) -> Engine:
    try:
        where = where.set(drivername=_DRIVERS.get(where.drivername, where.drivername))
        if where.get_backend_name() == "sqlite":
            where = _read_only_file(where, base_dir)
        return create_engine(
            where,
            pool_size=1,
            max_overflow=3,
            pool_pre_ping=True,
            pool_recycle=300,
            connect_args=_arguments(where, patience_s),
        )
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise SourceUnavailable("url names a kind of database that SQLAlchemy does not know", "Correct it.") from None
    except ImportError as error:
        if (extra := extra_of(error.name)) is not None:
            require(extra, "this kind of database", SourceUnavailable)
        raise SourceUnavailable(
            f"the database's driver is not installed ({error.name})", "Install it beside syncd."
        ) from None


def _read_only_file(where: URL, base_dir: Path) -> URL:
    file = base_dir / Path(where.database or "").expanduser()
    return URL.create("sqlite", database=f"file:{file}", query={"mode": "ro", "uri": "true"})


def _arguments(where: URL, patience_s: int) -> dict[str, Any]:
    if where.get_driver_name() == "pymysql":
        return {"connect_timeout": _CONNECT_S, "read_timeout": patience_s + 10, "write_timeout": _CONNECT_S}
    if where.get_driver_name() == "psycopg":
        return {"connect_timeout": _CONNECT_S, "tcp_user_timeout": (patience_s + 10) * 1000}
    return {"timeout": _LOCK_S} if where.get_backend_name() == "sqlite" else {}
