"""How every command begins: read the config, set up the logs, open the ledger."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from syncd import logs
from syncd.app import App, open_app
from syncd.cli import loading
from syncd.config import Config, load
from syncd.config.extras import check_extras, missing_extras
from syncd.errors import ConfigError, ConfigProblem, LedgerError, SourceError, UsageError


def read_config(path: Path | None, *, quiet: bool = False, secrets: bool = True) -> Config:
    """Return the checked configuration; logs are set up as it says, or for warnings only where the command talks by itself.

    ``secrets``: every secret is read now; else each when it is first needed.
    """
    config = load(path, secrets=secrets)
    usual: logs.LogLevel = "warning" if quiet and config.log.level == "info" else config.log.level
    logs.setup(config.log.format, wanted_level or usual)
    return config


wanted_level: logs.LogLevel | None = None
"""What ``-v``, ``-q`` or ``--log-level`` asked for on this command line."""


@contextmanager
def opened(
    path: Path | None,
    *,
    quiet: bool = True,
    existing: bool = False,
    secrets: bool = False,
    stop: threading.Event | None = None,
) -> Iterator[App]:
    """Open the whole app, from a config path. ``existing``: a command that only shows things makes no ledger.

    ``secrets``: read every secret now, for a command that will need them all; else each is read when it is first needed.

    Once ``stop`` is set, nothing waits for a store's quota any more.

    Raises:
        LedgerError: there is no ledger yet, where one must be there.

    """
    config = read_config(path, quiet=quiet, secrets=secrets)
    if existing:
        _need_ledger(config)
    with open_app(config, stop=stop) as app:
        loading.done()
        yield app


def _need_ledger(config: Config) -> None:
    url = config.ledger_url.get_secret_value()
    file = Path(url.removeprefix("sqlite:///"))
    if url.startswith("sqlite:///") and not file.exists():
        raise LedgerError(
            f"there is no ledger at {file}", "Begin one with syncd sync or syncd run, or correct [ledger] url."
        )


def known_source(app: App, name: str | None) -> None:
    """Check that a source which an option names is in the config, or at least in the ledger.

    Raises:
        UsageError: it is in neither.

    """
    if name is None or name in app.config.sources or name in (known := app.ledger.sources.names()):
        return
    names = sorted({*app.config.sources, *known})
    near = difflib.get_close_matches(name, names, n=1)
    cure = f"Did you mean {near[0]}? " if near else ""
    raise UsageError(f"there is no source {name!r}", f"{cure}Sources are {', '.join(names) or 'none yet'}.")


@contextmanager
def ready_to_work(config: Config, stop: threading.Event) -> Iterator[App]:
    """Open the app with all that its work needs: see ``need_work`` and ``check_extras``.

    A file of ``conf.d`` whose store or source cannot begin is left out, with a word in the log; the others begin.

    Raises:
        ConfigError: the config file has something that cannot begin, or there is no work at all.
        SourceError: a source of the config file cannot be built.

    """
    for left in config.left_out:
        logs.get_logger().error("left_out", file=left.file, why=left.words, cure=left.cure)
    while True:
        with open_app(config, stop=stop) as app:
            loading.done()
            if not (refused := dict(_refused_parts(app))):
                check_extras(app.config)
                need_work(app)
                yield app
                return
        for file, problems in refused.items():
            config = config.without(file, problems)
            left = config.left_out[-1]
            logs.get_logger().error("left_out", file=left.file, why=left.words, cure=left.cure)


def _refused_parts(app: App) -> Iterator[tuple[str, list[ConfigProblem]]]:
    """Yield the files of ``conf.d`` whose stores or sources cannot begin, each with its problems."""
    found: dict[str, list[ConfigProblem]] = {}
    parts = app.config.parts
    for problem in missing_extras(app.config) if parts else ():
        if (file := app.config.part_of(problem.key)) is not None:
            found.setdefault(file, []).append(problem)
    for file, names in parts.items():
        if file in found:
            continue
        begins: dict[str, Callable[[], object]] = {f"stores.{name}": app.stores[name].prepare for name in names.stores}
        tills = {name: app.tills[name] for name in names.sources if name in app.tills}
        begins |= {f"sources.{name}": partial(getattr, till, "source") for name, till in tills.items()}
        for key, begin in begins.items():
            try:
                begin()
            except (ConfigError, SourceError) as error:
                found.setdefault(file, []).append(ConfigProblem(key, "", error.what))
    yield from found.items()


def need_work(app: App, source: str | None = None) -> None:
    """Raise ConfigError where there is nothing to carry, nowhere to carry it, or a rule that cannot be followed.

    ``source``: the only one that is needed.
    """
    if not app.config.stores or not app.tills:
        missing = "store" if not app.config.stores else "enabled source"
        raise ConfigError(f"{app.config.path} names no {missing}", cure="Add one: see syncd config example.")
    if source is None:
        app.build_sources()
    for store in app.stores.values():
        store.prepare()


never = threading.Event()
"""A stop that nobody sets, for commands that end by themselves."""
