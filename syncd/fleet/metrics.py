"""What monitoring reads of one worker and of its whole cell. No store is a label: that would be thousands of series.

Source of the conventions: https://prometheus.io/docs/practices/naming/
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from syncd import __version__
from syncd.app import App
from syncd.fleet.status import CellStatus, cell_status

if TYPE_CHECKING:
    from syncd.fleet.worker import Worker

_KEPT_S = 10.0  # several who ask at a time cost one look


def worker_metrics(worker: Worker) -> Callable[[], bytes]:
    """Return what writes the metrics of a worker and its cell, as they are now; it raises LedgerError where that cannot be read."""
    return _text(_OfWorker(worker), _OfCell(lambda: worker.app))


def cell_metrics(app: Callable[[], App]) -> Callable[[], bytes]:
    """Return what writes the metrics of a cell alone; as ``worker_metrics``."""
    return _text(_OfCell(app))


def _text(*collectors: Collector) -> Callable[[], bytes]:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    for collector in collectors:
        registry.register(collector)
    return partial(generate_latest, registry)


class _Quiet(Collector):
    def describe(self) -> Iterator[Metric]:
        """Nothing: registering must not read the ledger."""
        yield from ()


class _OfWorker(_Quiet):
    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    def collect(self) -> Iterator[Metric]:
        """Every metric once."""
        worker, busy = self._worker, self._worker.busy
        done = CounterMetricFamily("syncd_worker_jobs", "Jobs that this worker has ended.", labels=("kind",))
        failed = CounterMetricFamily("syncd_worker_jobs_failed", "Those that failed.", labels=("kind",))
        for kind, number in sorted(busy.done.items()):
            done.add_metric((kind,), number)
            failed.add_metric((kind,), busy.failed[kind])
        yield from (done, failed)
        yield GaugeMetricFamily("syncd_worker_running", "Jobs that run now.", value=len(busy.running))
        yield GaugeMetricFamily(
            "syncd_worker_oldest_job_seconds", "How long the longest of them runs.", value=busy.oldest_s()
        )
        yield GaugeMetricFamily("syncd_worker_connected", "1 while it takes jobs.", value=int(worker.is_well()))


class _OfCell(_Quiet):
    def __init__(self, app: Callable[[], App]) -> None:
        self._app, self._lock = app, threading.Lock()
        self._seen: tuple[float, CellStatus] | None = None

    def collect(self) -> Iterator[Metric]:
        """Every metric once."""
        yield InfoMetricFamily("syncd_build", "The syncd that runs.", value={"version": __version__})
        cell = self._status()
        yield GaugeMetricFamily(
            "syncd_oldest_due_seconds", "How long what is due waits that waits longest.", value=cell.oldest_due_s
        )
        yield GaugeMetricFamily("syncd_due_stores", "Stores that have something to do.", value=cell.due_stores)
        yield GaugeMetricFamily("syncd_paused_stores", "Stores to which nothing is sent now.", value=cell.paused_stores)
        yield GaugeMetricFamily("syncd_failing_sources", "Sources whose last turn failed.", value=cell.failing_sources)
        yield GaugeMetricFamily(
            "syncd_late_sources_seconds", "How long a source waits for its turn.", value=cell.oldest_source_s
        )
        sales = GaugeMetricFamily("syncd_sales", "Sales in the ledger.", labels=("state",))
        for state, number in cell.sales.items():
            sales.add_metric((state,), number)
        yield sales
        alerts = GaugeMetricFamily(
            "syncd_open_alerts", "Causes that people were, or are to be, told of.", labels=("kind",)
        )
        for kind, number in cell.alerts.items():
            alerts.add_metric((kind.replace(" ", "_"),), number)
        yield alerts

    def _status(self) -> CellStatus:
        with self._lock:
            app = self._app()
            now = app.clock.elapsed().seconds
            if self._seen is None or now - self._seen[0] > _KEPT_S:
                self._seen = (now, cell_status(app))
            return self._seen[1]
