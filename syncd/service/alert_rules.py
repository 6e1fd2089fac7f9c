"""Alert rules: causes that people should hear of, evaluated every minute from facts; which are new is the ledger's to say."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

from msgspec import Struct, field

from syncd.app import App
from syncd.clock import Now
from syncd.config import LeftOut
from syncd.formatting import count
from syncd.ledger import SERVER_CHANGED, Alert, FaultRow, OutboxBacklog, Reason, StoreState
from syncd.naming import Gone, gone
from syncd.sale.states import State
from syncd.service.event_outage import outage_of
from syncd.service.health import Health
from syncd.service.job_names import job_words
from syncd.service.reasons import fault_words, newest_faults, reason_help, reason_words
from syncd.settings import AlertSettings
from syncd.sources.capabilities import FolderReport
from syncd.sources.settings import is_closed

GONE, LEFT_OUT, EVENTS = "gone", "config", "events"
KINDS = ("paused", "rejected", "held", "late", "faults", "unread", "job", "volume", "disk", EVENTS, GONE, LEFT_OUT)
"""The causes that are watched here; others (a second order for a sale, orders changed by hand) are noticed where they are found."""
SHOWN = ("late", "volume", "disk", EVENTS, SERVER_CHANGED)
"""Those of them that nothing else on a page or in ``status`` says."""
_WEEKS = (7, 14, 21, 28)
_DAYS = (1, 2, 3, 4)
_FEWEST, _TIMES = 10, 10
_NAMED = 3
_SPAN = timedelta(days=1)
_PAUSED = "paused: "
_BACKGROUND, _BACKGROUND_AFTER = ("refresh ", "look over "), timedelta(hours=6)  # no sale waits for these


class Volume(Struct, frozen=True):
    """How many sales a source had in the last day, and in such days before it; whether its shop is closed, as the config says."""

    lately: int
    before: tuple[int, ...]
    closed: bool = False

    @property
    def usual(self) -> float:
        """The median of those days; 0 where there are too few to say."""
        return median(self.before) if len(self.before) > 1 else 0.0


class AlertSnapshot(Struct, frozen=True):
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
    left_out: Sequence[LeftOut] = ()
    disk_free: int | None = None
    ledger: str = ""
    reasons: Sequence[Reason] = ()
    newest_faults: Mapping[str, FaultRow] = field(default_factory=dict)
    events: OutboxBacklog | None = None
    events_why: str = ""


def evaluate(facts: AlertSnapshot, settings: AlertSettings, healthy_within: timedelta) -> list[Alert]:
    """Return an alert for each cause that holds now. Pure."""
    return [
        *_paused(facts, settings),
        *_waiting(facts, settings),
        *_late(facts, settings),
        *_faults(facts),
        *_unread(facts),
        *_jobs(facts, healthy_within),
        *_volumes(facts),
        *_disk(facts, settings),
        *_events(facts, settings),
        *(Alert("", GONE, one.name, one.words, one.cure) for one in facts.gone if one.not_done),
        *(Alert("", LEFT_OUT, left.file, left.words, left.cure) for left in facts.left_out),
    ]


def _paused(facts: AlertSnapshot, settings: AlertSettings) -> Iterator[Alert]:
    for name, state in facts.stores.items():
        since = state.paused_at
        if state.paused_why and since is not None and facts.now.wall - since >= settings.paused_after:
            yield Alert(name, "paused", name, f"{name} is paused: {state.paused_why}", state.cure)


def _waiting(facts: AlertSnapshot, settings: AlertSettings) -> Iterator[Alert]:
    """Sales that wait for a person, one alert a reason: rejected ones at once, held ones after a while."""
    for reason in facts.reasons:
        if reason.state is State.REJECTED or facts.now.wall - reason.since >= settings.held_after:
            yield Alert(reason.store, reason.state.value, reason.group, reason_words(reason), reason_help(reason))


def _late(facts: AlertSnapshot, settings: AlertSettings) -> Iterator[Alert]:
    """Sales that wait although the store is open: a paused one is reported already."""
    for name, since in facts.waiting_since.items():
        state = facts.stores.get(name)
        if since is None or (state is not None and state.paused_why):
            continue
        if facts.now.wall - since >= settings.late_after:
            words = f"sales for {name} have been waiting since {since:%d %b %H:%M} UTC"
            yield Alert(name, "late", name, words, "Can the store be reached? Try: syncd check")


def _faults(facts: AlertSnapshot) -> Iterator[Alert]:
    for source, number in facts.faults.items():
        words = fault_words(source, number, facts.newest_faults.get(source))
        yield Alert("", "faults", source, words, f"See which, and why: syncd faults --source {source}")


def _unread(facts: AlertSnapshot) -> Iterator[Alert]:
    """Files that no source reads: somebody dropped them and believes them read."""
    for source, names in facts.unread.items():
        if names:
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            words = f"{count(len(names), 'file')} in the folder of {source} cannot be read: {', '.join(names[:_NAMED])}{more}"
            yield Alert(
                "",
                "unread",
                source,
                words,
                "Export them in a format that this source reads, or remove them: syncd check",
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
            why = f": {part.last_error}" if part.last_error else ""
            words = f"syncd has not been able to {job_words(name)} since {since.wall:%H:%M} UTC{why}"
            yield Alert("", "job", name, words, "See the log, and: syncd status")


def _volumes(facts: AlertSnapshot) -> Iterator[Alert]:
    for source, volume in facts.volumes.items():
        if volume.usual >= _FEWEST and volume.lately == 0 and not volume.closed:
            words = f"no sales of {source} for a day; usually {volume.usual:,.0f}"
            cure = (
                f"Is the shop closed, or has the POS stopped sending? Check: syncd sources test {source}."
                f" Days on which the shop is closed: closed in [sources.{source}]"
            )
            yield Alert("", "volume", source, words, cure)
        elif volume.usual >= _FEWEST and volume.lately > _TIMES * volume.usual:
            words = f"{volume.lately:,} sales of {source} in a day; usually {volume.usual:,.0f}"
            cure = f"Was an old export read again, or another shop's? Look: syncd sales --source {source}"
            yield Alert("", "volume", source, words, cure)


def _disk(facts: AlertSnapshot, settings: AlertSettings) -> Iterator[Alert]:
    if facts.disk_free is not None and facts.disk_free < settings.low_disk_mb * 1_000_000:
        words = f"only {facts.disk_free / 1e6:,.0f} MB are free on the disk of the ledger {facts.ledger}"
        yield Alert("", "disk", "disk", words, "Free some space: when the disk is full, no sale is recorded or sent.")


def _events(facts: AlertSnapshot, settings: AlertSettings) -> Iterator[Alert]:
    """Events that nobody takes; after a week they are dropped."""
    oldest = facts.events.oldest if facts.events is not None else None
    if facts.events is not None and oldest is not None and facts.now.wall - oldest.at >= settings.late_after:
        number = facts.events.waiting
        words = f"{count(number, 'event')} for other programs {'waits' if number == 1 else 'wait'} to be sent, the oldest since"
        why = facts.events_why or oldest.why
        yield Alert(
            "",
            EVENTS,
            EVENTS,
            f"{words} {oldest.at:%d %b %H:%M} UTC{': ' if why else ''}{why}",
            "Try the address: syncd events test. What nobody takes for a week is dropped.",
        )


class Watch:
    """Gathers the facts; what takes longer to look up only once an hour."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._volumes: dict[str, Volume] = {}
        self._counted: Now | None = None

    def look(self, health: Health | None) -> list[Alert]:
        """Evaluate the rules, and keep the alerts in the ledger; return those that are new."""
        present = evaluate(self.facts(health), self._app.config.alerts, self._app.config.service.healthy_within)
        return self._app.ledger.alerts.watched(KINDS, present)

    def facts(self, health: Health | None) -> AlertSnapshot:
        """Return what is known now."""
        ledger, now, stores = self._app.ledger, Now.of(self._app.clock), list(self._app.config.stores)
        states: dict[str, dict[State, int]] = {name: {} for name in stores}
        for (store, _lane, state), number in ledger.sales.counts().items():
            states.setdefault(store, {})[state] = states.get(store, {}).get(state, 0) + number
        known, lags = ledger.stores.all(), ledger.sales.lags(stores)
        return AlertSnapshot(
            now,
            {name: known.get(name, StoreState()) for name in stores},
            states,
            {name: lag.live_since for name, lag in lags.items()},
            ledger.sources.open_faults(),
            unread(self._app),
            health,
            self._volume(now),
            gone(self._app.config, ledger),
            self._app.config.left_out,
            *_room(self._app),
            [reason for state in (State.REJECTED, State.HELD) for reason in ledger.overviews.reasons(state)],
            newest_faults(ledger),
            *self._events(),
        )

    def _events(self) -> tuple[OutboxBacklog | None, str]:
        if self._app.config.events.url is None:
            return None, ""
        outage = outage_of(self._app)
        return self._app.ledger.outbox.backlog(), outage.why if outage is not None else ""

    def _volume(self, now: Now) -> dict[str, Volume]:
        if self._counted is None or now.age(self._counted) >= timedelta(hours=1):
            self._counted = now
            read = self._app.ledger.overviews.sources()
            self._volumes = {name: self._of(name, now.wall) for name in self._app.tills if name in read}
        return self._volumes

    def _of(self, source: str, now: datetime) -> Volume:
        """Return the same weekday of the weeks before; of a younger source the days before. Days without a sale count as well."""
        overviews, till = self._app.ledger.overviews, self._app.tills[source]
        first = overviews.first_placed(source)

        def shut(end: datetime) -> bool:
            """Whether the shop was closed on a day that reaches into the day up to ``end``."""
            span = {(end - _SPAN).astimezone(till.zone).date(), end.astimezone(till.zone).date()}
            return any(is_closed(day, till.config.common.closed) for day in span)

        def of_days(backs: Sequence[int]) -> tuple[int, ...]:
            ends = [now - timedelta(days=back) for back in backs]
            known = [end for end in ends if first is not None and first <= end - _SPAN and not shut(end)]
            return tuple(overviews.placed(source, end - _SPAN, end) for end in known)

        weeks = of_days(_WEEKS)
        before = weeks if len(weeks) > 1 else of_days(_DAYS)
        return Volume(overviews.placed(source, now - _SPAN, now), before, shut(now))


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
