"""How a cell stands: its workers, its stores by what they wait for, its sources, in figures that stay small however many stores."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from syncd.app import App
from syncd.clock import Now
from syncd.service.health import Health, read_health

_NAMED = 20


class WaitingStore(Struct, frozen=True):
    """A store with something to do: for how long what waits longest, and why it is paused, where it is."""

    store: str
    waits_s: float
    paused: str = ""


class CellStatus(Struct, frozen=True):
    """One cell. ``waiting`` are the stores that wait longest, ``failing`` the sources that failed last, with why."""

    at: datetime
    stores: int
    sources: int
    oldest_due_s: float
    due_stores: int
    paused_stores: int
    failing_sources: int
    oldest_source_s: float
    sales: Mapping[str, int]
    alerts: Mapping[str, int]
    workers: Sequence[Health] = ()
    waiting: Sequence[WaitingStore] = ()
    failing: Mapping[str, str] = field(default_factory=dict)
    left_out: Sequence[str] = ()


def cell_status(app: App) -> CellStatus:
    """Look at a cell's ledger.

    Raises:
        LedgerError: it cannot be read.

    """
    ledger, now = app.ledger, Now.of(app.clock)
    due, paused = ledger.turns.due_stores(), ledger.turns.paused_stores()
    waits = sorted((_seconds(now.wall - one.since) if one.since else 0.0, one.store) for one in due)
    failing, oldest = ledger.turns.failing(), ledger.turns.oldest_due_source()
    states: Counter[str] = Counter()
    for (_store, _lane, state), number in ledger.sales.counts().items():
        states[state.value] += number
    return CellStatus(
        at=now.wall,
        stores=len(app.config.stores),
        sources=len(app.tills),
        oldest_due_s=waits[-1][0] if waits else 0.0,
        due_stores=len(due),
        paused_stores=len(paused),
        failing_sources=len(failing),
        oldest_source_s=_seconds(now.wall - oldest) if oldest is not None else 0.0,
        sales=dict(states),
        alerts=dict(Counter(alert.kind for alert in ledger.alerts.present())),
        workers=read_health(ledger),
        waiting=[WaitingStore(name, wait, paused.get(name, "")) for wait, name in reversed(waits[-_NAMED:])],
        failing={turn.source: turn.why for turn in failing[:_NAMED]},
        left_out=[left.words for left in app.config.left_out],
    )


def _seconds(gap: timedelta) -> float:
    return round(max(gap.total_seconds(), 0.0), 1)
