"""``syncd run`` and ``syncd sync``."""

from __future__ import annotations

import threading
from dataclasses import asdict
from pathlib import Path

from syncd import logs
from syncd.app import App, Store
from syncd.cli.exits import Exit
from syncd.cli.opening import need_work, opened
from syncd.cli.render import notes, out, print_json, table
from syncd.errors import Busy, SourceError
from syncd.intake import Polled
from syncd.ledger import State
from syncd.push import PushReport

_NEED_A_PERSON = (State.HELD, State.REJECTED)


def run_service(config: Path | None) -> Exit:
    """The daemon, until a signal stops it."""
    from syncd.service import run_daemon
    from syncd.service.daemon import stop_on_signals

    stop = threading.Event()
    with stop_on_signals(stop), opened(config, quiet=False) as app:
        need_work(app)
        run_daemon(app, stop)
    return Exit.OK


def run_sync(config: Path | None, limit: int | None, as_json: bool) -> Exit:
    """One pass over every source and every store."""
    from syncd.service.daemon import stop_on_signals

    stop = threading.Event()
    with stop_on_signals(stop), opened(config) as app:
        need_work(app)
        polled, trouble = _poll_all(app, stop)
        pushed = {name: _push(store, stop, limit) for name, store in app.stores.items() if not stop.is_set()}
        paused = {name: words for name in app.stores if (words := pause_words(app, name))}
        left = _left(app)
        if as_json:
            print_json(_document(polled, pushed, left, trouble | paused))
        else:
            _show(polled, pushed, left, trouble | paused)
        return _exit(stop, bool(trouble or paused), polled, left)


def pause_words(app: App, store: str) -> str:
    """Why a store is paused and what to do about it; empty while it is open."""
    state = app.ledger.store_state(store)
    return f"paused: {state.paused_why}\n  {state.cure}" if state.paused_why else ""


def _poll_all(app: App, stop: threading.Event) -> tuple[dict[str, Polled], dict[str, str]]:
    polled, trouble = {}, {}
    for name, till in app.tills.items():
        try:
            polled[name] = till.poll(stop)
        except SourceError as error:
            logs.get_logger().error("source_failed", source=name, why=error.what, cure=error.cure)
            trouble[name] = str(error)
    return polled, trouble


def _push(store: Store, stop: threading.Event, limit: int | None) -> PushReport | None:
    try:
        with store.leased() as lease:
            return store.push(lease, stop, limit)
    except Busy as busy:
        notes.print(f"{store.name}: {busy.what}; it will push what was recorded.", markup=False)
        return None


def _left(app: App) -> dict[str, int]:
    """How many sales are in each state, over all stores."""
    left: dict[str, int] = {}
    for (_store, _lane, state), count in app.ledger.counts().items():
        left[state.value] = left.get(state.value, 0) + count
    return left


def _document(
    polled: dict[str, Polled], pushed: dict[str, PushReport | None], left: dict[str, int], trouble: dict[str, str]
) -> dict[str, object]:
    stores = {name: {"sent": report.sent, **report.states} if report else None for name, report in pushed.items()}
    return {
        "sources": {name: asdict(p) for name, p in polled.items()},
        "stores": stores,
        "sales": left,
        "trouble": trouble,
    }


def _show(
    polled: dict[str, Polled], pushed: dict[str, PushReport | None], left: dict[str, int], trouble: dict[str, str]
) -> None:
    recorded = ("source", "new", "changed", "same", "held", "faults")
    polls = [(name, p.new, p.changed, p.same, p.held, p.faults) for name, p in polled.items()]
    out.print(table("Recorded", recorded, polls, numbers=recorded[1:]))
    columns = ("store", "sent", "synced", "held", "rejected", "unknown", "later")
    rows = [
        (name, r.sent, *(r.states[s] for s in ("synced", "held", "rejected", "unsure", "pending")))
        for name, r in pushed.items()
        if r is not None
    ]
    out.print(table("Pushed", columns, rows, numbers=columns[1:]))
    out.print(
        "In the ledger: " + ", ".join(f"{count} {state}" for state, count in sorted(left.items())) or "nothing",
        markup=False,
    )
    for name, why in trouble.items():
        out.print(f"{name}: {why}", markup=False)
    if left.get("held") or left.get("rejected"):
        out.print("Some sales need a person: syncd sales --state held, syncd sales --state rejected", markup=False)
    if left.get("unknown"):
        out.print(
            "Unknown outcomes are settled by look-up: run syncd sync again in a minute, or leave it to syncd run.",
            markup=False,
        )


def _exit(stop: threading.Event, trouble: bool, polled: dict[str, Polled], left: dict[str, int]) -> Exit:
    if stop.is_set():
        return Exit.INTERRUPTED
    if trouble:
        return Exit.REMOTE
    attention = any(left.get(state.value) for state in (*_NEED_A_PERSON, State.UNKNOWN))
    return Exit.ATTENTION if attention or any(p.faults for p in polled.values()) else Exit.OK
