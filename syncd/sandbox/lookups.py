"""The reads beside orders: store, time, statuses, catalog, customers, channels, settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from syncd.sandbox.answers import Answer, Refusal, ok, v3_error, v3_list
from syncd.sandbox.clock import wall
from syncd.sandbox.filters import whole
from syncd.sandbox.totals import places_of
from syncd.sandbox.validate import STATUSES
from syncd.sandbox.world import CHANNELS, Asked, World


def status(number: int) -> dict[str, Any]:
    """Return an order status as the API shows it."""
    name = STATUSES[number]
    labels = {"name": name, "system_label": name, "custom_label": name, "system_description": name}
    return {"id": number, **labels}


def _statuses(_world: World, _asked: Asked) -> Answer:
    return ok([status(number) for number in STATUSES])


def _store(world: World, _asked: Asked) -> Answer:
    settings = world.settings
    return ok(
        {
            "id": settings.store_hash,
            "name": "Sandbox store",
            "domain": "sandbox.example",
            "secure_url": "https://sandbox.example",
            "status": "live",
            "currency": settings.currency,
            "country": "United States",
            "country_code": "US",
            "language": "en",
            "plan_name": "Sandbox",
            "plan_level": "Sandbox",
            "is_price_entered_with_tax": world.orders.ways.tax_included,
            "timezone": {"name": "America/Chicago", "raw_offset": -21600, "dst_offset": -18000, "dst_correction": True},
        }
    )


def _currencies(world: World, _asked: Asked) -> Answer:
    settings = world.settings
    return ok(
        [
            {
                "id": number,
                "is_default": number == 1,
                "last_updated": "Mon, 23 Nov 2026 10:00:00 +0000",
                "country_iso2": code[:2],
                "default_for_country_codes": [],
                "currency_code": code,
                "currency_exchange_rate": "1.0000000000",
                "name": code,
                "token": code,
                "auto_update": False,
                "token_location": "left",
                "decimal_token": ".",
                "thousands_token": ",",
                "decimal_places": places_of(code),
                "enabled": True,
                "is_transactional": True,
            }
            for number, code in enumerate((settings.currency, *settings.more_currencies), start=1)
        ]
    )


def _tax_classes(_world: World, _asked: Asked) -> Answer:
    names = ("Non-Taxable Products", "Shipping", "Gift Wrapping")
    made = "Mon, 23 Nov 2026 10:00:00 +0000"
    return ok(
        [{"id": n, "name": name, "created_at": made, "updated_at": made} for n, name in enumerate(names, start=1)]
    )


def _time(_world: World, _asked: Asked) -> Answer:
    return ok({"time": int(wall())})


def _poisoned(world: World, asked: Asked) -> None:
    """Refuse a look-up that this store does not take."""
    code = world.orders.ways.poison_code.lower()
    if code and any(code in (asked.codes(name) or ()) for name in ("sku", "upc")):
        raise Refusal(v3_error(422, "The filter(s): sku are not valid filter parameter(s)."))


def _v3_page(asked: Asked, items: list[Any]) -> Answer:
    start, limit = asked.slice()
    return v3_list(items[start : start + limit], len(items), start // limit + 1, limit)


def _variants(world: World, asked: Asked) -> Answer:
    _poisoned(world, asked)
    skus, products = asked.codes("sku"), asked.codes("product_id")
    if products is not None:
        of = world.catalog.of_product
        found = [variant for number in sorted(map(int, products)) for variant in of.get(number, ())]
    elif skus is not None:
        found = [variant for sku in sorted(skus) for variant in world.catalog.by_sku.get(sku, ())]
    else:
        found = list(world.catalog.variants.values())
    return _v3_page(
        asked, [_fields(asked, item) for item in found if _chosen(asked, item, ("upc", "product_id", "id"))]
    )


def _products(world: World, asked: Asked) -> Answer:
    _poisoned(world, asked)
    ids = asked.codes("id")
    products, wanted = world.catalog.products, asked.query.get("include", "").split(",")
    if "id:greater" in asked.query:
        since = asked.query.get("date_modified:min", "").replace("Z", "+00:00")
        numbers, (start, limit) = world.catalog.above(whole(asked.query, "id:greater", 0), since), asked.slice()
        page = [
            _product(asked, products[n], with_modifiers="modifiers" in wanted) for n in numbers[start : start + limit]
        ]
        return v3_list(page, len(numbers), start // limit + 1, limit)
    some = (
        [products[int(number)] for number in sorted(ids) if number.isdigit() and int(number) in products]
        if ids
        else None
    )
    found = [item for item in some or products.values() if _chosen(asked, item, ("id", "sku", "upc", "type"))]
    return _v3_page(asked, [_product(asked, item, with_modifiers="modifiers" in wanted) for item in found])


def _product(asked: Asked, item: Mapping[str, Any], *, with_modifiers: bool) -> dict[str, Any]:
    shown = _fields(asked, {name: value for name, value in item.items() if name != "modifiers"})
    return {**shown, "modifiers": item["modifiers"]} if with_modifiers else shown


def _chosen(asked: Asked, item: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    for name in names:
        codes = asked.codes(name)
        if codes is not None and str(item.get(name, "")).lower() not in codes:
            return False
    return True


def _fields(asked: Asked, item: Mapping[str, Any]) -> dict[str, Any]:
    wanted = asked.query.get("include_fields", "")
    names = {"id", *wanted.split(",")} if wanted else item.keys()
    return {name: value for name, value in item.items() if name in names}


def _customers(world: World, asked: Asked) -> Answer:
    return _v3_page(asked, world.customers.find(asked.codes("email"), asked.codes("phone")))


READS: dict[str, Callable[[World, Asked], Answer]] = {
    "v2/order_statuses": _statuses,
    "v2/store": _store,
    "v2/time": _time,
    "v2/currencies": _currencies,
    "v2/tax_classes": _tax_classes,
    "v3/catalog/variants": _variants,
    "v3/catalog/products": _products,
    "v3/customers": _customers,
    "v3/channels": lambda _world, asked: _v3_page(asked, list(CHANNELS.values())),
    "v3/settings/inventory": lambda world, _asked: ok({"data": world.stock, "meta": {}}),
    "v3/settings/email-statuses": lambda world, _asked: ok({"data": world.mails, "meta": {}}),
    "v3/tax/settings": lambda world, _asked: ok({"data": world.taxes, "meta": {}}),
    "v3/orders/settings": lambda world, _asked: ok(world.notifications | {"meta": {}}),
    "v3/carts/settings": lambda world, _asked: ok({"data": world.storefront["carts"], "meta": {}}),
    "v3/abandoned-carts/settings": lambda world, _asked: ok({"data": world.storefront["abandoned_carts"], "meta": {}}),
    "v3/promotions/settings": lambda world, _asked: ok({"data": world.storefront["promotions"], "meta": {}}),
    "v3/pickup/methods": lambda world, asked: _v3_page(asked, world.pickup_methods),
    "v3/inventory/locations": lambda world, _asked: ok({"data": world.locations, "meta": {}}),
}
