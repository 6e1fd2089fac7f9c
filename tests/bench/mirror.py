"""A catalog of 250,000 variants mirrored: how long the walk takes, and what a start costs once it is there.

Run: python -m tests.bench.mirror [--variants 250000]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from syncd.app import open_app
from syncd.clock import SystemClock
from syncd.config import load
from syncd.testing.orders import sale
from tests.flows.test_after_push import SOURCE
from tests.shop import Shop, running_sandbox

_MEASURED = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
)


def main() -> None:
    """Print the figures."""
    said = argparse.ArgumentParser(description=__doc__)
    said.add_argument("--variants", type=int, default=250_000)
    variants = said.parse_args().variants
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "inbox").mkdir()
        catalog = folder / "catalog.json"
        entries = [{"sku": f"V{n}", "upc": f"{n:012}", "name": f"Thing {n}", "price": 1} for n in range(variants)]
        catalog.write_text(json.dumps(entries))
        with running_sandbox("--catalog", str(catalog)) as (_, store):
            shop = Shop(folder, store)
            shop.configure(SOURCE)
            begin = time.perf_counter()
            os.environ["FLOW_TOKEN"] = store.token
            with open_app(load(shop.config), SystemClock()) as app:
                matcher = app.stores["main"].matcher
                while not matcher.mirror.serves:
                    matcher.mirror.keep_up()
            walked, asked = time.perf_counter() - begin, store.stats()["requests"]
            one = {"line_id": "1", "name": "T", "total_ex_tax": "1.00", "total_inc_tax": "1.08"}
            lines = [one | {"sku": f"V{variants - 1}"}, one | {"line_id": "2", "upc": f"{variants // 2:012}"}]
            bought = sale(sale_id="first", lines=lines, total_inc_tax="2.16", total_tax="0.16")
            shop.drop("one.jsonl", bought.to_json() + "\n")
            begin = time.perf_counter()
            command = [sys.executable, "-c", _MEASURED, sys.executable, "-m", "syncd", "sync", "-c", str(shop.config)]
            used = (
                int(
                    subprocess.run(command, check=True, env=shop.env, capture_output=True, text=True).stderr.split()[-1]
                )
                / 1024
            )
            started = time.perf_counter() - begin
            assert len(store.orders()) == 1
            looked = sum(store.stats()["requests"][kind] - asked[kind] for kind in asked if "catalog" in kind)
            asked_in_all = sum(number for kind, number in asked.items() if "catalog" in kind)
            size = (folder / "ledger.db").stat().st_size / 2**20
            print(f"{variants} variants: walked in {walked:.0f} s with {asked_in_all} requests, ledger {size:.0f} MB")
            print(f"first order {started:.1f} s after the start, {looked} catalog requests, peak {used:.0f} MB")


if __name__ == "__main__":
    main()
