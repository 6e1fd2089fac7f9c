"""Brings a ledger to this program's schema: Alembic migrations that ship inside the package, forward only."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from syncd.errors import Corrupt, TooNew
from syncd.ledger import backup
from syncd.ledger.engine import Engines

HEAD = "0026"
KNOWN = tuple(f"{number:04}" for number in range(1, int(HEAD) + 1))
_FOLDER = Path(__file__).with_name("migrations")


def to_head(engines: Engines, where: str) -> None:
    """Create the tables, or upgrade them; does nothing where they are as they should be.

    Raises:
        TooNew: a newer syncd wrote this ledger.
        Corrupt: the database holds other tables, or its schema cannot be told.

    """
    with engines.read.connect() as connection:
        found = _revision(connection, where)
    if found == HEAD:
        return
    if found is not None and found not in KNOWN:
        cure = "Install the syncd that wrote it, or a newer one; going back to an older schema is not possible."
        raise TooNew(f"the ledger {where} has schema {found}; this syncd knows up to {HEAD}", cure)
    if found is not None:
        _back_up(engines)
    _migrate(engines)


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


def _migrate(engines: Engines) -> None:
    # Alembic takes a tenth of a second to import, and almost no start needs it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    with engines.write.begin() as connection:
        if not engines.is_sqlite:
            connection.execute(text("set local statement_timeout = 0"))
            connection.execute(text("set local lock_timeout = 0"))
            connection.execute(
                text("select pg_advisory_xact_lock(7305803386274)")
            )  # two starts at once: the second waits
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
