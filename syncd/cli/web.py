"""``syncd web password``: what the config keeps of the page's password."""

from __future__ import annotations

import getpass
import sys

import typer

from syncd.errors import UsageError

web = typer.Typer(no_args_is_help=True, help="The page that the daemon serves.")
_SHORTEST = 10


@web.command()
def password() -> None:
    """Ask for the page's password, twice, and print its hash for the config; from a pipe, read it from there.

    Example: syncd web password
    """
    from syncd.web.page.security import hasher

    typer.echo(f"[web]\npassword_hash = '{hasher().hash(_asked())}'")


def _asked() -> str:
    if not sys.stdin.isatty():
        return _good(sys.stdin.readline().rstrip("\n"))
    first = _good(getpass.getpass("Password for the page: "))
    if getpass.getpass("Again: ") != first:
        raise UsageError("those were two different passwords", "Try again.")
    return first


def _good(text: str) -> str:
    if len(text) < _SHORTEST:
        raise UsageError(f"a password of {len(text)} characters is too short", f"Take {_SHORTEST} or more.")
    return text
