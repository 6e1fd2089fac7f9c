"""The exports that we know: which columns tell them, how their rows group into sales, how a sale is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from syncd.sources.csv import clover, generic, lightspeed_x, loyverse, shopify, square
from syncd.sources.csv.fields import LeftOut, Reading, first
from syncd.sources.csv.headings import GENERIC
from syncd.sources.csv.overlap import Weighs
from syncd.sources.csv.rows import Row, UnreadableFile, encoding_of, normal, read_table
from syncd.sources.csv.settings import CsvSettings

_NAMED = 12


@dataclass(frozen=True, slots=True)
class Preset:
    """One export: its files each have all columns of one of ``tables``; one that ``weighs`` joins the files of a pass."""

    name: str
    tables: tuple[frozenset[str], ...]
    key: Callable[[Row], str]
    parse: Callable[[Sequence[Row], Reading], dict[str, Any] | LeftOut]
    key_words: str
    weighs: Weighs = field(default_factory=dict)
    headings: Mapping[str, tuple[str, ...]] | None = None
    id_column: str = ""  # where the sale's id is not what its rows are grouped by

    def sale_of(self, rows: Sequence[Row]) -> str:
        """The id of the sale that the rows are of, as ``parse`` would give it."""
        return (first(rows, self.id_column) if self.id_column else "") or self.key(rows[0])

    @property
    def together(self) -> bool:
        """Whether a sale may stand in several files of one pass."""
        return bool(self.weighs)

    def names(self) -> set[str]:
        """Every column that helps to tell this export's delimiter."""
        usual = {name for names in (self.headings or {}).values() for name in names}
        return usual | {name for table in self.tables for name in table}


_PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            "square", (square.ITEMS, square.TRANSACTIONS), square.key, square.parse, "Transaction ID", square.WEIGHS
        ),
        Preset(
            "lightspeed_x", (lightspeed_x.COLUMNS,), lightspeed_x.key, lightspeed_x.parse, "Sale UUID or Invoice Number"
        ),
        Preset("shopify", (shopify.COLUMNS,), shopify.key, shopify.parse, "Name", id_column="id"),
        Preset(
            "loyverse",
            (loyverse.ITEMS, loyverse.ITEMS_RENAMED, loyverse.RECEIPTS),
            loyverse.key,
            loyverse.parse,
            "Receipt number",
            loyverse.WEIGHS,
        ),
        Preset("clover", (clover.COLUMNS,), clover.key, clover.parse, "Order ID"),
        Preset(
            "generic",
            (frozenset({"date", "name"}), frozenset({"date", "sku"})),
            generic.key,
            generic.parse,
            "sale id, or receipt and date",
            headings=GENERIC,
        ),
    )
}


def preset(name: str) -> Preset:
    """The preset of a name; the settings have checked that there is one."""
    return _PRESETS[name]


def columns_of(found: Mapping[str, int], which: Preset, settings: CsvSettings) -> Mapping[str, int]:
    """The places of a file's columns, under the names that the preset looks for.

    Raises:
        UnreadableFile: it is not one of the preset's tables; the message names what is missing.

    """
    columns = dict(found)
    for wanted, usual in (which.headings or {}).items():
        place = next((found[name] for name in usual if name in found), None)
        if place is not None:
            columns.setdefault(wanted, place)
    for wanted, headings in settings.columns.items():
        names = [headings] if isinstance(headings, str) else headings
        place = next((found[normal(name)] for name in names if normal(name) in found), None)
        if place is None:
            raise UnreadableFile(f"it has no column {' or '.join(map(repr, names))}, which columns.{wanted} names")
        columns[normal(wanted)] = place
    missing = min((table - columns.keys() for table in which.tables), key=len)
    if missing:
        raise UnreadableFile(_lacking(found, which, sorted(missing)))
    return columns


def _lacking(found: Mapping[str, int], which: Preset, missing: list[str]) -> str:
    """What is not there, what is, and how the one is mapped to the other."""
    names = list(found)
    has = ", ".join(names[:_NAMED]) + (" and others" if len(names) > _NAMED else "")
    map_it = ", ".join(
        f'{name.replace(" ", "_") if which.headings else chr(34) + name + chr(34)} = "..."' for name in missing
    )
    return (
        f"it is no {which.name} export: it has no column {', '.join(missing)}; it has {has}."
        f" Where a column goes by another name, say so: columns = {{ {map_it} }}"
    )


def looks_like(file: Path, settings: CsvSettings) -> str:
    """The name of the preset whose export a file seems to be; empty where it is none that we know."""
    for one in _PRESETS.values():
        if one.name == settings.preset or one.headings:
            continue
        try:
            with file.open(encoding=encoding_of(file, settings.encoding), newline="") as text:
                found = read_table(text, settings.delimiter, one.names()).columns
        except (UnreadableFile, OSError, UnicodeError):
            return ""
        if any(table <= found.keys() for table in one.tables):
            return one.name
    return ""
