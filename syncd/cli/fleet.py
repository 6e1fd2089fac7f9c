"""``syncd fleet``: migrate, worker, page, status, drain."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from syncd.app import App, Foundation, open_app, open_foundation
from syncd.cli import loading
from syncd.cli.exits import Exit
from syncd.cli.render import columns, print_json, say
from syncd.cli.session import read_config
from syncd.config import Config
from syncd.config.extras import check_extras
from syncd.errors import ConfigError, UsageError
from syncd.extras import require
from syncd.formatting import count

if TYPE_CHECKING:
    from syncd.fleet.status import CellStatus

_LATE_S = 120.0


def _config(path: Path | None, *, quiet: bool) -> Config:
    """Return a config that a fleet can work with; secrets are read when they are needed: there are thousands.

    Raises:
        ConfigError: the extra is missing, or the ledger is no PostgreSQL database.

    """
    config = read_config(path, quiet=quiet, secrets=False)
    require("fleet", "syncd fleet", ConfigError)
    if not config.ledger_url.get_secret_value().startswith(("postgresql", "postgres")):
        raise ConfigError(
            "a fleet needs a ledger on PostgreSQL, which many machines can reach",
            cure='Write [ledger] url = "postgresql://user@host/syncd".',
        )
    return config


def run_migrate(path: Path | None) -> Exit:
    """Bring both schemas to this version."""
    config = _config(path, quiet=True)
    from syncd.fleet.queue import migrate_queue, queue_schema

    with open_foundation(config) as foundation:
        if shared := foundation.ledger.maintenance.shared():
            raise shared
        say("The ledger's tables are as this version needs them.")
    made = migrate_queue(config.ledger_url.get_secret_value())
    say(f"The queue {queue_schema()} {'was made' if made else 'is there already'}.")
    return Exit.OK


@contextmanager
def _foundation(config: Config) -> Iterator[Foundation]:
    from syncd.fleet.clock import ServerClock
    from syncd.fleet.worker import MOST_STORES

    clock = ServerClock()
    with open_foundation(config, clock, threading.Event(), upgrades=False) as foundation:
        foundation.most_stores = MOST_STORES
        clock.follow(foundation.ledger.maintenance.server_time)
        yield foundation


def run_fleet_worker(path: Path | None) -> Exit:
    """Run a worker until a signal stops it."""
    config = _config(path, quiet=False)
    loading.begin()
    from syncd.fleet.queue import check_queue
    from syncd.fleet.worker import run_worker
    from syncd.web.fleet import door_open

    _check_sources(config)
    check_extras(config)
    with _foundation(config) as foundation:
        if shared := foundation.ledger.maintenance.shared():
            raise shared
        check_queue(config.ledger_url.get_secret_value())
        loading.done()
        run_worker(foundation, config, lambda: read_config(path, secrets=False), door_open)
    return Exit.OK


def run_fleet_page(path: Path | None) -> Exit:
    """Serve the page until a signal stops it."""
    config = _config(path, quiet=False)
    if not config.web.enabled:
        raise ConfigError("the page is turned off", cure="Remove enabled = false from [web].")
    loading.begin()
    from syncd.fleet.queue import check_queue
    from syncd.service.daemon import stop_on_signals
    from syncd.web.fleet_page import run_page

    with _foundation(config) as foundation, stop_on_signals(foundation.stop):
        check_queue(config.ledger_url.get_secret_value())
        loading.done()
        run_page(foundation, config, lambda: read_config(path, secrets=False), foundation.stop)
    return Exit.OK


def _check_sources(config: Config) -> None:
    """Check that every source can be read by any worker, or names the one machine that reads it.

    Raises:
        ConfigError: some read a folder of one machine and do not say of which.

    """
    from syncd.fleet.sources import tied_sources

    if problems := tied_sources(config):
        raise ConfigError("these sources read a folder of one machine, and do not say of which:", problems)


def run_fleet_status(path: Path | None, as_json: bool) -> Exit:
    """Show how the cell stands."""
    config = _config(path, quiet=True)
    from syncd.fleet.queue import count_jobs
    from syncd.fleet.status import cell_status

    with open_app(config, upgrades=False) as app:
        cell = cell_status(app)
        running = [one for one in cell.workers if one.running()]
    jobs = count_jobs(config.ledger_url.get_secret_value())
    if as_json:
        workers = [{"process": str(one.process), "host": one.process.host, "at": one.at.wall} for one in running]
        print_json({**asdict(cell), "workers": workers, "queues": [asdict(one) for one in jobs]})
    else:
        _show(cell, [f"{one.process}" for one in running])
        columns(
            [(one.queue, f"{one.waiting:,}", f"{one.running:,}") for one in jobs], head=("queue", "waiting", "running")
        )
    late = cell.oldest_due_s > _LATE_S or not running
    return Exit.ATTENTION if late or cell.paused_stores or cell.failing_sources or cell.left_out else Exit.OK


def _show(cell: CellStatus, workers: list[str]) -> None:
    say(f"{count(len(workers), 'worker')} for {count(cell.stores, 'store')} and {count(cell.sources, 'source')}")
    for worker in workers:
        say(f"  {worker}")
    say(f"{count(cell.due_stores, 'store')} with something to do, the oldest for {cell.oldest_due_s:,.0f} s")
    for one in cell.waiting:
        say(f"  {one.store}: {one.waits_s:,.0f} s" + (f", paused: {one.paused}" if one.paused else ""))
    say(f"{count(cell.paused_stores, 'store')} paused")
    say(f"{count(cell.failing_sources, 'source')} failing")
    for source, why in cell.failing.items():
        say(f"  {source}: {why}")
    for words in cell.left_out:
        say(words)


def run_drain(path: Path | None, host: str) -> Exit:
    """Ask the workers of a machine to end."""
    config = _config(path, quiet=True)
    from syncd.fleet.worker import ask_to_drain

    with open_app(config, upgrades=False) as app:
        hosts = _hosts(app)
        if host not in hosts:
            raise UsageError(
                f"no worker runs on {host!r}", f"Workers run on {', '.join(sorted(hosts)) or 'no machine'}."
            )
        ask_to_drain(app, host)
    say(f"The workers on {host} finish what they do, and end; others go on with their stores.")
    return Exit.OK


def _hosts(app: App) -> set[str]:
    from syncd.service.health import read_health

    return {one.process.host for one in read_health(app.ledger) if one.running()}
