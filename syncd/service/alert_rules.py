"""Alert rules: causes that people should hear of, evaluated every minute from facts; which are new is the ledger's to say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from syncd.app import App
from syncd.clock import Now
from syncd.ledger import Alert
from syncd.ledger.store_state import StoreState
from syncd.naming import Gone, gone
from syncd.sale.states import State
from syncd.service.health import Health
from syncd.settings import AlertSettings
from syncd.sources.capabilities import FolderReport

GONE = "gone"
KINDS = ("paused", "rejected", "late", "faults", "unread", "job", "volume", "disk", GONE)
"""The causes that are watched here; others (a second order for a sale, orders changed by hand) are noticed where they are found."""
SHOWN = ("late", "volume", "disk")
"""Those of them that nothing else on a page or in ``status`` says."""
_WEEKS = (7, 14, 21, 28)
_DAYS = (1, 2, 3, 4)
_FEWEST, _TIMES = 10, 10
_NAMED = 3
_SPAN = timedelta(days=1)
_PAUSED = "paused: "
_BACKGROUND, _BACKGROUND_AFTER = ("refresh ", "look over "), timedelta(hours=6)  # no sale waits for these


@dataclass(frozen=True, slots=True)
class Volume:
    """How many sales a source had in the last day, and in such days before it."""

    lately: int
    before: tuple[int, ...]

    @property
    def usual(self) -> float:
        """The median of those days; 0 where there are too few to say."""
        return median(self.before) if len(self.before) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class AlertSnapshot:
    """What is known at one moment."""

    now: Now
    stores: dict[str, StoreState] = field(default_factory=dict)
    states: dict[str, dict[State, int]] = field(default_factory=dict)
    waiting_since: dict[str, datetime | None] = field(default_factory=dict)
    faults: dict[str, int] = field(default_factory=dict)
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)
    health: Health | None = None
    volumes: dict[str, Volume] = field(default_factory=dict)
    gone: Sequence[Gone] = ()
    disk_free: int | None = None
    ledger: str = ""


def evaluate(facts: AlertSnapshot, settings: AlertSettings, healthy_within: timedelta) -> list[Alert]:
    """Return an alert for each cause that holds now. Pure."""
    return [
        *_paused(facts, settings),
        *_rejected(facts),
        *_late(facts, settings),
        *_faults(facts),
        *_unread(facts),
        *_jobs(facts, healthy_within),
        *_volumes(facts),
        *_disk(facts, settings),
        *(Alert("", GONE, one.name, one.words, one.cure) for one in facts.gone if one.not_done),
    ]


def _paused(facts: AlertSnapshot, settings: AlertSettings) -> Iterator[Alert]:
    for name, state in facts.stores.items():
        since = state.paused_at
        if state.paused_why and since is not None and facts.now.wall - since >= settings.paused_after:
            yield Alert(name, "paused", name, f"{name} is paused: {state.paused_why}", state.cure)


def _rejected(facts: AlertSnapshot) -> Iterator[Alert]:
    for name, states in facts.states.items():
        if number := states.get(State.REJECTED, 0):
            what = "a sale" if number == 1 else f"{number:,} sales"
            yield Alert(
                name,
                "rejected",
                name,
                f"BigCommerce rejected {what} of {name}",
                "See why: syncd sales --state rejected",
            )


def _late(facts: AlertSnapshot, settings: AlertSettings) -> Iterator[Alert]:
    """Sales that wait although the store is open: a paused one is reported already."""
    for name, since in facts.waiting_since.items():
        state = facts.stores.get(name)
        if since is None or (state is not None and state.paused_why):
            continue
        if facts.now.wall - since >= settings.late_after:
            words = f"sales for {name} have waited since {since.isoformat(timespec='minutes')}"
            yield Alert(name, "late", name, words, "See what holds them up: syncd status")


def _faults(facts: AlertSnapshot) -> Iterator[Alert]:
    for source, number in facts.faults.items():
        what = "a record" if number == 1 else f"{number:,} records"
        yield Alert(
            "",
            "faults",
            source,
            f"{what} of {source} could not be read",
            f"Look at them: syncd faults --source {source}",
        )


def _unread(facts: AlertSnapshot) -> Iterator[Alert]:
    """Files that no source reads: somebody dropped them and believes them read."""
    for source, names in facts.unread.items():
        if names:
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            words = f"not read for a day in the folder of {source}: {', '.join(names[:_NAMED])}{more}"
            yield Alert(
                "",
                "unread",
                source,
                words,
                "Export them in a format that this source reads, or take them away: syncd check",
            )


def _jobs(facts: AlertSnapshot, healthy_within: timedelta) -> Iterator[Alert]:
    if facts.health is None:
        return
    for name, part in facts.health.parts.items():
        if part.standby or part.last_error.startswith(_PAUSED):
            continue
        since = part.last_ok or facts.health.begun
        patience = _BACKGROUND_AFTER if name.startswith(_BACKGROUND) else healthy_within
        if since is not None and facts.now.age(since) > max(part.max_gap, patience):
            words = part.last_error or "it has had no good cycle"
            yield Alert("", "job", name, f"{name}: {words}", "See the log, and: syncd status")


def _volumes(facts: AlertSnapshot) -> Iterator[Alert]:
    for source, volume in facts.volumes.items():
        if volume.usual >= _FEWEST and volume.lately == 0:
            words = f"{source} has had no sale in the last day; usually {volume.usual:,.0f}"
            yield Alert(
                "", "volume", source, words, "Is the shop closed, or does its POS tell no more? syncd sources test"
            )
        elif volume.usual >= _FEWEST and volume.lately > _TIMES * volume.usual:
            words = f"{source} has had {volume.lately:,} sales in the last day; usually {volume.usual:,.0f}"
            yield Alert(
                "", "volume", source, words, "Is an old export read anew, or another shop's? syncd sales --source"
            )


def _disk(facts: AlertSnapshot, settings: AlertSettings) -> Iterator[Alert]:
    if facts.disk_free is not None and facts.disk_free < settings.low_disk_mb * 1_000_000:
        words = f"only {facts.disk_free / 1e6:,.0f} MB are left on the disk of the ledger {facts.ledger}"
        yield Alert("", "disk", "disk", words, "Free some: when it is full, nothing is recorded or pushed any more.")


class Watch:
    """Gathers the facts; what takes longer to look up only once an hour."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._volumes: dict[str, Volume] = {}
        self._counted: Now | None = None

    def look(self, health: Health | None) -> list[Alert]:
        """Evaluate the rules, and keep the alerts in the ledger; return those that are new."""
        present = evaluate(self.facts(health), self._app.config.alerts, self._app.config.service.healthy_within)
        return self._app.ledger.notices.watched(KINDS, present)

    def facts(self, health: Health | None) -> AlertSnapshot:
        """Return what is known now."""
        ledger, now, stores = self._app.ledger, Now.of(self._app.clock), list(self._app.config.stores)
        states: dict[str, dict[State, int]] = {name: {} for name in stores}
        for (store, _lane, state), number in ledger.counts().items():
            states.setdefault(store, {})[state] = states.get(store, {}).get(state, 0) + number
        return AlertSnapshot(
            now,
            {name: ledger.store_state(name) for name in stores},
            states,
            {name: ledger.overviews.waiting_since(name) for name in stores},
            ledger.open_faults(),
            unread(self._app),
            health,
            self._volume(now),
            gone(self._app.config, ledger),
            *_room(self._app),
        )

    def _volume(self, now: Now) -> dict[str, Volume]:
        if self._counted is None or now.age(self._counted) >= timedelta(hours=1):
            self._counted = now
            self._volumes = {name: self._of(name, now.wall) for name in self._app.tills}
        return self._volumes

    def _of(self, source: str, now: datetime) -> Volume:
        """Return the same weekday of the weeks before; of a younger source the days before."""

        def count(back: int) -> int:
            end = now - timedelta(days=back)
            return self._app.ledger.overviews.placed(source, end - _SPAN, end)

        weeks = [number for back in _WEEKS if (number := count(back))]
        days = weeks if len(weeks) > 1 else [number for back in _DAYS if (number := count(back))]
        return Volume(count(0), tuple(days))


def unread(app: App) -> dict[str, tuple[str, ...]]:
    """Return what has lain unread in each source's folder for a day."""
    reports = app.folder_reports()
    return {name: one.unread for name, one in reports.items() if isinstance(one, FolderReport) and one.unread}


def _room(app: App) -> tuple[int | None, str]:
    url = app.config.ledger_url.get_secret_value()
    if not url.startswith("sqlite:///"):
        return None, ""
    path = Path(url.removeprefix("sqlite:///"))
    return shutil.disk_usage(path.parent).free, str(path)
