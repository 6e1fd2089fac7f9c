"""How long the page takes with a million sales, beside a request that it refuses, and what the daemon weighs meanwhile.

Each page is asked for in turn, ``--rounds`` times, by one client on this machine; the median and the slowest are shown, and the
median as a multiple of a refused request, which costs what every request costs. Run it with ``make bench``.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from sqlalchemy import create_engine, text

from syncd.ledger import Ledger
from syncd.testing.clocks import ManualClock
from syncd.testing.orders import sale
from tests.bench import figures
from tests.bench.growth import filled
from tests.deciders import DECIDER
from tests.ledger.test_plans import NEWEST
from tests.service.pages import Served, page_of
from tests.shop import running_sandbox

_MOST_S = 0.3
_MOST_MB = 110


def real(url: str, now_s: float, one_day: bool) -> None:
    """Sales as a shop has them: documents, receipt numbers, customers, orders with totals, the newest a moment ago."""
    document = sale(customer={"first_name": "Ann", "last_name": "Smith"}).to_json()
    by = int(now_s * 1e6) - NEWEST
    placed = f"{NEWEST} + :by - (({NEWEST} - placed_at) / 60000000) * 50000" if one_day else "placed_at + :by"
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(
            text(
                "update sales set document = replace(replace(:document, 'Smith', 'Smith' || (id % 20000)), 'beans',"
                " 'beans ' || (id % 3000)), number = 'R-' || id, there_status = 10, there_total = total_inc_tax,"
                f" there_currency = currency, placed_at = {placed}, recorded_at = placed_at + :by,"
                " synced_at = synced_at + :by, location = 'Downtown', why = case state when 'held' then 'the lines do not add up'"
                " when 'rejected' then 'BigCommerce refused it' else '' end,"
                " reason = case state when 'held' then 'does_not_add_up' when 'rejected' then 'other:refused' else '' end"
            ),
            {"document": document, "by": by},
        )
        connection.execute(text("update audit set at = at + :by"), {"by": by})
        day = "strftime('%Y-%m-%d', placed_at / 1000000, 'unixepoch')" if not one_day else "date()"
        connection.execute(text(f"update sales set business_day = {day}"))
    with engine.begin() as connection:
        connection.execute(text("update sales set source = 'till', store = 'main'"))
    engine.dispose()


def took(served: Served, method: str, path: str, form: dict[str, str] | None = None, host: str = "") -> float:
    """Seconds for one page, redirects followed."""
    headers = {"Host": host} if host else {}
    begin = time.monotonic()
    answer = served.session.request(method, served.url + path, data=form, headers=headers, timeout=60)
    seconds = time.monotonic() - begin
    assert answer.status_code == (421 if host else 200), (path, answer.status_code)
    return seconds


def main() -> None:
    """Print the figures of one run; exit 1 where a page is too slow or the daemon too heavy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sales", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--one-day", action="store_true", help="All of them were sold today.")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, running_sandbox() as (_, store):
        folder = Path(name)
        begin = time.monotonic()
        url = filled(folder / "ledger.db", options.sales)
        real(url, time.time(), options.one_day)
        size = (folder / "ledger.db").stat().st_size / 1e6
        print(f"{options.sales:,} sales, {size:.0f} MB, {time.monotonic() - begin:.0f} s to fill")
        begin = time.monotonic()
        with Ledger.open(url, ManualClock(), DECIDER) as ledger:
            ledger.maintenance.fill_search(lambda: True)
        more = (folder / "ledger.db").stat().st_size / 1e6 - size
        print(f"the index of words: {more:.0f} MB, {time.monotonic() - begin:.0f} s to fill")
        with page_of(folder, store) as served:
            print(f"resident before the first page: {served.resident_mb():.0f} MB")
            pages = {
                "overview": ("GET", "/", None),
                "sales": ("GET", "/sales", None),
                "search by receipt": ("GET", f"/sales?q=R-{options.sales // 2}", None),
                "search by order": ("GET", f"/sales?q={options.sales // 2}", None),
                "search by customer": ("GET", "/sales?q=smith77", None),
                "search by part of a name": ("GET", "/sales?q=smith", None),
                "search by goods": ("GET", "/sales?q=mug", None),
                "search by two words": ("GET", "/sales?q=mug+smith12", None),
                "search by amount": ("GET", "/sales?q=10.80", None),
                "search by part of a key": ("GET", "/sales?q=9999", None),
                "search in a month": ("GET", "/sales?q=mug&day=2026-10", None),
                "search among held": ("GET", "/sales?q=mug&state=held", None),
                "search for nothing": ("GET", "/sales?q=zzz", None),
                "filter: held": ("GET", "/sales?state=held", None),
                "filter: synced of a source": ("GET", "/sales?state=synced&source=till", None),
                "filter: a month": ("GET", "/sales?day=2026-03", None),
                "filter: SKU": ("GET", "/sales?sku=NOT-THERE", None),
                "filter: location and total": ("GET", "/sales?location=Nowhere&total=9.99", None),
                "older sales": ("GET", f"/sales?before={NEWEST - 10**13}.1", None),
                "attention": ("GET", "/attention", None),
                "story": ("GET", f"/sale/{options.sales // 2}", None),
                "sources": ("GET", "/sources", None),
                "stores": ("GET", "/stores", None),
                "backfills": ("GET", "/backfills", None),
                "log": ("GET", "/log", None),
            }
            refused = statistics.median(
                took(served, "GET", "/", host="elsewhere.example") for _ in range(options.rounds)
            )
            times: dict[str, list[float]] = {page: [] for page in pages}
            for _ in range(options.rounds):
                for page, (method, path, form) in pages.items():
                    times[page].append(took(served, method, path, form))
            slow = _show(times, refused)
            searches = [statistics.median(seconds) for page, seconds in times.items() if page.startswith("search")]
            figures.note("search", max(searches))
            memory = served.resident_mb()
            print(f"resident after {options.rounds * len(pages)} pages: {memory:.0f} MB (at most {_MOST_MB})")
            if slow or memory > _MOST_MB:
                raise SystemExit(1)


def _show(times: dict[str, list[float]], refused: float) -> list[str]:
    print(f"a refused request: {1000 * refused:.1f} ms")
    for page, seconds in times.items():
        median = statistics.median(seconds)
        first, middle, most = (f"{1000 * one:6.0f} ms" for one in (seconds[0], median, max(seconds)))
        print(f"  {page:28} first {first}  median {middle}  most {most}  x {median / refused:.0f}")
    return [page for page, seconds in times.items() if statistics.median(seconds) > _MOST_S]


if __name__ == "__main__":
    main()
