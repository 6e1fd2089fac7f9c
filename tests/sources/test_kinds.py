"""What the exports call their sales, tips, accounts and amounts, where a wrong reading is wrong money."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from syncd.canonical import check_balance
from syncd.canonical.kinds import FeeKind, OpenKind, SaleStatus
from tests.shared import SAMPLES, needs_samples
from tests.sources.conftest import Till

Make = Callable[..., Till]


# Decimal marks


@pytest.mark.parametrize("cell", ["0,450", "-0,450", "00,450", "0,450,000"])
def test_a_group_never_begins_with_zero(till: Make, cell: str) -> None:
    shop = till()
    shop.drop("day.csv", f"sale id;date;name;quantity;price\ns1;2026-11-20 10:00;Ham;{cell};9.00\n")
    orders, faults = shop.read()
    assert orders == []
    assert faults


def test_an_amount_that_may_have_three_decimals_or_be_thousands_is_refused_until_the_mark_is_set(till: Make) -> None:
    text = 'sale id,date,name,line total\ns1,2026-11-20 10:00,Tea,"2,500"\n'
    shop = till(currency="TND")
    shop.drop("day.csv", text)
    orders, (fault,) = shop.read()
    assert orders == []
    assert "set decimal_mark" in fault.reason
    for mark, amount in ((",", Decimal("2.5")), (".", Decimal(2500))):
        told = till(currency="TND", decimal_mark=mark)
        told.drop("day.csv", text)
        ((order,), _) = told.read()
        assert order.total_inc_tax == amount


# Shopify

SHOPIFY = (
    "Name,Id,Source,Financial Status,Currency,Subtotal,Shipping,Taxes,Total,Discount Amount,Shipping Method,Created at,"
    "Lineitem quantity,Lineitem name,Lineitem price,Lineitem sku,Payment Method,Outstanding Balance\n"
)


def shopify(till: Make, *rows: str, **settings: object) -> Till:
    shop = till(preset="shopify", timezone=None, currency=None, **settings)
    shop.drop("orders.csv", SHOPIFY + "".join(rows))
    return shop


def test_a_shopify_tip_is_a_fee_and_no_product_and_no_discount(till: Make) -> None:
    shop = shopify(
        till,
        "#1,9,pos,paid,USD,10.00,0.00,0.80,12.80,0.00,,2026-11-20 10:00:00 -0500,1,Mug,10.00,MUG,Cash,0.00\n",
        "#1,,,,,,,,,,,,1,Tip,2.00,,,\n",
    )
    (order,), faults = shop.read()
    assert faults == []
    assert [(fee.kind, fee.total_inc_tax) for fee in order.fees] == [(FeeKind.TIP, Decimal(2))]
    assert [line.name for line in order.lines] == ["Mug"]
    assert order.discounts == ()
    assert check_balance(order) == ()


def test_a_product_that_is_called_tip_stays_a_product(till: Make) -> None:
    shop = shopify(
        till, "#1,9,pos,paid,USD,2.00,0.00,0.00,2.00,0.00,,2026-11-20 10:00:00 -0500,1,Tip,2.00,,Cash,0.00\n"
    )
    (order,), _ = shop.read()
    assert ([line.name for line in order.lines], order.fees) == (["Tip"], ())


def test_shopify_web_orders_are_left_out_and_counted_unless_the_config_wants_them(till: Make) -> None:
    web = "#2,8,web,paid,USD,5.00,4.00,0.00,9.00,0.00,Courier,2026-11-20 10:00:00 -0500,1,Mug,5.00,MUG,Card,0.00\n"
    pos = web.replace("#2,8,web", "#1,9,pos")
    shop = shopify(till, web, pos)
    orders, faults = shop.read()
    assert [order.sale_id for order in orders] == ["9"]
    assert faults == []
    assert shop.left_out == {"web orders (only = ['pos'])": 1}
    wanted = shopify(till, web, only=["pos", "web"])
    (order,), _ = wanted.read()
    assert (order.fulfilment, order.shipping_method) == ("ship", "Courier")


@needs_samples
def test_the_web_orders_of_real_shopify_exports_are_left_out(till: Make) -> None:
    left = 0
    for file in sorted((SAMPLES / "shopify-csv").glob("*.csv")):
        shop = till(preset="shopify", timezone=None, currency=None)
        shop.drop(file.name, file.read_bytes())
        orders, _ = shop.read()
        left += sum(shop.left_out.values())
        assert all(order.extra.get("Source", "pos") == "pos" for order in orders)
    assert left > 40


def test_a_shopify_order_that_is_not_paid_whole_says_what_is_outstanding(till: Make) -> None:
    shop = shopify(
        till, "#1,9,pos,paid,USD,100.00,0.00,0.00,100.00,0.00,,2026-11-20 10:00:00 -0500,1,Coat,100.00,,Cash,28.23\n"
    )
    (order,), _ = shop.read()
    assert shop.holds[order.sale_id] == "28.23 USD are outstanding in Shopify"


# Lightspeed

LIGHTSPEED = (
    "Sale UUID,Sale Date,Sale Time,Invoice Number,Line Type,Quantity,Price,Tax,Discount,Total,Paid,Details,Status\n"
)


@pytest.mark.parametrize(("status", "waits"), [("ONACCOUNT", False), ("LAYBY", True)])
def test_33_lightspeed_goods_on_account_await_their_payment_as_by_the_api_and_goods_laid_by_wait(
    till: Make, status: str, waits: bool
) -> None:
    shop = till(preset="lightspeed_x")
    text = (
        f"u1,2026-11-20,10:00:00,7,Sale,1,40.00,4.00,0,44.00,,,{status}\n"
        "u1,2026-11-20,10:00:00,7,Sale Line,1,40.00,4.00,0,44.00,,Coat,\n"
        "u1,2026-11-20,10:00:00,7,Payment,,,,,,10.00,Cash,\n"
    )
    shop.drop("ledger.csv", LIGHTSPEED + text)
    (order,), _ = shop.read()
    assert (order.status, order.is_open) == (SaleStatus.OPEN, waits)
    if not waits:
        assert (order.open_kind, order.balance_due) == (OpenKind.ON_ACCOUNT, Decimal(34))
        assert [tender.label for tender in order.tenders] == ["Cash"]
        assert check_balance(order) == ()


def test_lightspeed_sales_on_account_stay_open_where_the_config_says_so(till: Make) -> None:
    shop = till(preset="lightspeed_x", on_account="open")
    text = "u1,2026-11-20,10:00:00,7,Sale,1,40.00,4.00,0,44.00,,,ONACCOUNT\n"
    shop.drop("ledger.csv", LIGHTSPEED + text + "u1,2026-11-20,10:00:00,7,Sale Line,1,40.00,4.00,0,44.00,,Coat,\n")
    ((order,), _) = shop.read()
    assert (order.status, order.is_open) == (SaleStatus.OPEN, True)


# Clover

CLOVER = (
    "Order Date,Order ID,Currency,Tax Amount,Order Total,Payments Total,Refunds Total,Manual Refunds Total,Tender,"
    "Order Payment State\n"
)


@pytest.mark.parametrize(
    "row",
    [
        "20-Nov-2026 10:00 AM EST,C1,USD,0.00,0.00,0.00,0.00,15.00,Cash,Manually Refunded\n",
        "20-Nov-2026 10:00 AM EST,C1,USD,0.00,0.00,0.00,0.00,15.00,Cash,Open\n",
        "20-Nov-2026 10:00 AM EST,C1,USD,0.00,-15.00,-15.00,0.00,0.00,Cash,Refund\n",
    ],
)
def test_clover_money_that_went_out_is_held_and_not_skipped(till: Make, row: str) -> None:
    shop = till(preset="clover", timezone=None, currency=None)
    shop.drop("orders.csv", CLOVER + row)
    (order,), _ = shop.read()
    assert order.status is not SaleStatus.OPEN
    assert "refund" in shop.holds[order.sale_id]


# An hour that the clocks skipped


def test_a_sale_in_the_hour_that_clocks_skipped_arrives_an_hour_on_with_a_note(till: Make) -> None:
    text = "sale id,date,name,line total\ns1,2026-03-08 02:13,Tea,5.00\n"
    shop = till()
    shop.drop("day.csv", text)
    (order,), faults = shop.read()
    assert faults == []
    assert order.placed_at.isoformat() == "2026-03-08T03:13:00-05:00"
    assert "never happened" in order.note
    strict = till(skipped_hour="fault")
    strict.drop("day.csv", text)
    orders, (fault,) = strict.read()
    assert orders == []
    assert "never happened" in fault.reason
