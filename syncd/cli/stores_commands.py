"""The options of ``syncd stores`` and its help."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.options import AsJson, ConfigPath

stores = typer.Typer(no_args_is_help=True, help="The stores of the config, and those that only the ledger knows.")
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what it would change.")]


@stores.command("list")
def list_stores(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """List the stores with their hashes, and those that the ledger knows and the config does not name.

    Example: syncd stores list
    """
    from syncd.cli.names import run_stores

    raise typer.Exit(run_stores(config, as_json))


@stores.command("try")
def try_store(
    name: Annotated[str, typer.Argument(help="A store that is paused.")],
    config: ConfigPath = None,
) -> None:
    """Have a paused store tried at once: its token is new, or BigCommerce answers again. Waits to say how it went.

    A token in a file, or from a command, is read anew.

    Example: syncd stores try main
    """
    from syncd.cli.names import run_try

    raise typer.Exit(run_try(config, name))


@stores.command()
def probe(
    name: Annotated[str, typer.Argument(help="A store with trial = true in the config.")],
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Ask a trial store what BigCommerce's documentation leaves open; takes a minute or two.

    Makes about 20 small orders there, each named "syncd probe", and archives them. Never asks a store that sells.

    Example: syncd stores probe trial
    """
    from syncd.cli.probe import run_probe

    raise typer.Exit(run_probe(config, name, as_json))


@stores.command()
def answers(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Show what trial stores have answered, and what was never asked.

    Example: syncd stores answers
    """
    from syncd.cli.probe import run_answers

    raise typer.Exit(run_answers(config, as_json))


@stores.command()
def rename(
    old: Annotated[str, typer.Argument(help="Its name in the ledger.")],
    new: Annotated[str, typer.Argument(help="Its name in the config now.")],
    config: ConfigPath = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Tell the ledger that a store has another name in the config; its sales go on under it. Stop syncd first.

    Example: syncd stores rename main outlet --dry-run
    """
    from syncd.cli.names import run_rename

    raise typer.Exit(run_rename(config, "store", (old, new), as_json, dry_run=dry_run))
