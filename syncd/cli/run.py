"""``syncd run`` and ``syncd sync``."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec.structs import asdict

from syncd import logs
from syncd.app import App
from syncd.cli import loading
from syncd.cli.exits import Exit
from syncd.cli.render import notes, print_json, say
from syncd.cli.session import read_config, ready_to_work
from syncd.cli.status import strange_words
from syncd.cli.sync_bar import SyncBar, sync_bar
from syncd.config import Config
from syncd.errors import Busy, LeaseTaken, NotListed, SourceError
from syncd.formatting import count
from syncd.intake import PollReport
from syncd.ledger import upgrade_apart
from syncd.push.worker.pusher import PushReport
from syncd.sale.states import State
from syncd.service.alert_rules import unread
from syncd.source_runner import SourceRunner
from syncd.sources import FolderReport
from syncd.stores import StoreServices

_SETTLING_S = 10.0  # longer than the usual settle time; a copy that takes more is reported
_NEED_A_PERSON = (State.HELD, State.REJECTED)


def run_service(config: Path | None) -> Exit:
    """Run the daemon until a signal stops it; SIGHUP reloads the config."""
    from syncd.presentation.config import differences
    from syncd.service.daemon import run_daemon, stop_on_signals
    from syncd.service.memory import share_one_heap
    from syncd.service.reload import Stop, Turns
    from syncd.web.daemon import doors_open

    share_one_heap()
    stop = Stop()
    loading.begin()
    turns = Turns(stop, lambda: read_config(config), differences)

    def turn(now: Config, ends: threading.Event) -> None:
        upgrade_apart(now.ledger_url.get_secret_value())
        with ready_to_work(now, ends) as app:
            run_daemon(app, ends, doors_open, turns.leaving)

    with stop_on_signals(stop, turns.reload), turns.following():
        turns.run(turn)
    return Exit.OK


def run_sync(config: Path | None, limit: int | None, as_json: bool) -> Exit:
    """One pass over every source and every store."""
    from syncd.service.daemon import stop_on_signals

    stop = threading.Event()
    with stop_on_signals(stop), ready_to_work(read_config(config, quiet=True), stop) as app:
        _await_settling(app, stop)
        with sync_bar(app) as bar:
            polled, trouble = _poll_all(app, stop, bar)
            pushed = {name: _push(store, stop, limit, bar) for name, store in app.stores.items() if not stop.is_set()}
        for name, report in pushed.items():
            if words := pause_words(app, name):
                trouble[name] = words
            elif report is not None and report.unreachable:
                trouble[name] = f"cannot be reached: {report.unreachable}\n  What is not pushed stays in the ledger."
        left = _left(app)
        if as_json:
            print_json(_document(polled, pushed, left, trouble))
        else:
            _show(app, polled, pushed, left, trouble)
        return _exit(app, stop, bool(trouble), left)


def _await_settling(app: App, stop: threading.Event) -> None:
    """Wait until a file that was dropped a moment ago has settled: it is part of this pass."""
    until = app.clock.elapsed().seconds + _SETTLING_S
    while app.clock.elapsed().seconds < until and not stop.is_set():
        reports = app.folder_reports().values()
        if not any(isinstance(report, FolderReport) and report.settling for report in reports):
            return
        app.clock.wait(stop, 0.1)


def pause_words(app: App, store: str) -> str:
    """Why a store is paused and what to do about it; empty while it is open."""
    state = app.ledger.stores.get(store)
    return f"paused: {state.paused_why}\n  {state.cure}" if state.paused_why else ""


def _poll_all(app: App, stop: threading.Event, bar: SyncBar) -> tuple[dict[str, PollReport], dict[str, str]]:
    polled, trouble = {}, {}
    for name, till in app.tills.items():
        try:
            with bar.reading(name) as seen:
                polled[name] = _poll(app, till, stop, seen)
        except SourceError as error:
            logs.get_logger().error("source_failed", source=name, why=error.what, cure=error.cure)
            trouble[name] = str(error)
        except NotListed as error:
            trouble[name] = error.what
    return polled, trouble


def _poll(app: App, till: SourceRunner, stop: threading.Event, seen: Callable[[PollReport], None]) -> PollReport:
    """Poll a source; the orders of its stores are listed before that, where it must be known whether any is its own."""
    try:
        return till.poll(stop, seen)
    except NotListed:
        for name in till.config.common.all_stores:
            with suppress(LeaseTaken), app.stores[name].leased() as lease:  # whoever has it lists them
                app.stores[name].pusher.run(lease, stop, limit=0, lists=True)
        return till.poll(stop, seen)


def _push(store: StoreServices, stop: threading.Event, limit: int | None, bar: SyncBar) -> PushReport | None:
    if limit == 0:
        return PushReport()
    try:
        with store.leased() as lease, bar.sending(store.name, limit):
            return store.push(lease, stop, limit)
    except Busy as busy:
        notes.print(f"{store.name}: {busy.what}; it will push what was recorded.", markup=False)
        return None


def _left(app: App) -> dict[str, int]:
    """How many sales are in each state, over all stores."""
    left: dict[str, int] = {}
    for (_store, _lane, state), number in app.ledger.sales.counts().items():
        left[state.value] = left.get(state.value, 0) + number
    return left


def _document(
    polled: dict[str, PollReport], pushed: dict[str, PushReport | None], left: dict[str, int], trouble: dict[str, str]
) -> dict[str, object]:
    stores = {name: {"sent": report.sent, **report.states} if report else None for name, report in pushed.items()}
    return {
        "sources": {name: asdict(p) for name, p in polled.items()},
        "stores": stores,
        "sales": left,
        "trouble": trouble,
    }


def _show(
    app: App,
    polled: dict[str, PollReport],
    pushed: dict[str, PushReport | None],
    left: dict[str, int],
    trouble: dict[str, str],
) -> None:
    reports = app.folder_reports()
    for name, one in polled.items():
        _show_source(name, one, reports.get(name))
    for name, pushes in pushed.items():
        if pushes is not None and (pushes.states or name not in trouble):
            say(f"{name}: {pushed_words(pushes)}")
    for name, why in trouble.items():
        say(f"{name}: {why}")
    for file in app.config.left_out:
        say(f"{file.words}\n  {file.cure}")
    for line in _next(app, left):
        say(line)


def _show_source(name: str, one: PollReport, report: FolderReport | SourceError | None) -> None:
    say(f"{name}: {polled_words(one)}")
    for fault in one.told:
        say(f"  {fault.where}: {fault.reason}")
    if one.faults > len(one.told):
        say(f"  and {one.faults - len(one.told)} more: syncd faults --source {name}")
    if isinstance(report, FolderReport):
        if report.waiting:
            say(f"  {count(report.waiting, 'file')} still waiting: not settled yet, or cut off in the middle of a line")
        for line in strange_words(report.strange):
            say(line)


def polled_words(one: PollReport) -> str:
    """Return what a poll recorded, in a sentence that leaves zeros out."""
    counts = [
        (one.new, "new sale"),
        (one.changed, "changed sale"),
        (one.same, "known sale"),
        (one.faults, "fault"),
    ]
    parts = [count(number, noun) for number, noun in counts if number]
    if one.held and parts:
        parts[0] += f" ({one.held:,} held)"
    parts += [f"{count(one.older, 'older version')} left alone"] if one.older else []
    parts += [f"{number:,} {why} left out" for why, number in one.left_out.items()]
    return ", ".join(parts) or "nothing new"


def pushed_words(pushes: PushReport) -> str:
    """Return what a push did, in a sentence that leaves zeros out."""
    words = {
        "synced": "pushed",
        "held": "held",
        "rejected": "rejected",
        "unknown": "in doubt, to be looked up",
        "pending": "to be tried again",
        "skipped": "skipped",
    }
    parts = [f"{pushes.states[state]:,} {said}" for state, said in words.items() if pushes.states[state]]
    return ", ".join(parts) or "nothing to push"


def _next(app: App, left: dict[str, int]) -> Iterator[str]:
    """Yield what a person can do about what is left."""
    if left.get("held"):
        yield f"{count(left['held'], 'sale')} held: syncd sales --state held"
    if left.get("rejected"):
        yield f"{count(left['rejected'], 'sale')} rejected: syncd sales --state rejected"
    if left.get("unknown"):
        yield f"{count(left['unknown'], 'sale')} in doubt: run syncd sync again in a minute, or leave it to syncd run"
    if number := sum(app.ledger.sources.open_faults().values()):
        yield f"{count(number, 'fault')} open: syncd faults; once dealt with: syncd faults --settle"


def _exit(app: App, stop: threading.Event, trouble: bool, left: dict[str, int]) -> Exit:
    if stop.is_set():
        return Exit.INTERRUPTED
    if trouble:
        return Exit.REMOTE
    attention = any(left.get(state.value) for state in (*_NEED_A_PERSON, State.UNKNOWN))
    attention |= bool(app.config.left_out)
    return Exit.ATTENTION if attention or app.ledger.sources.open_faults() or unread(app) else Exit.OK
