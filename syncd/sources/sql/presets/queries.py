"""A shop's own queries: one for the sales, one for their lines, and one for their payments if there are any.

Columns go by the names of the canonical order. The queries are plain SELECTs without paging, which is wrapped around them.
Source: docs/sources/sql.md.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from sqlalchemy import Connection, Row, String, Subquery, column, select, text, type_coerce
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from syncd.canonical import CanonicalOrder
from syncd.canonical.cents import with_cents_as_rounding
from syncd.canonical.money import ZERO, total
from syncd.sources.documents import Read, Sale, Unreadable
from syncd.sources.errors import Unavailable
from syncd.sources.people import PERSON, people
from syncd.sources.sql.preset import Ask, Axis, Preset, SaleRows, Shop
from syncd.sources.sql.schema import Schema
from syncd.sources.sql.settings import SqlSettings
from syncd.sources.sql.values import decimal, words
from syncd.sources.tenders import kind_of
from syncd.sources.zones import zone

SALES = frozenset(
    [
        "sale_id",
        "placed_at",
        "changed_at",
        "number",
        "status",
        "currency",
        "total",
        "total_tax",
        "tip",
        "rounding",
        "location",
        "location_name",
        "register",
        "cashier",
        "customer_id",
        *PERSON,
        "returns_of",
        "note",
    ]
)
LINES = frozenset(
    [
        "sale_id",
        "line_id",
        "kind",
        "sku",
        "upc",
        "name",
        "variant",
        "quantity",
        "unit",
        "list_price",
        "discount",
        "total_ex_tax",
        "total_inc_tax",
        "tax",
        "tax_name",
        "tax_rate",
        "note",
    ]
)
TENDERS = frozenset(
    ["sale_id", "tender_id", "kind", "label", "amount", "tip", "tendered", "change", "card_brand", "card_last4"]
)
_NEEDED = {"sales": ("sale_id", "placed_at", "total"), "lines": ("sale_id", "name"), "tenders": ("sale_id", "amount")}

_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|`[^`]*`|--[^\n]*|/\*.*?\*/", re.DOTALL)
_WRITES = re.compile(
    r"\b(insert|update|delete|merge|replace\s+into|truncate|drop|alter|create|grant|revoke|call|exec|execute|set|lock|into"
    r"|for\s+(?:no\s+key\s+)?update|for\s+(?:key\s+)?share)\b",
    re.IGNORECASE,
)
_READS = re.compile(r"\s*(select|with)\b", re.IGNORECASE)
_MILLISECONDS = 100_000_000_000


def _only_reads(query: str) -> str:
    """A query that reads: one SELECT. The session and the account are read-only as well; this tells it before they do."""
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


class Options(SqlSettings):
    """``placed_at`` and ``changed_at`` stand in ``timezone`` where their columns name none."""

    queries: Queries
    prices_include_tax: bool = False

    @model_validator(mode="after")
    def _zone_is_said(self) -> Self:
        if self.timezone is None:
            msg = "timezone is required with queries of one's own: UTC, or the till's"
            raise ValueError(msg)
        return self


@dataclass(frozen=True, slots=True)
class _Asked:
    """A query as something to select from, and its columns by lower-case name."""

    rows: Subquery
    columns: Mapping[str, ColumnElement[Any]]

    def only(self, known: Collection[str]) -> list[Any]:
        """The columns that are known, under their names, the sale's id first."""
        names = ["sale_id", *sorted((self.columns.keys() & set(known)) - {"sale_id"})]
        return [self.columns[name].label(name) for name in names]


def prepare(schema: Schema, settings: Options, source: str) -> Ask:
    """What to ask for: the queries, by time.

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
    shop = Shop(source, settings, here, settings.currency or "")
    reading = lambda sale: read_sale(sale, shop, extra)  # noqa: E731  the shop and the columns go with it
    return Ask(sold, key, mark, placed, parts, reading, notes, sure=placed_sure and mark_sure)


def _asked(connection: Connection, name: str, query: str) -> _Asked:
    plain = text(query.replace(":", "\\:"))
    found = connection.execute(select(text("*")).select_from(plain.columns().subquery("q")).where(text("1 = 0"))).keys()
    columns = {one.lower(): column(one, NullType()) for one in found}
    rows = plain.columns(*columns.values()).subquery(name)
    missing = [one for one in _NEEDED[name] if one not in columns]
    if missing:
        what = f"the query for {name} gives no column {', '.join(missing)}; it gives {', '.join(sorted(columns))}"
        raise Unavailable(what, f"Name it: select ... as {missing[0]} ...")
    return _Asked(rows, {one: rows.c[made.name] for one, made in columns.items()})


@dataclass(frozen=True, slots=True)
class _WrittenAxis(Axis):
    """Times that the database keeps as text or numbers, as SQLite does: bound as they are written."""

    separator: str = " "
    per_second: int = 0

    def there(self, at: datetime) -> Any:  # noqa: ANN401  whatever the column holds
        """An aware time as the column writes it."""
        if self.per_second:
            return int(at.timestamp() * self.per_second)
        return at.astimezone(self.zone).replace(tzinfo=None, microsecond=0).isoformat(self.separator)

    def here(self, value: object) -> datetime | None:
        """What the column says, aware."""
        return _moment(value, self.zone, self.per_second or 1)


def _axis(connection: Connection, sales: _Asked, name: str, here: tzinfo) -> tuple[bool, Axis]:
    """How a column writes its times, as its newest row shows, and whether there is a row that shows it."""
    times = sales.columns[name]
    sample = connection.execute(select(times).where(times.is_not(None)).order_by(times.desc()).limit(1)).scalar()
    if isinstance(sample, str):
        separator = "T" if "T" in sample[:11] else " "
        return True, _WrittenAxis(type_coerce(times, String()), here, separator=separator)
    if isinstance(sample, int | float | Decimal):
        return True, _WrittenAxis(times, here, per_second=1000 if sample > _MILLISECONDS else 1)
    aware = isinstance(sample, datetime) and sample.tzinfo is not None
    return sample is not None, Axis(times, here, aware)


def _moment(value: object, here: tzinfo, per_second: int = 1) -> datetime | None:
    """A time of any kind, aware, an hour that happens twice as the first."""
    if isinstance(value, int | float | Decimal):
        scale = 1000 if value > _MILLISECONDS else per_second
        return datetime.fromtimestamp(float(value) / scale, UTC)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo is not None else value.replace(tzinfo=here)


def read_sale(sale: SaleRows, shop: Shop, extra: Collection[str] = ()) -> Read:
    """A sale's rows as a canonical order.

    Raises:
        Unreadable: they do not say what they must.
        pydantic.ValidationError: the same, of a field.

    """
    said = sale.row._mapping  # noqa: SLF001  SQLAlchemy's documented way to a row by name
    placed, assumed = _placed(said.get("placed_at"), shop)
    lines = [_line(number, row, shop) for number, row in enumerate(sale.of("lines"), start=1)]
    tip = decimal(said.get("tip"), ZERO)
    stated = decimal(said.get("total"))
    tax = total(line["total_inc_tax"] - line["total_ex_tax"] for line in lines)
    original = words(said.get("returns_of"))
    fields: dict[str, Any] = {
        "source": shop.source,
        "sale_id": sale.id,
        "number": words(said.get("number")) or None,
        "status": words(said.get("status")).lower() or "completed",
        "placed_at": placed,
        "updated_at": _moment(said.get("changed_at"), shop.zone),
        "currency": words(said.get("currency")).upper() or shop.currency,
        "prices_include_tax": shop.settings.prices_include_tax,
        "location": _named(said.get("location") or shop.settings.location, said.get("location_name")),
        "register": _named(said.get("register")),
        "cashier": _named(said.get("cashier")),
        **people(words(said.get("customer_id")), {name: words(said.get(name)) for name in PERSON}),
        "lines": lines,
        "fees": [{"kind": "tip", "name": "Tip", "total_ex_tax": tip, "total_inc_tax": tip}] if tip else [],
        "tenders": [_tender(row, shop) for row in sale.of("tenders")],
        "returns_of": f"{shop.source}:{original}" if original else None,
        "rounding": decimal(said.get("rounding"), ZERO),
        "note": "; ".join(filter(None, (words(said.get("note")), assumed))),
        "total_inc_tax": stated,
        "total_tax": decimal(said.get("total_tax"), tax),
        "extra": {name: _plain(said[name]) for name in extra if said.get(name) is not None},
    }
    if not fields["currency"]:
        msg = "no currency: give the query a column of that name, or set currency for this source"
        raise Unreadable(msg)
    return Sale(with_cents_as_rounding(CanonicalOrder.model_validate(fields)))


def _placed(value: object, shop: Shop) -> tuple[datetime, str]:
    if isinstance(value, str):
        with suppress(ValueError):
            value = datetime.fromisoformat(value.strip())
    if isinstance(value, datetime) and value.tzinfo is None:
        return shop.time(value)
    at = _moment(value, shop.zone)
    if at is None:
        msg = f"placed_at is no time: {str(value)[:40]!r}"
        raise Unreadable(msg)
    return at, ""


def _line(number: int, row: Row[Any], shop: Shop) -> dict[str, Any]:
    said = row._mapping  # noqa: SLF001  as above
    ex, inc = decimal(said.get("total_ex_tax"), None), decimal(said.get("total_inc_tax"), None)
    tax = decimal(said.get("tax"), None)
    if ex is None and inc is None:
        msg = f"line {number} has neither total_ex_tax nor total_inc_tax"
        raise Unreadable(msg)
    if ex is None or inc is None:
        tax = tax or ZERO
        ex = (inc or ZERO) - tax if ex is None else ex
        inc = ex + tax if inc is None else inc
    tax = inc - ex if tax is None else tax
    included = shop.settings.prices_include_tax
    taxed = {"name": words(said.get("tax_name")) or "Tax", "rate": decimal(said.get("tax_rate"), None), "amount": tax}
    return {
        "line_id": words(said.get("line_id")) or str(number),
        "kind": words(said.get("kind")).lower() or "product",
        "sku": words(said.get("sku")) or None,
        "upc": words(said.get("upc")) or None,
        "name": words(said.get("name")) or words(said.get("sku")) or "Item",
        "variant": words(said.get("variant")) or None,
        "quantity": decimal(said.get("quantity"), Decimal(1)),
        "unit": words(said.get("unit")) or None,
        "total_ex_tax": ex,
        "total_inc_tax": inc,
        "list_price": decimal(said.get("list_price"), None),
        "discount": decimal(said.get("discount"), ZERO),
        "taxes": [{**taxed, "included": included}] if tax else [],
        "note": words(said.get("note")),
    }


def _tender(row: Row[Any], shop: Shop) -> dict[str, Any]:
    said = row._mapping  # noqa: SLF001  as above
    label = words(said.get("label")) or words(said.get("kind")) or "Paid"
    return {
        "id": words(said.get("tender_id")) or None,
        "kind": words(said.get("kind")).lower() or kind_of(label, shop.settings.tenders),
        "label": label,
        "amount": decimal(said.get("amount")),
        "tip": decimal(said.get("tip"), ZERO),
        "tendered": decimal(said.get("tendered"), None),
        "change": decimal(said.get("change"), ZERO),
        "card_brand": words(said.get("card_brand")) or None,
        "card_last4": words(said.get("card_last4")) or None,
    }


def _named(key: object, name: object = None) -> dict[str, Any] | None:
    return {"id": words(key), "name": words(name) or words(key)} if words(key) else None


def _plain(value: object) -> object:
    return value if isinstance(value, str | int | bool) else str(value)


PRESET = Preset("queries", prepare, Options)
