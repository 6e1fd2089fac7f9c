"""Odoo's tables on a real PostgreSQL, as the ORM of several versions makes them; rows as its till writes them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr

from syncd.sources.sql.presets.odoo import OdooTableOptions
from syncd.sources.sql.source import SqlSource
from syncd.testing.clocks import ManualClock
from tests.tills.servers import TillDatabase, postgresql_till

# What every version has; field lists of addons/point_of_sale/models at 13.0, 16.0 and 18.0.
_TABLES = """
    create table res_currency(id serial primary key, name varchar not null);
    create table res_company(id serial primary key, name varchar, currency_id integer);
    create table res_partner(id serial primary key, name varchar, email varchar, phone varchar, active boolean default true,
        street varchar, street2 varchar, city varchar, zip varchar, state_id integer, country_id integer);
    create table res_country(id serial primary key, code varchar, name {name});
    create table res_country_state(id serial primary key, code varchar, name varchar, country_id integer);
    create table res_users(id serial primary key, login varchar, partner_id integer);
    create table product_pricelist(id serial primary key, name {name}, currency_id integer);
    create table product_template(id serial primary key, name {name});
    create table product_product(id serial primary key, product_tmpl_id integer, default_code varchar, barcode varchar);
    create table account_journal(id serial primary key, name {name}, type varchar);
    create table account_tax(id serial primary key, name {name}, amount numeric, {tax});
    create table pos_config(id serial primary key, name varchar, tip_product_id integer{config});
    create table pos_session(id serial primary key, name varchar, config_id integer);
    create table pos_payment_method(id serial primary key, name {name}, is_cash_count boolean, journal_id integer);
    create table pos_order(id serial primary key, name varchar, pos_reference varchar, date_order timestamp, user_id integer,
        amount_tax numeric, amount_total numeric, amount_paid numeric, amount_return numeric, partner_id integer,
        session_id integer, pricelist_id integer, company_id integer, state varchar, create_date timestamp,
        write_date timestamp{order});
    create index pos_order_date_order_index on pos_order(date_order);
    create table pos_order_line(id serial primary key, order_id integer, product_id integer, name varchar, qty numeric,
        price_unit numeric, discount numeric, price_subtotal numeric, price_subtotal_incl numeric, write_date timestamp{line});
    create index on pos_order_line(order_id);
    create table account_tax_pos_order_line_rel(pos_order_line_id integer, account_tax_id integer);
    create index on account_tax_pos_order_line_rel(pos_order_line_id);
    create table pos_payment(id serial primary key, pos_order_id integer, amount numeric, payment_method_id integer,
        payment_date timestamp, is_change boolean, card_type varchar);
    create index on pos_payment(pos_order_id);
"""
VERSIONS: dict[int, dict[str, str]] = {
    13: {"name": "varchar", "tax": "price_include boolean", "config": "", "order": ", note text", "line": ""},
    16: {
        "name": "jsonb",
        "tax": "price_include boolean",
        "config": ", discount_product_id integer",
        "order": ", note text, is_tipped boolean, tip_amount numeric, employee_id integer",
        "line": ", full_product_name varchar, customer_note varchar, refunded_orderline_id integer, is_reward_line boolean",
    },
    18: {
        "name": "jsonb",
        "tax": "price_include_override varchar",
        "config": ", discount_product_id integer",
        "order": ", uuid varchar, tracking_number varchar, general_note varchar, is_tipped boolean, tip_amount numeric",
        "line": ", full_product_name varchar, customer_note varchar, refunded_orderline_id integer, is_reward_line boolean,"
        " uuid varchar, combo_parent_id integer",
    },
}
_ROWS = (
    "insert into res_currency(id, name) values (1, 'EUR')",
    "insert into res_company(id, name, currency_id) values (1, 'Example Company', 1)",
    "insert into res_partner(id, name, email) values (1, 'Cashier One', null), (9, 'Amelia Ear', 'amelia@example.com')",
    "insert into res_country(id, code) values (233, 'US')",
    "insert into res_country_state(id, code, name, country_id) values (52, 'TX', 'Texas', 233)",
    """update res_partner set street = '2 Side Street', city = 'Austin', zip = '78701', state_id = 52, country_id = 233
       where id = 9""",
    "insert into res_users(id, login, partner_id) values (2, 'one', 1)",
    "insert into product_template(id, name) values (1, {mug}), (2, {tips})",
    """insert into product_product(id, product_tmpl_id, default_code, barcode)
       values (31, 1, 'MUG-1', '4006381333931'), (90, 2, null, null)""",
    "insert into account_journal(id, name, type) values (1, {cash}, 'cash')",
    "insert into pos_config(id, name, tip_product_id) values (1, 'Main Shop', 90)",
    "insert into pos_session(id, name, config_id) values (12, 'POS/00012', 1)",
    "insert into pos_payment_method(id, name, is_cash_count, journal_id) values (1, {cash}, true, 1), (2, {account}, false, null)",
)


class OdooTables:
    """A shop whose prices include 19 % tax."""

    adapter = SqlSource

    def __init__(self, database: TillDatabase, version: int, clock: ManualClock | None = None) -> None:
        self.database, self.version, self.clock = database, version, clock or ManualClock()
        self.ahead, self.made, self.page = timedelta(0), 40, 4
        self.extra: dict[str, Any] = {}

    @classmethod
    @contextmanager
    def running(cls, version: int = 18, clock: ManualClock | None = None) -> Iterator[OdooTables]:
        with postgresql_till(_TABLES.format(**VERSIONS[version])) as database:
            translated = VERSIONS[version]["name"] == "jsonb"
            words = {"mug": "Mug", "tips": "Tips", "cash": "Cash", "account": "Customer Account", "vat": "VAT 19%"}
            said = {key: f"""'{{"en_US": "{word}"}}'""" if translated else f"'{word}'" for key, word in words.items()}
            for statement in _ROWS:
                database.run(statement.format(**said))
            kept, value = ("price_include_override", "'tax_included'") if version == 18 else ("price_include", "true")
            database.run(f"insert into account_tax(id, name, amount, {kept}) values (1, {said['vat']}, 19, {value})")
            yield cls(database, version, clock)

    def settings(self) -> OdooTableOptions:
        table = {"url": SecretStr(self.database.url), "preset": "odoo", "page": self.page}
        return OdooTableOptions.model_validate(table | self.extra)

    def skew(self, seconds: float) -> None:
        self.ahead = timedelta(seconds=seconds)

    def now(self) -> datetime:
        return (self.clock.now() + self.ahead).astimezone(UTC).replace(tzinfo=None)

    def sell(self, count: int) -> list[str]:
        ids = []
        for _ in range(count):
            self.clock.pass_time(1)
            ids.append(self.write(self.now()))
        return ids

    def sell_many(self, count: int) -> list[str]:
        self.page = 500
        begin = self.now() - timedelta(days=30)
        return [self.write(begin + timedelta(seconds=number)) for number in range(count)]

    def write(self, at: datetime, sign: int = 1, **line: Any) -> str:
        self.made += 1
        key, dice, run = self.made, random.Random(self.made), self.database.run
        quantity = sign * dice.randint(1, 3)
        inc = quantity * 900
        ex = round(inc / 1.19)
        run(
            "insert into pos_order(id, name, pos_reference, date_order, user_id, amount_tax, amount_total, amount_paid,"
            " amount_return, session_id, company_id, state, create_date, write_date)"
            " values (%s, %s, %s, %s, 2, %s, %s, %s, 0, 12, 1, 'paid', %s, %s)",
            *(key, f"Main Shop/{key}", f"Order {key}", at, (inc - ex) / 100, inc / 100, inc / 100, at, at),
        )
        names, values = ", ".join(["", *line]), list(line.values())
        marks = ", %s" * len(values)
        run(
            f"insert into pos_order_line(id, order_id, product_id, name, qty, price_unit, discount, price_subtotal,"
            f" price_subtotal_incl, write_date{names}) values (%s, %s, 31, 'x', %s, 9, 0, %s, %s, %s{marks})",
            *(key * 10, key, quantity, ex / 100, inc / 100, at, *values),
        )
        run("insert into account_tax_pos_order_line_rel values (%s, 1)", key * 10)
        run(
            "insert into pos_payment(pos_order_id, amount, payment_method_id, payment_date, is_change)"
            " values (%s, %s, 1, %s, false)",
            *(key, inc / 100, at),
        )
        return str(key)

    def edit(self, sale_id: str) -> None:
        note = "general_note" if self.version == 18 else "note"
        set_it = f"{note} = coalesce({note}, '') || 'x', write_date = %s"
        self.database.run(f"update pos_order set {set_it} where id = %s", self.now(), int(sale_id))

    def expire_token(self) -> None:
        self.database.lock_out()

    def spoil(self, sale_id: str) -> None:
        self.database.run("update pos_order set state = 'strange' where id = %s", int(sale_id))
