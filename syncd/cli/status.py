"""``syncd status``: how things stand, from top to bottom, and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from syncd.app import App
from syncd.cli.exits import Exit
from syncd.cli.opening import opened
from syncd.cli.render import ago, columns, count, print_json, say
from syncd.errors import SourceError
from syncd.ledger import State
from syncd.service.health import Health, read_health

_NEXT = {
    State.HELD: "a person must look: syncd sales --state held",
    State.REJECTED: "BigCommerce said no: syncd sales --state rejected",
    State.UNKNOWN: "an answer was lost; settled by look-up",
    State.PENDING: "to be pushed",
    State.SENDING: "on the way",
    State.SKIPPED: "left out, by a rule or a person",
    State.SYNCED: "BigCommerce says what the sale says",
}
_ORDER = (State.HELD, State.REJECTED, State.UNKNOWN, State.PENDING, State.SENDING, State.SYNCED, State.SKIPPED)
_NAMED = 5


def run_status(config: Path | None, as_json: bool) -> Exit:
    """Sales by state, faults, files that wait, the daemon, and what needs a person."""
    with opened(config, existing=True) as app:
        stores = {name: _states(app, name) for name in app.stores}
        paused = {name: app.ledger.store_state(name) for name in app.stores}
        open_faults = app.ledger.open_faults()
        health = read_health(app.ledger)
        if as_json:
            print_json(_document(app, stores, open_faults, health))
        else:
            _show(app, stores, open_faults, health)
        if any(state.paused_why for state in paused.values()):
            return Exit.REMOTE
        attention = any(states[State.HELD] or states[State.REJECTED] for states in stores.values())
        return Exit.ATTENTION if attention or open_faults else Exit.OK


def run_healthy(config: Path | None, as_json: bool) -> Exit:
    """Whether the daemon did its work lately; for container health checks and monitors."""
    with opened(config, existing=True) as app:
        health = read_health(app.ledger)
        if health is None:
            lines = ["no daemon has reported on this ledger yet: start it with syncd run"]
        else:
            lines = health.unwell(app.clock.now(), app.config.service.healthy_within)
        if as_json:
            print_json({"healthy": not lines, "problems": lines})
        else:
            say("\n".join(lines) or "healthy")
        return Exit.ATTENTION if lines else Exit.OK


def _states(app: App, store: str) -> dict[State, int]:
    found: dict[State, int] = dict.fromkeys(State, 0)
    for (_store, _lane, state), number in app.ledger.counts(store).items():
        found[state] += number
    return found


def _document(
    app: App, stores: dict[str, dict[State, int]], open_faults: dict[str, int], health: Health | None
) -> dict[str, object]:
    return {
        "stores": [_store(app, name, states) for name, states in stores.items()],
        "sources": [_source(app, name, open_faults) for name in app.tills],
        "faults": sum(open_faults.values()),
        "daemon": {
            "running": health is not None and health.running(),
            "problems": health.unwell(app.clock.now(), app.config.service.healthy_within) if health else [],
        },
    }


def _store(app: App, name: str, states: dict[State, int]) -> dict[str, object]:
    lag, paused = app.ledger.lag(name), app.ledger.store_state(name)
    return {
        "store": name,
        "sales": {state.value: number for state, number in states.items()},
        "oldest_pending": lag.oldest_pending,
        "newest_synced": lag.newest_synced,
        "paused": paused.paused_why,
    }


def _source(app: App, name: str, open_faults: dict[str, int]) -> dict[str, object]:
    report = app.folder_reports().get(name)
    if report is None or isinstance(report, SourceError):
        return {"source": name, "faults": open_faults.get(name, 0), "trouble": report.what if report else None}
    return {
        "source": name,
        "faults": open_faults.get(name, 0),
        "folder": report.path,
        "waiting": report.waiting,
        "settling": report.settling,
        "never_read": list(report.strange),
    }


def _show(app: App, stores: dict[str, dict[State, int]], open_faults: dict[str, int], health: Health | None) -> None:
    now = app.clock.now()
    for name, states in stores.items():
        paused, lag = app.ledger.store_state(name), app.ledger.lag(name)
        say(f"store {name}" + (f": paused: {paused.paused_why}\n  {paused.cure}" if paused.paused_why else ""))
        rows = [(state.value, f"{states[state]:,}", _NEXT[state]) for state in _ORDER if states[state]]
        columns(rows or [("no sales yet", "", "")], indent="  ")
        say(f"  last order {_ago(lag.newest_synced, now)}" + _waiting_since(lag.oldest_pending, now))
    for line in _lines(app, open_faults):
        say(line)
    say(_daemon(health, now, app))


def _waiting_since(at: datetime | None, now: datetime) -> str:
    return f"; the oldest sale that waits came {_ago(at, now)}" if at is not None else ""


def _ago(at: datetime | None, now: datetime) -> str:
    return ago((now - at).total_seconds()) if at is not None else "none yet"


def _lines(app: App, open_faults: dict[str, int]) -> Iterator[str]:
    reports = app.folder_reports()
    for name in app.tills:
        yield f"source {name}"
        if number := open_faults.get(name, 0):
            yield f"  {count(number, 'fault')} open: syncd faults --source {name}"
        report = reports.get(name)
        if isinstance(report, SourceError):
            yield f"  {report.what}"
        elif report is not None:
            settling = f", {report.settling} still settling" if report.settling else ""
            waiting = f"{count(report.waiting, 'file')} waiting{settling}" if report.waiting else "no file waiting"
            yield f"  {waiting} in {report.path.name}"
            yield from strange_words(report.strange)
    for name in open_faults.keys() - app.tills.keys():
        yield f"source {name} (not in the config): {count(open_faults[name], 'fault')} open"


def strange_words(names: tuple[str, ...]) -> Iterator[str]:
    """What nobody reads, in a line."""
    if names:
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        yield f"  never read: {', '.join(names[:_NAMED])}{more}"


def _daemon(health: Health | None, now: datetime, app: App) -> str:
    if health is None or not health.running():
        return "daemon: no daemon is running"
    problems = health.unwell(now, app.config.service.healthy_within)
    return "daemon: running" + "".join(f"\n  {line}" for line in problems)
