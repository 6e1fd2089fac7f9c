"""A ledger that is copied and brought back, on either database, while nobody has it open."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import create_engine, make_url, text

from tests.databases import SERVER
from tests.model.simulation import Shop, copy_ledger


class Restoring:
    """Copies of the ledger of a shop."""

    def __init__(self, shop: Shop, folder: Path) -> None:
        self._shop, self._copy = shop, folder / "backup.db"
        self._kept = False

    def back_up(self) -> None:
        """Keep the ledger as it is now."""
        self._shop.worker.close()
        if self._shop.url.startswith("sqlite"):
            copy_ledger(self._shop.file, self._copy)
        else:
            name = self._name()
            self._ask(f"drop database if exists {name}_then", f"create database {name}_then template {name}")
        self._kept = True
        self._shop.restart()

    def restore(self) -> bool:
        """Bring the kept one back; False where none was kept."""
        if not self._kept:
            return False
        self._shop.worker.close()
        if self._shop.url.startswith("sqlite"):
            copy_ledger(self._copy, self._shop.file)
        else:
            name = self._name()
            self._ask(f"drop database {name} with (force)", f"create database {name} template {name}_then")
        self._shop.restart()
        return True

    def forget(self) -> None:
        """Drop the copy."""
        if self._kept and not self._shop.url.startswith("sqlite"):
            self._ask(f"drop database if exists {self._name()}_then")
        elif self._copy.exists():
            self._copy.unlink()

    def _name(self) -> str:
        return str(make_url(self._shop.url).database)

    def _ask(self, *statements: str) -> None:
        engine = create_engine(SERVER, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
        engine.dispose()
