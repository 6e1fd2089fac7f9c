"""``syncd backfills list|pause|resume|cancel|report``: the commands with their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.options import AsJson, ConfigPath

backfills = typer.Typer(
    no_args_is_help=True, help="Backfills that were asked for: how far they are; pause, resume, cancel."
)
Number = Annotated[
    int, typer.Argument(min=1, max=2**63 - 1, help="A backfill's number, as `syncd backfills list` shows it.")
]


@backfills.command("list")
def list_(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """The newest backfills, how far they are and what they wait for.

    Example: syncd backfills list
    """
    from syncd.cli.backfills import run_list

    raise typer.Exit(run_list(config, as_json))


@backfills.command()
def pause(number: Number, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Record and push nothing more of it for now; what is on the wire is finished.

    Example: syncd backfills pause 3
    """
    _turn(config, number, "pause", as_json)


@backfills.command()
def resume(number: Number, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Go on where it was paused.

    Example: syncd backfills resume 3
    """
    _turn(config, number, "resume", as_json)


@backfills.command()
def cancel(number: Number, config: ConfigPath = None, as_json: AsJson = False) -> None:
    """End it for good, and skip its sales that wait; what was pushed stays. `syncd release` pushes a skipped one after all.

    Example: syncd backfills cancel 3
    """
    _turn(config, number, "cancel", as_json)


def _turn(config: Path | None, number: int, what: str, as_json: bool) -> None:
    from syncd.cli.backfills import run_turn

    raise typer.Exit(run_turn(config, number, what, as_json))


@backfills.command()
def report(
    number: Number,
    config: ConfigPath = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write every sale with its order to this file.")] = None,
    as_json: AsJson = False,
) -> None:
    """What the POS and BigCommerce have of its range: sales, orders, the difference; as CSV each sale with its order.

    Example: syncd backfills report 3 --csv october.csv
    """
    from syncd.cli.backfills import run_report

    raise typer.Exit(run_report(config, number, csv, as_json))
