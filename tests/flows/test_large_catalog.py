"""A store of 250,000 variants: look-ups stay few."""

import json
from pathlib import Path

from syncd.testing.orders import sale
from tests.flows.test_after_push import SOURCE, till
from tests.shop import Shop, running_sandbox

VARIANTS, SKUS = 250_000, 1000


def test_unknown_skus_cost_at_most_one_request_for_fifty_in_a_store_of_250_000_variants(tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps([{"sku": f"V{n}", "name": f"Thing {n}", "price": 1} for n in range(VARIANTS)]))
    (tmp_path / "inbox").mkdir()
    with running_sandbox("--catalog", str(catalog)) as (_, store):
        shop = Shop(tmp_path, store)
        shop.configure(SOURCE)
        one = {"total_ex_tax": "1.00", "total_inc_tax": "1.08"}
        sales = [
            sale(
                sale_id=f"s{n}",
                lines=[{"line_id": str(k), "name": "T", "sku": f"V{(n * 10 + k) * 250}", **one} for k in range(10)],
                total_inc_tax="10.80",
            )
            for n in range(SKUS // 10)
        ]
        assert till(shop, *sales).code == 0
        asked = store.stats()["requests"]
        looked_up = asked["GET /v3/catalog/variants"] + asked["GET /v3/catalog/products"]
        print(f"{SKUS} SKUs, {looked_up} look-ups")
        assert looked_up <= SKUS / 50
        (order,) = store.get("/v2/orders?limit=1&external_order_id=till:s9")
        assert all(line["product_id"] for line in store.get(f"/v2/orders/{order['id']}/products"))
