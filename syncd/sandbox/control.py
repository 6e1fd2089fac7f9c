"""The sandbox's own door, which no real store has: faults, ways, catalog, customers, settings, history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict  # noqa: TID251  the sandbox keeps its state in dataclasses
from typing import Any

from syncd.sandbox import clock
from syncd.sandbox.answers import Answer, ok, v3_error
from syncd.sandbox.faults import read_plan
from syncd.sandbox.orders import StoredOrder
from syncd.sandbox.world import Asked, World

Control = Callable[[World, Asked], Answer]


def control(world: World, asked: Asked) -> Answer:
    """Return the answer to a request under ``/_sandbox/``."""
    found = _CONTROLS.get((asked.method, asked.path.removeprefix("/_sandbox/")))
    if found is None:
        return v3_error(404, "There is no such control.")
    try:
        return found(world, asked)
    except ValueError as error:
        return v3_error(422, str(error))


def _history(world: World, _asked: Asked) -> Answer:
    return ok({"posts": world.posts, "created": [_created(kept) for kept in world.orders.kept.values()]})


def _stats(world: World, _asked: Asked) -> Answer:
    counts = {"requests": world.requests, "statuses": world.statuses, "orders": len(world.orders.kept)}
    struck = sum(fault.struck for fault in world.plan.faults)
    return ok(counts | {"connections": world.connections(), "struck": struck})


def _carts(world: World, _asked: Asked) -> Answer:
    """Show the carts that are still there with their age and their orders, and how many mails went out for each order."""
    carts = [
        {
            "id": one.id,
            "email": (one.billing or {}).get("email"),
            "age_s": clock.wall() - one.made_at,
            "orders": one.orders,
        }
        for one in world.checkouts.open.values()
    ]
    mails = {number: kept.mails for number, kept in world.orders.kept.items() if kept.mails}
    return ok({"open": carts, "made": world.checkouts.made, "mails": mails})


def _totals(world: World, _asked: Asked) -> Answer:
    """Each order's totals as it shows them, and as they would be without the pairs that were sent."""
    names = ("subtotal_inc_tax", "subtotal_ex_tax", "total_inc_tax", "total_ex_tax", "total_tax")
    both = [
        {"id": number, "shown": {name: kept.order[name] for name in names}, "computed": kept.computed}
        for number, kept in world.orders.kept.items()
    ]
    return ok(both)


def _quota(world: World, _asked: Asked) -> Answer:
    names = ("began", "used", "refused")
    return ok([dict(zip(names, window, strict=True)) for window in world.quota.windows])


def _faults(world: World, asked: Asked) -> Answer:
    world.plan = read_plan(asked.json(), world.settings.seed)
    return ok({"faults": len(world.plan.faults)})


def _ways(world: World, asked: Asked) -> Answer:
    world.orders.ways.change(asked.json())
    return ok(asdict(world.orders.ways))


def _catalog(world: World, asked: Asked) -> Answer:
    said = asked.json()
    if "products" in said:
        world.catalog.load(said["products"])
    world.catalog.change(said.get("changed", ()))
    return ok({"products": len(world.catalog.products)})


def _customers(world: World, asked: Asked) -> Answer:
    world.customers.load(asked.json().get("emails", ()), asked.json().get("customers", ()))
    return ok({"customers": len(world.customers.by_id)})


def _settings(world: World, asked: Asked) -> Answer:
    world.stock |= asked.json().get("inventory", {})
    world.mails |= asked.json().get("mails", {})
    world.taxes |= asked.json().get("taxes", {})
    world.notifications |= asked.json().get("notifications", {})
    for name, said in asked.json().get("storefront", {}).items():
        world.storefront[name] |= said
    world.locations = asked.json().get("locations", world.locations)
    return ok({})


def _clock(_world: World, asked: Asked) -> Answer:
    clock.forward(float(asked.json().get("forward_s", 0)))
    return ok({"now": clock.now_iso()})


def _reset(world: World, _asked: Asked) -> Answer:
    world.orders.kept.clear()
    world.orders.by_key.clear()
    world.posts.clear()
    world.checkouts.open.clear()
    return ok({})


_CONTROLS: dict[tuple[str, str], Control] = {
    ("GET", "history"): _history,
    ("GET", "stats"): _stats,
    ("GET", "quota"): _quota,
    ("GET", "carts"): _carts,
    ("GET", "totals"): _totals,
    ("POST", "faults"): _faults,
    ("POST", "ways"): _ways,
    ("POST", "catalog"): _catalog,
    ("POST", "customers"): _customers,
    ("POST", "settings"): _settings,
    ("POST", "clock"): _clock,
    ("POST", "reset"): _reset,
}


def _created(kept: StoredOrder) -> dict[str, Any]:
    names = ("id", "external_order_id", "total_inc_tax", "status_id")
    return {**{name: kept.order[name] for name in names}, "at": kept.created_at}
