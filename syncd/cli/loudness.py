"""How much a command says: ``-v``, ``-q``, ``--log-level``."""

from __future__ import annotations

from typing import get_args

from syncd import logs
from syncd.errors import UsageError


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
    from syncd.cli import opening, render

    render.out.quiet = quiet
    wanted: str = level or ("info" if verbose else "error")
    opening.wanted_level = next(one for one in levels if one == wanted)
