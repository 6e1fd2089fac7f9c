"""Rows that are no sale's: totals below a report, totals of each day, sentences about tax."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal

from syncd.canonical.money import ZERO
from syncd.sources.csv.rows import CsvRow

_WIDE = 3
_WORDS = 2
_TOTALS = frozenset(
    ("total", "totals", "grand total", "subtotal", "sub total", "sum", "summe", "gesamt", "gesamtsumme", "totale", "totaal",
     "totalt", "celkem", "razem", "suma", "somme", "összesen", "toplam",
     "итого", "всего", "合計", "总计", "합계", "รวม", "jumlah", "tổng")
)  # fmt: skip

Parse = Callable[[str], Decimal | None]
"""Reads an amount as the source would; None where a cell holds none."""


def is_footnote(row: CsvRow, width: int, ids: Sequence[str]) -> bool:
    """Whether a row holds one sentence and nothing else; an id or a date alone is none, for its sale may be torn."""
    cells = [cell for cell in row.cells if cell.strip()]
    if len(cells) != 1 or width < _WIDE or max(map(cells[0].count, ",;\t|")) * 2 >= width:
        return False  # a whole row in one cell is no sentence
    sentence = sum(any(map(str.isalpha, word)) for word in cells[0].split()) >= _WORDS
    return sentence and not any(row.get(name).isalnum() for name in ids)


def may_be_totals(row: CsvRow, dates: Sequence[str]) -> bool:
    """Whether a row may hold the sums of others: it has none of the dates that every sale has."""
    return any(name in row.columns for name in dates) and not any(row.get(name) for name in dates)


def is_totals_word(text: str) -> bool:
    """Whether a cell says that its row holds sums: ``Total``, ``Summe:``, ``Day total (2)``."""
    said = text.strip(" :.").casefold()
    return said in _TOTALS or not _TOTALS.isdisjoint(word.strip("():.,") for word in said.split())


def totals_among(
    rows: Iterable[tuple[str, CsvRow]], strays: Sequence[int], amounts: Sequence[str], parse: Parse
) -> set[int]:
    """Return the lines, of ``strays``, whose amounts are the sums of their columns.

    Over all rows, those above, or since the last such.

    ``rows`` are all rows of the table, each with its sale's key: a total that the rows of a sale repeat counts once. ``amounts``
    are the columns that hold amounts.
    """
    asked, found = set(strays), set()
    whole, part = _Sums(), _Sums()
    above: list[CsvRow] = []  # what may hold the sums of rows that are still to come
    for key, row in rows:
        if row.line in asked:
            places = {row.columns[name] for name in amounts if name in row.columns}
            if _fits(row, (whole, part), places, parse):
                found.add(row.line)
            else:
                above.append(row)
            part = _Sums()
        else:
            whole.add(key, row, parse)
            part.add(key, row, parse)
    for row in above:
        places = {row.columns[name] for name in amounts if name in row.columns}
        if _fits(row, (whole,), places, parse):
            found.add(row.line)
    return found


class _Sums:
    """The sum of each column, over all rows and over the first row of each sale."""

    def __init__(self) -> None:
        self._rows: dict[int, Decimal] = {}
        self._sales: dict[int, Decimal] = {}
        self._keys: set[str] = set()

    def add(self, key: str, row: CsvRow, parse: Parse) -> None:
        first = key not in self._keys
        self._keys.add(key)
        for place, cell in enumerate(row.cells):
            if cell and (amount := parse(cell)) is not None:
                self._rows[place] = self._rows.get(place, ZERO) + amount
                if first:
                    self._sales[place] = self._sales.get(place, ZERO) + amount

    def has(self, place: int, amount: Decimal) -> bool:
        return amount in (self._rows.get(place), self._sales.get(place))


def _fits(row: CsvRow, sums: Sequence[_Sums], places: AbstractSet[int], parse: Parse) -> bool:
    """Whether a row's numbers are sums, an amount among them; ``places`` are the columns of amounts.

    A row that says anything else than a word for totals is a sale's whose date is lost: its amounts may well be another's.
    """
    if any(cell.strip() and parse(cell) is None and not is_totals_word(cell) for cell in row.cells):
        return False
    found = {place: amount for place, cell in enumerate(row.cells) if cell and (amount := parse(cell)) is not None}
    told = any(amount for place, amount in found.items() if place in places)
    return told and any(all(one.has(*item) for item in found.items()) for one in sums)
