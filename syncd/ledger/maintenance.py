"""How a ledger is kept in order: what it says of itself, whether it is sound, copies of it, room that it gives back."""

from __future__ import annotations

import secrets
import shutil
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, text

from syncd.errors import Full, LedgerError, UsageError
from syncd.ledger import backup, search, upgrade, verify
from syncd.ledger.counting import fold_counts
from syncd.ledger.engine import Engines, busy_or_worse, translated
from syncd.ledger.erasure import Forgotten, Person, find_person, forget_person
from syncd.ledger.retention import forget_documents, forget_history
from syncd.ledger.session import prove_own
from syncd.ledger.transactions import Repository, Transactions, reads

_ROOM = 1.1  # of its size: a compacted copy is written beside it


class Maintenance(Repository):
    """The upkeep of one ledger."""

    def __init__(self, database: Transactions, engines: Engines, where: str) -> None:
        super().__init__(database)
        self._engines, self._where = engines, where

    def check_file(self) -> None:
        """Make sure that the ledger's file still is the one that was opened.

        Raises:
            Replaced: it was removed, or another one is in its place.

        """
        self._engines.check_file()

    def check_schema(self) -> None:
        """Make sure that this program still can work on the ledger's tables, which a newer one may upgrade meanwhile.

        Raises:
            TooNew: it cannot.

        """
        with translated(self._where):
            upgrade.check(self._engines, self._where)

    def describe(self) -> list[str]:
        """Return what ``syncd check`` says of the ledger: where it is, its schema, how durable it is."""
        lines = [f"{self._where}, schema {upgrade.HEAD}"]
        if self._engines.is_sqlite:
            with self._engines.write.begin() as connection:
                journal = connection.execute(text("PRAGMA journal_mode")).scalar_one()
                synchronous = connection.execute(text("PRAGMA synchronous")).scalar_one()
            lines.append(f"journal {journal}, synchronous {'FULL' if synchronous == 2 else synchronous}")
        else:
            lines.append(", ".join(f"{name} {self._setting(name)}" for name in ("synchronous_commit", "fsync")))
        return lines

    @reads
    def server_time(self, connection: Connection) -> datetime:
        """Return the time by the database's own clock; this machine's for a ledger that is a file of it."""
        if connection.dialect.name == "sqlite":
            return self.database.clock.now()
        found: datetime = connection.execute(text("select clock_timestamp()")).scalar_one()
        return found.astimezone(UTC)

    def careless(self) -> str:
        """Why a commit of this ledger may be forgotten by a crash of its database; empty where it may not."""
        if not self._engines.is_sqlite and self._setting("fsync") != "on":
            return "the database runs with fsync off: after a power cut it may have forgotten what was sent"
        return ""

    def _setting(self, name: str) -> str:
        with translated(self._where), self._engines.write.connect() as connection:
            return str(connection.execute(text(f"show {name}")).scalar_one())

    def shared(self) -> LedgerError | None:
        """Why no lock of this ledger's database holds; None where they do."""
        if self._engines.is_sqlite:
            return None
        try:
            with translated(self._where), self._engines.write.connect() as connection:
                prove_own(connection, self._engines.write, secrets.token_hex(8))
                connection.invalidate()
        except LedgerError as error:
            return error
        return None

    def tidy(self) -> None:
        """Small things that keep the ledger quick; to be called every minute or so."""
        if not self._engines.is_sqlite:
            self.database.write(fold_counts)

    def backup(self, target: Path) -> int:
        """Copy the ledger while it is in use; return the bytes written. Raises UsageError where it is not a SQLite file of ours."""
        if self._engines.path is None:
            raise UsageError("a PostgreSQL ledger is backed up by the database's own means", "Use pg_dump.")
        return backup.copy(self._engines.path, target)

    @reads
    def verify(self, connection: Connection) -> list[str]:
        """Return a line for everything in the ledger that is not as it must be."""
        return list(verify.problems(connection))

    @reads
    def find_person(self, connection: Connection, email: str | None, keys: Sequence[str]) -> Person:
        """Return the person with an e-mail address (whatever its case), or of some sales."""
        return find_person(connection, email, keys)

    def forget_person(self, person: Person) -> Forgotten:
        """Forget what can be forgotten of a person; see ``erasure``."""
        return forget_person(self.database, person)

    def forget_documents(self, synced_before: datetime) -> int:
        """Forget what sales said that were synced long ago; see ``retention``. Return how many they were."""
        return forget_documents(self.database, synced_before)

    def fill_search(self, goes_on: Callable[[], bool]) -> int:
        """Give words to sales that have none, for as long as it ``goes_on``; see ``search``. Return how many sales."""
        return search.fill(self.database, goes_on)

    def search_is_filled(self) -> bool:
        """Whether a search finds all sales: those from before there was an index are in it."""
        return search.is_filled(self.database)

    def forget_history(self, before: datetime) -> int:
        """Forget how sales that were synced long ago came there; see ``retention``. Return how many rows."""
        return forget_history(self.database, before)

    def vacuum(self) -> tuple[int, int]:
        """Give back the room of what was forgotten; bytes before and after. Writers to a SQLite ledger wait meanwhile.

        A PostgreSQL server keeps that room for rows to come, and waits for nobody.

        Raises:
            Full: there is no room for the compacted copy; the ledger stays as it is.
            Busy: somebody writes all the time.

        """
        path = self._engines.path
        if path is None:
            return self._vacuum_server()
        before = path.stat().st_size
        if shutil.disk_usage(path.parent).free < before * _ROOM:
            cure = (
                f"Free {before * _ROOM / 1e6:,.0f} MB on that disk, or let syncd forget more ([ledger] keep_history)."
            )
            raise Full(f"there is no room beside {path} for its compacted copy", cure)
        with busy_or_worse(self._where), closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as raw:
            raw.execute("pragma synchronous=full")
            raw.execute("vacuum")
            raw.execute("pragma optimize=0x10002")
            raw.execute("pragma wal_checkpoint(truncate)")
        return before, path.stat().st_size

    def _vacuum_server(self) -> tuple[int, int]:
        size = text("select pg_database_size(current_database())")
        with translated(self._where), self._engines.write.connect() as plain:
            connection = plain.execution_options(isolation_level="AUTOCOMMIT")
            before = connection.execute(size).scalar_one()
            connection.execute(text("set statement_timeout = 0"))
            connection.execute(text("vacuum (analyze)"))
            after = connection.execute(size).scalar_one()
            connection.invalidate()
        return int(before), int(after)
