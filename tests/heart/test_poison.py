"""One bad sale, record or file stops nobody: it is a fault or a hold of its own, with its place, and the next goes on."""

from __future__ import annotations

import json
import random
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from pydantic import ValidationError

from syncd.canonical import Batch, CanonicalOrder
from syncd.canonical.order import read_json
from syncd.intake.poll import record_all
from syncd.ledger import RecordOptions, Selection
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from syncd.testing.orders import sale
from tests.deciders import to_main
from tests.heart.telling import one, shop
from tests.model.simulation import Shop
from tests.shop import Shop as Folder
from tests.shop import pass_until_settled
from tests.strategies import PLACES, sales

__all__ = ["shop"]  # the fixture
EDGES = ("0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-05:00", "1969-12-31T23:00:00Z", "2200-01-01T00:00:00Z")
TIMES = ("placed_at", "updated_at", "uploaded_at", "opened_at", "closed_at", "cancelled_at")


@pytest.mark.parametrize("at", EDGES)
@pytest.mark.parametrize("field", TIMES)
def test_a_time_at_the_edge_of_the_calendar_is_refused_in_words(field: str, at: str) -> None:
    with pytest.raises(ValidationError, match="is no time that a sale can have"):
        sale(**{field: at})


@pytest.mark.parametrize("at", EDGES)
def test_so_is_one_of_a_tender_or_a_refund(at: str) -> None:
    with pytest.raises(ValidationError, match="is no time that a sale can have"):
        sale(tenders=[{"kind": "cash", "label": "Cash", "amount": "10.80", "at": at}])
    with pytest.raises(ValidationError, match="is no time that a sale can have"):
        sale(refunds=[{"id": "r1", "amount_inc_tax": "1", "at": at}])


@pytest.mark.parametrize("amount", ["1e9999999999999999999", "1000000000000", "-1e12", "1e400", "NaN"])
def test_an_amount_beyond_all_bounds_is_refused_in_words(amount: str) -> None:
    line = json.dumps({"total": "X"}).replace('"X"', amount)
    with pytest.raises(ValidationError, match=r"amount|number"):
        sale(total_inc_tax=read_json(line)["total"])


POISON = {
    "a time": '{"sale_id": "p", "placed_at": "0001-01-01T00:00:00+01:00", "currency": "USD", "total_inc_tax": "1"}',
    "an exponent": '{"sale_id": "p", "placed_at": "2026-11-20T10:00:00Z", "total_inc_tax": 1e9999999999999999999}',
    "a surrogate in an id": '{"sale_id": "p\\ud800", "placed_at": "2026-11-20T10:00:00Z", "currency": "USD", "x": 1}',
    "a surrogate in a key": '{"sale_id": "\\ud800", "\\ud800": 1}',
    "depth": "[" * 100_000,
    "no object": "7",
    "nothing but a byte": "\x00",
}


@pytest.mark.parametrize("poison", POISON)
def test_a_poisonous_line_is_a_fault_and_the_files_and_sales_behind_it_are_read(
    tmp_path: Path, store: Any, poison: str
) -> None:
    made = Folder(tmp_path, store)
    made.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n')
    good = [sale(source="till", sale_id=name).to_json() for name in "ab"]
    made.drop("1.jsonl", f"{POISON[poison]}\n{good[0]}\n")
    made.drop("2.jsonl", f"{good[1]}\n")
    assert pass_until_settled(made) == {"synced": 2}
    faults = made.run("faults", "--json").json
    assert len(faults) == 1
    assert "1.jsonl:1" in json.dumps(faults)


def test_surrogates_in_keys_that_nobody_knows_are_stored_and_pushed(shop: Shop) -> None:
    odd = CanonicalOrder.model_validate(one().model_dump() | {"extra": {"k\ud800": "v\ud800", "\x00": {"\udfff": 1}}})
    shop.record(odd)
    shop.rest()
    assert shop.state("a") is State.SYNCED


def test_a_sale_that_cannot_be_recorded_for_a_reason_nobody_foresaw_is_a_fault_beside_the_others(shop: Shop) -> None:
    def breaks(order: CanonicalOrder) -> str:
        if order.sale_id == "bad":
            raise ZeroDivisionError("nobody foresaw this")
        return to_main(order)

    batch = Batch((one("a"), one("bad"), one("b")), (), "the cursor")
    options = RecordOptions("till", breaks, just_asked=True)
    done = record_all(iter((batch,)), options, shop.worker.ledger, threading.Event())
    assert (done.new, done.faults, shop.worker.ledger.sources.cursor("till")) == (2, 1, "the cursor")
    (fault,) = shop.worker.ledger.sources.faults(limit=5)
    assert "ZeroDivisionError: nobody foresaw this" in fault.reason


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=sales())
def test_any_sale_that_the_model_takes_can_be_recorded_judged_mapped_listed_skipped_and_audited(
    shop: Shop, order: CanonicalOrder
) -> None:
    shop.store.world.more_currencies = tuple(PLACES)
    named = order.model_copy(update={"source": "till"})
    shop.record(named)
    shop.push()
    ledger = shop.worker.ledger
    found = ledger.sales.get(named.sale_key)
    assert found is not None
    assert found.state in (State.SYNCED, State.HELD, State.SKIPPED, State.REJECTED, State.PENDING)
    assert ledger.sales.story(named.sale_key) is not None
    assert ledger.sales.find(Selection(keys=(named.sale_key,)), limit=1)
    ledger.overviews.sides("till", found.business_day)
    ledger.sales.decide(Verb.SKIP, Selection(keys=(named.sale_key,)), "ada")
    assert ledger.maintenance.verify() == []


def _rubbish(dice: random.Random) -> Iterator[tuple[str, bytes]]:
    whole = sale(source="till").to_json().encode()
    yield "a.jsonl", dice.randbytes(300)
    cut = bytearray(whole)
    cut[dice.randrange(len(cut))] = dice.randrange(256)
    yield "b.jsonl", bytes(cut) + b"\n"
    yield "c.jsonl.gz", dice.randbytes(50)
    yield "d.zip", b"PK\x03\x04" + dice.randbytes(200)


@pytest.mark.parametrize("seed", range(4))
def test_any_bytes_in_a_folder_leave_the_other_files_read(tmp_path: Path, store: Any, seed: int) -> None:
    made = Folder(tmp_path, store)
    made.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n')
    for name, content in _rubbish(random.Random(seed)):
        made.drop(name, content)
    made.drop("z.jsonl", sale(source="till", sale_id="good").to_json() + "\n")
    pass_until_settled(made)
    assert "till:good" in {order["external_order_id"] for order in store.orders()}


def test_a_damaged_member_of_an_archive_leaves_the_other_files_read(tmp_path: Path, store: Any) -> None:
    made = Folder(tmp_path, store)
    made.configure('[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n')
    archive = tmp_path / "damaged.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_LZMA) as packed:
        packed.writestr("day.jsonl", sale(source="till").to_json() * 50)
    damaged = bytearray(archive.read_bytes())
    for place in range(60, 90):
        damaged[place] ^= 0xFF
    made.drop("damaged.zip", bytes(damaged))
    made.drop("z.jsonl", sale(source="till", sale_id="good").to_json() + "\n")
    pass_until_settled(made)
    assert "till:good" in {order["external_order_id"] for order in store.orders()}
