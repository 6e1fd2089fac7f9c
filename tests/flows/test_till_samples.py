"""POSLog files and tills' databases through ``syncd sync`` into the sandbox: each receipt one order, with the total that it states.

The totals are read from the files and the databases by code of this module alone: none of syncd's. ``pytest -s`` prints the table.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.doubles.odoo import OdooDouble
from tests.flows.test_samples import check_totals_of_its_own
from tests.shared import SAMPLES, needs_samples
from tests.shop import Shop, Store, pass_until_settled, running_sandbox
from tests.tills import opensourcepos, unicenta
from tests.tills.servers import TillDatabase, mariadb_till, postgresql_till

pytestmark = needs_samples

Totals = dict[str, Decimal]
_POSLOG = '[sources.till]\ntype = "poslog"\npath = "inbox"\nsettle = "0s"\ntimezone = "America/Los_Angeles"\n'
# Receipts that are no orders: of which state they are, and why.
_NOT_PUSHED = {"300-30001-2024-09-26-1888": ("held", "this return does not say which sale it belongs to")}


@pytest.fixture(autouse=True)
def own_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLOW_TOKEN", "")  # passes set it, and it must not stay


@pytest.fixture
def store() -> Iterator[Store]:
    with running_sandbox("--more-currencies", "EUR,GBP,SEK") as (_, running):
        yield running


def stated_by(file: Path) -> Totals:
    """Each receipt's number and what the customer paid: its total, and the rounding where a vendor states that apart."""
    found: Totals = {}
    for transaction in (one for one in ET.parse(file).iter() if _name(one) == "Transaction"):
        parts = {_name(one): one for one in transaction}
        if "RetailTransaction" not in parts:
            continue
        totals = {one.get("TotalType"): Decimal(str(one.text)) for one in transaction.iter() if _name(one) == "Total"}
        grand = totals.get("TransactionGrandAmount", totals.get("TransactionNetAmount"))
        assert grand is not None
        for rounding in (
            one for one in transaction.iter() if _name(one) == "Rounding" and one.get("RoundingDirection")
        ):
            grand += Decimal(str(rounding.text)) * (1 if rounding.get("RoundingDirection") == "Up" else -1)
        number = "/".join(str(parts[name].text) for name in ("WorkstationID", "SequenceNumber"))
        found[number] = grand
    return found


def _name(element: ET.Element) -> str:
    return str(element.tag).rpartition("}")[2]


@dataclass(frozen=True)
class Ended:
    """How a sample's sales ended."""

    sales: dict[str, dict[str, str]]
    orders: Totals
    faults: int
    left_out: dict[str, int]

    @property
    def not_pushed(self) -> dict[str, tuple[str, str]]:
        return {key: (sale["state"], sale["why"]) for key, sale in self.sales.items() if key not in self.orders}


def ended(shop: Shop) -> Ended:
    done = shop.run("sync", "--json").json["sources"]["till"]
    pass_until_settled(shop)  # a return waits for its sale
    sales = {sale["sale"].removeprefix("till:"): sale for sale in shop.run("sales", "--limit", "500", "--json").json}
    orders = {
        order["external_order_id"].removeprefix("till:"): Decimal(order["total_inc_tax"])
        for order in shop.store.orders()
    }
    check_totals_of_its_own(shop.store)
    return Ended(sales, orders, done["faults"], done["left_out"])


def row(name: str, stated: Totals, found: Ended) -> None:
    why = "; ".join(f"{state}: {words}" for state, words in found.not_pushed.values())
    sums = f"{sum(stated.values())} | {sum(found.orders.values())}"
    print(
        f"\n| {name} | {len(found.sales)} | {len(found.orders)} | {why} | {found.faults} | {sums} | {json.dumps(found.left_out)}"
    )


@pytest.mark.parametrize("file", sorted(SAMPLES.glob("poslog-*/*.xml")), ids=lambda file: file.stem)
def test_every_receipt_of_a_poslog_file_is_one_order_with_its_total(file: Path, shop: Shop) -> None:
    shop.configure(_POSLOG)
    shop.drop(file.name, file.read_bytes())
    stated, found = stated_by(file), ended(shop)
    assert found.faults == 0
    assert len(found.sales) == len(stated)
    for key, amount in found.orders.items():
        number = found.sales[key]["number"]
        assert amount in [total for one, total in stated.items() if one.endswith(f"/{number}")], key
    assert {key: state for key, (state, _) in found.not_pushed.items()} == {
        key: state for key, (state, _) in _NOT_PUSHED.items() if key in found.sales
    }
    row(file.name, stated, found)


def test_the_seeds_of_tills_databases_are_orders_with_their_totals(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    unicenta_seed = unicenta.SEED.read_text(encoding="utf-8").replace("\\n", "\n")
    unicenta_schema = unicenta.for_postgresql(unicenta.SCHEMA.read_text(encoding="utf-8"))
    zone = 'currency = "{}"\ntimezone = "{}"'
    cases: dict[str, tuple[Callable[[], AbstractContextManager[TillDatabase]], str, str, Totals, dict[str, str]]] = {
        "opensourcepos": (
            lambda: mariadb_till(opensourcepos.SCHEMA, opensourcepos.SEED),
            "opensourcepos",
            "",
            {"1": Decimal("34.56"), "2": Decimal("-14.58"), "3": Decimal(9), "4": Decimal(24)},
            {"2": "held", "3": "skipped"},
        ),
        "unicenta on MariaDB": (
            lambda: mariadb_till(unicenta.SCHEMA, unicenta.SEED),
            "unicenta",
            zone.format("GBP", "Europe/London"),
            {"r-1": Decimal("14.05"), "r-2": Decimal("-5.40"), "r-5": Decimal(13)},
            {"r-2": "synced"},  # the return shows on its sale's order
        ),
        "unicenta on PostgreSQL": (
            lambda: postgresql_till(unicenta_schema, unicenta_seed),
            "unicenta",
            zone.format("GBP", "Europe/London"),
            {"r-1": Decimal("14.05"), "r-2": Decimal("-5.40"), "r-5": Decimal(13)},
            {"r-2": "synced"},  # the return shows on its sale's order
        ),
    }
    for place, (name, (running, preset, more, stated, not_pushed)) in enumerate(cases.items()):
        with ExitStack() as exits:
            monkeypatch.setenv("TILL_DATABASE", exits.enter_context(running()).url)
            _, own = exits.enter_context(running_sandbox("--more-currencies", "GBP"))
            folder = shop.folder / str(place)
            folder.mkdir()
            one = Shop(folder, own)
            source = (
                f'type = "sql"\npreset = "{preset}"\nurl = {{ env = "TILL_DATABASE" }}\nstart_from = "ever"\n{more}\n'
            )
            one.configure(f"[sources.till]\n{source}")
            found = ended(one)
        assert found.faults == 0
        assert {key: amount for key, amount in found.orders.items() if stated[key] != amount} == {}
        assert {key: state for key, (state, _) in found.not_pushed.items()} == not_pushed, (name, found.not_pushed)
        row(name, stated, found)


def test_the_order_of_odoo_is_an_order_with_its_total(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = json.loads((SAMPLES / "odoo-pos" / "reconstructed-search_read-sale.json").read_text())
    monkeypatch.setenv("ODOO_KEY", "key-of-the-double")
    with OdooDouble() as odoo:
        odoo.put(answers)
        access = f'url = "{odoo.url}"\ndatabase = "shop"\nlogin = "ada"\nkey = {{ env = "ODOO_KEY" }}\n'
        shop.configure(f'[sources.till]\ntype = "odoo"\nstart_from = "ever"\n{access}')
        found = ended(shop)
    assert (found.orders, found.faults) == ({"41": Decimal("34.02")}, 0)
    row("odoo", {"41": Decimal("34.02")}, found)
