"""``syncd config show``: what holds, and where each value comes from."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

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
