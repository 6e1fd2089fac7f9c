"""What a preset is: which columns tell its exports, how their rows group into sales, how a sale is read, what it lets one choose.

Each is one module of ``presets``, or of a package of somebody else's, that holds one of these as ``PRESET``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from msgspec import Struct, field

from syncd.sources.csv.fields import ExcludedRow, Reading, first
from syncd.sources.csv.header import Header
from syncd.sources.csv.other_exports import other_export
from syncd.sources.csv.overlap import Weighs
from syncd.sources.csv.rows import CsvRow, UnreadableFile, normal
from syncd.sources.csv.settings import CsvSettings

_NAMED = 12


class CsvPreset(Struct, frozen=True):
    """One export: its files each have all columns of one of ``tables``; one that ``weighs`` joins the files of a pass."""

    name: str
    tables: tuple[frozenset[str], ...]
    key: Callable[[CsvRow], str]
    parse: Callable[[Sequence[CsvRow], Reading[Any]], dict[str, Any] | Sequence[dict[str, Any]] | ExcludedRow]
    key_words: str
    options: type[CsvSettings] = CsvSettings
    weighs: Weighs = field(default_factory=dict)
    headings: Mapping[str, tuple[str, ...]] | None = None
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # its own columns in other languages
    telling: bool = True  # its columns tell it from other exports
    id_column: str = ""  # where the sale's id is not what its rows are grouped by
    reader: Callable[[], Callable[[CsvRow], str]] | None = (
        None  # makes ``key`` anew for a table whose rows go by those before them
    )
    ids: tuple[str, ...] = ()  # the columns of ids, which a spreadsheet may have damaged
    dates: tuple[str, ...] = ()  # the columns of dates that each sale has
    amounts: tuple[str, ...] = ()
    refused: Callable[[Mapping[str, int], CsvSettings], str] = lambda _columns, _settings: (
        ""
    )  # why a file of its own is not read
    numbered: bool = False  # the ids are a till's number and a receipt's: 2-1678

    def keys(self) -> Callable[[CsvRow], str]:
        """Return what tells which sale a row is of, for the rows of one table in their order."""
        return self.reader() if self.reader is not None else self.key

    def sale_of(self, rows: Sequence[CsvRow]) -> str:
        """Return the id of the sale that the rows are of, as ``parse`` would give it."""
        return (first(rows, self.id_column) if self.id_column else "") or self.key(rows[0])

    @property
    def together(self) -> bool:
        """Whether a sale may stand in several files of one pass."""
        return bool(self.weighs)

    def names(self) -> set[str]:
        """Every column that helps to tell this export's delimiter."""
        usual = {name for names in (self.headings or self.aliases).values() for name in names}
        return usual | {name for table in self.tables for name in table}


def columns_of(header: Header, which: CsvPreset, settings: CsvSettings) -> Mapping[str, int]:
    """Return the places of a file's columns, under the names that the preset looks for.

    Raises:
        UnreadableFile: it is not one of the preset's tables; the message names what is missing.

    """
    found = header.columns
    chosen: dict[str, str] = {}  # the heading of each column that the config names
    for wanted, headings in settings.columns.items():
        names = [normal(headings)] if isinstance(headings, str) else [normal(one) for one in headings]
        name = next((one for one in names if one in found), None)
        if name is None:
            named = [headings] if isinstance(headings, str) else headings
            raise UnreadableFile(f"it has no column {' or '.join(map(repr, named))}, which columns.{wanted} names")
        chosen[normal(wanted)] = name
    usual: dict[str, str] = {}
    for wanted, own in (which.headings or which.aliases).items():
        place = next((one for one in (own if which.headings else (wanted, *own)) if one in found), None)
        if place is not None and wanted not in chosen:
            usual[wanted] = place
    # One column, one meaning: what the config gives a meaning has no other.
    taken = set(chosen.values())
    meant = {wanted: name for wanted, name in usual.items() if name not in taken} | chosen
    hidden = (taken | which.headings.keys()) - meant.keys() if which.headings else set()
    columns = {name: place for name, place in found.items() if name not in hidden}
    columns |= {wanted: found[name] for wanted, name in meant.items()}
    _check_names(header, which, set(meant.values()))
    missing = min((table - columns.keys() for table in which.tables), key=len)
    if missing:
        raise UnreadableFile(_lacking(found, which, sorted(missing)))
    if why := which.refused(columns, settings):
        raise UnreadableFile(why)
    return columns


def _check_names(header: Header, which: CsvPreset, meant: AbstractSet[str]) -> None:
    """Raise UnreadableFile where a column that is read stands there twice: nobody knows which of the two is meant."""
    read = meant | (set() if which.headings else which.names() & header.columns.keys())
    if twice := sorted(header.repeated & read):
        named = " and ".join(map(repr, twice))
        raise UnreadableFile(
            f"it has two columns of the name {named}: rename one, or leave it out of the export, for they may differ"
        )


def _lacking(found: Mapping[str, int], which: CsvPreset, missing: list[str]) -> str:
    """Return what is not there, what is, and how the one is mapped to the other; or what other export it is."""
    if other := other_export(found):
        return other
    names = list(found)
    has = ", ".join(names[:_NAMED]) + (" and others" if len(names) > _NAMED else "")
    map_it = ", ".join(
        f'{name.replace(" ", "_") if which.headings else chr(34) + name + chr(34)} = "..."' for name in missing
    )
    return (
        f"it is no {which.name} export: it has no column {', '.join(missing)}; it has {has}."
        f" Where a column goes by another name, say so: columns = {{ {map_it} }}"
    )
