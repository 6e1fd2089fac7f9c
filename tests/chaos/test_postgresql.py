"""The PostgreSQL ledger loses its connections in the middle of everything, as in a fail-over."""

import random
import time
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

from tests.databases import ledger_url
from tests.flows.test_daemon import SOURCES, batch, daemon, log, wait_for
from tests.shop import Shop, running_sandbox

pytestmark = pytest.mark.postgresql
CUT = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"


def test_connections_that_are_cut_in_mid_push_cost_no_sale_and_double_none(tmp_path: Path) -> None:
    with running_sandbox("--latency-ms", "20") as (_, store), ledger_url("postgresql", tmp_path) as url:
        (tmp_path / "inbox").mkdir()
        shop = Shop(tmp_path, store)
        shop.configure(SOURCES.replace('"1h"', '"200ms"'), ledger=url)
        engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        dice = random.Random(9)
        with daemon(shop) as process:
            wait_for(lambda: "daemon_started" in log(shop))
            for cut in range(12):
                shop.drop(f"part{cut}.jsonl", batch(40, f"p{cut}-"))
                time.sleep(dice.uniform(0.1, 0.8))
                with engine.connect() as connection:
                    connection.execute(text(CUT))
            assert process.poll() is None
            wait_for(lambda: shop.run("status", "--json").json["stores"][0]["sales"].get("synced", 0) == 480)
            assert process.poll() is None
        engine.dispose()
        keys = [order["external_order_id"] for order in store.orders()]
        assert len(keys) == len(set(keys)) == 480
        assert shop.run("ledger", "verify", "--json").json == {"ledger": []}
        assert "Traceback" not in log(shop)
        assert "lease_lost" in log(shop) or "does not answer" in log(shop)
