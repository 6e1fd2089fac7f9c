"""Sales read a second from a till's database and from POSLog, and the most memory: python -m tests.bench.read_rate.

Beside each, in the same run, what the driver or parser alone does with the same rows or the same file.
"""

from __future__ import annotations

import argparse
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from lxml import etree
from sqlalchemy import create_engine, text

from syncd.sources import Source, SourceContext
from syncd.sources.poslog.settings import PosLogSettings
from syncd.sources.poslog.source import PosLogSource
from syncd.sources.sql.source import SqlSource
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests import poslog_files
from tests.bench import figures
from tests.tills.opensourcepos import OpenSourcePos

_TABLES = ("sales", "sales_items", "sales_items_taxes", "sales_payments")


def read(source: Source) -> tuple[int, float]:
    """Every sale once: how many, in how many seconds."""
    begin, seen = time.perf_counter(), 0
    for batch in source.fetch(None):
        assert not batch.faults, batch.faults[:1]
        seen += len(batch.orders)
    return seen, time.perf_counter() - begin


def rows_alone(url: str) -> float:
    """Seconds for the driver to read the same tables, and do nothing with them."""
    engine = create_engine(url.replace("mysql:", "mysql+pymysql:"))
    begin = time.perf_counter()
    with engine.connect() as connection:
        for name in _TABLES:
            for part in (
                connection.execution_options(stream_results=True)
                .execute(text(f"select * from ospos_{name}"))
                .partitions(1000)
            ):
                assert part
    engine.dispose()
    return time.perf_counter() - begin


def parsed_alone(path: Path) -> float:
    """Seconds for the parser to go through the same file, and do nothing with it."""
    begin = time.perf_counter()
    for _, element in etree.iterparse(str(path), tag="{*}Transaction"):
        element.clear()
    return time.perf_counter() - begin


def _file(folder: Path, count: int) -> Path:
    path = folder / "day.xml"
    with path.open("w", encoding="utf-8") as file:
        file.write(poslog_files.HEAD)
        for start in range(0, count, 1000):
            some = (sale(sale_id=str(number)) for number in range(start, min(start + 1000, count)))
            written = poslog_files.of_sales(some)
            file.write(written.removeprefix(poslog_files.HEAD).removesuffix(poslog_files.TAIL))
        file.write(poslog_files.TAIL)
    return path


def _peak_mb() -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    return int(found[1]) / 1000 if found else 0.0


def _of_database(count: int, folder: Path) -> Iterator[str]:
    with OpenSourcePos.running() as pos:
        pos.sell_many(count)
        source = SqlSource(pos.settings(), SourceContext("till", pos.clock, folder))
        seen, seconds = read(source)
        source.close()
        alone = rows_alone(pos.database.url)
        figures.note("till_database", alone / seconds)
        yield _line("opensourcepos on MariaDB", seen, seconds, alone)


def _of_poslog(count: int, folder: Path) -> Iterator[str]:
    path = _file(folder, count)
    alone = parsed_alone(path)
    settings = PosLogSettings.model_validate({"path": folder, "settle": "0s"})
    seen, seconds = read(PosLogSource(settings, SourceContext("till", ManualClock(), folder)))
    yield _line("POSLog, one file", seen, seconds, alone)


def _line(what: str, seen: int, seconds: float, alone: float) -> str:
    rate = f"{seen} sales, {seen / seconds:,.0f} a second, peak {_peak_mb():.0f} MB"
    return f"{what}: {rate}; the driver or parser alone takes {alone / seconds:.2f} of that time"


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("--sales", type=int, default=100_000)
    words.add_argument("--kind", choices=["database", "poslog"], default="database")
    asked = words.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ways = {"database": _of_database, "poslog": _of_poslog}
        for line in ways[asked.kind](asked.sales, Path(folder)):
            print(line)


if __name__ == "__main__":
    main()
