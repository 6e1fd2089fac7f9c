"""``[store_defaults]`` and ``[source_defaults]``: what every store and every source has that does not say otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from syncd.config.files import merge
from syncd.config.model import StoreSettings, Table
from syncd.config.problems import validated
from syncd.errors import ConfigProblem, UsageError
from syncd.sources import registry
from syncd.sources.settings import SourceSettings

_STORE = {"store_hash": "defaults", "token": {"env": "SYNCD"}}
"""What a store must have, so that the defaults can be checked by themselves."""
_MISSING = "is required"


class Defaults(Struct, frozen=True):
    """The defaults of stores; those of all sources; and those of the sources of each type."""

    store: Table
    source: Table
    of_type: dict[str, Table]

    @classmethod
    def of(cls, tables: Table) -> Defaults:
        """Return the defaults that a config file has."""
        store, source = (_table(tables.get(key)) for key in ("store_defaults", "source_defaults"))
        of_type = {key: table for key, table in source.items() if key in registry.known() and isinstance(table, dict)}
        return cls(store, {key: value for key, value in source.items() if key not in of_type}, of_type)

    def over(self, tables: Table) -> Table:
        """Return tables whose stores and sources have the defaults for all that they do not say themselves."""
        done = dict(tables)
        if self.store and isinstance(stores := tables.get("stores"), dict):
            done["stores"] = {name: self._store(table) for name, table in stores.items()}
        if (self.source or self.of_type) and isinstance(sources := tables.get("sources"), dict):
            done["sources"] = {name: self._source(table) for name, table in sources.items()}
        return done

    def _store(self, table: Any) -> Any:  # noqa: ANN401  parsed TOML: what is no table is refused later
        return merge(self.store, table) if isinstance(table, dict) else table

    def _source(self, table: Any) -> Any:  # noqa: ANN401  the same
        if not isinstance(table, dict):
            return table
        kind = table.get("type", self.source.get("type"))
        return merge(merge(self.source, self.of_type.get(str(kind), {})), table)

    def problems(self) -> Iterator[ConfigProblem]:
        """Yield what is wrong with the defaults themselves, once and not for each store that has them."""
        found: list[ConfigProblem] = []
        if self.store:
            validated(StoreSettings, merge(_STORE, self.store), ("store_defaults",), found)
        for key in self.source:
            if key not in SourceSettings.model_fields:
                words = "is no key that all sources share; a key of one type belongs under it: [source_defaults.square]"
                found.append(ConfigProblem(f"source_defaults.{key}", "", words))
        validated(SourceSettings, {"type": "csv", **self.source}, ("source_defaults",), found)
        for kind, table in self.of_type.items():
            found += _of_type(kind, table)
        whole = {"store_defaults", "source_defaults", *(f"source_defaults.{kind}" for kind in self.of_type)}
        # What is missing, or does not go together, the stores and sources themselves may still say.
        yield from (problem for problem in found if problem.allowed != _MISSING and problem.key not in whole)


def _of_type(kind: str, table: Table) -> list[ConfigProblem]:
    found, at = list[ConfigProblem](), ("source_defaults", kind)
    validated(SourceSettings, {**table, "type": kind}, at, found)
    try:
        model = registry.settings_of({**table, "type": kind})
    except UsageError as error:
        return [ConfigProblem(".".join(at), "", error.what)]
    validated(model, {key: value for key, value in table.items() if key not in SourceSettings.model_fields}, at, found)
    return found


def _table(value: object) -> Table:
    return value if isinstance(value, dict) else {}
