"""The configuration: a TOML file, the files of ``conf.d`` beside it, the environment over both, secrets from where they are kept.

Each room owns the settings model of its part; this module composes them, reads everything in one pass and reports every
problem at once, each with its key, what was found and what is allowed. Relative paths start at the config file's own folder.

A file of ``conf.d`` holds a store with its sources. One that cannot be used leaves its own store out, and no other.

Environment: ``SYNCD_`` and the path with ``__`` between its parts, so ``SYNCD_STORES__MAIN__QUOTA_SHARE=0.5``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, SecretStr

from syncd import logs
from syncd.config.checks import KnownNames, cross_checks
from syncd.config.defaults import Defaults
from syncd.config.files import FOLDER, ConfigText, find, merge, misspelt, read_written
from syncd.config.model import ROOMS, Config, LeftOut, PartNames, SourceConfig, StoreSettings, Table, Tables
from syncd.config.problems import validated
from syncd.errors import ConfigError, ConfigProblem, UsageError
from syncd.secret import READ_SECRETS, KeptSecret, kept_secrets, secrets_in
from syncd.sources import registry
from syncd.sources.sameness import Reads, ReadsIndex, reads_of
from syncd.sources.settings import SourceSettings

_SQLITE = "sqlite:///"
_OF_PARTS = ("stores", "sources")
"""The tables that a file of ``conf.d`` may have."""


def load(path: Path | None = None, *, secrets: bool = True) -> Config:
    """Read, merge and check the configuration.

    ``secrets``: read every secret now. Without, each is read when it is first needed, and what only secrets can tell is not
    checked: for commands that show things.

    Raises:
        ConfigError: the main file or the environment cannot be used; with every problem in it.

    """
    file = find(path).absolute()
    written = read_written(file)
    loading = _Loading(file.parent, written, secrets)
    main = loading.check_main(file)
    left_out = [LeftOut(name, (Path(name).stem,), (), (why,)) for name, why in written.broken.items()]
    left_out += [left for name in written.parts if (left := loading.check_part(name)) is not None]
    logs.hide(*secrets_in([main, loading.stores, loading.settings]))
    return Config(
        path=file,
        ledger_url=_resolved_url(main.ledger.url, file.parent),
        ledger=main.ledger,
        log=main.log,
        service=main.service,
        intake=main.intake,
        web=main.web,
        ui=main.ui,
        alerts=main.alerts,
        events=main.events,
        stores={name: _at_home(store, file.parent) for name, store in loading.stores.items()},
        sources=loading.sources,
        parts=loading.parts,
        left_out=tuple(sorted(left_out, key=lambda left: left.file)),
    )


class _Loading:
    """One reading of the config: what was checked so far, file by file."""

    def __init__(self, home: Path, written: ConfigText, secrets: bool) -> None:
        self._home, self._written, self._secrets = home, written, secrets
        self._main = merge(written.main, _without(written.environment, written.parts))
        self._defaults = Defaults.of(self._main)
        self._names, self._reads = KnownNames(), ReadsIndex()
        self.stores: dict[str, StoreSettings] = {}
        self.sources: dict[str, SourceConfig] = {}
        self.settings: list[BaseModel] = []
        self.parts: dict[str, PartNames] = {}

    def check_main(self, file: Path) -> Tables:
        """Check the main file.

        Raises:
            ConfigError: it cannot be used.

        """
        written = self._written
        problems = [*misspelt([written.main, *written.parts.values()]), *self._defaults.problems()]
        found = self._check(self._main, problems)
        if found is None or problems:
            raise ConfigError(f"{file} cannot be used:", problems, found.cure if found is not None else "")
        self._take(found)
        return found.tables

    def check_part(self, name: str) -> LeftOut | None:
        """Check a file of ``conf.d``; return why it is left out, None where it is not."""
        table = self._written.parts[name]
        names = {key: tuple(of) for key in _OF_PARTS if isinstance(of := table.get(key, {}), dict)}
        problems = [
            ConfigProblem(key, "", f"belongs into the config file: a file of {FOLDER} has [stores] and [sources] alone")
            for key in table
            if key not in _OF_PARTS
        ]
        environment = self._written.environment
        over = {key: {one: environment.get(key, {}).get(one, {}) for one in named} for key, named in names.items()}
        found = self._check(merge({key: table[key] for key in _OF_PARTS if key in table}, over), problems)
        if found is None or problems:
            return LeftOut(name, names.get("stores", ()), names.get("sources", ()), problems)
        self._take(found)
        self.parts[name] = PartNames(names.get("stores", ()), names.get("sources", ()))
        return None

    def _check(self, table: Table, problems: list[ConfigProblem]) -> _Checked | None:
        """Check a file by itself and beside those before it; None where a table of it is none."""
        tables = self._defaults.over(table)
        checked = validated(Tables, tables, (), problems)
        adapters = dict(_adapters(tables, problems))
        if checked is None:
            return None
        found = _Checked(checked, adapters)
        missing = list(_named(checked, adapters, self._home, read=self._secrets))
        problems += [*cross_checks(checked, self._names), *missing]
        if self._secrets and not missing:
            problems += self._same_sources_refused(found)
        found.cure = READ_SECRETS if missing else ""
        return found

    def _same_sources_refused(self, found: _Checked) -> Iterator[ConfigProblem]:
        """Two sources that read the same would make two orders of each sale: refused before anything is read."""
        own = ReadsIndex()
        for name, one in found.tables.sources.items():
            if not one.enabled or name not in found.adapters:
                continue
            reads = found.reads[name] = reads_of(one.type, found.adapters[name], self._home, opens=True)
            clashes = [*self._reads.clashes(reads), *own.clashes(reads)]
            own.add(name, reads)
            for other, what in clashes:
                words = (
                    f"reads what source {other} reads ({what}): every sale would become two orders; keep one of them"
                )
                yield ConfigProblem(f"sources.{name}", "", words)

    def _take(self, found: _Checked) -> None:
        """Add what a file has."""
        self._names.add(found.tables)
        for name, reads in found.reads.items():
            self._reads.add(name, reads)
        self.stores |= found.tables.stores
        self.settings += [*found.tables.sources.values(), *found.adapters.values()]
        self.sources |= {
            name: SourceConfig(_with_store(common, found.tables), found.adapters[name])
            for name, common in found.tables.sources.items()
        }


@dataclass(slots=True)
class _Checked:
    """What a file has, and what opening it needs where a secret is missing."""

    tables: Tables
    adapters: Mapping[str, BaseModel]
    reads: dict[str, Reads] = field(default_factory=dict)
    cure: str = ""


def _without(environment: Table, parts: Mapping[str, Table]) -> Table:
    """Return what the environment says of other things than the stores and sources of ``conf.d``."""
    rest = dict(environment)
    for key in _OF_PARTS:
        theirs = {name for part in parts.values() if isinstance(part.get(key), dict) for name in part[key]}
        if key in rest:
            rest[key] = {name: table for name, table in rest[key].items() if name not in theirs}
    return rest


def _named(tables: Tables, adapters: Mapping[str, BaseModel], home: Path, *, read: bool) -> Iterator[ConfigProblem]:
    """Give each secret the name of its key; yield those that cannot be read, where they are to be."""
    found = [*kept_secrets(tables), *((("sources", *at), one) for at, one in kept_secrets(adapters))]
    for at, secret in found:
        key = ".".join(part for part in at if part not in ROOMS)
        secret.named(key, home)
        try:
            if read:
                secret.read()
        except ValueError as error:
            yield ConfigProblem(key, "", str(error))


def _adapters(tables: Table, problems: list[ConfigProblem]) -> Iterator[tuple[str, BaseModel]]:
    sources = tables.get("sources")
    for name, table in (sources if isinstance(sources, dict) else {}).items():
        if not isinstance(table, dict) or not isinstance(table.get("type"), str):
            continue  # the common part has already said so
        try:
            model = registry.settings_of(table)
        except UsageError as error:
            key = error.key if isinstance(error, registry.UnknownKind) else "type"
            found = table.get(key)
            hint = (
                f'; did you mean type = "csv" with preset = "{found}"?'
                if key == "type" and found in _csv_presets()
                else ""
            )
            problems.append(ConfigProblem(f"sources.{name}.{key}", repr(found), error.what + hint))
            continue
        if "path" in table and "path" not in model.model_fields and table["type"] in _csv_presets():
            words = f'reads the account itself; type = "csv" with preset = "{table["type"]}" reads a folder of exports'
            problems.append(ConfigProblem(f"sources.{name}.type", repr(table["type"]), words))
            continue
        own = {key: value for key, value in table.items() if key not in SourceSettings.model_fields}
        settings = validated(model, own, ("sources", name), problems)
        if settings is not None:
            yield name, settings


def _csv_presets() -> tuple[str, ...]:
    from syncd.sources.csv.presets import names  # noqa: PLC0415  a config without such a mistake need not know them

    return names()


def _with_store(common: SourceSettings, tables: Tables) -> SourceSettings:
    return common if common.store else common.model_copy(update={"store": next(iter(tables.stores))})


def _at_home(store: StoreSettings, base: Path) -> StoreSettings:
    """Return a store's settings with its alias file looked for beside the config."""
    if store.rules.aliases is None:
        return store
    rules = store.rules.model_copy(update={"aliases": base / store.rules.aliases.expanduser()})
    return store.model_copy(update={"rules": rules})


def _resolved_url(url: SecretStr, base: Path) -> SecretStr:
    def resolved(text: str) -> str:
        if not text.startswith(_SQLITE) or text == "sqlite:///:memory:":
            return text
        return _SQLITE + str(base / Path(text.removeprefix(_SQLITE)).expanduser())

    return url.then(resolved) if isinstance(url, KeptSecret) else SecretStr(resolved(url.get_secret_value()))
