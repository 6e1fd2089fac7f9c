"""Brings a ledger to this program's schema: Alembic migrations that ship inside the package, forward only.

Two versions of syncd may work on one ledger for a while. The newer one says so: with its tables it writes down the oldest schema
whose program may go on beside it (``OLDEST``). A step that only adds (a table, an index, a column that may be empty or has a
default) keeps ``OLDEST``; one that takes away or gives a new meaning sets it to its own number, and ships one version after the
code that no longer needs what goes.
"""

from __future__ import annotations

import threading
from pathlib import Path

from sqlalchemy import Connection, delete, insert, inspect, select, text
from sqlalchemy.exc import OperationalError

from syncd.clock import Clock
from syncd.errors import Corrupt, LedgerError, TooNew, TooOld
from syncd.ledger import backup
from syncd.ledger.engine import Engines, is_conflict, sqlstate
from syncd.ledger.rows import to_micros
from syncd.ledger.schema import state

HEAD = "0031"
OLDEST = "0027"
"""The oldest schema whose program may work on the tables of ``HEAD``."""
KNOWN = tuple(f"{number:04}" for number in range(1, int(HEAD) + 1))
_FOLDER = Path(__file__).with_name("migrations")
_ROW = (state.c.store == "", state.c.owner == "schema", state.c.name == "oldest")
_LOCK_MS, _TRIES, _AGAIN_S = 2_000, 60, 1.0
_LOCK_NOT_AVAILABLE = "55P03"  # https://www.postgresql.org/docs/current/errcodes-appendix.html


def to_head(engines: Engines, where: str, clock: Clock) -> None:
    """Create the tables, or upgrade them; does nothing where this program can work on them.

    Raises:
        TooNew: a newer syncd wrote this ledger, and this one cannot work beside it.
        Corrupt: the database holds other tables, or its schema cannot be told.
        LedgerError: other programs did not let go of a table.

    """
    found = _known_revision(engines, where)
    if found is None or found < HEAD:
        if found is not None:
            _back_up(engines)
        _migrate(engines, where, clock)


def check(engines: Engines, where: str) -> None:
    """Check that this program can work on the tables, and change nothing.

    Raises:
        TooOld: they are to be upgraded first.
        TooNew: a newer syncd wrote them, and this one cannot work beside it.
        Corrupt: the database holds other tables, or its schema cannot be told.

    """
    found = _known_revision(engines, where)
    if found is None or found < HEAD:
        has = f"has schema {found}" if found else "has no tables yet"
        raise TooOld(f"the ledger {where} {has}; this syncd needs {HEAD}", "Run: syncd fleet migrate")


def _known_revision(engines: Engines, where: str) -> str | None:
    """Return the schema that was found, where this program knows it or a newer one says that both may work on it."""
    with engines.read.connect() as connection:
        found = _revision(connection, where)
        oldest = _oldest(connection, found) if found is not None and found not in KNOWN else None
    if found is None or found in KNOWN or (oldest is not None and oldest <= HEAD):
        return found
    cure = "Install the syncd that wrote it, or a newer one; going back to an older schema is not possible."
    raise TooNew(f"the ledger {where} has schema {found}; this syncd knows up to {HEAD}", cure)


def _back_up(engines: Engines) -> None:
    """Copy a SQLite ledger before its schema changes, and check the copy; make one anew that was cut off.

    Raises:
        Full: there is no room for it: the ledger stays as it is, until there is.
        Corrupt: the ledger does not pass its check.

    """
    if engines.path is not None:
        target = engines.path.with_name(f"{engines.path.name}.before-{HEAD}")
        target.unlink(missing_ok=True)
        backup.copy(engines.path, target)


def _revision(connection: Connection, where: str) -> str | None:
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        return connection.execute(text("select version_num from alembic_version")).scalar_one_or_none()
    if tables & {"sales", "attempts", "audit"}:
        cure = "Name another database in [ledger] url; this one is not changed."
        raise Corrupt(f"{where} holds tables of something else", cure)
    return None


def _oldest(connection: Connection, found: str) -> str | None:
    """Return the oldest schema whose program may work on the tables of ``found``, as the newer program wrote it.

    Where nothing is written about that very schema, the one step before it is: a step only adds, unless it says otherwise.
    """
    value = connection.execute(select(state.c.value).where(*_ROW)).scalar_one_or_none()
    of_schema, _, oldest = (value or "").partition(":")
    if of_schema == found:
        return oldest
    return f"{int(found) - 1:04}" if found.isdecimal() else None


def _migrate(engines: Engines, where: str, clock: Clock) -> None:
    for left in reversed(range(_TRIES)):
        try:
            with engines.write.begin() as connection:
                _upgrade(connection, engines, clock)
            return
        except OperationalError as error:
            if sqlstate(error) != _LOCK_NOT_AVAILABLE and not is_conflict(error):
                raise
            if not left:
                why = f"the tables of the ledger {where} are in use, and could not be changed"
                raise LedgerError(why, "Stop what works on them for long, such as a report, and try again.") from None
        clock.wait(threading.Event(), _AGAIN_S)


def _upgrade(connection: Connection, engines: Engines, clock: Clock) -> None:
    # Alembic takes a tenth of a second to import, and almost no start needs it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    if not engines.is_sqlite:
        connection.execute(text("set local statement_timeout = 0"))
        connection.execute(text("set local lock_timeout = 0"))
        connection.execute(text("select pg_advisory_xact_lock(7305803386274)"))  # two starts at once: the second waits
        # Whoever asks for a table behind us waits as long as we wait for it: give way, and try again.
        connection.execute(text(f"set local lock_timeout = {_LOCK_MS}"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    connection.execute(delete(state).where(*_ROW))
    row = {"store": "", "owner": "schema", "name": "oldest", "value": f"{HEAD}:{OLDEST}", "at": to_micros(clock.now())}
    connection.execute(insert(state).values(row))
