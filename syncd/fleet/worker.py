"""``syncd fleet worker``: one of many equal processes. It takes jobs from the queue, serves its door, and drains when told to.

The main thread runs the queue's event loop; jobs block, and run in a pool of threads. Whatever happens to the database, the worker
stays and connects again: its liveness is its loop's heartbeat, not the database's.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from syncd.app import App, Foundation
from syncd.config import Config
from syncd.errors import LeaseTaken, LedgerError, SyncdError, TooNew
from syncd.fleet.chores import Chores
from syncd.fleet.clock import ServerClock
from syncd.fleet.files import FollowingApp
from syncd.fleet.queue import QUEUES, Hints, async_app
from syncd.fleet.queue_workers import OUTAGES, take_jobs
from syncd.fleet.tasks import RunningJobs, register_tasks
from syncd.fleet.turns import FleetTurns
from syncd.ledger import Lease
from syncd.logs import get_logger
from syncd.service.health import Heartbeats, Process
from syncd.service.memory import share_one_heap
from syncd.service.sdnotify import notify

THREADS = 64
MOST_STORES = 200
"""Of how many stores a worker keeps connections."""
_BEAT_S, _SERVER_CLOCK_S, _LOOK_S = 1.0, 30.0, 5.0
_AGAIN_S = (1.0, 2.0, 5.0, 10.0)
_ALIVE_S = 30.0
_DRAIN = "drain"
_PART = "work"


@dataclass(slots=True)
class WorkerState:
    """What the door and the loop know of each other: when the loop beat last, and whether the queue is connected."""

    beat: float
    connected: bool = False
    draining: bool = False
    why: str = ""
    stop: threading.Event = field(default_factory=threading.Event)


Door = Callable[["Worker"], AbstractContextManager[None]]


class Worker:
    """One worker: the app as its config has it now, and what does its jobs."""

    def __init__(self, foundation: Foundation, config: Config, hints: Hints, read: Callable[[], Config]) -> None:
        self._foundation, self.hints = foundation, hints
        self._following = FollowingApp(foundation, config, read)
        self.clock, self.process = foundation.clock, Process.mine()
        self.state = WorkerState(self.clock.elapsed().seconds)
        self.busy = RunningJobs(self.clock)
        self.turns = FleetTurns(lambda: self.app, hints, str(self.process), self.process.host)
        self.chores = Chores(lambda: self.app, hints)
        self._heartbeats = Heartbeats(foundation.ledger, self.clock)
        self._begun = self.clock.now()

    @property
    def app(self) -> App:
        """The app as the config's files say it now."""
        return self._following.now

    # The queue

    async def run(self) -> None:
        """Take jobs until the worker is to stop; connect again whenever the database was gone."""
        loop = asyncio.get_running_loop()
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="turn")
        loop.set_default_executor(threads)
        loop.set_exception_handler(_job_not_ended)
        for name in ("procrastinate", "psycopg.pool"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # of jobs and of outages we speak ourselves
        stopping = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, partial(self._drain, stopping, signal.Signals(number).name))
        loop.add_signal_handler(signal.SIGHUP, self._following.ask)
        side = [asyncio.create_task(self._beat()), asyncio.create_task(self._follow(stopping))]
        try:
            tries = 0
            while not stopping.is_set():
                begun = self.clock.elapsed().seconds
                try:
                    await self._take_jobs(stopping)
                except Exception as error:  # noqa: BLE001  whatever it is, the worker stays, and connects again
                    tries = 0 if self.clock.elapsed().seconds - begun > _ALIVE_S else tries
                    wait = _AGAIN_S[min(tries, len(_AGAIN_S) - 1)]
                    self._disconnected(error, wait)
                    tries += 1
                    with suppress(TimeoutError):
                        await asyncio.wait_for(stopping.wait(), wait)
        finally:
            self._foundation.stop.set()
            for task in side:
                task.cancel()
            await asyncio.gather(*side, return_exceptions=True)
            await loop.run_in_executor(None, lambda: None)
            threads.shutdown(wait=True)

    async def _take_jobs(self, stopping: asyncio.Event) -> None:
        """Work on the queue until the worker is to stop; raises where the database is gone."""
        queue = async_app(self.app.config.ledger_url.get_secret_value())
        register_tasks(queue, self.turns, self.chores, self.busy)
        await take_jobs(queue, self.process.host, stopping, self._connected)

    def _connected(self) -> None:
        self.state.connected, self.state.why = True, ""
        get_logger().info("worker_connected", queues=dict(QUEUES))

    def _disconnected(self, error: BaseException, wait: float) -> None:
        why = str(error.__cause__ or error).strip().partition("\n")[0] or type(error).__name__
        self.state.connected, self.state.why = False, why
        if isinstance(error, OUTAGES):
            get_logger().warning("worker_disconnected", why=why, again_in_s=wait)
        else:
            get_logger().error("worker_disconnected", why=why, again_in_s=wait, exc_info=error)

    def _drain(self, stopping: asyncio.Event, why: str) -> None:
        if not stopping.is_set():
            get_logger().info("stop_requested", signal=why)
            notify("STOPPING=1", "STATUS=Draining")
        self.state.draining = True
        self._foundation.stop.set()
        stopping.set()

    # What the loop does besides

    async def _beat(self) -> None:
        while True:
            self.state.beat = self.clock.elapsed().seconds
            await asyncio.sleep(_BEAT_S)

    async def _follow(self, stopping: asyncio.Event) -> None:
        """Follow the config's files, the database's clock and a wish to drain; report. All of it blocks, so a thread does it."""
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(1, thread_name_prefix="follow") as thread:
            while not stopping.is_set():
                if await loop.run_in_executor(thread, self._look):
                    self._drain(stopping, "drain")
                with suppress(TimeoutError):
                    await asyncio.wait_for(stopping.wait(), _LOOK_S)

    def _look(self) -> bool:
        """Whether this worker is to drain, after a look at everything that changes."""
        try:
            self._follow_clock()
            self.app.ledger.maintenance.check_schema()
            self.hints.heal()
            if self._following.look():
                self.chores.follow_sources()
            self._report()
            asked = self.app.ledger.state.get("fleet", [f"{_DRAIN} {self.process.host}"])
        except TooNew as error:
            get_logger().error("worker_outdated", why=error.what, cure="Start workers of the new version.")
            return True
        except SyncdError as error:
            get_logger().warning("worker_look_failed", why=error.what)
            return False
        return any(datetime.fromisoformat(at) > self._begun for at in asked.values())

    def _follow_clock(self) -> None:
        if isinstance(self.clock, ServerClock):
            self.clock.follow(self.app.ledger.maintenance.server_time)

    def _report(self, *, stopped: bool = False) -> None:
        """Write how this worker does into the ledger, where status, the page and alerts read it."""
        self._heartbeats.expect(_PART, self.app.config.service.healthy_within)
        if self.is_well():
            self._heartbeats.ok(_PART)
        else:
            self._heartbeats.failed(_PART, self.state.why or "a job hangs")
        self._heartbeats.keep(stopped=stopped)

    def is_alive(self) -> bool:
        """Whether the loop beats and no job hangs: else this process must be ended, and another one goes on."""
        now, stuck = self.clock.elapsed().seconds, self.app.config.service.stuck_after.total_seconds()
        return now - self.state.beat < _ALIVE_S and self.busy.oldest_s() < stuck

    def is_well(self) -> bool:
        """Whether it takes jobs."""
        return self.is_alive() and self.state.connected and not self.state.draining

    def close(self) -> None:
        """Say that it ended well, and close what is open."""
        with suppress(SyncdError):
            self._report(stopped=True)
        self._following.close()


def _job_not_ended(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say that the queue would not end a job: it was deleted meanwhile, or the database was gone. Its work is done all the same."""
    error = context.get("exception")
    if isinstance(error, OUTAGES):
        why = str(error.__cause__ or error).strip().partition("\n")[0]
        get_logger().warning("job_not_ended", why=why, cure="Nothing to do: the sweep finds what is left.")
    else:
        get_logger().error("loop_failed", why=str(context.get("message")), exc_info=error)


@contextmanager
def _session_kept(worker: Worker) -> Iterator[None]:
    """Keep the session of leases open until the end, by a lease of its own: it is what makes a store's list last."""
    with ExitStack() as exits:
        keeper = _Keeper(worker, exits)
        keeper.look()
        thread = threading.Thread(target=keeper.follow, name="session", daemon=True)
        thread.start()
        try:
            yield
        finally:
            keeper.ended.set()
            thread.join()


class _Keeper:
    """Holds the worker's own lease, and takes it again with a new session where the old one was lost."""

    def __init__(self, worker: Worker, exits: ExitStack) -> None:
        self._worker, self._exits = worker, exits
        self._lease: Lease | None = None
        self.ended = threading.Event()

    def look(self) -> None:
        if self._lease is not None and self._lease.alive():
            return
        with suppress(LedgerError, LeaseTaken):
            lease = self._worker.app.ledger.right(f"worker {self._worker.process}")
            self._lease = self._exits.enter_context(lease)

    def follow(self) -> None:
        while not self._worker.clock.wait(self.ended, _BEAT_S):
            self.look()


def run_worker(foundation: Foundation, config: Config, read: Callable[[], Config], door: Door) -> None:
    """Run a worker until a signal, or ``syncd fleet drain``, ends it.

    Raises:
        LedgerError: the ledger or the queue cannot be reached at the start.

    """
    share_one_heap()
    with Hints(config.ledger_url.get_secret_value()) as hints:
        worker = Worker(foundation, config, hints, read)
        worker.chores.follow_sources()
        with _session_kept(worker), door(worker):
            notify("READY=1", "STATUS=Taking jobs")
            get_logger().info("worker_started", process=str(worker.process), stores=len(worker.app.config.stores))
            try:
                asyncio.run(worker.run())
            finally:
                worker.close()
                get_logger().info("worker_stopped")


def ask_to_drain(app: App, host: str) -> None:
    """Ask the workers that run on a host now to end; each notices within seconds."""
    app.ledger.state.put("fleet", {f"{_DRAIN} {host}": app.clock.now().isoformat()})
