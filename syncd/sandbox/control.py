"""The sandbox's own door, which no real store has: faults, catalog, customers, settings, history."""

from __future__ import annotations

from typing import Any

from syncd.sandbox.answers import Answer, ok, v3_error
from syncd.sandbox.faults import read_plan
from syncd.sandbox.orders import Kept
from syncd.sandbox.world import Asked, World


def control(world: World, asked: Asked) -> Answer:  # noqa: PLR0911  one for each control
    """The answer to a request under ``/_sandbox/``."""
    match asked.method, asked.path.removeprefix("/_sandbox/"):
        case "GET", "history":
            return ok({"posts": world.posts, "created": [_created(kept) for kept in world.orders.kept.values()]})
        case "GET", "stats":
            counts = {"requests": world.requests, "statuses": world.statuses, "orders": len(world.orders.kept)}
            return ok(counts | {"connections": world.connections()})
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
            world.customers.load(asked.json().get("emails", ()), asked.json().get("customers", ()))
            return ok({"customers": len(world.customers.by_id)})
        case "POST", "settings":
            world.stock |= asked.json().get("inventory", {})
            world.mails |= asked.json().get("mails", {})
            return ok({})
        case "POST", "reset":
            world.orders.kept.clear()
            world.orders.by_key.clear()
            world.posts.clear()
            return ok({})
    return v3_error(404, "There is no such control.")


def _created(kept: Kept) -> dict[str, Any]:
    names = ("id", "external_order_id", "total_inc_tax", "status_id")
    return {**{name: kept.order[name] for name in names}, "at": kept.made_at}
