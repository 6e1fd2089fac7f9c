"""How every command begins: read the config, set up the logs, open the ledger."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from syncd import logs
from syncd.app import App, open_app
from syncd.config import Config, load
from syncd.errors import ConfigError


def read_config(path: Path | None, *, quiet: bool = False) -> Config:
    """The checked configuration; logs are set up as it says, or for warnings only where the command talks by itself."""
    config = load(path)
    logs.setup(config.log.format, "warning" if quiet and config.log.level == "info" else config.log.level)
    return config


@contextmanager
def opened(path: Path | None, *, quiet: bool = True) -> Iterator[App]:
    """The whole app, from a config path."""
    with open_app(read_config(path, quiet=quiet)) as app:
        yield app


def need_work(app: App) -> None:
    """Raise ConfigError where there is nothing to carry, nowhere to carry it, or a rule that cannot be followed."""
    if not app.config.stores or not app.tills:
        missing = "store" if not app.config.stores else "enabled source"
        raise ConfigError(
            f"{app.config.path} names no {missing}", cure="Add one: see config/syncd.toml for an example."
        )
    for store in app.stores.values():
        store.prepare()


never = threading.Event()
"""A stop that nobody sets, for commands that end by themselves."""
