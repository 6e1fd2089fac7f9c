"""uniCenta oPOS on a real MariaDB, and on PostgreSQL: writes what its own program writes (DataLogicSales.saveTicket)."""

from __future__ import annotations

import random
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from syncd.sources.sql.presets.unicenta import UniCentaOptions
from syncd.sources.sql.source import SqlSource
from syncd.testing.clocks import ManualClock
from tests.shared import SAMPLES
from tests.tills.servers import TillDatabase, mariadb_till, postgresql_till

HERE = ZoneInfo("Europe/London")
_FOLDER = SAMPLES / "unicenta"
SCHEMA, SEED = _FOLDER / "schema_unicenta_4.2_sales_tables.sql", _FOLDER / "reconstructed-seed.sql"
_GOODS = (
    "insert into people(id, name, role, visible) values ('2', 'Employee', '2', {bit})",
    "insert into taxes(id, name, category, rate) values ('000', 'Tax Exempt', '000', 0), ('001', 'Tax Standard', '001', 0.2)",
    """insert into products(id, reference, code, name, category, taxcat) values
       ('p-1', 'MUG-BLU', '5000000000017', 'Mug blue', '000', '001'), ('p-2', 'TEA', '5000000000024', 'Tea 100 g', '000', '000')""",
    "insert into closedcash(money, host, hostsequence, datestart) values ('m-1', 'TILL-1', 7, '2026-03-28 08:00:00')",
)
_RECEIPT = "insert into receipts(id, money, datenew) values (%s, 'm-1', %s)"
_TICKET = "insert into tickets(id, tickettype, ticketid, person, status) values (%s, %s, %s, '2', %s)"
_LINE = "insert into ticketlines(ticket, line, product, units, price, taxid) values (%s, %s, %s, %s, %s, %s)"
_TAX = "insert into taxlines(id, receipt, taxid, base, amount) values (%s, %s, %s, %s, %s)"
_PAID = "insert into payments(id, receipt, payment, total, tendered) values (%s, %s, 'cash', %s, %s)"


def for_postgresql(script: str) -> str:
    """The vendor's MySQL script in PostgreSQL's words, as the vendor's own script for it says the same tables."""
    script = re.sub(r"^(SET|--).*$", "", script, flags=re.MULTILINE)
    script = re.sub(r"\)\s*ENGINE[^;]*;", ");", script)
    script = re.sub(r"^\s*(KEY|INDEX)\b[^\n]*\n", "", script, flags=re.MULTILINE)
    script = re.sub(r"UNIQUE INDEX\s+`\w+`\s*(\([^)]*\))", r"UNIQUE \1", script)
    script = script.replace("`", "").replace("mediumblob", "bytea").replace("datetime", "timestamp")
    script = re.sub(r"\bdouble\b", "double precision", script, flags=re.IGNORECASE)
    script = re.sub(r"\bint\(\d+\)", "integer", script)
    script = re.sub(r"\bsmallint\(\d+\)", "smallint", script)
    script = re.sub(r"bit\(1\)", "bit(1)", script)
    return re.sub(r",\s*\)", ")", script)


class UniCenta:
    """A shop in London, 20 % tax on some goods."""

    adapter = SqlSource

    def __init__(self, database: TillDatabase, clock: ManualClock | None = None) -> None:
        self.database, self.clock = database, clock or ManualClock()
        self.ahead, self.made, self.page = timedelta(0), 0, 4
        self.extra: dict[str, Any] = {}

    @classmethod
    @contextmanager
    def running(cls, kind: str = "mariadb", clock: ManualClock | None = None) -> Iterator[UniCenta]:
        schema = SCHEMA.read_text(encoding="utf-8")
        made = mariadb_till(SCHEMA) if kind == "mariadb" else postgresql_till(for_postgresql(schema))
        with made as database:
            for statement in _GOODS:
                database.run(statement.format(bit="b'1'"))
            yield cls(database, clock)

    def settings(self) -> UniCentaOptions:
        table = {"url": SecretStr(self.database.url), "preset": "unicenta", "page": self.page}
        return UniCentaOptions.model_validate(table | {"currency": "GBP", "timezone": "Europe/London"} | self.extra)

    def skew(self, seconds: float) -> None:
        self.ahead = timedelta(seconds=seconds)

    def sell(self, count: int) -> list[str]:
        ids = []
        for _ in range(count):
            self.clock.pass_time(1)
            ids.append(self.write(self.clock.now() + self.ahead))
        return ids

    def sell_many(self, count: int) -> list[str]:
        self.page = 500
        begin = self.clock.now() - timedelta(days=30)
        return [self.write(begin + timedelta(seconds=number)) for number in range(count)]

    def write(self, at: datetime) -> str:
        self.made += 1
        dice = random.Random(self.made)
        key = str(uuid.UUID(int=dice.getrandbits(128)))
        run = self.database.run
        run(_RECEIPT, key, at.astimezone(HERE).replace(tzinfo=None, microsecond=0))
        run(_TICKET, key, 0, self.made, 0)
        whole, taxed = 0.0, 0.0
        for line in range(dice.randint(1, 3)):
            units, mug = dice.randint(1, 3), dice.random() < 0.5
            price = (
                14.99 / 1.2 if mug else 3.25
            )  # what a price with tax comes to in a column without: 12.491666666666667
            run(_LINE, key, line, "p-1" if mug else "p-2", float(units), price, "001" if mug else "000")
            whole, taxed = whole + units * price, taxed + (units * price * 0.2 if mug else 0.0)
        run(_TAX, f"{key}-t", key, "001", whole, taxed)
        due = round(whole + taxed, 2)
        run(_PAID, f"{key}-p", key, due, due + 5)
        return key

    def edit(self, sale_id: str) -> None:
        self.database.run("update payments set tendered = tendered + 1 where receipt = %s", sale_id)

    def expire_token(self) -> None:
        self.database.lock_out()

    def spoil(self, sale_id: str) -> None:
        self.database.run("update tickets set tickettype = 9 where id = %s", sale_id)

    def delete(self, sale_id: str) -> None:
        """As the program does (DataLogicSales.deleteTicket): all rows are gone."""
        for table, column in (
            ("payments", "receipt"),
            ("taxlines", "receipt"),
            ("ticketlines", "ticket"),
            ("tickets", "id"),
        ):
            self.database.run(f"delete from {table} where {column} = %s", sale_id)
        self.database.run("delete from receipts where id = %s", sale_id)
