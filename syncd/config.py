"""The configuration: one TOML file, environment variables over it, secrets from where they are kept.

Each room owns the settings model of its part; this module composes them, reads everything in one pass and reports every
problem at once, each with its key, what was found and what is allowed. Relative paths start at the file's own folder.

Environment: ``SYNCD_`` and the path with ``__`` between its parts, so ``SYNCD_STORES__MAIN__QUOTA_SHARE=0.5``.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails

from syncd import logs
from syncd.bigcommerce.settings import ConnectionSettings
from syncd.config_checks import cross_checks, same_sources_refused
from syncd.errors import ConfigError, ConfigProblem, UsageError
from syncd.mapping.rules import CheckoutRules, Rules
from syncd.sale.policy import PushPolicy, StorePolicy
from syncd.secret import ALLOWED, READ_SECRETS, KeptSecret, kept_secrets, masked, secrets_in
from syncd.settings import (
    LISTEN,
    AlertSettings,
    IntakeSettings,
    LedgerSettings,
    LogSettings,
    ServiceSettings,
    WebSettings,
)
from syncd.sources import registry
from syncd.sources.settings import SourceSettings

PLACES = ("./syncd.toml", "/etc/syncd/syncd.toml")
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
_SENSITIVE = re.compile(f"{logs.SECRET_NAMES.pattern}|url$", re.IGNORECASE)
_MAX_SHOWN = 60
_SQLITE = "sqlite:///"
_PATTERNS = {
    r"^[A-Z]{3}$": "must be a currency code such as USD",
    r"^[A-Z]{2}$": "must be a country code such as US",
    r"^https?://": "must be a URL, https:// and all",
    LISTEN: 'must be an address and a port, such as "127.0.0.1:8787"',
    r"^([A-Za-z0-9][A-Za-z0-9_.-]{0,62})?$": "must be a name of letters, digits, dots, dashes and underscores",
    _NAME: "must be a name of letters, digits, dots, dashes and underscores",
}

M = TypeVar("M", bound=BaseModel)
Table = dict[str, Any]  # parsed TOML, before any model has looked at it


class StoreSettings(BaseModel):
    """``[stores.<name>]``: one flat table, whose keys belong to the client, the mapper and the pusher."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    connection: ConnectionSettings
    rules: Rules
    push: PushPolicy

    @property
    def policy(self) -> StorePolicy:
        """What this store's sales are decided by."""
        return StorePolicy(self.rules, self.push)

    @model_validator(mode="before")
    @classmethod
    def _sort_keys(cls, table: object) -> object:
        if not isinstance(table, Mapping):
            return table
        sorted_keys: Table = {room: {} for room in ROOMS}
        for key, value in table.items():
            owner = next((room for room, model in ROOMS.items() if key in model.model_fields), None)
            if owner is None:
                sorted_keys[key] = value
            else:
                sorted_keys[owner][key] = value
        return sorted_keys


ROOMS: dict[str, type[BaseModel]] = {"connection": ConnectionSettings, "rules": Rules, "push": PushPolicy}


@dataclass(frozen=True, slots=True)
class SourceConfig:
    """One source: the shared part and the adapter's validated settings."""

    common: SourceSettings
    settings: BaseModel


class Tables(BaseModel):
    """The tables of a config file, each checked by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ledger: LedgerSettings = LedgerSettings()
    log: LogSettings = LogSettings()
    service: ServiceSettings = ServiceSettings()
    intake: IntakeSettings = IntakeSettings()
    web: WebSettings = WebSettings()
    alerts: AlertSettings = AlertSettings()
    stores: dict[Annotated[str, Field(pattern=_NAME)], StoreSettings] = Field(default_factory=dict)
    sources: dict[Annotated[str, Field(pattern=_NAME)], SourceSettings] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that syncd was told, checked."""

    path: Path
    ledger_url: SecretStr
    ledger: LedgerSettings
    log: LogSettings
    service: ServiceSettings
    intake: IntakeSettings
    web: WebSettings
    alerts: AlertSettings
    stores: Mapping[str, StoreSettings]
    sources: Mapping[str, SourceConfig]

    @property
    def base_dir(self) -> Path:
        """The folder that relative paths start from."""
        return self.path.parent


def find(path: Path | None) -> Path:
    """Return the config file to read: the one named, else ``SYNCD_CONFIG``, else the first of the usual places.

    Raises:
        ConfigError: there is none.

    """
    named = path or (Path(os.environ["SYNCD_CONFIG"]) if os.environ.get("SYNCD_CONFIG") else None)
    if named is not None:
        if not named.is_file():
            raise ConfigError(f"there is no config file {named}", cure="Name another with --config, or write this one.")
        return named
    for place in PLACES:
        if Path(place).is_file():
            return Path(place)
    cure = "Run syncd init, or name a file with --config."
    raise ConfigError(f"no config file: looked for {' and '.join(PLACES)}", cure=cure)


def load(path: Path | None = None, *, secrets: bool = True) -> Config:
    """Read, merge and check the configuration.

    ``secrets``: read every secret now. Without, each is read when it is first needed, and what only secrets can tell is not
    checked: for commands that show things.

    Raises:
        ConfigError: with every problem in it.

    """
    file = find(path).absolute()
    written = _read(file)
    problems = list(_misspelt(written))
    tables = _merge(written, _environment())
    checked, missing = _validated(Tables, tables, (), problems), list[ConfigProblem]()
    adapters = dict(_adapters(tables, problems))
    if checked is not None:
        missing = list(_named(checked, adapters, file.parent, read=secrets))
        problems += [*cross_checks(checked), *missing]
        problems += same_sources_refused(checked, adapters, file.parent) if secrets and not missing else []
    if checked is None or problems:
        raise ConfigError(f"{file} cannot be used:", problems, READ_SECRETS if missing else "")
    sources = {
        name: SourceConfig(_with_store(common, checked), adapters[name]) for name, common in checked.sources.items()
    }
    logs.hide(*secrets_in([checked, adapters]))
    return Config(
        path=file,
        ledger_url=_resolved_url(checked.ledger.url, file.parent),
        ledger=checked.ledger,
        log=checked.log,
        service=checked.service,
        intake=checked.intake,
        web=checked.web,
        alerts=checked.alerts,
        stores={name: _at_home(store, file.parent) for name, store in checked.stores.items()},
        sources=sources,
    )


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


def written(file: Path) -> tuple[Table, Table]:
    """Return what the file and the environment say, each by itself, unchecked.

    Raises:
        ConfigError: one of them cannot be read.

    """
    return _read(file), _environment()


def _environment() -> Table:
    """Return what ``SYNCD_...`` variables say.

    Raises:
        ConfigError: one of them holds no table where one must be.

    """
    if not any(name.startswith("SYNCD_") and name != "SYNCD_CONFIG" for name in os.environ):
        return {}
    from syncd.environment import read  # noqa: PLC0415  most machines set nothing, and need not wait for it

    return read()


def _misspelt(written: Table) -> Iterator[ConfigProblem]:
    """Variables that look like ours and name nothing that there is."""
    known = [f"SYNCD_{name.upper()}" for name in (*Tables.model_fields, "config")]
    named = set(_env_names(written))
    for name in sorted(os.environ):
        head, nested, _ = name.partition("__")
        if not name.startswith("SYNCD_") or name in named or head in known:
            continue
        near = difflib.get_close_matches(head, known, n=1, cutoff=0.8)
        if nested or near:
            hint = (
                f"; did you mean {near[0]}{nested}...?"
                if near and nested
                else f"; did you mean {near[0]}?"
                if near
                else ""
            )
            yield ConfigProblem(name, "", f"is an environment variable that syncd does not know{hint}")


def _env_names(node: object) -> Iterator[str]:
    """Yield the variables that ``{ env = "..." }`` secrets are read from."""
    if isinstance(node, dict):
        if isinstance(name := node.get("env"), str):
            yield name
        for value in node.values():
            yield from _env_names(value)


def _read(file: Path) -> Table:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except RecursionError:
        raise ConfigError(f"{file} is nested too deeply", cure="Write each table under a heading of its own.") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file} is not valid TOML: {error}", cure="Correct the line that it names.") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise ConfigError(f"{file} cannot be read: {reason}") from None
    if problems := list(_odd_texts(found, ())):
        raise ConfigError(f"{file} cannot be used:", problems)
    return found


def _odd_texts(node: object, at: tuple[str, ...]) -> Iterator[ConfigProblem]:
    """Yield what no path, address or name can hold: a text with a NUL in it."""
    if isinstance(node, str) and "\0" in node:
        yield ConfigProblem(".".join(at), "", "must not hold a NUL character")
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _odd_texts(value, (*at, key))
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from _odd_texts(value, (*at, str(place)))


def _merge(below: Table, above: Table) -> Table:
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        merged[key] = _merge(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _validated(model: type[M], data: object, at: tuple[str, ...], problems: list[ConfigProblem]) -> M | None:
    try:
        return model.model_validate(data)
    except ValidationError as error:
        problems += [_problem(detail, at, model) for detail in error.errors(include_url=False)]
        return None


def _problem(detail: ErrorDetails, at: tuple[str, ...], model: type[BaseModel]) -> ConfigProblem:
    path = [*at, *(str(part) for part in detail["loc"] if str(part) not in ROOMS and str(part) != "[key]")]
    kind, message = detail["type"], detail["msg"].removeprefix("Value error, ")
    if kind == "missing":
        return ConfigProblem(".".join(path), "", "is required")
    if kind == "extra_forbidden":
        if _is_old(tuple(path)):
            return ConfigProblem(".".join(path), "", "is a key of an earlier syncd: syncd config upgrade")
        near = difflib.get_close_matches(path[-1], _known_keys(model), n=1)
        return ConfigProblem(".".join(path), "", "is not a known key" + (f"; did you mean {near[0]}?" if near else ""))
    secret = (
        _SENSITIVE.search(path[-1]) or message == ALLOWED
    )  # a secret in clear, under whatever name an adapter has for it
    tells = not secret and not isinstance(detail["input"], Mapping | list)
    told = detail["input"]
    found = repr(masked(told) if isinstance(told, str) else told)[:_MAX_SHOWN] if tells else ""
    if kind == "string_pattern_mismatch":
        message = _PATTERNS.get(str((detail.get("ctx") or {}).get("pattern")), "is not written as it must be")
    elif kind == "model_type":
        message = f"must be a table: [{'.'.join(path)}]"
    elif kind in ("tuple_type", "list_type"):
        message = 'must be a list, such as ["a", "b"]'
    return ConfigProblem(".".join(path), found, message[:1].lower() + message[1:])


def _is_old(path: tuple[str, ...]) -> bool:
    from syncd.config_upgrade import is_old  # noqa: PLC0415  only a config with an unknown key needs it

    return is_old(path)


def _known_keys(model: type[BaseModel]) -> list[str]:
    if model is not Tables:
        return list(model.model_fields)
    models: list[type[BaseModel]] = [
        *ROOMS.values(),
        Tables,
        LedgerSettings,
        LogSettings,
        ServiceSettings,
        IntakeSettings,
        WebSettings,
        AlertSettings,
        CheckoutRules,
    ]
    return [key for known in models for key in known.model_fields]


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
        if "path" in table and table["type"] in _csv_presets():
            words = f'reads the account itself; type = "csv" with preset = "{table["type"]}" reads a folder of exports'
            problems.append(ConfigProblem(f"sources.{name}.type", repr(table["type"]), words))
            continue
        own = {key: value for key, value in table.items() if key not in SourceSettings.model_fields}
        settings = _validated(model, own, ("sources", name), problems)
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
