"""Brings a config of an earlier state of syncd to today's keys; remarks and everything else stay as they were."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import tomlkit
from msgspec import Struct


class OldKey(Struct, frozen=True):
    """A key that is no more: the table that had it (``*`` for any name), and what takes its place; None where nothing does."""

    table: tuple[str, ...]
    key: str
    why: str
    now: Callable[[object], tuple[str, object]] | None = None


OLD_KEYS = (
    OldKey(
        ("stores", "*"),
        "match_customers",
        'customers says it now: "match" or "guest"',
        lambda value: ("customers", "match" if value else "guest"),
    ),
    OldKey(
        ("stores", "*"), "returned_goods", "a receipt that sells and takes back becomes a sale and a return by itself"
    ),
    OldKey(("service",), "drain", "requests that are on their way are always finished"),
)


def upgraded(text: str) -> tuple[str, list[str]]:
    """Return the text of a config with today's keys, and a line for each change.

    Raises:
        tomlkit.exceptions.TOMLKitError: it is no TOML.

    """
    document, changes = tomlkit.parse(text), list[str]()
    for old in OLD_KEYS:
        for path, table in _tables(document, old.table, ()):
            if old.key not in table:
                continue
            value = table[old.key]
            where = ".".join((*path, old.key))
            if old.now is None:
                changes.append(f"{where} removed: {old.why}")
            else:
                name, new = old.now(value)
                if name not in table:
                    table[name] = new
                changes.append(f"{where} became {name} = {tomlkit.item(table[name]).as_string()}: {old.why}")
            del table[old.key]
    return tomlkit.dumps(document), changes


def is_old(path: tuple[str, ...]) -> bool:
    """Whether a key, by the tables that lead to it, was one of an earlier state."""
    return any(
        path[-1] == old.key
        and len(path) == len(old.table) + 1
        and all(a in ("*", b) for a, b in zip(old.table, path, strict=False))
        for old in OLD_KEYS
    )


def _tables(node: Any, wanted: tuple[str, ...], at: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:  # noqa: ANN401  tomlkit's
    if not wanted:
        yield at, node
        return
    first, *rest = wanted
    for name in list(node) if first == "*" else [first] if first in node else []:
        if isinstance(node[name], dict):
            yield from _tables(node[name], tuple(rest), (*at, name))
