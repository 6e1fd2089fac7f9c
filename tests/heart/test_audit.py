"""An audit that an accountant believes: random shops whose books agree, and differences of every kind, each found once."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from syncd.canonical import CanonicalOrder
from syncd.canonical.money import ZERO
from syncd.canonical.tips import without_tips
from syncd.ledger import Selection
from syncd.mapping.rules import Rules
from syncd.push.store_orders.audit import AuditReport
from syncd.push.store_orders.audit.figures import tips_of
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from syncd.sandbox import refunds
from tests.model.simulation import RULES, Shop

FIRST, LAST = date(2026, 11, 20), date(2026, 11, 24)
PLACES = [None, {"id": "1", "name": "Main"}, {"id": "2", "name": "North"}]
TAX = Decimal("0.08")
Plant = Callable[["Till"], None]


def line(number: int, ex_tax: Decimal, quantity: int = 1, **more: Any) -> dict[str, Any]:
    tax = (ex_tax * TAX).quantize(Decimal("0.01"))
    sides = {"total_ex_tax": str(ex_tax * quantity), "total_inc_tax": str((ex_tax + tax) * quantity)}
    return {"line_id": str(number), "name": f"Thing {number}", "quantity": str(quantity), **sides, **more}


@dataclass
class Till:
    """A shop with its till: what is sold, given back and exchanged, and what people do in BigCommerce behind its back."""

    shop: Shop
    dice: random.Random
    tips_in_note: bool = False
    number: int = 0

    def _record(self, order: CanonicalOrder) -> None:
        self.shop.record(without_tips(order) if self.tips_in_note else order)

    def sell(self, **changes: Any) -> CanonicalOrder:
        self.number += 1
        lines = [line(n, Decimal(self.dice.randint(200, 9_000)) / 100) for n in range(1, self.dice.randint(2, 4))]
        fees = (
            [{"kind": "tip", "name": "Tip", "total_ex_tax": "2", "total_inc_tax": "2"}]
            if self.dice.random() < 0.3
            else []
        )
        fields = {"sale_id": f"s{self.number}", "lines": lines, "fees": fees} | changes
        return self.say(**fields)

    def say(self, **fields: Any) -> CanonicalOrder:
        """A document whose sums are those of its parts, placed somewhere and paid somehow."""
        parts = [*fields["lines"], *fields.get("fees", ())]
        inc_tax = sum((Decimal(one["total_inc_tax"]) for one in parts), ZERO)
        ex_tax = sum((Decimal(one["total_ex_tax"]) for one in parts), ZERO)
        rounding = Decimal(fields.get("rounding") or (self.dice.choice(["0", "0", "-0.02"]) if inc_tax > 1 else "0"))
        total = inc_tax + rounding
        part = (total / 3).quantize(Decimal("0.01"))
        cash = {"kind": "cash", "label": "Cash"}
        card = {"kind": "card", "label": "Card", "card_brand": "Visa", "card_last4": str(self.dice.randint(1000, 9999))}
        whole = [self.dice.choice([cash, card]) | {"amount": str(total)}]
        tenders = self.dice.choice([whole, whole, [cash | {"amount": str(part)}, card | {"amount": str(total - part)}]])
        at = datetime.fromisoformat("2026-11-20T09:00:00-06:00") + timedelta(
            minutes=self.dice.randint(0, 3 * 1440 - 600)
        )
        standard: dict[str, Any] = {
            "source": "till",
            "number": f"R-{self.number}",
            "placed_at": at.isoformat(),
            "currency": "USD",
            "location": self.dice.choice(PLACES),
            "rounding": str(rounding),
            "tenders": tenders,
            "total_inc_tax": str(total),
            "total_tax": str(inc_tax - ex_tax),
        }
        order = CanonicalOrder.model_validate(standard | fields)
        self._record(order)
        return order

    def refund(self, sold: CanonicalOrder, *, whole: bool | None = None) -> None:
        whole = self.dice.random() < 0.4 if whole is None else whole
        amount = sold.total_inc_tax if whole else Decimal(self.dice.randint(1, int(sold.total_inc_tax * 50))) / 100
        at = sold.placed_at + timedelta(minutes=self.dice.randint(1, 600))
        tip = tips_of(sold) if whole else ZERO
        one = {"id": "r1", "at": at.isoformat(), "amount_inc_tax": str(amount), "tip": str(tip)}
        status = "refunded" if whole else "partially_refunded"
        self._record(
            CanonicalOrder.model_validate(sold.model_dump() | {"status": status, "refunds": [one], "version": "2"})
        )

    def give_back(self, sold: CanonicalOrder, *taken: dict[str, Any], linked: bool = True) -> CanonicalOrder:
        """The first line comes back, alone or for something else."""
        self.number += 1
        first = sold.lines[0]
        gone = line(90, -first.total_ex_tax) | {"quantity": "-1", "name": first.name}
        gone |= {"total_ex_tax": str(-first.total_ex_tax), "total_inc_tax": str(-first.total_inc_tax)}
        gone |= {"origin": {"sale_id": sold.sale_id}} if linked else {}
        return self.say(
            sale_id=f"b{self.number}",
            lines=[gone, *taken],
            placed_at=sold.placed_at + timedelta(minutes=5),
            rounding="0",
        )

    def order(self, name: str) -> dict[str, Any]:
        number = self.shop.worker.ledger.sales.get(f"till:{name}")
        assert number is not None
        assert number.order_id is not None
        return self.shop.store.orders[number.order_id]

    def change(self, name: str, **fields: Any) -> None:
        """Somebody changes an order by hand."""
        order = self.order(name)
        totals = {
            part: order[part] for part in ("subtotal_inc_tax", "subtotal_ex_tax", "total_inc_tax", "total_ex_tax")
        }
        self.shop.store.world.update(
            order["id"], totals | fields if "products" in fields or "billing_address" in fields else fields
        )
        order["date_modified"] = format_datetime(self.shop.clock.now())

    def again(self, name: str, **fields: Any) -> None:
        """Another order with the key of a sale, or with another key."""
        like = self.order(name)
        body = {
            "external_order_id": like["external_order_id"],
            "billing_address": {"first_name": "A", "zip": "78701", "country_iso2": "US"},
            "products": [{"name": "Mug", "quantity": 1, "price_inc_tax": 10.8, "price_ex_tax": 10}],
            "status_id": 10,
            "date_created": like["date_created"],
        }
        self.shop.store.world.create(body | fields)

    def refund_by_hand(self, name: str, amount: str) -> None:
        number = self.order(name)["id"]
        item = {"item_type": "ORDER", "item_id": number, "amount": float(amount)}
        paid = {"provider_id": "custom", "amount": float(amount), "offline": True}
        refunds.refund(self.shop.store.world, self.shop.store.world.get(number), {"items": [item], "payments": [paid]})

    def edit(self, sold: CanonicalOrder, **changes: Any) -> None:
        """The POS says something new of a sale."""
        self._record(CanonicalOrder.model_validate(sold.model_dump() | {"version": "9"} | changes))


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str, int], Till]]:
    made: list[Shop] = []

    def build(mode: str, seed: int) -> Till:
        made.append(Shop(tmp_path, Rules.model_validate(RULES.model_dump() | {"refunds": mode})))
        made[-1].store.world.more_currencies = ("EUR",)
        return Till(made[-1], random.Random(seed), tips_in_note=seed % 2 == 0)

    yield build
    for one in made:
        one.close()


def busy(till: Till) -> list[CanonicalOrder]:
    """Some days of a shop; the sales that nothing else has happened to."""
    plain = [till.sell(rounding="0") for _ in range(15)]  # what comes back was not rounded
    plain += [till.sell() for _ in range(19)]
    for sold in plain[:6]:
        till.refund(sold)
    for sold in plain[6:9]:
        till.give_back(sold)
    for sold in plain[9:13]:
        till.give_back(sold, line(91, Decimal(till.dice.randint(100, 9_000)) / 100))
    for sold in plain[13:15]:
        till.sell(sale_id=sold.sale_id, status="voided", lines=[one.model_dump(mode="json") for one in sold.lines])
    for _ in range(3):
        till.sell(currency="EUR")
    till.sell(training=True)
    till.sell(status="open", open_kind="parked", tenders=[])
    till.shop.rest()
    return plain[15:]


def figures(report: AuditReport) -> tuple[Decimal, Decimal, Decimal]:
    """What the POS has, what BigCommerce has, and what differs, in all."""
    rows = report.rows.values()
    return (
        sum((row.pos.net for row in rows), ZERO),
        sum((row.there.net for row in rows), ZERO),
        sum((row.difference for row in rows), ZERO),
    )


@pytest.mark.parametrize("mode", ["status", "record"])
@pytest.mark.parametrize("seed", range(1, 6))
def test_the_books_of_a_shop_agree_where_nothing_was_planted(
    make: Callable[[str, int], Till], mode: str, seed: int
) -> None:
    till = make(mode, seed)
    busy(till)
    check_agreement(till)


def check_agreement(till: Till) -> None:
    report = till.shop.audit(FIRST, LAST)
    assert report.differences == []
    assert (figures(report)[2], report.missing) == (ZERO, {})
    assert all(row.difference == 0 for row in report.rows.values())
    assert all(row.pos.net - row.left_out == row.there.net for row in report.rows.values())
    assert all(row.pos.tax == row.there.tax for row in report.rows.values())
    assert any(row.left_out for row in report.rows.values()) is till.tips_in_note
    documents = [order for order in every(till) if order.status.value not in ("voided", "open") and not order.training]
    moved = sum(
        (
            till_total(order) - sum((r.amount_inc_tax + r.tip_in_note for r in order.refunds), ZERO)
            for order in documents
        ),
        ZERO,
    )
    assert figures(report)[0] == moved  # the till's own day reports
    by_day = [till.shop.audit(FIRST + timedelta(n), FIRST + timedelta(n)) for n in range(5)]
    assert [one.differences for one in by_day] == [[]] * 5
    assert [figures(one)[0] for one in by_day] == [moved_on(documents, FIRST + timedelta(n)) for n in range(5)]


def moved_on(documents: list[CanonicalOrder], day: date) -> Decimal:
    """What a day's report of the till says: sold on that day, less what was given back on it."""
    sold = sum((till_total(order) for order in documents if order.placed_at.date() == day), ZERO)
    given = [
        refund.amount_inc_tax + refund.tip_in_note
        for order in documents
        for refund in order.refunds
        if refund.at and refund.at.astimezone(order.placed_at.tzinfo).date() == day
    ]
    return sold - sum(given, ZERO)


def till_total(order: CanonicalOrder) -> Decimal:
    return order.total_inc_tax + order.tips_in_note


def every(till: Till) -> list[CanonicalOrder]:
    return [sale.order() for sale in till.shop.worker.ledger.sales.find(Selection(), limit=500)]


def plants(till: Till, plain: list[CanonicalOrder]) -> dict[str, str]:
    """Something wrong with each of some sales; by sale, words of the cause that must be found."""
    sales, planted = iter(plain), dict[str, str]()

    def on(words: str) -> CanonicalOrder:
        sold = next(sales)
        planted[sold.sale_id] = words
        return sold

    till.shop.pass_time(7200)
    one = on("the totals differ").sale_id
    total = Decimal(till.order(one)["total_inc_tax"]) + 1
    till.change(one, total_inc_tax=str(total), total_ex_tax=till.order(one)["total_ex_tax"])
    one = on("the taxes differ").sale_id
    till.change(
        one,
        total_inc_tax=till.order(one)["total_inc_tax"],
        total_ex_tax=str(Decimal(till.order(one)["total_ex_tax"]) - Decimal("0.01")),
    )
    for status, words in (
        (5, "cancelled"),
        (6, "declined"),
        (0, "incomplete"),
        (4, "refunded there, and not in the POS"),
    ):
        till.change(on(words).sale_id, status_id=status)
    till.shop.store.world.archive(till.order(on("archived").sale_id)["id"])
    gone = till.order(on("is gone").sale_id)["id"]
    del till.shop.store.world.kept[gone]
    till.again(on("a second order").sale_id)
    till.again(on("a second order").sale_id, date_created="Tue, 29 Dec 2026 12:00:00 +0000")
    till.again(plain[0].sale_id, external_order_id="till:nobody")
    planted["nobody"] = "the ledger does not know"
    till.change(on("date").sale_id, date_created="Fri, 27 Nov 2026 12:00:00 +0000")
    till.change(on("date").sale_id, date_created="Wed, 23 Dec 2026 12:00:00 +0000")
    till.refund_by_hand(on("the POS refunded 0.00 USD").sale_id, "1.50")
    sold = on("payment method")
    till.change(sold.sale_id, payment_method="Cheque")
    sold = on("channel")
    till.order(sold.sale_id)["channel_id"] = 77
    sold = on("another key")
    till.order(sold.sale_id)["external_order_id"] = "till:renamed"
    sold = on("its lines are not those")
    swap(till, sold.sale_id)
    return planted


def swap(till: Till, name: str) -> None:
    """Another article of the same price in the place of a line."""
    kept = till.shop.store.world.kept[till.order(name)["id"]]
    first = next(one for one in kept.lines if one["quantity"])
    first["name"], first["sku"] = "Something else", "ELSE"
    kept.order["date_modified"] = format_datetime(till.shop.clock.now())


@pytest.mark.parametrize("mode", ["status", "record"])
@pytest.mark.parametrize("seed", range(1, 5))
def test_what_people_do_to_orders_is_found_each_once_with_its_cause(
    make: Callable[[str, int], Till], mode: str, seed: int
) -> None:
    till = make(mode, seed)
    planted = plants(till, busy(till))
    check(till, planted)


def check(till: Till, planted: dict[str, str]) -> None:
    report = till.shop.audit(FIRST, LAST)
    found: dict[str, list[str]] = {}
    for one in report.differences:
        found.setdefault(one.sale.removeprefix("till:"), []).append(one.cause)
        assert one.cure
    assert found.keys() == planted.keys()
    for name, words in planted.items():
        assert len(found[name]) == 1, (name, found[name])
        assert words in found[name][0], (name, words, found[name])


@pytest.mark.parametrize("mode", ["status", "record"])
def test_what_the_pos_says_and_no_order_shows_is_found_each_once_with_its_cause(
    make: Callable[[str, int], Till], mode: str
) -> None:
    till = make(mode, 7)
    plain = iter(busy(till))
    planted: dict[str, str] = {}
    for words, status in (
        ("refunded in the POS, and the order's status does not say so", 10),
        ("is Refunded (4) there", 4),
    ):
        sold = next(plain)
        till.refund(sold, whole=False)
        till.shop.rest()
        till.change(sold.sale_id, status_id=status)
        planted[sold.sale_id] = words
    sold = next(plain)
    till.edit(sold, status="voided")
    till.shop.rest()
    till.change(sold.sale_id, status_id=10)
    planted[sold.sale_id] = "voided in the POS, and its order stands"
    sold = next(plain)
    till.edit(sold, note="said anew", total_inc_tax=str(sold.total_inc_tax + 5))
    planted[sold.sale_id] = "the change was held"
    held = till.sell(total_inc_tax="999.00")
    planted[held.sale_id] = "it is held: lines, fees, discounts and rounding come to"
    back = till.give_back(next(plain), linked=False)
    planted[back.sale_id] = "a return that is held"
    back = till.give_back(next(plain))
    till.shop.worker.ledger.sales.decide(Verb.HOLD, Selection(keys=(back.sale_key,)), "ada")
    planted[back.sale_id] = "a return that is held"
    waiting = till.sell()
    planted[waiting.sale_id] = "it is unknown"
    till.shop.push("lost before")
    assert till.shop.state(waiting.sale_id) is State.UNKNOWN
    check(till, planted)


def test_what_is_not_in_bigcommerce_is_told_and_the_left_side_is_the_tills_day_report(
    make: Callable[[str, int], Till],
) -> None:
    till = make("status", 3)
    sold, held, skipped = till.sell(), till.sell(total_inc_tax="999.00"), till.sell()
    till.shop.worker.ledger.sales.decide(Verb.SKIP, Selection(keys=(skipped.sale_key,)), "ada")
    till.shop.rest()
    report = till.shop.audit(FIRST, LAST)
    pos, there, off = figures(report)
    assert pos == sold.total_inc_tax + Decimal(999) + skipped.total_inc_tax
    assert (there, off) == (sold.total_inc_tax, Decimal(999))
    assert {reason: (one.number, one.amounts["USD"]) for reason, one in report.missing.items()} == {
        "held": (1, Decimal(999)),
        "left out": (1, skipped.total_inc_tax),
    }
    assert [one.sale for one in report.differences] == [held.sale_key]


def test_money_that_was_given_back_counts_on_the_day_on_which_it_was_given_back(
    make: Callable[[str, int], Till],
) -> None:
    till = make("record", 5)
    sold = till.sell(placed_at="2026-11-18T12:00:00-06:00")
    one = {"id": "r1", "at": "2026-11-21T12:00:00-06:00", "amount_inc_tax": "1.00"}
    till.edit(sold, status="partially_refunded", refunds=[one])
    till.shop.rest()
    days = {day: till.shop.audit(day, day) for day in (date(2026, 11, 18), date(2026, 11, 21), date(2026, 11, 22))}
    assert [figures(report)[:2] for report in days.values()] == [
        (sold.total_inc_tax, sold.total_inc_tax),
        (Decimal(-1), Decimal(-1)),
        (ZERO, ZERO),
    ]
    assert all(report.agrees for report in days.values())


def test_a_split_payment_is_in_the_rows_of_both_ways_and_by_card_in_those_of_its_cards(
    make: Callable[[str, int], Till],
) -> None:
    till = make("status", 1)
    cards = [
        {"kind": "card", "label": "Card", "card_brand": "Visa", "card_last4": digits, "amount": "5.40"}
        for digits in ("1111", "2222")
    ]
    till.sell(
        lines=[line(1, Decimal("15.00"))],
        fees=[],
        rounding="0",
        total_inc_tax="16.20",
        tenders=[*cards, {"kind": "cash", "label": "Cash", "amount": "5.40"}],
    )
    till.shop.rest()
    rows = till.shop.audit(FIRST, LAST).rows
    assert {key.tender: (row.pos.net, row.there.net) for key, row in rows.items()} == {
        "card": (Decimal("10.80"), Decimal("10.80")),
        "cash": (Decimal("5.40"), Decimal("5.40")),
    }
    by_card = till.shop.audit(FIRST, LAST, by_card=True).rows
    assert {key.tender for key in by_card} == {"Visa 1111", "Visa 2222", "Cash"}


@pytest.mark.parametrize("mode", ["status", "record"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_an_audit_says_the_same_however_many_sales_it_compares_at_a_time(
    make: Callable[[str, int], Till], mode: str, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    till = make(mode, seed)
    plants(till, busy(till))
    days = [(FIRST, LAST), *((FIRST + timedelta(n), FIRST + timedelta(n + 1)) for n in range(4))]
    together = [till.shop.audit(*some) for some in days]
    assert together[0].differences
    for at_once in (1, 2, 7):
        monkeypatch.setattr("syncd.push.store_orders.audit.cases._AT_ONCE", at_once)
        for whole, part in zip(together, (till.shop.audit(*some) for some in days), strict=True):
            assert (part.rows, part.missing) == (whole.rows, whole.missing)
            assert sorted(map(str, part.differences)) == sorted(map(str, whole.differences))


def test_an_audit_keeps_little_of_each_sale_in_memory(make: Callable[[str, int], Till]) -> None:
    till = make("status", 1)

    def peak() -> int:
        tracemalloc.start()
        assert till.shop.audit(FIRST, LAST).agrees
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    for _ in range(150):
        till.sell()
    till.shop.rest()
    few = peak()
    for _ in range(300):
        till.sell()
    till.shop.rest()
    assert peak() - few < 300 * 8_000  # bytes; all at once, with their documents and orders, take nearly twice that
