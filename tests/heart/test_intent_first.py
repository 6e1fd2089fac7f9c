"""An intent is on disk before the first byte of its request leaves: creates, changes, cancellations, refunds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from syncd.clock import Now
from syncd.ledger import attempts
from syncd.sale.attempt import Intent
from syncd.testing.orders import sale
from tests.doubles.watcher import Seen, watched
from tests.planted_bugs import planted
from tests.shop import Shop, Store, pass_until_settled, running_sandbox

SOURCES = '[sources.till]\ntype = "jsonl"\npath = "inbox"\nsettle = "0s"\n'
_SALES = 24


def _pushed(folder: Path, store: Store) -> list[Seen]:
    """Create orders, change some, cancel some, and return every request that wrote."""
    with watched(store, folder / "ledger.db") as before:
        shop = Shop(folder, before.store)
        shop.configure(SOURCES, "threads = 4\nquota_share = 1.0\n")
        shop.drop("sales.jsonl", "".join(sale(sale_id=str(n)).to_json() + "\n" for n in range(_SALES)))
        pass_until_settled(shop)
        changes = [{"note": "to be wrapped"}, {"status": "voided"}]
        edits = [sale(sale_id=str(n), version="2", **changes[n % 2]) for n in range(0, _SALES, 3)]
        shop.drop("edits.jsonl", "".join(edit.to_json() + "\n" for edit in edits))
        pass_until_settled(shop)
        return before.seen


def _without_intent(seen: Sequence[Seen]) -> list[str]:
    """Return the requests for whose sale no intent was on disk."""
    found = []
    for one in seen:
        if one.method == "POST" and one.path.endswith("/v2/orders"):
            key: Any = json.loads(one.body)["external_order_id"]
            if (key, "create", None) not in one.intents:
                found.append(f"POST of {key}")
        else:
            order = int(one.path.rpartition("/v2/orders/")[2].partition("/")[0])
            if order not in {number for _, kind, number in one.intents if kind != "create"}:
                found.append(f"{one.method} of order {order}")
    return found


def test_an_intent_is_on_disk_when_the_first_byte_of_its_request_arrives(tmp_path: Path) -> None:
    with running_sandbox() as (_, store):
        seen = _pushed(tmp_path, store)
    methods = [one.method for one in seen]
    assert methods.count("POST") == _SALES
    assert methods.count("PUT") == _SALES // 3
    assert _without_intent(seen) == []


def test_an_intent_that_is_not_committed_is_found(tmp_path: Path) -> None:
    real = attempts.begin

    def uncommitted(connection: Connection, store: str, intents: Sequence[Intent], epoch: int, now: Now) -> Any:
        with connection.begin_nested() as part:
            begun = real(connection, store, intents, epoch, now)
            part.rollback()
        return begun

    with running_sandbox() as (_, store), planted(attempts, "begin", uncommitted):
        seen = _pushed(tmp_path, store)
    assert _without_intent(seen)
