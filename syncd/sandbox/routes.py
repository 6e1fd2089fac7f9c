"""Which request goes where: the V2 and V3 paths that syncd uses, the pages, and the sandbox's own controls."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any
from urllib.parse import parse_qsl

from syncd.sandbox import pages
from syncd.sandbox.answers import Answer, Refusal, invalid, ok, v2_error, v2_list, v3_error, v3_list
from syncd.sandbox.catalog import Catalog
from syncd.sandbox.faults import FaultPlan, read_plan
from syncd.sandbox.orders import Kept, Orders, whole
from syncd.sandbox.quota import Quota
from syncd.sandbox.settings import SandboxSettings
from syncd.sandbox.validate import STATUSES

_MOST_PER_PAGE = 250
CHANNELS = {
    1: {"id": 1, "name": "Storefront", "type": "storefront", "platform": "bigcommerce", "status": "active"},
    2: {"id": 2, "name": "Point of sale", "type": "pos", "platform": "custom", "status": "active"},
}
_INVENTORY = {
    "product_out_of_stock_behavior": "do_nothing",
    "option_out_of_stock_behavior": "do_nothing",
    "update_stock_behavior": "order_placed",
    "edit_order_stock_adjustment": True,
    "refund_order_stock_adjustment": True,
    "stock_level_display": "dont_show",
    "default_out_of_stock_message": "Out of stock",
    "hide_in_product_filtering": False,
    "show_pre_order_stock_levels": False,
    "show_out_of_stock_message": True,
}


@dataclass(slots=True)
class Asked:
    """A request: method, path, query, body."""

    method: str
    path: str
    query: dict[str, str]
    body: bytes
    token: str

    @classmethod
    def read(cls, method: str, url: bytes, body: bytes, token: str) -> Asked:
        """From the wire."""
        path, _, query = url.decode("latin-1").partition("?")
        return cls(method, path, dict(parse_qsl(query, keep_blank_values=True)), body, token)

    def json(self) -> dict[str, Any]:
        """The body as an object; a Refusal where it is none."""
        try:
            document = json.loads(self.body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Refusal(v2_error(400, "Input is invalid: the body is not a JSON object."))
        return document


@dataclass(slots=True)
class World:
    """Everything that the sandbox's store holds."""

    settings: SandboxSettings
    orders: Orders
    catalog: Catalog
    plan: FaultPlan
    quota: Quota
    customers: dict[str, int] = field(default_factory=dict)
    posts: list[dict[str, Any]] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)


def respond(world: World, asked: Asked) -> Answer:
    """The answer to a request, whatever it is."""
    try:
        if asked.path.startswith("/stores/"):
            return _api(world, asked)
        if asked.path.startswith("/_sandbox/"):
            return _control(world, asked)
        return _page(world, asked)
    except Refusal as refusal:
        return refusal.answer


def _page(world: World, asked: Asked) -> Answer:
    if asked.path == "/":
        return pages.index(world.orders)
    number = asked.path.removeprefix("/orders/")
    if number.isdigit():
        return pages.one(world.orders.get(int(number)))
    return v2_error(404, "The requested resource was not found.")


def _api(world: World, asked: Asked) -> Answer:
    _, _, store_hash, rest = (
        asked.path.split("/", 3) if asked.path.count("/") >= 3 else (*asked.path.split("/"), "", "")[:4]
    )
    if asked.token != world.settings.token or store_hash != world.settings.store_hash:
        return v3_error(401, "Unauthorized. The X-Auth-Token was invalid.") if rest.startswith("v3") else _denied()
    parts = rest.strip("/").split("/")
    if parts[:2] == ["v2", "orders"]:
        return _orders(world, asked, parts[2:])
    handler = _READS.get("/".join(parts))
    if handler is not None and asked.method == "GET":
        return handler(world, asked)
    if parts[0] == "v3":
        return v3_error(404, "Not found.")
    return v2_error(404, "The requested resource was not found.")


def _denied() -> Answer:
    return v2_error(401, "Unauthorized. The X-Auth-Token was invalid.")


def _orders(world: World, asked: Asked, parts: list[str]) -> Answer:
    match asked.method, parts:
        case "POST", []:
            kept = world.orders.create(asked.json())
            kept.made_at = time.time()  # noqa: TID251  the sandbox is a world of its own, with a clock of its own
            answer = ok(kept.order)
            answer.made = kept.order["id"]
            return answer
        case "GET", []:
            return v2_list(_paged(world, asked))
        case "DELETE", []:
            world.orders.archive_all()
            return Answer(204)
        case "GET", ["count"]:
            return ok(_count(world, asked))
        case method, [number, *rest] if number.isdigit():
            return _order(world, asked, method, (int(number), rest))
    return v2_error(405, "The method is not allowed for this resource.")


def _order(world: World, asked: Asked, method: str, which: tuple[int, list[str]]) -> Answer:
    number, rest = which
    match method, rest:
        case "GET", []:
            return ok(world.orders.get(number).order)
        case "PUT", []:
            return ok(world.orders.update(number, asked.json()).order)
        case "DELETE", []:
            world.orders.archive(number)
            return Answer(204)
        case "GET", [name]:
            return _sub_resource(world, asked, number, name)
        case "GET", [name, item] if item.isdigit():
            items = world.orders.sub_resource(number, name)
            found = [one for one in items if one["id"] == int(item)]
            return ok(found[0]) if found else v2_error(404, "The requested resource was not found.")
    return v2_error(405, "The method is not allowed for this resource.")


def _sub_resource(world: World, asked: Asked, number: int, name: str) -> Answer:
    if name == "consignments":
        return ok({"pickups": [], "shipping": [], "downloads": [], "email": {"gift_certificates": []}})
    start, limit = _slice(asked)
    return v2_list(world.orders.sub_resource(number, name)[start : start + limit])


def _slice(asked: Asked) -> tuple[int, int]:
    page, limit = whole(asked.query, "page", 1), whole(asked.query, "limit", 50)
    if page < 1 or limit < 1:
        raise invalid("limit", "must be positive")
    limit = min(limit, _MOST_PER_PAGE)
    return (page - 1) * limit, limit


def _paged(world: World, asked: Asked) -> list[dict[str, Any]]:
    start, limit = _slice(asked)
    return list(islice(world.orders.find(asked.query), start, start + limit))


def _count(world: World, asked: Asked) -> dict[str, Any]:
    """Incomplete orders are not in the count."""
    counts = dict.fromkeys(STATUSES, 0)
    for order in world.orders.find(asked.query):
        counts[order["status_id"]] += 1
    counts[0] = 0
    return {
        "count": sum(counts.values()),
        "statuses": [{**_status(number), "sort_order": number, "count": counts[number]} for number in STATUSES],
    }


def _status(number: int) -> dict[str, Any]:
    name = STATUSES[number]
    labels = {"name": name, "system_label": name, "custom_label": name, "system_description": name}
    return {"id": number, **labels}


def _statuses(_world: World, _asked: Asked) -> Answer:
    return ok([_status(number) for number in STATUSES])


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
            "is_price_entered_with_tax": False,
            "timezone": {"name": "America/Chicago", "raw_offset": -21600, "dst_offset": -18000, "dst_correction": True},
        }
    )


def _time(_world: World, _asked: Asked) -> Answer:
    return ok({"time": int(time.time())})  # noqa: TID251  the sandbox is a world of its own, with a clock of its own


def _v3_page(asked: Asked, items: list[Any]) -> Answer:
    start, limit = _slice(asked)
    return v3_list(items[start : start + limit], len(items), start // limit + 1, limit)


def _codes(asked: Asked, name: str) -> set[str] | None:
    if f"{name}:in" in asked.query:
        return {code.strip().lower() for code in asked.query[f"{name}:in"].split(",")}
    return {asked.query[name].strip().lower()} if name in asked.query else None


def _variants(world: World, asked: Asked) -> Answer:
    skus = _codes(asked, "sku")
    if skus is not None:
        found = [variant for sku in sorted(skus) for variant in world.catalog.by_sku.get(sku, ())]
    else:
        found = list(world.catalog.variants.values())
    return _v3_page(
        asked, [_fields(asked, item) for item in found if _chosen(asked, item, ("upc", "product_id", "id"))]
    )


def _products(world: World, asked: Asked) -> Answer:
    ids = _codes(asked, "id")
    products = world.catalog.products
    some = (
        [products[int(number)] for number in sorted(ids) if number.isdigit() and int(number) in products]
        if ids
        else None
    )
    found = [item for item in some or products.values() if _chosen(asked, item, ("id", "sku", "upc", "type"))]
    wanted = asked.query.get("include", "").split(",")
    return _v3_page(asked, [_product(asked, item, with_modifiers="modifiers" in wanted) for item in found])


def _product(asked: Asked, item: Mapping[str, Any], *, with_modifiers: bool) -> dict[str, Any]:
    shown = _fields(asked, {name: value for name, value in item.items() if name != "modifiers"})
    return {**shown, "modifiers": item["modifiers"]} if with_modifiers else shown


def _chosen(asked: Asked, item: Mapping[str, Any], names: tuple[str, ...]) -> bool:
    for name in names:
        codes = _codes(asked, name)
        if codes is not None and str(item.get(name, "")).lower() not in codes:
            return False
    return True


def _fields(asked: Asked, item: Mapping[str, Any]) -> dict[str, Any]:
    wanted = asked.query.get("include_fields", "")
    names = {"id", *wanted.split(",")} if wanted else item.keys()
    return {name: value for name, value in item.items() if name in names}


def _customers(world: World, asked: Asked) -> Answer:
    emails = _codes(asked, "email")
    found = [
        {"id": number, "email": email, "first_name": "", "last_name": "", "company": "", "phone": ""}
        for email, number in world.customers.items()
        if emails is None or email in emails
    ]
    return _v3_page(asked, found)


_READS: dict[str, Callable[[World, Asked], Answer]] = {
    "v2/order_statuses": _statuses,
    "v2/store": _store,
    "v2/time": _time,
    "v3/catalog/variants": _variants,
    "v3/catalog/products": _products,
    "v3/customers": _customers,
    "v3/channels": lambda _world, asked: _v3_page(asked, list(CHANNELS.values())),
    "v3/settings/inventory": lambda _world, _asked: ok({"data": _INVENTORY, "meta": {}}),
}


def _control(world: World, asked: Asked) -> Answer:
    """The sandbox's own door; no real store has it."""
    match asked.method, asked.path.removeprefix("/_sandbox/"):
        case "GET", "history":
            return ok({"posts": world.posts, "created": [_created(kept) for kept in world.orders.kept.values()]})
        case "GET", "stats":
            return ok({"requests": world.requests, "statuses": world.statuses, "orders": len(world.orders.kept)})
        case "GET", "quota":
            names = ("began", "used", "refused")
            return ok([dict(zip(names, window, strict=True)) for window in world.quota.windows])
        case "POST", "faults":
            try:
                world.plan = read_plan(asked.json(), world.settings.seed)
            except ValueError as error:
                return v3_error(422, str(error))
            return ok({"faults": len(world.plan.faults)})
        case "POST", "catalog":
            world.catalog.load(asked.json().get("products", ()))
            return ok({"products": len(world.catalog.products)})
        case "POST", "customers":
            world.customers = {
                email.lower(): number for number, email in enumerate(asked.json().get("emails", ()), start=1)
            }
            return ok({"customers": len(world.customers)})
        case "POST", "reset":
            world.orders.kept.clear()
            world.orders.by_key.clear()
            world.posts.clear()
            return ok({})
    return v3_error(404, "There is no such control.")


def _created(kept: Kept) -> dict[str, Any]:
    names = ("id", "external_order_id", "total_inc_tax", "status_id")
    return {**{name: kept.order[name] for name in names}, "at": kept.made_at}
