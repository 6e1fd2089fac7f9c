"""The index of words: which sales have which words, so that any word which people have finds a sale among millions.

SQLite keeps it in a full-text table (FTS5), PostgreSQL in text search vectors with an inverted index; both are given words that
are made here (``sale.search_words``), and make none themselves. Sales enter it in the transaction that records them. Those from
before it existed, and any that a syncd without it recorded, are added by ``fill``.

Sources: https://www.sqlite.org/fts5.html, https://www.postgresql.org/docs/current/textsearch.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import partial

from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    table,
    text,
    union,
)
from sqlalchemy.sql.selectable import Select, SelectBase
from sqlalchemy.types import UserDefinedType

from syncd.ledger.rows import read_sales
from syncd.ledger.schema import sales, stores
from syncd.ledger.state import StateRepository
from syncd.ledger.transactions import Transactions
from syncd.sale.sale import Sale, read_document
from syncd.sale.search_words import Term, Token, day_word, terms_of, words_of

MOST_FOUND = 20_000
"""Sales, the newest recorded first, among which a search looks on: by state, store or whatever else is asked for beside words."""
_AT_ONCE = 500
_PLACE, _DONE = "filled up to", "filled once"

_PUT = {
    "sqlite": text("insert into sale_words (rowid, words) values (:id, :words)"),
    "postgresql": text(
        "insert into sale_words (sale_id, words) values (:id, array_to_tsvector(string_to_array(:words, ' ')))"
        " on conflict (sale_id) do update set words = excluded.words"
    ),
}
_DROP = text("delete from sale_words where rowid = :id")
_TABLES = {
    "sqlite": table("sale_words", column("rowid"), column("words")),
    "postgresql": table("sale_words", column("sale_id"), column("words")),
}


class _TsQuery(UserDefinedType[str]):
    """PostgreSQL's type of a search, by name: a shop with a SQLite ledger need not load the whole dialect for it (2 MB)."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TSQUERY"


_AND, _OR = {"sqlite": " AND ", "postgresql": " & "}, {"sqlite": " OR ", "postgresql": " | "}


def index_sales(connection: Connection, found: Iterable[tuple[int, str]], *, is_new: bool = False) -> None:
    """Give sales, by number, the words by which they are found from now on; ``is_new``: they have none yet."""
    rows = [{"id": number, "words": words} for number, words in found]
    if not rows:
        return
    if connection.dialect.name == "sqlite" and not is_new:  # its full-text tables know no upsert
        connection.execute(_DROP, [{"id": row["id"]} for row in rows])
    connection.execute(_PUT[connection.dialect.name], rows)


def index_again(connection: Connection, ids: Sequence[int]) -> None:
    """Index sales, some hundreds of them, by what the ledger keeps of them now: once a document is gone, so are its words."""
    found = read_sales(connection.execute(select(sales).where(sales.c.id.in_(ids))))
    index_sales(connection, [_entry(sale) for sale in found])


def having_words(dialect: str, words: str, days: tuple[date, date] | None = None) -> SelectBase | None:
    """Return the numbers of the sales that have all of some words, as a query; None where there is no word in them.

    They are the newest ``MOST_FOUND`` at most. A word of digits is an order's number as well. ``days`` narrow the search where they
    are a day, a month or a year.
    """
    terms = terms_of(words)
    if not terms:
        return None
    if days is not None and (of_days := day_word(*days)) is not None:
        terms = (*terms, Term(((of_days,),)))
    ways: list[Select[int]] = [_having(dialect, terms)]
    for at, term in enumerate(terms):
        if term.number is not None:
            others = terms[:at] + terms[at + 1 :]
            of_a_store = sales.c.store.in_(select(stores.c.name))  # the index begins with it
            by_order = select(sales.c.id).where(of_a_store, sales.c.order_id == term.number)
            ways.append(by_order.where(sales.c.id.in_(_having(dialect, others))) if others else by_order)
    return union(*ways) if len(ways) > 1 else ways[0]


def _having(dialect: str, terms: Sequence[Term]) -> Select[int]:
    """Return the newest sales that have all of some words, as a query."""
    language = _AND[dialect].join(_either(dialect, term) for term in terms)
    wanted: BindParameter[str] = bindparam("wanted", language, unique=True)
    index = _TABLES[dialect]
    number, words = index.c
    if dialect == "sqlite":
        found = literal_column("sale_words").op("match", is_comparison=True)(wanted)
    else:
        found = words.op("@@", is_comparison=True)(cast(wanted, _TsQuery))
    newest = select(number).where(found).order_by(number.desc()).limit(MOST_FOUND).subquery()
    return select(newest.c[number.name])


def _either(dialect: str, term: Term) -> str:
    ways = (_AND[dialect].join(_token(dialect, token) for token in way) for way in term.alternatives)
    return f"({_OR[dialect].join(f'({way})' for way in ways)})"


def _token(dialect: str, token: Token) -> str:
    """Return a word in the language of a database's searches. It is of letters, digits and underscores alone."""
    if dialect == "sqlite":
        return f'"{token.text}"' + ("*" if token.begins else "")
    return f"'{token.text}'" + (":*" if token.begins else "")


def fill(database: Transactions, goes_on: Callable[[], bool]) -> int:
    """Index the sales that have no words yet, some hundreds a transaction, for as long as it ``goes_on``; return how many."""
    state = StateRepository(database)
    place = int(state.get("search", [_PLACE]).get(_PLACE, "0"))
    added = 0
    while goes_on():
        last = database.read(partial(_last_of, after=place))
        if last is None:
            state.put("search", {_DONE: "yes"})
            break
        missing = database.read(partial(_without_words, after=place, last=last))
        if missing:
            added += database.write(partial(_add_missing, found=missing))
        place = last
        state.put("search", {_PLACE: str(place)})
    return added


def is_filled(database: Transactions) -> bool:
    """Whether the sales from before there was an index are all in it."""
    return bool(StateRepository(database).get("search", [_DONE]))


def _last_of(connection: Connection, after: int) -> int | None:
    some = select(sales.c.id).where(sales.c.id > after).order_by(sales.c.id).limit(_AT_ONCE).subquery()
    return connection.execute(select(func.max(some.c.id))).scalar()


def _without_words(connection: Connection, after: int, last: int) -> list[tuple[Sale, str]]:
    """Return sales of a span of numbers that have no words, and the words that they should have."""
    number = _TABLES[connection.dialect.name].c[0]
    has = set(connection.execute(select(number).where(number > after, number <= last)).scalars())
    rows = connection.execute(select(sales).where(sales.c.id > after, sales.c.id <= last).order_by(sales.c.id))
    return [(sale, _entry(sale)[1]) for sale in read_sales(rows) if sale.id not in has]


def _add_missing(connection: Connection, found: Sequence[tuple[Sale, str]]) -> int:
    """Index sales, but for those that have been indexed, changed or forgotten since they were read."""
    ids = [sale.id for sale, _ in found]
    number = _TABLES[connection.dialect.name].c[0]
    has = set(connection.execute(select(number).where(number.in_(ids))).scalars())
    now = select(sales.c.id, sales.c.fingerprint, sales.c.document.is_(None)).where(sales.c.id.in_(ids))
    same = {(row[0], row[1], bool(row[2])) for row in connection.execute(now.with_for_update())}
    still = [
        (sale.id, words)
        for sale, words in found
        if sale.id not in has and (sale.id, sale.fingerprint, sale.document is None) in same
    ]
    index_sales(connection, still, is_new=True)
    return len(still)


def _entry(sale: Sale) -> tuple[int, str]:
    return sale.id, words_of(sale, read_document(sale.document))
