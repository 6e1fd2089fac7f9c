"""Asks before something is done to many sales at once; a script says --yes."""

from __future__ import annotations

import sys

import typer

from syncd.errors import UsageError


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
