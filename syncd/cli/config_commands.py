"""``syncd config``: show, check, example, schema, upgrade."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import asdict

from syncd.cli.options import AsJson, ConfigPath

config = typer.Typer(no_args_is_help=True, help="The configuration as it holds.")


@config.command()
def show(
    key: Annotated[str | None, typer.Argument(help="Only keys that begin so, such as stores.main.")] = None,
    path: ConfigPath = None,
    every: Annotated[bool, typer.Option("--all", help="Also what holds without being written anywhere.")] = False,
    as_json: AsJson = False,
) -> None:
    """Every key that is set, with its value and its origin; with --all, every key there is. Secrets are stars.

    Example: syncd config show stores.main --all
    """
    run_show(path, key, every, as_json)


@config.command()
def check(
    path: ConfigPath = None,
    secrets: Annotated[bool, typer.Option("--secrets", help="Also read every secret from where it is kept.")] = False,
) -> None:
    """Look at the config file alone: every mistake at once. `syncd check` tries what it names as well.

    Example: syncd config check
    """
    from syncd.cli.render import say
    from syncd.config import find, load
    from syncd.errors import ConfigError, ConfigProblem

    found = load(find(path), secrets=secrets)
    if found.left_out:
        problems = [
            ConfigProblem(f"{left.file}: {one.key}", one.found, one.allowed)
            for left in found.left_out
            for one in left.problems
        ]
        raise ConfigError(f"{found.path} is valid, but for files of conf.d, whose stores are left out:", problems)
    say(f"{found.path} is valid" + (f", and so are {len(found.parts):,} files of conf.d" if found.parts else ""))


@config.command()
def example() -> None:
    """Print a config with every key, its default and a word on it.

    Example: syncd config example > syncd.toml
    """
    from importlib.resources import files

    typer.echo((files("syncd") / "config_example.toml").read_text(encoding="utf-8"), nl=False)


@config.command()
def schema() -> None:
    """Print the JSON schema of the config, for editors that complete and check TOML.

    Example: syncd config schema > syncd.schema.json
    """
    import json

    from syncd.config.schema import schema as of_config

    typer.echo(json.dumps(of_config(), indent=2))


@config.command()
def upgrade(
    path: ConfigPath = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the changes; write nothing.")] = False,
) -> None:
    """Bring a config of an earlier syncd to today's keys. Remarks stay; the old file is kept beside it.

    Example: syncd config upgrade --dry-run
    """
    from syncd.cli.config_upgrade import run_upgrade

    raise typer.Exit(run_upgrade(path, dry_run=dry_run))


def run_show(path: Path | None, key: str | None, every: bool, as_json: bool) -> None:
    """Print the settings."""
    from syncd.cli.render import columns, print_json
    from syncd.cli.session import read_config
    from syncd.errors import UsageError
    from syncd.presentation.config import settings_of

    found = {
        name: setting
        for name, setting in settings_of(read_config(path, quiet=True, secrets=False)).items()
        if (every or setting.origin != "default") and (key is None or name == key or name.startswith(f"{key}."))
    }
    if key is not None and not found:
        raise UsageError(f"no key begins with {key}", "See them all with: syncd config show --all")
    if as_json:
        shown = {name: asdict(setting) for name, setting in found.items()}
        print_json({name: {"value": one["value"], "origin": one["origin"]} for name, one in shown.items()})
    else:
        columns([(name, _cell(one.value), one.origin) for name, one in found.items()], head=("key", "value", "from"))


def _cell(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if value is None:
        return "not set"
    return str(value).lower() if isinstance(value, bool) else str(value)
