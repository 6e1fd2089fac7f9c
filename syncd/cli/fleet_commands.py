"""``syncd fleet migrate|worker|status|drain``: the commands with their options."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.options import AsJson, ConfigPath

fleet = typer.Typer(no_args_is_help=True, help="Many stores on many machines: workers over one ledger on PostgreSQL.")


@fleet.command()
def migrate(config: ConfigPath = None) -> None:
    """Create or upgrade the ledger's tables and the queue's. Run it before the workers of a new version start.

    Example: syncd fleet migrate
    """
    from syncd.cli.fleet import run_migrate

    raise typer.Exit(run_migrate(config))


@fleet.command()
def worker(config: ConfigPath = None) -> None:
    """Run one worker until it is told to stop. Start as many as there are machines: all are equal.

    Example: syncd fleet worker
    """
    from syncd.cli.fleet import run_fleet_worker

    raise typer.Exit(run_fleet_worker(config))


@fleet.command()
def page(config: ConfigPath = None) -> None:
    """Serve the page for the whole fleet at [web] listen, until told to stop. One such process is enough; put it behind a proxy.

    Example: syncd fleet page
    """
    from syncd.cli.fleet import run_fleet_page

    raise typer.Exit(run_fleet_page(config))


@fleet.command()
def status(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """The workers, the queues, what is due and since when, paused stores and failing sources. Exit code 1 where something is late.

    Example: syncd fleet status
    """
    from syncd.cli.fleet import run_fleet_status

    raise typer.Exit(run_fleet_status(config, as_json))


@fleet.command()
def drain(
    host: Annotated[str, typer.Argument(help="A machine's name, as `syncd fleet status` shows it.")],
    config: ConfigPath = None,
) -> None:
    """Have the workers of a machine finish what they do, and end. Others go on with its stores.

    Example: syncd fleet drain node-3
    """
    from syncd.cli.fleet import run_drain

    raise typer.Exit(run_drain(config, host))
