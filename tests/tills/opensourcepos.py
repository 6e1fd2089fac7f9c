"""Open Source Point of Sale on a real MariaDB: writes what its own program writes (app/Models/Sale.php)."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from syncd.sources.sql.presets.opensourcepos import OpenSourcePosOptions
from syncd.sources.sql.source import SqlSource
from syncd.testing.clocks import ManualClock
from tests.shared import SAMPLES
from tests.tills.servers import TillDatabase, mariadb_till

HERE = ZoneInfo("America/New_York")
_FOLDER = SAMPLES / "opensourcepos"
SCHEMA, SEED = _FOLDER / "schema_sales_tables.sql", _FOLDER / "reconstructed-seed.sql"
_GOODS = """
    insert into ospos_app_config(`key`, `value`) values ('timezone', 'America/New_York'), ('currency_code', 'USD'),
        ('currency_decimals', '2'), ('company', 'Example Shop');
    insert into ospos_people(person_id, first_name, last_name, phone_number, email, address_1, address_2, city, state, zip,
        country, comments) values (2, 'Casey', 'Cashier', '', '', '', '', '', '', '', '', '');
    insert into ospos_employees(username, password, person_id) values ('casey', 'x', 2);
    insert into ospos_stock_locations(location_id, location_name) values (1, 'Main Street');
    insert into ospos_items(item_id, name, category, item_number, description, cost_price, unit_price,
        allow_alt_description, is_serialized) values (10, 'Mug', 'General', 'MUG-1', '', 2, 9, 0, 0),
        (11, 'Tee', 'General', 'TEE-M', '', 6, 15, 0, 0), (12, 'Tea', 'General', null, '', 1, 4.25, 0, 0);
"""
_SALE = "insert into ospos_sales(sale_id, sale_time, employee_id, comment, sale_status, sale_type) values (%s, %s, 2, %s, 0, 0)"
_LINE = """insert into ospos_sales_items(sale_id, item_id, line, quantity_purchased, item_cost_price, item_unit_price, discount,
    discount_type, item_location) values (%s, %s, %s, %s, 1, %s, %s, 0, 1)"""
_TAX = """insert into ospos_sales_items_taxes(sale_id, item_id, line, name, percent, tax_type, item_tax_amount)
    values (%s, %s, %s, 'Sales Tax', 8, 1, %s)"""
_SUM = """insert into ospos_sales_taxes(sale_id, tax_type, tax_group, sale_tax_basis, sale_tax_amount, name, tax_rate)
    values (%s, 1, '8%% Sales Tax', 0, %s, 'Sales Tax', 8)"""
_PAID = """insert into ospos_sales_payments(sale_id, payment_type, payment_amount, cash_refund, employee_id, payment_time)
    values (%s, 'Cash', %s, %s, 2, %s)"""
_ITEMS = ((10, Decimal("9.00")), (11, Decimal("15.00")), (12, Decimal("4.25")))
_CENT = Decimal("0.01")


class OpenSourcePos:
    """A shop in New York, 8 % tax on top."""

    adapter = SqlSource

    def __init__(self, database: TillDatabase, clock: ManualClock | None = None) -> None:
        self.database, self.clock = database, clock or ManualClock()
        self.ahead = timedelta(0)
        self.made = 0
        self.page = 4
        self.extra: dict[str, Any] = {}

    @classmethod
    @contextmanager
    def running(cls, clock: ManualClock | None = None) -> Iterator[OpenSourcePos]:
        with mariadb_till(SCHEMA) as database:
            with database.admin.cursor() as cursor:
                cursor.execute(_GOODS)
                while cursor.nextset():
                    pass
            yield cls(database, clock)

    def settings(self) -> OpenSourcePosOptions:
        table = {"url": SecretStr(self.database.url), "preset": "opensourcepos", "page": self.page}
        return OpenSourcePosOptions.model_validate(table | self.extra)

    def skew(self, seconds: float) -> None:
        self.ahead = timedelta(seconds=seconds)

    def sell(self, count: int) -> list[str]:
        ids = []
        for _ in range(count):
            self.clock.pass_time(1)
            ids += self.write([self.clock.now() + self.ahead])
        return ids

    def sell_many(self, count: int) -> list[str]:
        self.page = 500
        begin, ids = self.clock.now() - timedelta(days=30), []
        for start in range(0, count, 1000):
            times = [begin + timedelta(seconds=number) for number in range(start, min(start + 1000, count))]
            ids += self.write(times)
        return ids

    def write(self, times: Sequence[datetime]) -> list[str]:
        """Sales as the program writes them: each one transaction."""
        rows: dict[str, list[tuple[Any, ...]]] = {name: [] for name in (_SALE, _LINE, _TAX, _SUM, _PAID)}
        ids = []
        for at in times:
            self.made += 1
            ids.append(str(self.made))
            self._make(self.made, at, rows)
        self.database.admin.begin()
        for statement, values in rows.items():
            self.database.many(statement, values)
        self.database.admin.commit()
        return ids

    def _make(self, number: int, at: datetime, rows: dict[str, list[tuple[Any, ...]]]) -> None:
        dice = random.Random(number)
        local = at.astimezone(HERE).replace(tzinfo=None, microsecond=0)
        rows[_SALE].append((number, local, ""))
        goods, tax = Decimal(0), Decimal(0)
        for line in range(1, dice.randint(1, 3) + 1):
            item, price = dice.choice(_ITEMS)
            quantity, off = dice.randint(1, 3), dice.choice((0, 0, 10))
            net = quantity * price - (quantity * price * off / 100).quantize(_CENT, rounding="ROUND_HALF_UP")
            rows[_LINE].append((number, item, line, quantity, price, off))
            rows[_TAX].append((number, item, line, net * 8 / 100))
            goods, tax = goods + net, tax + net * 8 / 100
        tax = tax.quantize(_CENT, rounding="ROUND_HALF_UP")
        rows[_SUM].append((number, tax))
        due = goods + tax
        tendered = (due / 10).to_integral_value(rounding="ROUND_CEILING") * 10
        rows[_PAID].append((number, tendered, tendered - due, at.replace(tzinfo=None, microsecond=0)))

    def edit(self, sale_id: str) -> None:
        self.database.run(
            "update ospos_sales set comment = concat(comment, %s) where sale_id = %s",
            f"edited {self.clock.now():%H:%M:%S}; ",
            sale_id,
        )

    def expire_token(self) -> None:
        self.database.lock_out()

    def spoil(self, sale_id: str) -> None:
        self.database.run("update ospos_sales set sale_status = 9 where sale_id = %s", sale_id)

    def delete(self, sale_id: str) -> None:
        """What no button of the program does, and a person with a database tool does all the same."""
        for table in ("sales_payments", "sales_taxes", "sales_items_taxes", "sales_items", "sales"):
            self.database.run(f"delete from ospos_{table} where sale_id = %s", sale_id)
