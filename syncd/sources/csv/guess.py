"""What a file seems to be: the table that would read it, and what of that is a guess. Nothing is decided for anybody.

An export that we know goes by its columns. Of any other, columns go by their headings, in the languages of tills; the order of day
and month, the decimal mark and whether prices hold the tax are told by what stands in the file, or it is said that nothing does.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from syncd.canonical.money import ZERO, total
from syncd.errors import UsageError
from syncd.sources.csv.amounts import DecimalMark, doubt, parse_amount
from syncd.sources.csv.dates import read_date
from syncd.sources.csv.headings import GENERIC, WORDS
from syncd.sources.csv.opening import bare
from syncd.sources.csv.other_exports import other_export
from syncd.sources.csv.presets import looks_like, preset
from syncd.sources.csv.rows import CsvRow, Table, UnreadableFile
from syncd.sources.csv.settings import CsvSettings
from syncd.sources.csv.states import is_refund, state_of

_ROWS = 2000
_CLOSE = 0.86
_FEW_KINDS = 6
_DATE = re.compile(r"\s{0,20}(\d{1,4})[-/. ](\d{1,2})[-/. ](\d{1,4})(?![\d.])")
_OFFSET = re.compile(r"\d{1,2}:\d{2}.*(?:Z|[+-]\d{2}:?\d{2})\s*$")
_AMOUNTS = ("price", "line_total", "tax", "discount", "tip", "total", "total_tax", "quantity")
_MONEY = ("line_total", "total", "price", "tax")
_SYMBOLS = {"€": "EUR", "£": "GBP", "₹": "INR", "₱": "PHP", "฿": "THB", "₫": "VND", "₩": "KRW", "zł": "PLN"}
_NEEDED = ("date", "name", "line_total")


@dataclass(slots=True)
class Guess:
    """A source's table, and what of it somebody must look at; each by its key, in words."""

    table: dict[str, Any]
    unsure: dict[str, str] = field(default_factory=dict)
    seen: tuple[str, ...] = ()
    rows: Sequence[CsvRow] = ()

    def set(self, key: str, value: object, why: str = "") -> None:
        """Propose a value; ``why`` says what is not certain about it."""
        self.table[key] = value
        if why:
            self.unsure[key] = why


def guess(file: Path, zone: str) -> Guess:
    """How a text export or a workbook would be read; ``zone`` is this machine's, for lack of a better one.

    Raises:
        UsageError: it is no table.

    """
    settings = CsvSettings(path=file.parent, currency="USD", timezone="UTC")
    known = looks_like(file, settings)
    try:
        with closing(bare(file, settings)) as tables:
            table = next(tables)
            found_rows = [row for row in islice(table.rows, _ROWS) if isinstance(row, CsvRow)]
            rows = [CsvRow(row.line, row.cells, table.columns) for row in found_rows]
    except (UnreadableFile, OSError, UnicodeError, StopIteration) as error:
        raise UsageError(f"{file.name} is no table that can be read: {error or 'it is empty'}") from None
    if not known and (other := other_export(table.columns)):
        raise UsageError(f"{file.name}: {other}")
    found = Guess({"type": "csv", "path": "inbox", "preset": known or "generic"})
    found.seen = tuple(table.columns)
    if known:
        _of_known(found, preset(known).options, _column(rows, "date", "created at", "order date", "sale date"), zone)
        _of_tax(found, preset(known).options, rows)
        return found
    _of_any(found, table, rows, zone)
    return found


def _of_known(found: Guess, options: type[CsvSettings], dates: Sequence[str], zone: str) -> None:
    if not options.NAMES_CURRENCY:
        found.set("currency", "USD", "the export does not say in which currency it is")
    if not options.NAMES_ZONE:
        found.set("timezone", zone, "its times name no zone; this is the zone of this machine")
    if options.model_fields["date_order"].default is None and (order := _date_order(dates))[0] != "ymd":
        found.set("date_order", *order)


def _of_any(found: Guess, table: Table, rows: Sequence[CsvRow], zone: str) -> None:
    found.rows = rows
    columns = _columns(found, table)
    cells = {name: _column(rows, heading) for name, heading in columns.items()}
    _currency(found, rows, cells, columns)
    _numbers(found, cells)
    _states(found, cells.get("status", ()))
    order, doubt = _date_order(cells.get("date", ()))
    if order != "ymd":
        found.set("date_order", order, doubt)
    elif doubt:
        found.unsure["date"] = doubt
    told = [cell for cell in cells.get("date", ()) if cell]
    sure = bool(told) and all(_OFFSET.search(cell) for cell in told)
    found.set("timezone", zone, "" if sure else "its times name no zone; this is the zone of this machine")
    _tax(found, rows, columns, found.table.get("decimal_mark", "."))


def _columns(found: Guess, table: Table) -> dict[str, str]:
    """Return what we look for, and under which heading it stands; those with unusual headings go into the table."""
    headings = [name for name in table.columns if name]
    places: dict[str, str] = {}
    unusual: dict[str, str] = {}
    for wanted, usual in GENERIC.items():
        name = next((one for one in usual if one in headings), None)
        if name is None and (name := _by_words(wanted, [one for one in headings if one not in places.values()])):
            unusual[wanted] = name
        if name is not None:
            places[wanted] = name
    if (kind := _kinds(found, table, places)) is not None:
        places["kind"] = unusual["kind"] = kind
    if "time" in unusual and _holds_dates(found, places["time"]):
        del unusual["time"], places["time"]
    if unusual:
        found.table["columns"] = unusual
        told = ", ".join(f"{heading!r} as {wanted}" for wanted, heading in unusual.items())
        found.unsure["columns"] = f"taken by their headings: {told}"
    missing = [name for name in _NEEDED if name not in places and not (name == "line_total" and "price" in places)]
    if missing:
        rest = ", ".join(repr(one) for one in headings if one not in places.values()) or "none"
        found.unsure["columns"] = "; ".join(
            filter(
                None,
                (found.unsure.get("columns", ""), f"no column seems to be {', '.join(missing)}; left over: {rest}"),
            )
        )
    if "sale_id" not in places and "receipt" not in places:
        found.unsure["sale_id"] = (
            "no column tells one sale from another: name one as sale_id, or rows cannot be put together"
        )
    return places


def _by_words(wanted: str, headings: Iterable[str]) -> str | None:
    """Return the heading that means what we look for, in one of the languages of tills."""
    known = WORDS.get(wanted, ())
    plain = {_plain(heading): heading for heading in headings}
    for word in known:
        if word in plain:
            return plain[word]
    near = [match for word in known for match in difflib.get_close_matches(word, plain, n=1, cutoff=_CLOSE)]
    return plain[near[0]] if near else None


def _plain(heading: str) -> str:
    """Return a heading without accents and marks, its words apart by single blanks."""
    bare_letters = unicodedata.normalize("NFKD", heading.replace("ß", "ss")).encode("ascii", "ignore").decode()
    return " ".join(re.sub(r"[^a-z0-9]+", " ", bare_letters.lower()).split())


def _column(rows: Sequence[CsvRow], *names: str) -> list[str]:
    name = next((one for one in names if rows and one in rows[0].columns), None)
    return [] if name is None else [row.get(name) for row in rows]


def _numbers(found: Guess, cells: Mapping[str, Sequence[str]]) -> None:
    """Find the decimal mark: the one with which every amount can be read."""
    said = [cell for name in _AMOUNTS for cell in cells.get(name, ()) if cell]
    point, comma = _readable(said, "."), _readable(said, ",")
    if comma and not point:
        found.set("decimal_mark", ",")
    elif comma and point and any(re.search(r"\d,\d{3}(?!\d)", cell) for cell in said):
        found.unsure["decimal_mark"] = "amounts such as 1,234 may be thousands (as taken) or have three decimals"
    elif not comma and not point and said:
        bad = next((cell for cell in said if not _readable([cell], ".") and not _readable([cell], ",")), "")
        both = next((cell for cell in said if not _readable([cell], ".")), "")
        why = (
            f"some amounts can be read neither way: {bad[:40]!r}"
            if bad
            else f"both marks are in it: {both[:40]!r} and others"
        )
        found.unsure["decimal_mark"] = why
    _thousands(found, cells)


def _thousands(found: Guess, cells: Mapping[str, Sequence[str]]) -> None:
    """Amounts with three digits after their only dot: most likely thousands, where no amount has one or two."""
    said = [cell for name in _MONEY for cell in cells.get(name, ()) if cell]
    currency = str(found.table.get("currency", ""))
    odd = next((cell for cell in said if doubt(cell, currency)), "")
    if not odd or "decimal_mark" in found.table:
        return
    if "." in odd and not any(re.search(r"\.\d{1,2}(?!\d)", cell) for cell in said):
        found.table["decimal_mark"] = ","
    found.unsure["decimal_mark"] = f"{odd[:40]!r} may be thousands or have three decimals"


def _states(found: Guess, cells: Sequence[str]) -> None:
    """Status words that nobody knows would hold their sales."""
    if unknown := sorted({cell for cell in cells if cell and state_of(cell, {}) is None}):
        named = ", ".join(repr(word[:30]) for word in unknown[:5])
        found.unsure["status_words"] = f"{named}: say what they mean, or their sales are held"


def _kinds(found: Guess, table: Table, places: Mapping[str, str]) -> str | None:
    """Return the column whose values tell sales from refunds, where none is called so."""
    if "kind" in places:
        return None
    for heading in table.columns:
        said = {cell for cell in _column(found.rows, heading) if cell} if heading not in places.values() else set()
        if said and len(said) <= _FEW_KINDS and any(is_refund(cell) for cell in said):
            return heading
    return None


def _holds_dates(found: Guess, heading: str) -> bool:
    """Whether a column that seems to be times of day holds whole dates."""
    for cell in _column(found.rows, heading)[:20]:
        with suppress(ValueError):
            read_date(cell, "dmy")
            return True
    return False


def _of_tax(found: Guess, options: type[CsvSettings], rows: Sequence[CsvRow]) -> None:
    """Whether prices hold the tax, where the vendor's own export leaves that open."""
    field = options.model_fields.get("prices_include_tax")
    if field is None or field.default is not None or not rows or "total collected" in rows[0].columns:
        return
    if any(cell.strip("0.,") for cell in _column(rows, "taxes")):
        why = "receipts by item do not tell whether prices hold the tax; sales with tax are held until it is said"
        found.set("prices_include_tax", value=False, why=why)


def _readable(cells: Iterable[str], mark: DecimalMark) -> bool:
    try:
        for cell in cells:
            parse_amount(cell, mark)
    except ValueError:
        return False
    return True


def _date_order(cells: Sequence[str]) -> tuple[str, str]:
    """Which of a date's numbers is what, and what is not certain about it."""
    dates = [match for cell in cells if cell and (match := _DATE.match(cell))]
    if not dates:
        return "ymd", "no column of dates could be told" if not cells else "its dates are of a kind that is not known"
    if all(len(date[1]) == 4 for date in dates):
        return "ymd", ""
    first, second = max(int(date[1]) for date in dates), max(int(date[2]) for date in dates)
    if first > 12 >= second:
        return "dmy", ""
    if second > 12 >= first:
        return "mdy", ""
    if first > 12:
        return "dmy", "its dates are not all of one order"
    likely = "mdy" if any(re.search(r"[AaPp][Mm]", cell) for cell in cells) else "dmy"
    return likely, f"no day in it is later than the 12th: {dates[0][0].strip()} may be either way"


def _currency(
    found: Guess, rows: Sequence[CsvRow], cells: Mapping[str, Sequence[str]], columns: Mapping[str, str]
) -> None:
    named = columns.get("currency")
    said = {cell.upper() for cell in _column(rows, named) if cell} if named else set()
    if named and said and all(re.fullmatch(r"[A-Z]{3}", one) for one in said):
        found.set("currency", min(said))  # each row says its own; the config wants one all the same
        return
    marks = "".join(cell for name in _MONEY for cell in cells.get(name, ()))
    for symbol, code in _SYMBOLS.items():
        if symbol in marks:
            found.set("currency", code)
            return
    why = "a dollar sign is that of several currencies" if "$" in marks else "nothing in the file names a currency"
    found.set("currency", "USD", why)


def _tax(found: Guess, rows: Sequence[CsvRow], columns: Mapping[str, str], mark: DecimalMark) -> None:
    """Whether prices hold the tax: as the sales' own totals tell."""
    if "tax" not in columns or not ("total" in columns and "line_total" in columns):
        if "tax" in columns:
            found.set("prices_include_tax", value=False, why="no totals tell whether prices hold the tax")
        return
    group = columns.get("sale_id") or columns.get("receipt")
    sales: dict[str, list[CsvRow]] = {}
    for row in rows:
        sales.setdefault(row.get(group) if group else str(row.line), []).append(row)
    within = outside = both = 0
    for of_one in sales.values():
        sums = [_sum(of_one, columns[name], mark) for name in ("line_total", "tax")]
        stated = _amount(of_one[0].get(columns["total"]), mark)
        within += sums[0] == stated != sums[0] + sums[1]
        outside += sums[0] + sums[1] == stated != sums[0]
        both += not sums[1]
    if within > outside:
        found.set("prices_include_tax", value=True)
    if min(within, outside) or not (within or outside or both):
        why = f"of {len(sales)} sales, {within} add up with the tax in their prices and {outside} with it on top"
        found.set("prices_include_tax", value=within > outside, why=why)


def _sum(rows: Iterable[CsvRow], heading: str, mark: DecimalMark) -> Decimal:
    return total(_amount(row.get(heading), mark) for row in rows)


def _amount(cell: str, mark: DecimalMark) -> Decimal:
    try:
        return parse_amount(cell, mark) or ZERO
    except ValueError:
        return ZERO
