"""A shop's own queries: one for the sales, one for their lines, and one for their payments if there are any.

Columns go by the names of the canonical order. The queries are plain SELECTs without paging, which is wrapped around them.
Source: docs/sources/sql.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from datetime import datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Self

from msgspec import Struct
from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from sqlalchemy import Connection, Row, String, Subquery, column, select, text, type_coerce
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from syncd.sources.errors import SourceUnavailable
from syncd.sources.named_values import LINES, MILLISECONDS, SALES, TENDERS, About, moment_of, read_named
from syncd.sources.records import ParsedSale, ParseResult
from syncd.sources.sql.preset import Axis, RowQuery, SaleRows, SqlPreset
from syncd.sources.sql.schema import Schema
from syncd.sources.sql.settings import SqlSettings
from syncd.sources.zones import zone

_NEEDED = {"sales": ("sale_id", "placed_at", "total"), "lines": ("sale_id", "name"), "tenders": ("sale_id", "amount")}

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WRITES = re.compile(
    r"\b(insert|update|delete|merge|replace\s+into|truncate|drop|alter|create|grant|revoke|call|exec|execute|set|lock|into"
    r"|for\s+(?:no\s+key\s+)?update|for\s+(?:key\s+)?share)\b",
    re.IGNORECASE,
)
_READS = re.compile(r"(select|with)\b", re.IGNORECASE)


def _only_reads(query: str) -> str:
    """Check that a query reads: one SELECT. Session and account are read-only as well; this says so before they do."""
    bare = _QUOTED.sub(" ", query).strip().rstrip(";")
    if ";" in bare or not _READS.match(bare):
        msg = "must be one SELECT (or WITH ... SELECT), without a semicolon"
        raise ValueError(msg)
    if found := _WRITES.search(bare):
        msg = f"must only read, and says {found[0].upper()}"
        raise ValueError(msg)
    return query.strip().rstrip(";")


Query = Annotated[str, AfterValidator(_only_reads)]


class Queries(BaseModel):
    """The three queries."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sales: Query
    lines: Query
    tenders: Query | None = None


class QueriesOptions(SqlSettings):
    """``placed_at`` and ``changed_at`` stand in ``timezone`` where their columns name none."""

    queries: Queries
    prices_include_tax: bool = False

    @model_validator(mode="after")
    def _zone_is_said(self) -> Self:
        if self.timezone is None:
            msg = "timezone is required with queries of one's own: UTC, or the till's"
            raise ValueError(msg)
        return self


class _Asked(Struct, frozen=True):
    """A query as something to select from, and its columns by lower-case name."""

    rows: Subquery
    columns: Mapping[str, ColumnElement[Any]]

    def only(self, known: Collection[str]) -> list[Any]:
        """Return the columns that are known, under their names, the sale's id first."""
        names = ["sale_id", *sorted((self.columns.keys() & set(known)) - {"sale_id"})]
        return [self.columns[name].label(name) for name in names]


def prepare(schema: Schema, settings: QueriesOptions, source: str) -> RowQuery:
    """Return what to ask for: the queries, by time.

    Raises:
        Unavailable: a query lacks a column that it must have.

    """
    connection, queries = schema.connection, settings.queries
    sales, lines = _asked(connection, "sales", queries.sales), _asked(connection, "lines", queries.lines)
    here = zone(settings.timezone or "UTC")
    placed_sure, placed = _axis(connection, sales, "placed_at", here)
    mark_sure, mark = _axis(connection, sales, "changed_at", here) if "changed_at" in sales.columns else (True, placed)
    key = sales.columns["sale_id"]
    sold = select(key, mark.column.label("mark"), placed.column.label("placed"), *sales.only(sales.columns)[1:])
    order = [lines.columns[name] for name in ("sale_id", "line_id") if name in lines.columns]
    parts: dict[str, Any] = {"lines": (select(*lines.only(LINES)).order_by(*order), lines.columns["sale_id"])}
    unused = [f"lines.{name}" for name in sorted(lines.columns.keys() - LINES)]
    if queries.tenders is not None:
        paid = _asked(connection, "tenders", queries.tenders)
        parts["tenders"] = (select(*paid.only(TENDERS)), paid.columns["sale_id"])
        unused += [f"tenders.{name}" for name in sorted(paid.columns.keys() - TENDERS)]
    extra = sorted(sales.columns.keys() - SALES)
    notes = (f"columns that nothing is done with: {', '.join(unused)}",) if unused else ()
    about = About(
        source,
        here,
        settings.currency or "",
        settings.location,
        settings.prices_include_tax,
        settings.tenders,
        extra,
        settings.ambiguous_hour,
        settings.skipped_hour,
    )
    reading = lambda sale: _read(sale, about)  # noqa: E731  what the config says goes with it
    return RowQuery(sold, key, mark, placed, parts, reading, notes, sure=placed_sure and mark_sure)


def _asked(connection: Connection, name: str, query: str) -> _Asked:
    plain = text(query.replace(":", "\\:"))
    found = connection.execute(select(text("*")).select_from(plain.columns().subquery("q")).where(text("1 = 0"))).keys()
    columns = {one.lower(): column(one, NullType()) for one in found}
    rows = plain.columns(*columns.values()).subquery(name)
    missing = [one for one in _NEEDED[name] if one not in columns]
    if missing:
        what = f"the query for {name} gives no column {', '.join(missing)}; it gives {', '.join(sorted(columns))}"
        raise SourceUnavailable(what, f"Name it: select ... as {missing[0]} ...")
    return _Asked(rows, {one: rows.c[made.name] for one, made in columns.items()})


class _WrittenAxis(Axis, frozen=True):
    """Times that the database keeps as text or numbers, as SQLite does: bound as they are written."""

    separator: str = " "
    per_second: int = 0

    def there(self, at: datetime) -> Any:  # noqa: ANN401  whatever the column holds
        """Return an aware time as the column writes it."""
        if self.per_second:
            return int(at.timestamp() * self.per_second)
        return at.astimezone(self.zone).replace(tzinfo=None, microsecond=0).isoformat(self.separator)

    def here(self, value: object) -> datetime | None:
        """Return what the column says, aware."""
        return moment_of(value, self.zone, self.per_second or 1)


def _axis(connection: Connection, sales: _Asked, name: str, here: tzinfo) -> tuple[bool, Axis]:
    """How a column writes its times, as its newest row shows, and whether there is a row that shows it."""
    times = sales.columns[name]
    sample = connection.execute(select(times).where(times.is_not(None)).order_by(times.desc()).limit(1)).scalar()
    if isinstance(sample, str):
        separator = "T" if "T" in sample[:11] else " "
        return True, _WrittenAxis(type_coerce(times, String()), here, separator=separator)
    if isinstance(sample, int | float | Decimal):
        return True, _WrittenAxis(times, here, per_second=1000 if sample > MILLISECONDS else 1)
    aware = isinstance(sample, datetime) and sample.tzinfo is not None
    return sample is not None, Axis(times, here, aware)


def _read(sale: SaleRows, about: About) -> ParseResult:
    lines, tenders = ([_named(row) for row in sale.of(part)] for part in ("lines", "tenders"))
    return ParsedSale(read_named({**_named(sale.row), "sale_id": sale.id}, lines, tenders, about))


def _named(row: Row[Any]) -> Mapping[str, Any]:
    return {str(name): value for name, value in row._mapping.items()}  # noqa: SLF001  SQLAlchemy's documented way to a row by name


PRESET = SqlPreset("queries", prepare, QueriesOptions)
