"""``syncd users`` and ``syncd tokens``: the commands with their options."""

from __future__ import annotations

from typing import Annotated

import typer

from syncd.cli.options import AsJson, ConfigPath
from syncd.roles import Role, Scope

users = typer.Typer(no_args_is_help=True, help="Accounts of the page: who may see it, and who may decide.")
tokens = typer.Typer(no_args_is_help=True, help="Tokens of programs that read the API.")
_Name = Annotated[str, typer.Argument(help="The name to sign in with, such as ada or ada@example.com.")]
_Role = Annotated[
    Role, typer.Option("--role", help="What the account may do: see, decide too, or manage accounts too.")
]


@users.command("list")
def list_users(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """List the accounts and their roles.

    Example: syncd users list
    """
    from syncd.cli.users import run_list

    raise typer.Exit(run_list(config, as_json))


@users.command()
def add(
    name: _Name,
    role: _Role = Role.OPERATOR,
    config: ConfigPath = None,
    no_password: Annotated[
        bool, typer.Option("--no-password", help="Signs in by single sign-on alone ([web.oidc]).")
    ] = False,
) -> None:
    """Add an account. Asks for its password, twice; from a pipe, reads it from there.

    Example: syncd users add ada --role admin
    """
    from syncd.cli.users import run_add

    raise typer.Exit(run_add(config, name, role, no_password=no_password))


@users.command()
def role(name: _Name, role: Annotated[Role, typer.Argument(help="The new role.")], config: ConfigPath = None) -> None:
    """Give an account another role; it signs in anew.

    Example: syncd users role ada viewer
    """
    from syncd.cli.users import run_role

    raise typer.Exit(run_role(config, name, role))


@users.command()
def password(name: _Name, config: ConfigPath = None) -> None:
    """Give an account another password. Browsers that are signed in with the old one are signed out.

    Example: syncd users password ada
    """
    from syncd.cli.users import run_password

    raise typer.Exit(run_password(config, name))


@users.command()
def remove(name: _Name, config: ConfigPath = None) -> None:
    """Remove an account, and sign it out everywhere. What it decided keeps its name.

    Example: syncd users remove ada
    """
    from syncd.cli.users import run_remove

    raise typer.Exit(run_remove(config, name))


@tokens.command("list")
def list_tokens(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """List the tokens: what each may read, and when it was used last.

    Example: syncd tokens list
    """
    from syncd.cli.users import run_tokens

    raise typer.Exit(run_tokens(config, as_json))


@tokens.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="What the token is for, such as wallboard.")],
    scope: Annotated[
        list[Scope] | None, typer.Option("--scope", help="What it may read; may be given more than once.")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", min=1, max=3650, help="It counts for so many days.")] = None,
    config: ConfigPath = None,
) -> None:
    """Make a token for a program that reads the API, and show it once.

    Example: syncd tokens add wallboard --scope status --days 365
    """
    from syncd.cli.users import run_add_token

    raise typer.Exit(run_add_token(config, name, scope or [Scope.STATUS], days))


@tokens.command("remove")
def remove_token(name: Annotated[str, typer.Argument(help="The token's name.")], config: ConfigPath = None) -> None:
    """Remove a token: whoever has it reads nothing from now on.

    Example: syncd tokens remove wallboard
    """
    from syncd.cli.users import run_remove_token

    raise typer.Exit(run_remove_token(config, name))
