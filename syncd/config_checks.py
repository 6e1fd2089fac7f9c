"""What tables of a config must agree on with each other: stores that sources name, names, times, and what sources read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from syncd.errors import ConfigProblem

if TYPE_CHECKING:
    from syncd.config import StoreSettings, Tables


def cross_checks(tables: Tables) -> Iterator[ConfigProblem]:
    """Yield what one table says that another one makes impossible."""
    yield from tables.web.problems()
    yield from _names_twice(tables)
    for name, source in tables.sources.items():
        if source.store and source.store not in tables.stores:
            yield ConfigProblem(f"sources.{name}.store", repr(source.store), f"must be one of {_names(tables.stores)}")
        for place, wanted in source.stores.items():
            if wanted not in tables.stores:
                yield ConfigProblem(
                    f"sources.{name}.stores.{place}", repr(wanted), f"must be one of {_names(tables.stores)}"
                )
        if not source.store and len(tables.stores) != 1:
            yield ConfigProblem(f"sources.{name}.store", "", f"is required: name one of {_names(tables.stores)}")
    for name, store in tables.stores.items():
        least = store.push.intent_life + store.connection.connect_timeout + store.connection.deadline
        if store.push.settle <= least:
            rule = f"must be longer than intent_life + connect_timeout + deadline ({least.total_seconds():g} s)"
            yield ConfigProblem(f"stores.{name}.settle", f"{store.push.settle.total_seconds():g} s", rule)
        for unknown in sorted(store.rules.sources.keys() - tables.sources.keys()):
            known = ", ".join(sorted(tables.sources)) or "none yet"
            yield ConfigProblem(f"stores.{name}.sources.{unknown}", "", f"is no source; sources are {known}")


def _names_twice(tables: Tables) -> Iterator[ConfigProblem]:
    """Sale keys begin with a source's first name: no two sources may have the same."""
    first: dict[str, str] = {}
    for name, source in tables.sources.items():
        key = source.formerly or name
        if key in first:
            words = f"is the name in the sale keys of source {first[key]}; no two sources may have the same"
            yield ConfigProblem(f"sources.{name}" + (".formerly" if source.formerly else ""), repr(key), words)
        first[key] = name


def same_sources_refused(tables: Tables, adapters: Mapping[str, BaseModel], home: Path) -> Iterator[ConfigProblem]:
    """Two sources that read the same would make two orders of each sale: refused before anything is read."""
    from syncd.sources.sameness import same_sources  # noqa: PLC0415  only a config with two sources needs it

    read = {
        name: (one.type, adapters[name]) for name, one in tables.sources.items() if one.enabled and name in adapters
    }
    for one, other, what in same_sources(read, home) if len(read) > 1 else ():
        words = f"reads what source {one} reads ({what}): every sale would become two orders; keep one of them"
        yield ConfigProblem(f"sources.{other}", "", words)


def _names(stores: Mapping[str, StoreSettings]) -> str:
    return ", ".join(sorted(stores)) or "the stores, of which there is none: add [stores.main]"
