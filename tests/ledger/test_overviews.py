"""What pages read of the ledger."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncd.canonical import Batch
from syncd.canonical.kinds import SaleStatus
from syncd.ledger import RecordOptions, Selection, Sides, SlotActivity, place_of
from syncd.ledger.sales import Lag
from syncd.sale.overrides import Verb
from syncd.sale.states import Lane, State
from syncd.testing.orders import sale
from tests.databases import both_databases
from tests.deciders import to_main
from tests.ledger.conftest import Book, numbered, took

_NAMES = count()
_DAY = (datetime(2026, 11, 20, tzinfo=UTC), datetime(2026, 11, 21, tzinfo=UTC))


@both_databases
def test_both_sides_of_a_day_leave_out_returns_what_was_skipped_and_what_was_voided(book: Book) -> None:
    book.record(*numbered(3))
    book.push(1)
    voided = sale(sale_id="0", status=SaleStatus.VOIDED)
    book.record(voided)
    book.record(sale(sale_id="void", status=SaleStatus.VOIDED), sale(sale_id="skip"), sale(sale_id="wait"))
    book.decide(Verb.SKIP, "till:skip")
    book.record(
        sale(sale_id="before", placed_at=_DAY[0] - timedelta(seconds=1)), sale(sale_id="after", placed_at=_DAY[1])
    )
    (sides,) = book.ledger.overviews.sides("till", _DAY[0].date())
    assert (sides.sales, sides.pos_total) == (4, Decimal("43.20"))  # 1, 2, "wait", and 0, whose order still stands
    assert book.ledger.overviews.sides("other", _DAY[0].date()) == []


@both_databases
def test_a_day_whose_sums_agree_says_what_is_not_in_bigcommerce_all_the_same(book: Book) -> None:
    book.record(*numbered(2))
    book.push(1)
    (before,) = book.ledger.overviews.sides("till", _DAY[0].date())
    assert before.missing == 0
    back = {"line_id": "1", "name": "Mug", "quantity": "-1", "total_ex_tax": "-5.00", "total_inc_tax": "-5.40"}
    fields: dict[str, Any] = {"lines": [back], "total_inc_tax": "-5.40", "total_tax": "-0.40"}
    book.record(sale(sale_id="back", **fields))  # held: it names no sale
    (sides,) = book.ledger.overviews.sides("till", _DAY[0].date())
    assert (sides.difference, sides.missing, sides.agree) == (before.difference, 1, False)
    assert Sides("USD", 1, 1, Decimal(1), Decimal(1)).agree
    assert not Sides("USD", 1, 1, Decimal(1), Decimal(1), 1).agree


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.decimals("0.01", "99999999.99", places=2), min_size=1, max_size=30))
@both_databases
def test_the_sums_are_exact_whatever_the_amounts_are(book: Book, amounts: list[Decimal]) -> None:
    name = f"till{next(_NAMES)}"  # a new source for each example
    orders = [
        sale(source=name, sale_id=str(n), total_inc_tax=amount, total_tax="0", tenders=[])
        for n, amount in enumerate(amounts)
    ]
    book.ledger.sales.record(Batch(tuple(orders), (), "c"), RecordOptions(name, to_main))
    (sides,) = book.ledger.overviews.sides(name, _DAY[0].date())
    assert sides.pos_total == sum(amounts)


@both_databases
def test_what_was_synced_is_counted_by_quarters_of_an_hour(book: Book) -> None:
    book.record(*numbered(3))
    with book.ledger.lease("main") as lease:
        first, *rest = book.begin(lease, *book.due())
        book.settle(first, took(first, 1))
        book.clock.pass_time(15 * 60)
        for place, one in enumerate(rest):
            book.settle(one, took(one, place + 2))
    noon = datetime(2026, 11, 23, 12, tzinfo=UTC)
    quarter, activity = noon + timedelta(minutes=15), book.ledger.activity
    found = {noon: SlotActivity(1, timedelta(0)), quarter: SlotActivity(2, timedelta(minutes=15))}
    assert activity.of(noon - timedelta(hours=1)) == activity.of(noon - timedelta(hours=1), "main") == found
    assert activity.of(quarter, "main") == {quarter: found[quarter]}
    assert activity.of(noon, "other") == {}
    assert activity.orders_of(["main", "other"], noon) == {"main": {noon: 1, quarter: 2}, "other": {}}
    assert activity.failures(noon - timedelta(hours=1)) == activity.failures(noon, "main") == {}


@both_databases
def test_the_longest_wait_is_of_live_sales_alone(book: Book) -> None:
    assert book.ledger.sales.lags(["main"])["main"].live_since is None
    book.record(sale(sale_id="old"), lane=Lane.BACKFILL)
    assert book.ledger.sales.lags(["main"])["main"].live_since is None
    book.clock.pass_time(60)
    book.record(sale(sale_id="new"))
    assert book.ledger.sales.lags(["main"])["main"].live_since == book.clock.now()


@both_databases
def test_reasons_are_counted_the_most_frequent_first(book: Book) -> None:
    holds = {"a": "no price", "b": "no till", "c": "no till"}
    book.record(*(sale(sale_id=name) for name in holds), holds=holds)
    found = book.ledger.overviews.reasons(State.HELD)
    assert [(one.why, one.number) for one in found] == [("no till", 2), ("no price", 1)]
    assert [one.totals for one in found] == [{"USD": Decimal("21.6")}, {"USD": Decimal("10.8")}]
    assert book.ledger.overviews.reasons(State.REJECTED) == []
    chosen = book.ledger.overviews.page(Selection(state=State.HELD, reason=found[0].group), 10)
    assert {one.sale_key for one in chosen} == {"till:b", "till:c"}


@both_databases
def test_pages_of_sales_leave_none_out_and_show_none_twice(book: Book) -> None:
    book.record(*numbered(25))
    seen: list[str] = []
    before = None
    while page := book.ledger.overviews.page(Selection(), 10, before):
        seen += [one.sale_key for one in page]
        before = place_of(page[-1])
    assert sorted(seen) == sorted(f"till:{n}" for n in range(25))


@both_databases
def test_a_sale_is_found_by_each_of_its_names(book: Book) -> None:
    book.record(sale(sale_id="abc", number="R-5"), sale(sale_id="other", number="7"))
    book.push(700)
    overviews = book.ledger.overviews
    number = book.sale("till:abc").id
    for name in ("till:abc", "abc", "R-5", str(book.sale("till:abc").order_id)):
        assert overviews.named(name, ["till"], ["main"]) == (number,)
    assert overviews.named("9" * 30, ["till"], ["main"]) == ()
    assert overviews.key_of(number) == "till:abc"
    assert overviews.key_of(99) is None


@both_databases
def test_the_log_has_every_change_and_every_request_the_newest_first_page_by_page(book: Book) -> None:
    for name in ("a", "b"):
        book.record(sale(sale_id=name))
        book.clock.pass_time(1)
        book.push(7)
        book.clock.pass_time(1)
    rows = book.ledger.overviews.log(None, 10)
    assert [(row.sale_key, row.before, row.after, row.status) for row in rows] == [
        ("till:b", "create", "accepted", 200),
        ("till:b", None, "pending", None),
        ("till:a", "create", "accepted", 200),
        ("till:a", None, "pending", None),
    ]
    paged, place = [], None
    while some := book.ledger.overviews.log(place, 1):
        paged += some
        place = some[-1].place
    assert [row.at for row in paged] == [row.at for row in rows]


@both_databases
def test_sums_of_the_largest_amounts_are_exact_and_never_overflow(book: Book) -> None:
    most = Decimal("999999999999.99")
    for start in range(0, 2_000, 500):
        book.record(*[one_of(number, most) for number in range(start, start + 500)])
    book.record(one_of(3_000, Decimal("0.01")), one_of(3_001, Decimal(7)))
    (sides,) = book.ledger.overviews.sides("till", _DAY[0].date())
    assert sides.pos_total == most * 2_000 + Decimal("7.01")


def one_of(number: int, total: Decimal) -> Any:
    line = {"line_id": "1", "name": "Mug", "total_ex_tax": str(total), "total_inc_tax": str(total)}
    amounts = {"total_inc_tax": str(total), "total_tax": "0", "lines": [line]}
    return sale(sale_id=f"big{number}", placed_at=_DAY[0], **amounts)


@both_databases
def test_stores_that_were_never_spoken_to_have_a_lag_too(book: Book) -> None:
    book.record(sale())
    there = Batch((sale(sale_id="there"),), (), "c")
    book.ledger.sales.record(there, RecordOptions("till", lambda _order: "other"))
    book.ledger.stores.bind("other", "hash")
    now = book.clock.now()
    found = book.ledger.sales.lags(["main", "other", "new"])
    assert found == {"main": Lag(now, None, now), "other": Lag(now, None, now), "new": Lag()}
