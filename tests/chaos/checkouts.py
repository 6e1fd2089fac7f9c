"""Sales by the Management Checkout beside sales by the Orders API, while every kind of fault strikes; then we count.

One live order a sale with its total and tax, one mail at most, no draft, no cart but orphans of the first call.

python -m tests.chaos.checkouts --sales 1000 --seed 1
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from threading import Event
from typing import Any

import requests

from syncd.app import open_app
from syncd.canonical import CanonicalOrder
from syncd.config import load
from syncd.ledger import Selection
from syncd.sale.overrides import Verb
from syncd.sale.states import State
from syncd.testing.clocks import AheadClock
from syncd.testing.orders import sale
from tests.shop import Shop, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
RULES = 'workflow = "checkout"\npickup_method_id = 1\ncheckout.tolerance = "0.05"\nthreads = {threads}\n'
PERSON = {"first_name": "Ada", "last_name": "Buyer", "email": "ada@example.com"}
HOME = {
    "first_name": "Ada",
    "last_name": "Buyer",
    "street_1": "2 Hill Road",
    "city": "Austin",
    "state": "TX",
    "zip": "78702",
    "country": "US",
}
_RATE = Decimal("0.08")
# (kind, probability, seconds). On the calls of checkouts a request may commit at any time after it was given up.
_FAULTS = (
    ("drop_before_commit", 0.02, 0.0),
    ("drop_after_commit", 0.03, 0.0),
    ("5xx_before", 0.02, 0.0),
    ("5xx_after", 0.02, 0.0),
    ("429", 0.01, 0.0),
    ("garbage_body", 0.01, 0.0),
    ("truncated_body", 0.01, 0.0),
    ("swap_answer", 0.01, 0.0),
)
_LATE = ("late_commit", 0.03, 1.0)
_PASSES = 400


@dataclass(frozen=True)
class Tally:
    """What the store holds in the end."""

    sales: int
    orders: int
    doubled: int
    lost: int
    wrong: int
    drafts: int
    mailed_twice: int
    carts: int
    mailable_carts: int
    states: dict[str, int]

    @property
    def clean(self) -> bool:
        """Whether each sale is one order, and nothing else is left."""
        left = (self.doubled, self.lost, self.wrong, self.drafts, self.mailed_twice, self.mailable_carts)
        return not any(left) and self.orders == self.sales


def make_sale(number: int, dice: random.Random) -> CanonicalOrder:
    """A sale that goes by the checkout, or, where the goods left the shop with the customer, by Orders."""
    lines, total, tax = [], Decimal(0), Decimal(0)
    for place in range(dice.randint(1, 3)):
        ex_tax = Decimal(dice.randint(1, 20_000)) / 100
        of_line = (ex_tax * _RATE).quantize(Decimal("0.01"), ROUND_HALF_UP)
        sku = {"sku": "MUG-1"} if dice.random() < 0.5 else {}
        one = {"line_id": str(place), "name": f"Thing {place}", "total_ex_tax": str(ex_tax)}
        lines.append({**one, "total_inc_tax": str(ex_tax + of_line), "quantity": str(dice.choice((1, 1, 3))), **sku})
        total, tax = total + ex_tax + of_line, tax + of_line
    fulfilment = dice.choice(("pickup", "ship", "in_store"))
    said: dict[str, Any] = {
        "lines": lines,
        "total_inc_tax": str(total),
        "total_tax": str(tax),
        "fulfilment": fulfilment,
    }
    paid = [{"kind": "card", "label": "Visa", "amount": str(total)}]
    return sale(sale_id=str(number), source="till", customer=PERSON, billing=HOME, tenders=paid, **said)


def faults(seed: int) -> dict[str, Any]:
    """The faults of the storm: on all writes and some reads, late commits on the calls of checkouts alone."""
    found: list[dict[str, Any]] = []
    for method, share in (("POST", 1.0), ("PUT", 1.0), ("DELETE", 1.0), ("GET", 0.3)):
        found += [
            {"kind": kind, "probability": chance * share, "seconds": seconds, "method": method}
            for kind, chance, seconds in _FAULTS
        ]
    kind, chance, seconds = _LATE
    found.append({"kind": kind, "probability": chance, "seconds": seconds, "method": "POST", "path": "/v3/checkouts/"})
    return {"seed": seed, "faults": found}


def rage(folder: Path, sales: int, seed: int, threads: int = 8, ledger: str = "sqlite:///ledger.db") -> Tally:
    """Run the storm in a new shop, and count."""
    dice = random.Random(seed)
    orders = [make_sale(number, dice) for number in range(1, sales + 1)]
    with running_sandbox("--window-ms", "300") as (_, store):
        (folder / "inbox").mkdir(parents=True)
        shop = Shop(folder, store)
        shop.configure(SOURCES, RULES.format(threads=threads), ledger)
        store.control("ways", {"tax_rate": 8.0})
        store.control("faults", faults(seed))
        shop.drop("sales.jsonl", "".join(order.to_json() + "\n" for order in orders))
        os.environ["FLOW_TOKEN"] = store.token
        states = push_to_rest(shop)
        with open_app(load(shop.config)) as app:
            app.stores["main"].check_daily()
        return tally(shop, {order.sale_key: order for order in orders}, states)


def push_to_rest(shop: Shop) -> dict[str, int]:
    """Push pass after pass until everything is synced; half-way the faults end, so that it can come to rest."""
    clock = AheadClock()
    counts: Counter[str] = Counter()
    with open_app(load(shop.config), clock) as app:
        for number in range(_PASSES):
            if number == _PASSES // 2:
                shop.store.control("faults", {"faults": []})
            for till in app.tills.values():
                till.poll(Event())
            with app.stores["main"].leased() as lease:
                app.stores["main"].push(lease, Event())
            counts = Counter()
            for (_store, _lane, state), count in app.ledger.sales.counts().items():
                counts[state.value] += count
            for state in (State.HELD, State.REJECTED):  # a person looks, and lets it go on
                for one in app.ledger.sales.find(Selection(state=state), limit=100):
                    print(one.sale_key, state, one.why)
                app.ledger.sales.decide(Verb.RETRY, Selection(state=state), "storm")
            app.ledger.sales.decide(Verb.RELEASE, Selection(state=State.HELD), "storm")
            if not counts.keys() & {"pending", "sending", "unknown", "held", "rejected"}:
                break
            clock.pass_time(10)
        shop.store.control("faults", {"faults": []})
    return dict(counts)


def tally(shop: Shop, said: dict[str, CanonicalOrder], states: dict[str, int]) -> Tally:
    """Count what the store holds, against what the till said."""
    listed = shop.store.orders()
    live = [one for one in listed if one["status_id"] != 0]
    keys = Counter(one["external_order_id"] for one in live)
    wrong = 0
    for one in live:
        order = said.get(one["external_order_id"])
        shown = Decimal(one["total_inc_tax"]), Decimal(one["total_tax"])
        wrong += order is None or shown != (order.total_inc_tax, order.total_tax)
    seen = requests.get(f"{shop.store.url}/_sandbox/carts", timeout=10).json()
    return Tally(
        sales=len(said),
        orders=len(live),
        doubled=sum(count - 1 for count in keys.values()),
        lost=len(said.keys() - keys.keys()),
        wrong=wrong,
        drafts=len(listed) - len(live),
        mailed_twice=sum(count > 1 for count in seen["mails"].values()),
        carts=len(seen["open"]),
        mailable_carts=sum(bool(one["email"]) for one in seen["open"]),
        states=states,
    )


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sales", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = rage(Path(folder), asked.sales, asked.seed)
    print(found)
    sys.exit(not found.clean)


if __name__ == "__main__":
    main()
