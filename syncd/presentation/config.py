"""The configuration as it holds, key by key, with where each value comes from; no secret in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct
from pydantic import BaseModel, SecretStr

from syncd.config import Config, Table, merge, read_written
from syncd.durations import format_duration
from syncd.secret import KeptSecret, masked

_HIDDEN = "***"
_TABLES = ("ledger", "log", "service", "intake", "web", "alerts")


class Setting(Struct, frozen=True):
    """One key: its value as people read it, its origin, and what tells whether it has changed."""

    value: object
    origin: str
    mark: str


def settings_of(config: Config) -> dict[str, Setting]:
    """Every key with what holds for it, in the config's order.

    Raises:
        ConfigError: the file or the environment cannot be read any more.

    """
    places = _places(config)
    return {key: Setting(_shown(value), _origin(key, places), _mark(value)) for key, value in _walk(config)}


def changed(before: Mapping[str, Setting], after: Mapping[str, Setting]) -> list[str]:
    """Return the keys that differ, those of a secret as well."""
    keys = [*before, *(key for key in after if key not in before)]
    return [key for key in keys if _mark_of(before, key) != _mark_of(after, key)]


def differences(before: Config, after: Config) -> list[str]:
    """Return the keys that differ between two configs, and the files of ``conf.d`` that only one of them could use."""
    left = [{one.file for one in config.left_out} for config in (before, after)]
    return [*changed(settings_of(before), settings_of(after)), *sorted(left[0] ^ left[1])]


def _mark_of(settings: Mapping[str, Setting], key: str) -> str | None:
    found = settings.get(key)
    return found.mark if found is not None else None


def _walk(config: Config) -> Iterator[tuple[str, Any]]:
    for table in _TABLES:
        yield from _model(table, getattr(config, table))
    for name, store in config.stores.items():
        for room in (store.connection, store.rules, store.push):
            yield from _model(f"stores.{name}", room)
    for name, source in config.sources.items():
        yield from _model(f"sources.{name}", source.common)
        yield from _model(f"sources.{name}", source.settings)


def _model(at: str, model: BaseModel) -> Iterator[tuple[str, Any]]:
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(value, BaseModel):
            yield from _model(f"{at}.{name}", value)
        elif isinstance(value, Mapping) and value:
            for key, one in value.items():
                yield from (
                    _model(f"{at}.{name}.{key}", one) if isinstance(one, BaseModel) else [(f"{at}.{name}.{key}", one)]
                )
        else:
            yield f"{at}.{name}", value


def _shown(value: Any) -> object:  # noqa: ANN401  whatever a setting holds
    if isinstance(value, SecretStr):
        return _HIDDEN
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, tuple | list | set | frozenset):
        return [_shown(one) for one in value]
    if isinstance(value, str):
        return masked(value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _mark(value: Any) -> str:  # noqa: ANN401  the same
    plain = [_plain(one) for one in value] if isinstance(value, tuple) else _plain(value)
    return hashlib.sha256(repr(plain).encode()).hexdigest()


def _plain(value: Any) -> Any:  # noqa: ANN401  the same
    """Return a value with its secret in clear; one that was not read yet counts by where it is read from."""
    if isinstance(value, KeptSecret) and not value.is_read:
        return hash(value)
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def _places(config: Config) -> list[tuple[str, Table]]:
    """Return where values are written, the place that wins first: the environment, the files, the defaults that a file has."""
    written = read_written(config.path)
    main = written.main
    defaults = merge(
        {"stores": dict.fromkeys(config.stores, main.get("store_defaults", {}))},
        {"sources": {name: _source_defaults(main, one.common.type) for name, one in config.sources.items()}},
    )
    return [("environment", written.environment), *written.parts.items(), ("file", main), ("defaults", defaults)]


def _source_defaults(main: Table, kind: str) -> Table:
    shared = main.get("source_defaults", {})
    return merge(shared, shared.get(kind, {}))


def _origin(key: str, places: Sequence[tuple[str, Table]]) -> str:
    for words, table in places:
        node: Any = table
        for part in key.split("."):
            node = node.get(part) if isinstance(node, Mapping) else None
        if node is not None:
            return words
    return "default"
