"""What monitoring reads, in Prometheus's words: gauges straight from the ledger, so that they cannot disagree with it.

Labels are the names in the config and the closed sets of states, kinds and outcomes: no sale, no receipt, no person ever is one.
Source of the conventions: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from syncd import __version__
from syncd.app import App
from syncd.ledger import Attempted
from syncd.sale.states import BackfillStage, Lane, State
from syncd.service.health import Health, read_health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """The metrics of one daemon."""

    def __init__(self, app: App) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(_Ledger(app))

    def text(self) -> bytes:
        """All of them, as they are now.

        Raises:
            LedgerError: the ledger cannot be read.

        """
        return generate_latest(self._registry)


class _Ledger(Collector):
    """What the ledger and the stores' governors say."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._attempts = _Attempts(app)

    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not read the ledger."""
        yield from ()

    def collect(self) -> Iterator[Metric]:
        """Every metric once."""
        yield InfoMetricFamily("syncd_build", "The syncd that runs.", value={"version": __version__})
        yield from self._sales()
        yield from self._stores()
        yield from self._sources()
        yield from self._jobs()
        yield from self._rest()
        yield self._attempts.metric()

    def _sales(self) -> Iterator[Metric]:
        sales = GaugeMetricFamily("syncd_sales", "Sales in the ledger.", labels=("store", "lane", "state"))
        counts = self._app.ledger.sales.counts()
        for store in self._app.config.stores:
            for lane in Lane:
                for state in State:
                    sales.add_metric((store, lane.value, state.value), counts.get((store, lane, state), 0))
        yield sales

    def _stores(self) -> Iterator[Metric]:
        ledger, now = self._app.ledger, self._app.clock.now()
        paused = _gauge("syncd_store_paused", "1 while nothing is pushed to the store.", "store")
        waits = _gauge("syncd_live_wait_seconds", "How long the live sale waits that waits longest.", "store")
        newest = _gauge("syncd_last_synced_timestamp_seconds", "When a sale was synced last.", "store")
        quota = _gauge("syncd_quota_requests", "Requests that a window of the store's quota allows.", "store")
        left = _gauge("syncd_quota_left_requests", "Requests that are left in it.", "store")
        calls = CounterMetricFamily("syncd_requests", "Requests that this process sent.", labels=("store",))
        known, lags = ledger.stores.all(), ledger.sales.lags(list(self._app.config.stores))
        for name, store in self._app.stores.items():
            paused.add_metric((name,), int(name in known and bool(known[name].paused_why)))
            since = lags[name].live_since
            waits.add_metric((name,), (now - since).total_seconds() if since else 0)
            _when(newest, name, lags[name].newest_synced)
            seen = store.governor.report()
            quota.add_metric((name,), seen.quota or 0)
            left.add_metric((name,), seen.left)
            calls.add_metric((name,), seen.calls)
        yield from (paused, waits, newest, quota, left, calls)

    def _sources(self) -> Iterator[Metric]:
        faults = _gauge("syncd_open_faults", "Records that could not be read and that nobody has settled.", "source")
        read = _gauge(
            "syncd_last_recorded_timestamp_seconds", "When something of the source was recorded last.", "source"
        )
        found = self._app.ledger.sources.open_faults()
        for name in self._app.tills:
            faults.add_metric((name,), found.get(name, 0))
            _when(read, name, self._app.ledger.sources.cursor_age(name))
        yield from (faults, read)

    def _jobs(self) -> Iterator[Metric]:
        good = _gauge("syncd_job_last_good_timestamp_seconds", "When the job had its last good cycle.", "job")
        failing = _gauge("syncd_job_ails", "1 while the job's last cycle failed.", "job")
        report: Health | None = next((one for one in read_health(self._app.ledger) if one.process.is_here), None)
        for name, part in report.parts.items() if report else ():
            _when(good, name, part.last_ok.wall if part.last_ok else None)
            failing.add_metric((name,), int(bool(part.last_error)))
        yield from (good, failing)

    def _rest(self) -> Iterator[Metric]:
        ledger = self._app.ledger
        alerts = _gauge("syncd_open_alerts", "Causes that people were, or are to be, told of.", "kind")
        kinds: dict[str, int] = {}
        for alert in ledger.alerts.present():
            kinds[alert.kind] = kinds.get(alert.kind, 0) + 1
        for kind, number in kinds.items():
            alerts.add_metric((kind.replace(" ", "_"),), number)
        backfills = _gauge("syncd_backfills", "Backfills, the newest fifty.", "stage")
        stages = [one.stage for one in ledger.backfills.newest()]
        for stage in BackfillStage:
            backfills.add_metric((stage.value,), stages.count(stage))
        yield from (alerts, backfills)
        if self._app.config.events.url is not None:
            waiting = ledger.outbox.backlog().waiting
            yield GaugeMetricFamily("syncd_events_waiting", "Events that other programs are to hear of.", value=waiting)
        if (path := _file(self._app)) is not None:
            yield GaugeMetricFamily("syncd_ledger_bytes", "The ledger's file.", value=path.stat().st_size)
            free = shutil.disk_usage(path.parent).free
            yield GaugeMetricFamily("syncd_ledger_disk_free_bytes", "What its disk has left.", value=free)


class _Attempts:
    """Requests by their outcome since this process began: counted in the ledger, each once, as far as none before it is open."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._up_to = app.ledger.overviews.newest_attempt()
        self._sums: dict[Attempted, int] = {}

    def metric(self) -> Metric:
        """Return the counter."""
        with self._lock:
            counted, self._up_to = self._app.ledger.overviews.attempted(self._up_to)
            for key, number in counted.items():
                self._sums[key] = self._sums.get(key, 0) + number
            sums: Mapping[Attempted, int] = dict(self._sums)
        metric = CounterMetricFamily(
            "syncd_attempts", "Attempts by what came of them.", labels=("store", "kind", "outcome")
        )
        for one, number in sorted(sums.items()):
            metric.add_metric(one, number)
        return metric


def _gauge(name: str, says: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, says, labels=(label,))


def _when(metric: GaugeMetricFamily, label: str, at: datetime | None) -> None:
    if at is not None:
        metric.add_metric((label,), at.timestamp())


def _file(app: App) -> Path | None:
    url = app.config.ledger_url.get_secret_value()
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None


class Samples:
    """Notes how many calls went out since the last note."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._last: dict[str, tuple[float, int]] = {}

    def take(self) -> None:
        """Note every store's use of its quota since the last time, as a share of what the window allows."""
        for name, store in self._app.stores.items():
            seen, now = store.governor.report(), self._app.clock.elapsed().seconds
            before, self._last[name] = self._last.get(name), (now, seen.calls)
            if before is None or not seen.quota or now <= before[0]:
                continue
            allowed = seen.quota * (now - before[0]) / seen.window_s
            at = self._app.clock.now()
            sample = {"at": at.isoformat(timespec="seconds"), "used": round((seen.calls - before[1]) / allowed, 4)}
            self._app.ledger.state.put("quota", {f"{at:%Y-%m-%dT%H:%M}": json.dumps(sample)}, name)
