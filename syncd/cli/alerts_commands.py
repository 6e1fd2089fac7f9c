"""``syncd alerts list|test|silence``: the commands with their options."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.options import AsJson, ConfigPath

alerts = typer.Typer(no_args_is_help=True, help="Alerts: list them, send a test, mute them for a while.")


@alerts.command("list")
def list_(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """List open alerts, since when they are open, and until when alerts are muted.

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
    lasts: Annotated[str, typer.Argument(help='For how long, such as "2h" or "1d"; "off" ends it.')],
    config: ConfigPath = None,
) -> None:
    """Mute alerts. Problems that still exist afterwards are sent then.

    Example: syncd alerts silence 2h
    """
    from syncd.cli.alerts import run_silence

    raise typer.Exit(run_silence(config, lasts))
