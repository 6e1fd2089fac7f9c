"""Options that many commands share, the confirmation before many sales change, and how much a command prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, get_args

import typer

from syncd import logs
from syncd.errors import UsageError

ConfigPath = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Config file; else SYNCD_CONFIG, ./syncd.toml, /etc/syncd/syncd.toml."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs instead of tables for people.")]
Keys = Annotated[list[str] | None, typer.Argument(help="Sale keys; or choose sales with the options.")]
StateOption = Annotated[
    str | None,
    typer.Option("--state", help="Only sales in this state: held, pending, rejected, synced, unknown, skipped."),
]
SourceOption = Annotated[str | None, typer.Option("--source", help="Only sales of this source.")]
TextOption = Annotated[str | None, typer.Option("--error", help="Only sales whose reason contains this text.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say which sales they are.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask, whatever the number.")]
DayOption = Annotated[str | None, typer.Option("--day", help="Only sales of this business day, e.g. 2026-11-23.")]


def sure(what: str, *, yes: bool) -> None:
    """Return once a person has agreed to ``what``.

    Raises:
        UsageError: nobody can be asked here, or the answer was no.

    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{what}? Nobody can be asked here", "Say --yes, or look first with --dry-run.")
    if not typer.confirm(f"{what}?", err=True):
        raise UsageError("nothing was changed")


def set_loudness(*, verbose: bool, quiet: bool, level: str | None) -> None:
    """Note what this command line asks for, before the config is read.

    Raises:
        UsageError: a level that there is none of, or both louder and quieter.

    """
    levels = get_args(logs.LogLevel)
    if level is not None and level not in levels:
        raise UsageError(f"there is no log level {level!r}", f"Levels are {', '.join(levels)}.")
    if verbose and quiet:
        raise UsageError("both -v and -q", "Say one of them.")
    if not (verbose or quiet or level):
        return
    from syncd.cli import render, session

    render.out.quiet = quiet
    wanted: str = level or ("info" if verbose else "error")
    session.wanted_level = next(one for one in levels if one == wanted)
