"""How things stand, looked at once: stores, sources, faults, daemons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct, field

from syncd.app import App
from syncd.clock import Now
from syncd.errors import SourceError
from syncd.ledger import Alert, FaultRow, Lag, Reason, StoreState
from syncd.naming import Gone, gone
from syncd.sale.states import Lane, State
from syncd.service.alert_rules import GONE, KINDS, LEFT_OUT, SHOWN
from syncd.service.health import Health, read_health
from syncd.service.reasons import newest_faults
from syncd.sources import FolderReport

WAITING = (State.REJECTED, State.HELD, State.UNKNOWN)
"""The states in which a sale waits for a person, or for a look-up."""


class StoreStands(Struct, frozen=True):
    """One store: its sales by state, how far behind it is, and whether it is paused; how many wait in a backfill."""

    states: Mapping[State, int]
    lag: Lag
    pause: StoreState
    alerts: Sequence[Alert] = ()
    backfilling: int = 0

    @property
    def attention(self) -> int:
        """How many of its sales, and of what was found in its orders, need a person."""
        return self.states[State.HELD] + self.states[State.REJECTED] + len(self.alerts)

    @property
    def waiting(self) -> int:
        """How many sales are about to be sent, without those of a backfill."""
        return self.states[State.PENDING] + self.states[State.SENDING] - self.backfilling


class SystemOverview(Struct, frozen=True):
    """How things stand, looked at once."""

    now: datetime
    stores: Mapping[str, StoreStands]
    sources: Mapping[str, FolderReport | SourceError | None]
    faults: Mapping[str, int]
    daemons: Sequence[Health]
    problems: Sequence[Sequence[str]]
    warnings: Sequence[Alert] = ()
    gone: Sequence[Gone] = ()
    reasons: Sequence[Reason] = ()
    newest_faults: Mapping[str, FaultRow] = field(default_factory=dict)

    @classmethod
    def of(cls, app: App) -> SystemOverview:
        """Look at the ledger and the folders."""
        ledger, now = app.ledger, Now.of(app.clock)
        daemons, missing, present = read_health(ledger), gone(app.config, ledger), ledger.alerts.present()
        reports = {**app.folder_reports(), **app.not_admitted()}
        return cls(
            now.wall,
            _stores(app, present),
            {name: reports.get(name) for name in app.tills},
            ledger.sources.open_faults(),
            daemons,
            [one.unwell(now, app.config.service.healthy_within) for one in daemons],
            [
                *(_lost(one) for one in missing if one.not_done),
                *(Alert("", LEFT_OUT, left.file, left.words, left.cure) for left in app.config.left_out),
                *(a for a in present if a.kind in SHOWN),
            ],
            [one for one in missing if not one.not_done],
            [reason for state in WAITING for reason in ledger.overviews.reasons(state)],
            newest_faults(ledger),
        )

    @property
    def running(self) -> bool:
        """Whether a daemon is at work on this ledger."""
        return any(one.running() for one in self.daemons)


def _lost(one: Gone) -> Alert:
    return Alert("", GONE, one.name, one.words, one.cure)


def _stores(app: App, present: Sequence[Alert]) -> dict[str, StoreStands]:
    """Look at every store of the config, with as many statements for thousands as for one."""
    ledger, names = app.ledger, list(app.config.stores)
    states = {name: dict.fromkeys(State, 0) for name in names}
    backfilling: Counter[str] = Counter()
    for (store, lane, state), number in ledger.sales.counts().items():
        if store in states:
            states[store][state] += number
            backfilling[store] += number if lane is Lane.BACKFILL and state is State.PENDING else 0
    alerts: dict[str, list[Alert]] = {name: [] for name in names}
    for alert in present:
        if alert.kind not in KINDS and alert.store in alerts:
            alerts[alert.store].append(alert)
    known, lags = ledger.stores.all(), ledger.sales.lags(names)
    return {
        name: StoreStands(states[name], lags[name], known.get(name, StoreState()), alerts[name], backfilling[name])
        for name in names
    }
