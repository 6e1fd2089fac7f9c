"""Accounts of the page, and tokens of programs: add, list, change, remove."""

from __future__ import annotations

import getpass
import re
import sys
from collections.abc import Collection
from datetime import timedelta
from pathlib import Path

from msgspec.structs import asdict

from syncd.cli.exits import Exit
from syncd.cli.render import columns, print_json, say
from syncd.cli.session import opened
from syncd.errors import UsageError
from syncd.formatting import when
from syncd.ledger import ApiToken
from syncd.roles import Role, Scope
from syncd.web.page.passwords import SHORTEST, hasher
from syncd.web.page.security import digest_of, new_api_token
from syncd.web.page.sign_in import CONFIG_ACCOUNT

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,79}")


def run_list(config: Path | None, as_json: bool) -> Exit:
    """Show the accounts."""
    with opened(config) as app:
        found = app.ledger.accounts.all()
        of_config = app.config.web.password_hash is not None
        if as_json:
            kept = [{"name": one.name, "role": one.role.value, "created_at": one.created_at} for one in found]
            print_json(kept + ([{"name": CONFIG_ACCOUNT, "role": Role.ADMIN.value}] if of_config else []))
            return Exit.OK
        rows = [
            (one.name, one.role.value, "" if one.password_hash else "single sign-on", when(one.created_at))
            for one in found
        ]
        rows += [(CONFIG_ACCOUNT, Role.ADMIN.value, "[web] password_hash", "")] if of_config else []
        columns(rows, head=("name", "role", "signs in by", "since"))
        if not rows:
            say("no accounts: the page is open to whoever sits at this machine")
        return Exit.OK


def run_add(config: Path | None, name: str, role: Role, *, no_password: bool) -> Exit:
    """Add an account."""
    known = _named(name)
    with opened(config) as app:
        if app.ledger.accounts.get(known) is not None:
            raise UsageError(f"there is an account {known} already", "See them with: syncd users list")
        kept = None if no_password else hasher().hash(asked_password(f"Password for {known}: "))
        app.ledger.accounts.add(known, role, kept)
        say(f"{known} may sign in, as {role.value}")
        return Exit.OK


def run_role(config: Path | None, name: str, role: Role) -> Exit:
    """Give an account another role."""
    with opened(config) as app:
        _must_exist(app.ledger.accounts.change(_named(name), role=role), name)
        say(f"{_named(name)} is {role.value} from now on")
        return Exit.OK


def run_password(config: Path | None, name: str) -> Exit:
    """Give an account another password."""
    with opened(config) as app:
        _must_exist(app.ledger.accounts.get(_named(name)) is not None, name)
        kept = hasher().hash(asked_password(f"New password for {_named(name)}: "))
        app.ledger.accounts.change(_named(name), password_hash=kept)
        say(f"{_named(name)} signs in with the new password from now on")
        return Exit.OK


def run_remove(config: Path | None, name: str) -> Exit:
    """Remove an account."""
    with opened(config) as app:
        _must_exist(app.ledger.accounts.remove(_named(name)), name)
        say(f"{_named(name)} may not sign in any more")
        if not app.ledger.accounts.any() and app.config.web.password_hash is None:
            say(
                "That was the last account."
                + (
                    " The page is open to whoever sits at this machine."
                    if app.config.web.is_local
                    else " Nobody can sign in."
                )
            )
        return Exit.OK


def _must_exist(found: bool, name: str) -> None:
    if not found:
        raise UsageError(f"there is no account {name}", "See them with: syncd users list")


def _named(name: str) -> str:
    known = name.strip().casefold()
    if not _NAME.fullmatch(known):
        raise UsageError(f"{name!r} is no name to sign in with", "Take letters, digits and . _ @ + - without blanks.")
    if known == CONFIG_ACCOUNT:
        cure = "Take another name; that one's password is [web] password_hash (syncd web password)."
        raise UsageError(f"the account {CONFIG_ACCOUNT} is the config's own", cure)
    return known


def asked_password(prompt: str) -> str:
    """Ask for a password twice, or read it from a pipe.

    Raises:
        UsageError: it is too short, or they were two.

    """
    if not sys.stdin.isatty():
        return _good(sys.stdin.readline().rstrip("\n"))
    first = _good(getpass.getpass(prompt))
    if getpass.getpass("Again: ") != first:
        raise UsageError("those were two different passwords", "Try again.")
    return first


def _good(text: str) -> str:
    if len(text) < SHORTEST:
        raise UsageError(f"a password of {len(text)} characters is too short", f"Take {SHORTEST} or more.")
    return text


def run_tokens(config: Path | None, as_json: bool) -> Exit:
    """Show the tokens; none is ever shown whole again."""
    with opened(config) as app:
        found = app.ledger.accounts.tokens()
        if as_json:
            print_json([{**asdict(one), "scopes": sorted(one.scopes)} for one in found])
            return Exit.OK
        rows = [
            (one.name, " ".join(sorted(one.scopes)), one.created_by, when(one.used_at), when(one.until))
            for one in found
        ]
        columns(rows, head=("name", "may read", "made by", "used last", "until"))
        if not rows:
            say("no tokens")
        return Exit.OK


def run_add_token(config: Path | None, name: str, scopes: Collection[Scope], days: int | None) -> Exit:
    """Make a token, and show it once."""
    with opened(config) as app:
        now, secret = app.clock.now(), new_api_token()
        until = None if days is None else now + timedelta(days=days)
        made = ApiToken(name, frozenset(scopes), getpass.getuser(), now, until=until)
        if not app.ledger.accounts.add_token(digest_of(secret), made):
            raise UsageError(f"there is a token {name} already", "Remove it first, or take another name.")
        say(secret)
        return Exit.OK


def run_remove_token(config: Path | None, name: str) -> Exit:
    """Remove a token."""
    with opened(config) as app:
        if not app.ledger.accounts.remove_token(name):
            raise UsageError(f"there is no token {name}", "See them with: syncd tokens list")
        say(f"{name} reads nothing any more")
        return Exit.OK
