"""``syncd alerts list|test|silence``: the commands with their options."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.options import AsJson, ConfigPath

alerts = typer.Typer(
    no_args_is_help=True, help="What people are told of: list it, try the addresses, be silent for a while."
)


@alerts.command("list")
def list_(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """What ails now, since when, and until when nothing is said.

    Example: syncd alerts list
    """
    from syncd.cli.alerts import run_list

    raise typer.Exit(run_list(config, as_json))


@alerts.command("test")
def try_them(config: ConfigPath = None) -> None:
    """Send a message to every address, and ping the heartbeat's.

    Example: syncd alerts test
    """
    from syncd.cli.alerts import run_test

    raise typer.Exit(run_test(config))


@alerts.command()
def silence(
    lasts: Annotated[str, typer.Argument(help='For how long, such as "2h" or "1d"; "off" speaks again.')],
    config: ConfigPath = None,
) -> None:
    """Say nothing for a while. What still ails afterwards is told then; what is over by then is not told at all.

    Example: syncd alerts silence 2h
    """
    from syncd.cli.alerts import run_silence

    raise typer.Exit(run_silence(config, lasts))
