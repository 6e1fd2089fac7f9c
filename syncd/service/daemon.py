"""``syncd run``: start the timetable, say so, beat, and drain when told to stop."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import timedelta

from syncd.app import App
from syncd.errors import SyncdError
from syncd.logs import get_logger
from syncd.naming import gone
from syncd.service.health import Heartbeats
from syncd.service.jobs import Jobs
from syncd.service.scheduler import Jumps, Timetable, watch_sources
from syncd.service.sdnotify import notify, watchdog_interval_s

_SIGNALS = (signal.SIGTERM, signal.SIGINT)
_BEAT_S = 5.0
_FIRST_BEATS_S = 0.5  # who has just started it looks at once


@contextmanager
def stop_on_signals(stop: threading.Event, reload: Callable[[], None] | None = None) -> Iterator[None]:
    """SIGTERM and SIGINT set ``stop``, SIGHUP calls ``reload`` in a thread of its own; the handlers of before come back at the end.

    A thread sets it, told through Python's wake-up socket: a handler runs in the main thread, and may come in the very moment in
    which that thread holds the event's own lock; it would wait for itself for ever.
    """
    hears, tells = socket.socketpair()
    tells.setblocking(False)
    listener = threading.Thread(target=_listen, args=(hears, stop, reload), name="signals", daemon=True)
    listener.start()
    heeded = (*_SIGNALS, signal.SIGHUP) if reload is not None else _SIGNALS
    before = {number: signal.signal(number, lambda _number, _frame: None) for number in heeded}
    woken = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(woken)
        for number, handler in before.items():
            signal.signal(number, handler)
        tells.close()
        listener.join()
        hears.close()


def _listen(hears: socket.socket, stop: threading.Event, reload: Callable[[], None] | None) -> None:
    while numbers := hears.recv(64):
        for number in numbers:
            if number == signal.SIGHUP and reload is not None:
                threading.Thread(target=reload, name="reload", daemon=True).start()
            if number in _SIGNALS and not stop.is_set():
                get_logger().info("stop_requested", signal=signal.Signals(number).name)
                stop.set()


Door = Callable[[App, Jobs], AbstractContextManager[None]]
"""Something that is open for as long as the daemon runs, and asks for its jobs."""


def run_daemon(
    app: App,
    stop: threading.Event,
    door: Door = lambda _app, _jobs: nullcontext(),
    leaving: Callable[[], Sequence[str]] = lambda: ("STOPPING=1", "STATUS=Draining"),
) -> None:
    """Run until ``stop`` is set, then let what is on the wire finish and give the leases back.

    ``leaving`` is what the service manager hears then.
    """
    log, pulse = get_logger(), Heartbeats(app.ledger, app.clock)
    jobs = Jobs(app, pulse, stop)
    timetable = Timetable(app, jobs)
    timetable.start()
    jumps, stuck = Jumps(timetable.scheduler, app.clock), _Stuck(pulse, app.config.service.stuck_after)
    watch_sources(app, jobs, stop)
    notify("READY=1", "STATUS=Carrying sales")
    exits = ExitStack()
    for one in gone(app.config, app.ledger):
        log.warning("not_in_the_config", what=one.what, name=one.name, why=one.words, cure=one.cure)
    log.info("daemon_started", sources=sorted(app.tills), stores=sorted(app.stores))
    try:
        _keep(pulse)  # before the page opens, which says whether a daemon runs
        exits.enter_context(door(app, jobs))
        beat = min(_BEAT_S, watchdog_interval_s() or _BEAT_S)
        while not app.clock.wait(stop, beat if pulse.begun() else min(beat, _FIRST_BEATS_S)):
            app.ledger.maintenance.check_file()
            if jumps.look():
                jobs.list_again()
            if not stuck.look():
                notify("WATCHDOG=1")
            _keep(pulse)
    finally:
        notify(*leaving())
        exits.close()
        timetable.close()
        jobs.close()
        _keep(pulse, stopped=True)
        log.info("daemon_stopped")


class _Stuck:
    """Jobs that hang, told once each: the service manager's watchdog then ends the process, and a new one goes on."""

    def __init__(self, pulse: Heartbeats, after: timedelta) -> None:
        self._pulse, self._after = pulse, after
        self._told: set[str] = set()

    def look(self) -> bool:
        """Whether any job hangs now."""
        found = self._pulse.stuck(self._after)
        for job in set(found) - self._told:
            get_logger().error("job_stuck", job=job, cure="The watchdog of the service manager restarts syncd.")
        self._told = set(found)
        return bool(found)


def _keep(pulse: Heartbeats, *, stopped: bool = False) -> None:
    try:
        pulse.keep(stopped=stopped)
    except SyncdError as error:  # the jobs report a ledger that cannot be written; the heartbeat must not kill them
        get_logger().warning("health_not_written", why=error.what)
