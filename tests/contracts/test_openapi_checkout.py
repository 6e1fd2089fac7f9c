"""What syncd itself asks of carts and checkouts, and what the sandbox answers, beside BigCommerce's OpenAPI descriptions."""

from pathlib import Path
from typing import Any

from syncd.testing.orders import sale
from tests.chaos.checkouts import HOME, PERSON
from tests.contracts.openapi import exchanges, problems
from tests.shared import needs_openapi
from tests.shop import Shop, pass_until_settled, running_sandbox

pytestmark = needs_openapi
SOURCE = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
EVERY_CALL = """workflow = "checkout"
pickup_method_id = 1
checkout.only = []
checkout.coupons = "apply"
checkout.gift_certificates = "issue"
"""
LINE = {"line_id": "1", "name": "Mug", "sku": "MUG-1", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
CARD = {"line_id": "2", "kind": "gift_card", "name": "Gift card", "total_ex_tax": "25.00", "total_inc_tax": "25.00"}
FEE = {"kind": "service_charge", "name": "Wrapping", "total_ex_tax": "2.00", "total_inc_tax": "2.00"}
COURIER = {"kind": "delivery", "name": "Courier", "total_ex_tax": "5.00", "total_inc_tax": "5.00"}
TEN = {"name": "Ten", "code": "TEN", "amount_inc_tax": "1.08", "amount_ex_tax": "1.00"}


def kinds() -> dict[str, dict[str, Any]]:
    three = LINE | {"name": "Three", "sku": None, "quantity": "3"}
    return {
        "pickup": {"fulfilment": "pickup"},
        "variant": {"lines": [LINE | {"sku": "TEE-M-BLK"}]},
        "custom": {"lines": [three], "fulfilment": "ship"},
        "digital": {"lines": [LINE | {"sku": "EBOOK-1", "digital": True}], "fulfilment": "digital"},
        "shipped": {"fulfilment": "ship", "fees": [COURIER], "total_inc_tax": "15.80"},
        "wrapped": {"fees": [FEE], "total_inc_tax": "12.80"},
        "certificate": {"lines": [LINE, CARD], "total_inc_tax": "35.80"},
        "coupon": {"discounts": [TEN], "total_inc_tax": "9.72", "total_tax": "0.72"},
        "phone": {"customer": PERSON | {"phone": "+1 (512) 555-0100"}},
    }


def test_the_calls_of_every_kind_of_checkout_fit_their_descriptions(tmp_path: Path) -> None:
    tape = tmp_path / "tape.jsonl"
    with running_sandbox("--record", str(tape)) as (_, store):
        (tmp_path / "inbox").mkdir()
        shop = Shop(tmp_path, store)
        store.control("ways", {"tax_rate": 8.0, "coupons": {"TEN": 10.0}, "price_places": 4})
        store.control("ways", {"shipping_options": [{"id": "flat", "description": "Flat", "cost": 5.0}]})
        for number, more in enumerate(("", 'checkout.delivery = "offered"\ncheckout.promotions = "strip"\n')):
            shop.configure(SOURCE, EVERY_CALL + more)
            orders = [
                sale(
                    source="till",
                    sale_id=f"{name}-{number}",
                    **({"lines": [LINE], "customer": PERSON, "billing": HOME} | said),
                )
                for name, said in kinds().items()
                if not (more and name == "coupon")  # a discount that is posted excludes coupons
            ]
            shop.drop(f"sales{number}.jsonl", "".join(order.to_json() + "\n" for order in orders))
            states = pass_until_settled(shop, most=40)
            assert set(states) == {"synced"}, shop.run("sales").out
        store.control("faults", {"faults": [{"kind": "5xx_before", "method": "POST", "path": "/fees", "times": 1}]})
        shop.drop(
            "again.jsonl",
            sale(source="till", sale_id="again", lines=[LINE], customer=PERSON, **kinds()["wrapped"]).to_json(),
        )
        assert set(pass_until_settled(shop, most=40)) == {"synced"}
        assert shop.run("check").code == 0
    heard = [one for one in exchanges(tape) if int(one["status"]) < 500]  # an injected failure has no shape of its own
    made = [
        one for one in heard if "/v3/ca" in one["path"] or "/v3/checkouts" in one["path"] or "/v2/orders" in one["path"]
    ]
    asked = {(one["method"], one["path"].rsplit("/", 1)[1]) for one in made}
    assert {
        ("POST", name) for name in ("carts", "billing-address", "consignments", "discounts", "coupons", "fees")
    } <= asked
    assert [
        (one["method"], one["path"], problems(one)) for one in made if "settings" not in one["path"] and problems(one)
    ] == []
