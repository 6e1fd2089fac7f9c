"""How things stand, looked at once: stores, sources, faults, daemons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from syncd.app import App
from syncd.clock import Now
from syncd.errors import SourceError
from syncd.ledger import Alert, FaultRow, Lag, Reason, StoreState
from syncd.naming import Gone, gone
from syncd.sale.states import State
from syncd.service.alert_rules import GONE, KINDS, LEFT_OUT, SHOWN
from syncd.service.health import Health, read_health
from syncd.service.reasons import newest_faults
from syncd.sources import FolderReport

WAITING = (State.REJECTED, State.HELD, State.UNKNOWN)
"""The states in which a sale waits for a person, or for a look-up."""


@dataclass(frozen=True, slots=True)
class StoreStands:
    """One store: its sales by state, how far behind it is, and whether it is paused."""

    states: Mapping[State, int]
    lag: Lag
    pause: StoreState
    alerts: Sequence[Alert] = ()


@dataclass(frozen=True, slots=True)
class SystemOverview:
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
        ledger, now, daemons, missing = (
            app.ledger,
            Now.of(app.clock),
            read_health(app.ledger),
            gone(app.config, app.ledger),
        )
        reports = {**app.folder_reports(), **app.not_admitted()}
        return cls(
            now.wall,
            {name: _stands(app, name) for name in app.config.stores},
            {name: reports.get(name) for name in app.tills},
            ledger.sources.open_faults(),
            daemons,
            [one.unwell(now, app.config.service.healthy_within) for one in daemons],
            [
                *(_lost(one) for one in missing if one.not_done),
                *(Alert("", LEFT_OUT, left.file, left.words, left.cure) for left in app.config.left_out),
                *(a for a in ledger.alerts.present() if a.kind in SHOWN),
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


def _stands(app: App, store: str) -> StoreStands:
    ledger = app.ledger
    alerts = [alert for alert in ledger.alerts.present(store) if alert.kind not in KINDS]
    return StoreStands(_states(app, store), ledger.sales.lag(store), ledger.stores.get(store), alerts)


def _states(app: App, store: str) -> dict[State, int]:
    found: dict[State, int] = dict.fromkeys(State, 0)
    for (_store, _lane, state), number in app.ledger.sales.counts(store).items():
        found[state] += number
    return found
