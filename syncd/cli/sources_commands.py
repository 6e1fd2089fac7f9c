"""The options of ``syncd sources`` and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.options import AsJson, ConfigPath

sources = typer.Typer(no_args_is_help=True, help="The configured sources, and the types that there are.")


@sources.command("list")
def list_sources(
    config: ConfigPath = None,
    types: Annotated[bool, typer.Option("--types", help="The types that are installed, instead.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the sources with their stores, since when they are carried and how fresh they are; or the installed types.

    Example: syncd sources list
    """
    from syncd.cli.sources import run_list, run_types

    raise typer.Exit(run_types(as_json) if types else run_list(config, as_json))


@sources.command("test")
def try_source(
    name: Annotated[str, typer.Argument(help="A source of the config.")],
    config: ConfigPath = None,
    sales: Annotated[int, typer.Option("--sales", min=1, max=1000, help="How many sales to read.")] = 10,
    as_json: AsJson = False,
) -> None:
    """Connect to a source, read some of its newest days' sales and show what would become of them. Nothing is recorded or sent.

    Example: syncd sources test till
    """
    from syncd.cli.sources import run_test

    raise typer.Exit(run_test(config, name, sales, as_json))


@sources.command("guess")
def guess_file(
    file: Annotated[Path, typer.Argument(help="An export of the POS: text, workbook, POSLog or JSON Lines.")],
    as_json: AsJson = False,
) -> None:
    """Propose the table of a source that reads a file, say what of it is uncertain, and show its first sales as read by it.

    Example: syncd sources guess export.csv
    """
    from syncd.cli.guess import run_guess

    raise typer.Exit(run_guess(file, as_json))


@sources.command()
def rename(
    old: Annotated[str, typer.Argument(help="Its name in the ledger.")],
    new: Annotated[str, typer.Argument(help="Its name in the config now.")],
    config: ConfigPath = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would change.")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell the ledger that a source has another name in the config; it goes on where it was. Stop syncd first.

    Example: syncd sources rename till counter --dry-run
    """
    from syncd.cli.names import run_rename

    raise typer.Exit(run_rename(config, "source", (old, new), as_json, dry_run=dry_run))


@sources.command()
def confirm(
    name: Annotated[str, typer.Argument(help="A source of the config.")],
    config: ConfigPath = None,
) -> None:
    """Say that a source is another one, although it reads what a source of another name read: its sales are new.

    Example: syncd sources confirm counter
    """
    from syncd.cli.names import run_confirm

    raise typer.Exit(run_confirm(config, name))
