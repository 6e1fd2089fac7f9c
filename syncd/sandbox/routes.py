"""Which request goes where: the V2 and V3 paths that syncd uses, the pages, and the sandbox's own door."""

from __future__ import annotations

from itertools import islice
from typing import Any

from syncd.sandbox import checkouts, metafields, pages, refunds, shipments
from syncd.sandbox.answers import Answer, Refusal, ok, v2_error, v2_list, v3_error
from syncd.sandbox.control import control
from syncd.sandbox.filters import LIST_PARAMETERS
from syncd.sandbox.lookups import READS, status
from syncd.sandbox.validate import STATUSES
from syncd.sandbox.world import Asked, World


def respond(world: World, asked: Asked) -> Answer:
    """Return the answer to a request, whatever it is."""
    try:
        if asked.path.startswith("/stores/"):
            return _api(world, asked)
        if asked.path.startswith("/_sandbox/"):
            return control(world, asked)
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
    if parts[0] == "v3" and parts[1:2] in (["carts"], ["checkouts"]) and parts[2:3] != ["settings"]:
        return checkouts.respond(world.checkouts, asked.method, parts[1:], asked.document(), asked.query)
    if parts == ["v3", "customers"] and asked.method == "POST":
        return world.customers.create(asked.items())
    if parts[:2] == ["v3", "orders"] and "metafields" in parts:
        return metafields.respond(world.orders, asked, parts[2:])
    if parts[:2] == ["v3", "orders"] and parts[2:] != ["settings"]:
        return refunds.respond(world.orders, asked, parts[2:])
    handler = READS.get("/".join(parts))
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
            answer = ok(kept.order, 201)
            answer.made = kept.order["id"]
            return answer
        case "GET", []:
            return v2_list(_paged(world, asked))
        case "DELETE", []:
            world.orders.archive_all(asked.slice(world.orders.ways)[1])
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
            order = world.orders.get(number).order
            if order["is_deleted"] and world.orders.ways.archived_get == 404:
                return v2_error(404, "The requested resource was not found.")
            return ok(order)
        case "PUT", []:
            return ok(world.orders.update(number, asked.json()).order)
        case "DELETE", []:
            world.orders.archive(number)
            return Answer(204)
        case "GET", [name]:
            return _sub_resource(world, asked, number, name)
        case "GET", [name, "count"]:
            return ok({"count": len(_items(world, number, name))})
        case _, ["shipments", *which_one]:
            return _shipments(world, asked, number, which_one)
        case "GET", [name, item] if item.isdigit():
            items = _items(world, number, name)
            found = [one for one in items if one["id"] == int(item)]
            return ok(found[0]) if found else v2_error(404, "The requested resource was not found.")
    return v2_error(405, "The method is not allowed for this resource.")


def _shipments(world: World, asked: Asked, number: int, which: list[str]) -> Answer:
    kept = world.orders.get(number)
    match asked.method, which:
        case "POST", []:
            return ok(shipments.create(world.orders, kept, asked.json()), 201)
        case "DELETE", []:
            shipments.remove(world.orders, kept, None)
            return Answer(204)
        case "GET", [item] if item.isdigit():
            return ok(shipments.one(kept, int(item)))
        case "PUT", [item] if item.isdigit():
            return ok(shipments.change(world.orders, kept, int(item), asked.json()))
        case "DELETE", [item] if item.isdigit():
            shipments.remove(world.orders, kept, int(item))
            return Answer(204)
    return v2_error(405, "The method is not allowed for this resource.")


def _items(world: World, number: int, name: str) -> list[dict[str, Any]]:
    """Return the rows of a sub-resource."""
    return shipments.taxes(world.orders.get(number)) if name == "taxes" else world.orders.sub_resource(number, name)


def _sub_resource(world: World, asked: Asked, number: int, name: str) -> Answer:
    if name == "consignments":
        return ok(world.orders.consignments(number))
    if name == "fees":
        return ok({"fees": world.orders.sub_resource(number, name)})
    start, limit = asked.slice(world.orders.ways)
    return v2_list(_items(world, number, name)[start : start + limit])


def _paged(world: World, asked: Asked) -> list[dict[str, Any]]:
    for name in asked.query.keys() - LIST_PARAMETERS:
        raise Refusal(v2_error(400, f"The parameter '{name}' is not valid for this resource."))
    start, limit = asked.slice(world.orders.ways)
    return list(islice(world.orders.find(asked.query), start, start + limit))


def _count(world: World, asked: Asked) -> dict[str, Any]:
    """Incomplete orders are not in the count."""
    counts = dict.fromkeys(STATUSES, 0)
    for order in world.orders.find(asked.query):
        counts[order["status_id"]] += 1
    counts[0] = 0
    return {
        "count": sum(counts.values()),
        "statuses": [{**status(number), "sort_order": number, "count": counts[number]} for number in STATUSES],
    }
