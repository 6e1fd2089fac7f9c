"""``python -m tests.bench.map_rate``: what mapping a sale costs, beside reading the same sale from its JSON.

Four lines, two of them in the catalog, one tender: the payload with its decisions and its stamp. The figure is the best of
several rounds, for whatever else the machine does only adds to it.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from syncd.canonical import CanonicalOrder
from syncd.mapping.create import map_create
from syncd.mapping.model import CatalogMatch, Mapped, Matches
from syncd.mapping.rules import Rules
from syncd.testing.orders import sale
from tests.bench import figures

ROUNDS, SALES = 15, 1000
RULES = Rules.model_validate(
    {"default_address": {"street_1": "1 Main", "city": "Austin", "state": "TX", "zip": "78701", "country_iso2": "US"}}
)
LINES = [
    {"line_id": str(n), "name": f"Thing {n}", "sku": f"SKU{n}", "total_ex_tax": "10.00", "total_inc_tax": "10.80"}
    for n in range(4)
]


def best(work: Callable[[], object]) -> float:
    """Milliseconds for one call, in the best round."""
    took = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        for _ in range(SALES):
            work()
        took.append((time.perf_counter() - begin) / SALES * 1000)
    return min(took)


def main() -> None:
    """Print what mapping and reading cost."""
    order = sale(lines=LINES, total_inc_tax="43.20", total_tax="3.20")
    matches = Matches({f"SKU{n}": CatalogMatch(n + 1, n + 1, f"SKU{n}") for n in range(2)})
    assert isinstance(map_create(order, matches, RULES), Mapped)
    text = order.to_json()
    mapping, reading = best(lambda: map_create(order, matches, RULES)), best(lambda: CanonicalOrder.from_json(text))
    figures.note("map", mapping / reading)
    print(
        f"mapping a four-line sale: {mapping:.3f} ms; reading it from JSON: {reading:.3f} ms; ratio {mapping / reading:.2f}"
    )


if __name__ == "__main__":
    main()
