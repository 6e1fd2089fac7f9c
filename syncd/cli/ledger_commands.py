"""The options of ``syncd ledger`` and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from syncd.cli.options import AsJson, ConfigPath, Yes

ledger = typer.Typer(
    no_args_is_help=True, help="Care for the ledger: back it up, verify it, learn it anew from a store."
)
FromDay = Annotated[str | None, typer.Option("--from", help="First day (UTC), e.g. 2026-11-01.")]
ToDay = Annotated[str | None, typer.Option("--to", help="Last day (UTC).")]


@ledger.command()
def backup(
    target: Annotated[Path, typer.Argument(help="A new file, or a folder to put one into.")],
    config: ConfigPath = None,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="In a folder: remove all but the newest so many backups.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Copy the ledger, consistently and while it is in use; the copy is read back before it counts.

    Example: syncd ledger backup /var/backups/syncd/ --keep 14
    """
    from syncd.cli.ledger import run_backup

    raise typer.Exit(run_backup(config, target, keep, as_json))


@ledger.command()
def vacuum(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Give back the disk space of what the ledger has forgotten; the daemon waits meanwhile.

    Example: syncd ledger vacuum
    """
    from syncd.cli.ledger import run_vacuum

    raise typer.Exit(run_vacuum(config, as_json))


@ledger.command()
def verify(
    config: ConfigPath = None,
    stores: Annotated[bool, typer.Option("--stores", help="Also compare with what each store shows.")] = False,
    first: FromDay = None,
    last: ToDay = None,
    as_json: AsJson = False,
) -> None:
    """Check that the ledger is sound and, with --stores, that it agrees with the stores' own orders.

    Example: syncd ledger verify --stores --from 2026-11-01
    """
    from syncd.cli.ledger import run_verify

    raise typer.Exit(run_verify(config, (first, last), with_stores=stores, as_json=as_json))


@ledger.command()
def rebuild(
    config: ConfigPath = None,
    store: Annotated[str | None, typer.Option("--store", help="Which store, where there are several.")] = None,
    first: FromDay = None,
    last: ToDay = None,
    as_json: AsJson = False,
) -> None:
    """Learn from a store's orders which sales it has, so that none is created again; may be stopped and called again.

    Example: syncd ledger rebuild --from 2026-11-01
    """
    from syncd.cli.ledger import run_rebuild

    raise typer.Exit(run_rebuild(config, store, (first, last), as_json))


@ledger.command()
def forget(
    keys: Annotated[list[str] | None, typer.Argument(help="Sale keys; or find the person by --email.")] = None,
    email: Annotated[str | None, typer.Option("--email", help="The person with this e-mail address.")] = None,
    config: ConfigPath = None,
    yes: Yes = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count the sales, and forget nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget a person: what their sales said, and every word of them in stories, faults and look-ups. Keys and totals stay.

    Example: syncd ledger forget --email mary@example.com
    """
    from syncd.cli.ledger import run_forget

    raise typer.Exit(run_forget(config, (email, list(keys or ())), yes=yes, as_json=as_json, dry_run=dry_run))
