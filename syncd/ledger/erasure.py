"""Forgets a person: what their sales said, and every word of them in stories, faults and look-ups. Keys, totals and order ids stay.

A sale keeps its fingerprint, so that its export, read again, is known and brings nothing back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Connection, Table, delete, func, or_, select, update

from syncd.canonical import CanonicalOrder
from syncd.ledger.outbox import forget_in_outbox
from syncd.ledger.rows import change_in, chunked
from syncd.ledger.schema import attempts, audit, cache, faults, sales
from syncd.ledger.search import index_again
from syncd.ledger.transactions import Transactions
from syncd.sale.sale import read_document
from syncd.sale.states import State

_AT_ONCE = 200
_SETTLED = (State.SYNCED.value, State.SKIPPED.value)
_SHORTEST = 5  # a word that is shorter may be anybody's


class Person(Struct, frozen=True):
    """The sales of a person: those that can be forgotten, those that are still to be dealt with, and the words for the person."""

    settled: tuple[int, ...]
    still_open: tuple[str, ...]
    words: tuple[str, ...]


class Forgotten(Struct, frozen=True):
    """What was forgotten, in rows."""

    sales: int
    stories: int
    faults: int
    look_ups: int


def find_person(connection: Connection, email: str | None, keys: Sequence[str]) -> Person:
    """Return the person with an e-mail address (whatever its case), or of some sales."""
    query = select(sales.c.id, sales.c.sale_key, sales.c.state, sales.c.document)
    if email is not None:
        query = query.where(func.lower(sales.c.document).contains(email.lower(), autoescape=True))
    else:
        query = query.where(sales.c.sale_key.in_(keys))
    settled, still_open = list[int](), list[str]()
    words: dict[str, None] = {} if email is None else {email: None}
    for row in connection.execute(query):
        order = read_document(row.document)
        if email is not None and (order is None or email.casefold() not in _addresses(order)):
            continue  # it holds the address within another, or within other words
        if order is not None:
            words |= dict.fromkeys(_words(order))
        if row.state in _SETTLED:
            settled.append(row.id)
        else:
            still_open.append(row.sale_key)
    return Person(tuple(settled), tuple(still_open), tuple(word for word in words if len(word) >= _SHORTEST))


def forget_person(database: Transactions, person: Person) -> Forgotten:
    """Forget what can be forgotten of a person, some sales a transaction."""
    gone = stories = 0
    for some in chunked(person.settled, _AT_ONCE):
        dropped, cleared = database.write(partial(_forget_sales, ids=some, words=person.words))
        gone, stories = gone + dropped, stories + cleared
    unread, look_ups = database.write(partial(_forget_beside, words=person.words))
    return Forgotten(gone, stories, unread, look_ups)


def _addresses(order: CanonicalOrder) -> set[str]:
    """Return the e-mail addresses of a sale's people, case-folded."""
    people = (order.customer, order.billing, order.shipping)
    return {str(one.email).casefold() for one in people if one is not None and one.email}


def _words(order: CanonicalOrder) -> Iterable[str]:
    who = order.customer
    if who is None:
        return ()
    return (who.email, who.phone, f"{who.first_name} {who.last_name}".strip())


def _holds(column: Column[Any], words: Sequence[str]) -> ColumnElement[bool]:
    return or_(*(func.lower(column).contains(word.lower(), autoescape=True) for word in words))


def _says(text: object, words: Sequence[str]) -> bool:
    """Whether a text has one of the words as a whole: ``ann@x.com`` is not in ``joann@x.com``."""
    said = str(text or "")
    return any(re.search(rf"(?<![\w.+-]){re.escape(word)}(?![\w-])", said, re.IGNORECASE) for word in words)


def _forget_sales(connection: Connection, ids: Sequence[int], words: Sequence[str]) -> tuple[int, int]:
    blank = dict.fromkeys(("document", "hold", "objection", "doubt"))
    gone = connection.execute(update(sales).where(sales.c.id.in_(ids)).values(**blank, why="", cure="")).rowcount
    index_again(connection, ids)
    forget_in_outbox(connection, ids)
    connection.execute(update(audit).where(audit.c.sale_id.in_(ids), audit.c.changes.is_not(None)).values(changes=None))
    if not words:
        return gone, 0
    cleared = _clear(connection, attempts, attempts.c.detail, ids, words) + _clear(
        connection, audit, audit.c.why, ids, words
    )
    return gone, cleared


def _clear(connection: Connection, table: Table, column: Column[Any], ids: Sequence[int], words: Sequence[str]) -> int:
    which = (table.c.sale_id.in_(ids), _holds(column, words))
    found = connection.execute(select(table.c.id, column).where(*which)).all()
    named = [row[0] for row in found if _says(row[1], words)]
    return connection.execute(update(table).where(table.c.id.in_(named)).values({column.name: "forgotten"})).rowcount


def _forget_beside(connection: Connection, words: Sequence[str]) -> tuple[int, int]:
    if not words:
        return 0, 0
    held = select(faults.c.id, faults.c.raw, faults.c.reason).where(
        or_(_holds(faults.c.raw, words), _holds(faults.c.reason, words))
    )
    named = [row.id for row in connection.execute(held) if _says(row.raw, words) or _says(row.reason, words)]
    cleared = change_in(connection, update(faults).values(raw="", reason="forgotten"), faults.c.id, named)
    looked = select(cache).where(or_(_holds(cache.c.code, words), _holds(cache.c.value, words)))
    dropped = 0
    for row in connection.execute(looked).all():
        if _says(row.code, words) or _says(row.value, words):
            one = (cache.c.store == row.store, cache.c.kind == row.kind, cache.c.code == row.code)
            dropped += connection.execute(delete(cache).where(*one)).rowcount
    return cleared, dropped
