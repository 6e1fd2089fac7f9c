"""Sales recorded a second from CSV and JSON Lines, ledger durable, beside ``csv.DictReader`` and a bare ``executemany``."""

from __future__ import annotations

import argparse
import csv
import resource
import sqlite3
import tempfile
import threading
import time
from pathlib import Path

from syncd import logs
from syncd.cli import loading
from syncd.clock import SystemClock
from syncd.intake import poll
from syncd.ledger import Ledger, RecordOptions
from syncd.sources import Source, SourceContext
from syncd.sources.csv.source import CsvSource
from syncd.sources.folder import FolderSettings
from syncd.sources.jsonl import JsonlSource
from syncd.testing.orders import sale
from tests.bench import figures
from tests.deciders import DECIDER, to_main
from tests.exports import csv_settings

_HEADER = ("sale_id", "date", "register", "sku", "name", "quantity", "price", "tax", "tender")


def recorded(folder: Path, source: Source, count: int) -> float:
    """Sales a second from the file to the durable ledger."""
    clock = SystemClock()
    with Ledger.open(f"sqlite:///{folder}/ledger-{time.monotonic_ns()}.db", clock, DECIDER) as ledger:
        begin = time.perf_counter()
        polled = poll(source, RecordOptions("till", to_main, just_asked=True), ledger, threading.Event())
        assert polled.new == count, polled
        return count / (time.perf_counter() - begin)


def bare(folder: Path, count: int) -> float:
    """The same CSV through the standard library into a table, in one transaction."""
    begin = time.perf_counter()
    with sqlite3.connect(folder / "bare.db") as db, (folder / "bare.csv").open(newline="") as file:
        db.execute("create table sales (a, b, c, d, e, f, g, h, i)")
        rows = (tuple(row.values()) for row in csv.DictReader(file))
        db.executemany("insert into sales values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    return count / (time.perf_counter() - begin)


def write_csv(path: Path, count: int) -> None:
    """One line a sale."""
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADER)
        writer.writerows(
            (f"s{n}", "2026-11-20 10:15:00", "1", f"SKU-{n % 500}", "Mug", "1", "5.40", "0.40", "Cash")
            for n in range(count)
        )


def main() -> None:
    """Print the rates."""
    loading.done()  # the collector as commands have it
    logs.setup("json", "warning")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sales", type=int, default=20_000)
    count = parser.parse_args().sales
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for name in ("csv", "jsonl"):
            (folder / name).mkdir()
        write_csv(folder / "csv" / "sales.csv", count)
        write_csv(folder / "bare.csv", count)
        with (folder / "jsonl" / "sales.jsonl").open("w") as file:
            file.writelines(sale(sale_id=f"j{n}").to_json() + "\n" for n in range(count))
        context = SourceContext("till", SystemClock(), folder)
        settings = csv_settings({"path": "csv", "currency": "USD", "timezone": "America/Chicago", "settle": "0s"})
        rates = {
            "csv": recorded(folder, CsvSource(settings, context), count),
            "jsonl": recorded(folder, JsonlSource(FolderSettings(path=Path("jsonl"), settle="0s"), context), count),  # type: ignore[arg-type]  # as above
            "bare csv + executemany": bare(folder, count),
        }
    for name, rate in rates.items():
        print(f"{name}: {rate:.0f} sales/s")
    for name in ("csv", "jsonl"):
        ratio = rates[name] / rates["bare csv + executemany"]
        figures.note(f"record_{name}", ratio)
        print(f"ratio {name} / bare: {ratio:.3f}")
    print(f"peak RSS {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB for {count} sales a source")


if __name__ == "__main__":
    main()
