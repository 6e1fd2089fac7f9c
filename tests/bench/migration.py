"""How long the upgrade of a large ledger takes, its checked copy included: ``python -m tests.bench.migration [sales]``."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import text

from syncd.canonical import fingerprint
from syncd.ledger import Ledger
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.databases import to_revision
from tests.deciders import DECIDER
from tests.ledger.test_facts import old_ledger


def main(sales: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/ledger.db"
        engines = to_revision(url, "0003")
        with engines.write.begin() as connection:
            old_ledger(connection)
            order = sale(sale_id="n")
            rows = [
                {
                    "id": n,
                    "key": f"till:n{n}",
                    "mark": fingerprint(order),
                    "doc": order.to_json().replace('"n"', f'"n{n}"'),
                }
                for n in range(100, sales + 100)
            ]
            connection.execute(
                text(
                    "insert into sales (id, sale_key, source, store, lane, state, fingerprint, placed_at, recorded_at, changed_at,"
                    " currency, total_inc_tax, total_tax, document, order_id, pushed_fingerprint)"
                    " values (:id, :key, 'till', 'main', 'live', 'synced', :mark, 1, 1, 1, 'USD', '10.80', '0.80', :doc,"
                    " :id, :mark)"
                ),
                rows,
            )
            audit = "insert into audit (sale_id, at, actor, after, why) values (:id, 1, 'syncd', 'synced', '')"
            connection.execute(text(audit), rows)
        engines.dispose()
        size = Path(folder, "ledger.db").stat().st_size / 1e6
        begun = time.perf_counter()
        ledger = Ledger.open(url, ManualClock(), DECIDER)
        took = time.perf_counter() - begun
        told = sum(ledger.sales.counts().values())
        last = ledger.sales.get(f"till:n{sales + 99}")
        assert last is not None
        assert last.belief.confirmed_version == last.fingerprint
        print(f"{told:,} sales ({size:.0f} MB) upgraded in {took:.1f} s, copy included")
        ledger.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300_000)
