"""Real exports through `syncd sync` into the sandbox: each receipt one order, with the total that the export states.

The expected totals are read from the files by code of this module alone: none of syncd's.
"""

import csv
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
import requests

from tests.shared import SAMPLES, needs_samples
from tests.shop import Shop, Store, running_sandbox

pytestmark = needs_samples

Totals = dict[str, Decimal]
USD_CHICAGO = 'currency = "USD"\ntimezone = "America/Chicago"\ndate_order = "mdy"\n'


def money(text: str) -> Decimal:
    digits = re.sub(r"[^0-9.]", "", text) or "0"
    return -Decimal(digits) if "-" in text or text.strip().startswith("(") else Decimal(digits)


def rows_of(files: list[Path]) -> Iterator[dict[str, str]]:
    for file in files:
        with file.open(encoding="utf-8-sig", newline="") as text:
            yield from csv.DictReader(text)


def first_of_each(
    key: str, total: str, when: Callable[[Mapping[str, str]], bool] = lambda _: True
) -> Callable[..., Totals]:
    """The total as it stands in one column of a receipt's first row."""

    def read(files: list[Path]) -> Totals:
        found: Totals = {}
        for row in rows_of(files):
            if row.get(total) and when(row):
                found.setdefault(row[key], money(row[total]))
        return found

    return read


def sum_of_rows(key: str, *columns: str) -> Callable[[list[Path]], Totals]:
    """The total as the sum of columns over a receipt's rows."""

    def read(files: list[Path]) -> Totals:
        found: Totals = {}
        for row in rows_of(files):
            found[row[key]] = found.get(row[key], Decimal(0)) + sum(money(row[name]) for name in columns)
        return found

    return read


@dataclass(frozen=True)
class Case:
    files: tuple[str, ...]
    preset: str
    totals: Callable[[list[Path]], Totals]
    settings: str = ""
    faults: int = 0
    not_pushed: Mapping[str, tuple[str, str]] = field(default_factory=dict)  # receipt: state, and words of its reason


PAID = first_of_each("Name", "Total")
CASES = {
    "square items of 2026": Case(
        ("square-csv/items-33col-2026-05.csv",),
        "square",
        sum_of_rows("Transaction ID", "Net Sales", "Tax"),
        'currency = "USD"\nitems_only = "accept"\n',
        not_pushed={"6ftNfFXAQiInb1dHMVCoipGcpyXZY": ("held", "this return does not say")},
    ),
    "square transactions of 2018, ids blanked": Case(
        ("square-csv/transactions-44col-2018-blanked.csv",), "square", lambda _: {}, USD_CHICAGO, faults=4
    ),
    "square transactions of 55 columns": Case(
        ("square-csv/reconstructed-transactions-55col.csv",),
        "square",
        first_of_each("Transaction ID", "Total Collected"),
        'currency = "USD"\n',
        not_pushed={"RECON-RETURN-0002": ("held", "this return does not say")},
    ),
    "square items of 2017": Case(
        ("square-legacy-2017/dashboard-items-1.csv",),
        "square",
        sum_of_rows("Transaction ID", "Net Sales", "Tax"),
        'currency = "USD"\ndate_order = "mdy"\nitems_only = "accept"\n',
    ),
    "square items and transactions of 2017 joined": Case(
        ("square-legacy-2017/dashboard-transactions-1-2.csv", "square-legacy-2017/dashboard-items-1.csv"),
        "square",
        first_of_each("Transaction ID", "Total Collected"),
        'currency = "USD"\ndate_order = "mdy"\n',
    ),
    "lightspeed ledger": Case(
        ("lightspeed-x/reconstructed-sales-history-ledger.csv",),
        "lightspeed_x",
        first_of_each("Sale UUID", "Total", lambda row: row["Line Type"] == "Sale"),
        'currency = "NZD"\ntimezone = "Pacific/Auckland"\n',
        not_pushed={
            "bbbbbbbb-0000-11ef-8000-000000000002": ("held", "this return does not say"),
            "bbbbbbbb-0000-11ef-8000-000000000003": ("skipped", "voided"),
        },
    ),
    "shopify of 75 columns": Case(
        ("shopify-csv/orders_export-75col-felixtellmann.csv",),
        "shopify",
        PAID,
        'unpaid = "push"\nonly = ["any"]\n',
        not_pushed={"#13549": ("skipped", "voided"), "#13554": ("skipped", "voided")},
    ),
    "shopify of 79 columns": Case(
        ("shopify-csv/orders_export-79col-zhangerson.csv",), "shopify", PAID, 'unpaid = "push"\nonly = ["any"]\n'
    ),
    "loyverse receipts": Case(
        ("loyverse-csv/receipts.csv",), "loyverse", first_of_each("Receipt number", "Total collected"), USD_CHICAGO
    ),
    "loyverse items": Case(
        ("loyverse-csv/receipts-by-item.csv",),
        "loyverse",
        sum_of_rows("Receipt number", "Net sales", "Taxes"),
        USD_CHICAGO + 'items_only = "accept"\n',
    ),
    "loyverse receipts and items joined": Case(
        ("loyverse-csv/receipts.csv", "loyverse-csv/receipts-by-item.csv"),
        "loyverse",
        first_of_each("Receipt number", "Total collected"),
        USD_CHICAGO,
        not_pushed={"2-1678": ("held", "-14.00")},  # the items sample ends before this receipt's last row
    ),
    "clover of 2023": Case(
        ("clover-csv/orders-2-rows.csv",),
        "clover",
        first_of_each("Order ID", "Order Total"),
        'timezone = "America/New_York"\n',
    ),
    "toast item selections": Case(
        ("toast-csv/ItemSelectionDetails-test-fixture.csv",),
        "toast",
        sum_of_rows("Check Id", "Net Price", "Tax"),
        'currency = "USD"\ntimezone = "America/New_York"\n',
        not_pushed={"1300000015734309998": ("skipped", "voided")},
    ),
    "clover reconstructed": Case(
        ("clover-csv/reconstructed-orders.csv",),
        "clover",
        first_of_each("Order ID", "Order Total"),
        'timezone = "America/New_York"\n',
    ),
}


@pytest.fixture
def store() -> Iterator[Store]:
    with running_sandbox("--more-currencies", "BDT,EUR,GBP,NZD,PLN,THB,ZAR") as (_, running):
        yield running


@pytest.mark.parametrize("name", CASES)
def test_every_receipt_of_the_export_is_one_order_with_its_total(shop: Shop, name: str) -> None:
    case = CASES[name]
    files = [SAMPLES / path for path in case.files]
    source = f'[sources.till]\ntype = "csv"\npath = "inbox"\nsettle = "0s"\npreset = "{case.preset}"\n'
    shop.configure(source + case.settings)
    for file in files:
        shop.drop(file.name, file.read_bytes())
    done = shop.run("sync", "--json")
    stated = case.totals(files)
    sales = {receipt(sale, stated): sale for sale in shop.run("sales", "--limit", "1000", "--json").json}
    orders = {order["external_order_id"]: Decimal(order["total_inc_tax"]) for order in shop.store.orders()}

    assert sales.keys() == stated.keys()
    pushed = {key: sale for key, sale in sales.items() if sale["state"] == "synced"}
    assert {key: orders[sale["sale"]] for key, sale in pushed.items()} == {key: stated[key] for key in pushed}
    assert len(orders) == len(pushed)
    left = {key: (sale["state"], sale["why"]) for key, sale in sales.items() if key not in pushed}
    assert left.keys() == case.not_pushed.keys()
    for key, (state, words) in case.not_pushed.items():
        assert left[key][0] == state
        assert words in left[key][1]
    assert done.json["sources"]["till"]["faults"] == case.faults
    check_totals_of_its_own(shop.store)
    moved = {path.name for path in (shop.folder / "inbox" / "processed").iterdir()}
    assert {file.name for file in files} <= moved
    ours, theirs = sum(orders.values()), sum(stated[key] for key in pushed)
    row = (len(stated), len(orders), len(left), case.faults, sum(stated.values()), theirs, f"{ours:.2f}")
    print("\n| " + " | ".join([name, *map(str, row)]) + " |")


def check_totals_of_its_own(store: Store) -> None:
    """What the sandbox works out without the totals that it was told agrees, as far as prices of four places allow."""
    items = {order["id"]: order["items_total"] for order in store.orders()}
    for row in requests.get(f"{store.url}/_sandbox/totals", timeout=10).json():
        for name in ("total_inc_tax", "total_tax"):
            drift = Decimal("0.015") * items[row["id"]] if items[row["id"]] > 1 else Decimal(0)
            assert abs(Decimal(row["computed"][name]) - Decimal(row["shown"][name])) <= drift, row


def receipt(sale: Mapping[str, str], stated: Totals) -> str:
    """What the export calls a sale: its id, or its number."""
    of_pos = sale["sale"].partition(":")[2].partition("@")[0]
    return of_pos if of_pos in stated else sale["number"]
