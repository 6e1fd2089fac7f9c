"""``syncd backfill``: record a date range in the backfill lane and follow it until it is pushed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from syncd.app import App, Till
from syncd.canonical import CanonicalOrder, fingerprint
from syncd.canonical.money import format_money
from syncd.cli.exits import Exit
from syncd.cli.opening import need_work, opened
from syncd.cli.render import notes, out, print_json
from syncd.cli.run import polled_words
from syncd.clock import Now
from syncd.errors import Busy, UsageError
from syncd.ledger import Said, State, new_sale, saying
from syncd.plan import next_step, standing
from syncd.sources.csv.times import zone
from syncd.stores import Store

_LOOK_S = 0.5
_DONE = (State.SYNCED, State.SKIPPED, State.HELD, State.REJECTED)


def run_backfill(  # noqa: PLR0913  one for each option of the command
    config: Path | None, source: str, days: tuple[str, str], *, dry_run: bool, history: bool, as_json: bool
) -> Exit:
    """Record ``days`` (first and last, local to the source) of one source, and push them."""
    from syncd.service.daemon import stop_on_signals

    stop = threading.Event()
    with stop_on_signals(stop), opened(config, stop=stop) as app:
        need_work(app)
        till = app.tills.get(source)
        if till is None:
            raise UsageError(f"there is no source {source!r}", f"Sources are {', '.join(sorted(app.tills))}.")
        start, end = date_range(days, _zone(till))
        if dry_run:
            return _estimate(app, till, (start, end), as_json)
        polled = till.backfill(start, end, stop, history=history)
        notes.print(f"{source}: {polled_words(polled)}", markup=False)
        stores = [app.stores[store] for store in till.config.common.all_stores]
        for store in stores:
            _follow(app, store, stop)
        return _report(app, stores, stop, as_json)


def date_range(days: tuple[str, str], zone: tzinfo) -> tuple[datetime, datetime]:
    """The instants from the first day's midnight to the midnight after the last.

    Raises:
        UsageError: a day that is none, or a range that ends before it begins.

    """
    try:
        first, last = (date.fromisoformat(day) for day in days)
    except ValueError:
        raise UsageError(f"{days[0]!r} to {days[1]!r} is not a range of days", "Write days as 2026-11-23.") from None
    if last < first:
        raise UsageError(f"the range ends ({last}) before it begins ({first})", "Swap --from and --to.")
    try:
        start, end = datetime.combine(first, time(), zone), datetime.combine(last + timedelta(days=1), time(), zone)
        return start.astimezone(UTC).astimezone(zone), end.astimezone(UTC).astimezone(zone)
    except OverflowError:
        raise UsageError(f"{first} to {last} is not a range of days that a till has seen") from None


def _zone(till: Till) -> tzinfo:
    name = getattr(till.config.settings, "timezone", None)
    return zone(str(name)) if name else UTC


def _estimate(app: App, till: Till, span: tuple[datetime, datetime], as_json: bool) -> Exit:
    states: Counter[str] = Counter()
    totals: dict[str, Decimal] = {}
    faults = new = 0
    for batch in till.source.fetch_range(*span):
        faults += len(batch.faults)
        for order in batch.orders:
            states[
                _would_be(app, till.config.common.store_of(order), order, batch.holds.get(order.sale_id, "")).value
            ] += 1
            totals[order.currency] = totals.get(order.currency, Decimal(0)) + order.total_inc_tax
            new += app.ledger.sale(order.sale_key) is None
    if as_json:
        print_json({"sales": sum(states.values()), "new": new, "states": states, "faults": faults, "totals": totals})
    else:
        sums = ", ".join(format_money(amount, currency) for currency, amount in totals.items()) or "nothing"
        by_state = ", ".join(f"{count} {state}" for state, count in states.items()) or "none"
        out.print(
            f"{sum(states.values())} sales ({by_state}), of which {new} are new; {sums}; {faults} faults", markup=False
        )
        out.print(f"About {new} requests. Nothing was recorded.", markup=False)
    return Exit.ATTENTION if faults else Exit.OK


def _would_be(app: App, store: str, order: CanonicalOrder, hold: str) -> State:
    """The state in which a sale would be recorded."""
    kept, said = app.ledger.sale(order.sale_key), Said(order, fingerprint(order), hold=hold)
    sale = saying(kept, said) if kept is not None else new_sale(said, store, app.clock.now())
    return standing(next_step(sale, app.config.stores[store].ground, Now.of(app.clock), said)).state


def _follow(app: App, store: Store, stop: threading.Event) -> None:
    """Push by ourselves where the right to push is free, else watch the daemon do it."""
    finished = threading.Event()
    pushing = threading.Thread(target=_push, args=(store, stop, finished), name="backfill push")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=notes, transient=True) as progress:
        task = progress.add_task("pushing", total=None)
        pushing.start()
        while not stop.is_set():
            done, total, open_ = _progress(app, store)
            progress.update(task, completed=done, total=total)
            if finished.is_set() and not (open_ and _somebody_pushes(store)):
                break
            app.clock.wait(stop, _LOOK_S)
    pushing.join()


def _push(store: Store, stop: threading.Event, finished: threading.Event) -> None:
    try:
        with store.leased() as lease:
            store.push(lease, stop)
    except Busy as busy:
        notes.print(f"{busy.what}; it pushes what was recorded.", markup=False)
    finally:
        finished.set()


def _somebody_pushes(store: Store) -> bool:
    try:
        with store.leased():
            return False
    except Busy:
        return True


def _progress(app: App, store: Store) -> tuple[int, int, int]:
    counts = app.ledger.counts(store.name)
    total = sum(counts.values())
    done = sum(count for (_, _, state), count in counts.items() if state in _DONE)
    waiting = sum(count for (_, _, state), count in counts.items() if state in (State.PENDING, State.SENDING))
    return done, total, waiting


def _report(app: App, stores: Sequence[Store], stop: threading.Event, as_json: bool) -> Exit:
    states: Counter[str] = Counter()
    for store in stores:
        for (_, _, state), count in app.ledger.counts(store.name).items():
            states[state.value] += count
    pauses = {store.name: app.ledger.store_state(store.name).paused_why for store in stores}
    paused = next((why for why in pauses.values() if why), None)
    if as_json:
        print_json({"sales": states, "paused": paused})
    else:
        out.print(", ".join(f"{count} {state}" for state, count in sorted(states.items())), markup=False)
        for name, why in pauses.items():
            if why:
                out.print(f"{name} is paused: {why}", markup=False)
    if stop.is_set():
        return Exit.INTERRUPTED
    if paused:
        return Exit.REMOTE
    left = sum(count for state, count in states.items() if state not in ("synced", "skipped"))
    return Exit.ATTENTION if left else Exit.OK
