"""``syncd web password``: what the config keeps of the page's password."""

from __future__ import annotations

import typer

web = typer.Typer(no_args_is_help=True, help="The page that the daemon serves.")


@web.command()
def password() -> None:
    """Ask for the password of the account admin, twice, and print its hash for the config; from a pipe, read it from there.

    Example: syncd web password
    """
    from syncd.cli.users import asked_password
    from syncd.web.page.passwords import hasher

    typer.echo(f"[web]\npassword_hash = '{hasher().hash(asked_password('Password for the page: '))}'")
