"""What tables of a config must agree on with each other: stores that sources name, names and times."""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from syncd.config.model import Tables
from syncd.errors import ConfigProblem


@dataclass(slots=True)
class KnownNames:
    """The names that the files before have: stores and sources of the config file, and all that no other file may have.

    ``keys`` are the sources by the name with which their sale keys begin.
    """

    stores: list[str] | None = None
    sources: list[str] | None = None
    all_stores: set[str] = field(default_factory=set)
    keys: dict[str, str] = field(default_factory=dict)

    def add(self, tables: Tables) -> None:
        """Add the names of a file; the first is the config file itself."""
        if self.stores is None:
            self.stores, self.sources = list(tables.stores), list(tables.sources)
        self.all_stores.update(tables.stores)
        self.keys |= {source.formerly or name: name for name, source in tables.sources.items()}


def cross_checks(tables: Tables, known: KnownNames) -> Iterator[ConfigProblem]:
    """Yield what one table says that another one makes impossible; a file of ``conf.d`` may name what the config file has."""
    yield from tables.web.problems()
    yield from tables.events.problems()
    yield from _names_twice(tables, known)
    stores, sources = {*tables.stores, *(known.stores or ())}, {*tables.sources, *(known.sources or ())}
    for name, source in tables.sources.items():
        if source.store and source.store not in stores:
            yield ConfigProblem(f"sources.{name}.store", repr(source.store), f"must be one of {_names(stores)}")
        for place, wanted in source.stores.items():
            if wanted not in stores:
                yield ConfigProblem(f"sources.{name}.stores.{place}", repr(wanted), f"must be one of {_names(stores)}")
        if not source.store and len(tables.stores) != 1:
            yield ConfigProblem(f"sources.{name}.store", "", f"is required: name one of {_names(stores)}")
    for name, store in tables.stores.items():
        least = store.push.intent_life + store.connection.connect_timeout + store.connection.deadline
        if store.push.settle <= least:
            rule = f"must be longer than intent_life + connect_timeout + deadline ({least.total_seconds():g} s)"
            yield ConfigProblem(f"stores.{name}.settle", f"{store.push.settle.total_seconds():g} s", rule)
        for unknown in sorted(store.rules.sources.keys() - sources):
            there = ", ".join(sorted(sources)) or "none yet"
            yield ConfigProblem(f"stores.{name}.sources.{unknown}", "", f"is no source; sources are {there}")


def _names_twice(tables: Tables, known: KnownNames) -> Iterator[ConfigProblem]:
    """Sale keys begin with a source's first name: no two sources may have the same; nor may two stores have one name."""
    for name in tables.stores.keys() & known.all_stores:
        yield ConfigProblem(f"stores.{name}", "", "is in another file already; each store is in one file")
    first = ChainMap[str, str]({}, known.keys)
    for name, source in tables.sources.items():
        key = source.formerly or name
        if key in first:
            words = f"is the name in the sale keys of source {first[key]}; no two sources may have the same"
            yield ConfigProblem(f"sources.{name}" + (".formerly" if source.formerly else ""), repr(key), words)
        first[key] = name


def _names(stores: Collection[str]) -> str:
    return ", ".join(sorted(stores)) or "the stores, of which there is none: add [stores.main]"
