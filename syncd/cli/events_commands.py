"""``syncd events list|test|secret``: the commands with their options."""

from __future__ import annotations

import typer

from syncd.cli.options import AsJson, ConfigPath

events = typer.Typer(
    no_args_is_help=True, help="Events for other programs: list what waits, send a test, make a secret."
)


@events.command("list")
def list_(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """List which events are sent, how many wait, and why.

    Example: syncd events list
    """
    from syncd.cli.events import run_list

    raise typer.Exit(run_list(config, as_json))


@events.command("test")
def try_it(config: ConfigPath = None) -> None:
    """Send a signed event of the kind "test" to the address.

    Example: syncd events test
    """
    from syncd.cli.events import run_test

    raise typer.Exit(run_test(config))


@events.command()
def secret() -> None:
    """Make a secret for [events]: syncd signs with it, and the receiver checks with it.

    Example: syncd events secret
    """
    from syncd.cli.events import run_secret

    raise typer.Exit(run_secret())
