"""The stores of one sandbox process: one, or thousands, each made with its first request, with orders and a quota of its own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace  # noqa: TID251  as in control.py

from syncd.sandbox import pages
from syncd.sandbox.answers import Answer, ok, v3_error
from syncd.sandbox.catalog import read_catalog
from syncd.sandbox.checkouts import Checkouts
from syncd.sandbox.faults import load_plan
from syncd.sandbox.orders import Orders
from syncd.sandbox.quota import Quota
from syncd.sandbox.routes import respond
from syncd.sandbox.settings import SandboxSettings
from syncd.sandbox.world import CHANNELS, Asked, World

_OF_ONE = ("/stores/", "/_sandbox/stores/", "/at/")
_FOR_ALL = ("clock",)  # controls of the whole process


class Stores:
    """Every store of a sandbox, by its hash."""

    def __init__(self, settings: SandboxSettings, connections: Callable[[], int]) -> None:
        self.settings, self._connections = settings, connections
        self._made: dict[str, World] = {}
        self._said: list[Asked] = []
        self.url = ""
        self.first = self._make(1)

    @property
    def are_many(self) -> bool:
        """Whether there is more than one."""
        return self.settings.stores > 1

    def of(self, path: str) -> World:
        """Return the store that a path names; the first one where it names none, which refuses what is not its own."""
        for begin in _OF_ONE:
            if path.startswith(begin):
                store_hash = path.removeprefix(begin).partition("/")[0]
                return self._made.get(store_hash) or self._make(self._number(store_hash))
        return self.first

    def __iter__(self) -> Iterator[World]:
        """Yield the stores that were asked for something so far."""
        return iter(list(self._made.values()))

    def _hash(self, number: int) -> str:
        return f"{self.settings.store_hash}{number}" if self.are_many else self.settings.store_hash

    def _number(self, store_hash: str) -> int:
        number = store_hash.removeprefix(self.settings.store_hash)
        known = self.are_many and number.isdigit() and 1 <= int(number) <= self.settings.stores
        return int(number) if known and self._hash(int(number)) == store_hash else 1

    def _make(self, number: int) -> World:
        store_hash, asked = self._hash(number), self.settings
        if store_hash in self._made:
            return self._made[store_hash]
        catalog = read_catalog(asked.catalog)
        orders = Orders("", asked.currency, catalog, CHANNELS, more_currencies=asked.more_currencies)
        quota, plan = Quota(asked.quota, asked.window_ms), load_plan(asked.faults, asked.seed + number - 1)
        world = World(replace(asked, store_hash=store_hash), orders, catalog, plan, quota, Checkouts(orders))
        orders.has_customer = lambda customer: customer in world.customers.by_id
        orders.base_url = f"{self.url}/stores/{store_hash}/v2"
        world.connections = self._connections
        self._made[store_hash] = world
        for said in self._said:
            respond(world, said)
        return world

    def serve_at(self, url: str) -> None:
        """Say where the process listens: orders name addresses of their own."""
        self.url = url
        for store_hash, world in self._made.items():
            world.orders.base_url = f"{url}/stores/{store_hash}/v2"

    def respond(self, asked: Asked) -> Answer:
        """Return the answer to what is no API: the controls and pages of one store, of all, or the list of stores."""
        world = self.of(asked.path)
        for begin, own in (("/_sandbox/stores/", "/_sandbox/"), ("/at/", "/")):
            if asked.path.startswith(begin):
                store_hash, _, rest = asked.path.removeprefix(begin).partition("/")
                if store_hash != world.settings.store_hash:
                    return v3_error(404, "There is no such store.")
                return respond(world, replace(asked, path=f"{own}{rest}"))
        if not self.are_many:
            return respond(world, asked)
        if asked.path == "/_sandbox/stores":
            return ok([_facts(one) for one in self])
        if asked.path.startswith("/_sandbox/"):
            return self._of_all(asked)
        if asked.path == "/":
            return pages.street([(one.settings.store_hash, len(one.orders.kept)) for one in self], self.settings.stores)
        return respond(world, asked)

    def _of_all(self, asked: Asked) -> Answer:
        """Answer a control for every store: what is set holds for those to come as well; what is asked is answered by store."""
        name = asked.path.removeprefix("/_sandbox/")
        if name in _FOR_ALL:
            return respond(self.first, asked)
        if asked.method == "POST" and name != "reset":
            self._said.append(asked)
        answers = {world.settings.store_hash: respond(world, asked) for world in self}
        refused = [one for one in answers.values() if one.status >= 400]
        return refused[0] if refused else ok({store: json.loads(one.body) for store, one in answers.items()})


def _facts(world: World) -> dict[str, object]:
    return {
        "store_hash": world.settings.store_hash,
        "orders": len(world.orders.kept),
        "requests": sum(world.requests.values()),
        "refused": world.quota.refused + sum(window[2] for window in world.quota.windows),
        "throttled": world.statuses.get(429, 0),
    }
