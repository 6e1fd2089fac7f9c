"""A store's catalog as the ledger mirrors it: one row for each variant, found by SKU or UPC, and how far the walk is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, TypeVar

from sqlalchemy import Connection, delete, func, insert, select

from syncd.ledger.rows import change_in, from_micros, rows_in, to_micros
from syncd.ledger.schema import catalog, mirrors

T = TypeVar("T")
Code = Literal["sku", "upc"]


class MirrorRow(NamedTuple):
    """A variant: its codes in the form in which they are compared (empty where it has none), and what a match needs, as text."""

    variant_id: int
    product_id: int
    sku: str
    upc: str
    variant: str


@dataclass(frozen=True, slots=True)
class MirrorWalk:
    """How far the mirror is: the walk's number, the last product id that it has seen (None between walks), what is known.

    ``complete``: one walk has come to its end. ``checked_at``: every change up to then is in the mirror.
    """

    number: int
    last_id: int | None
    complete: bool
    began_at: datetime
    checked_at: datetime


class Run(Protocol):
    """Runs an operation of ours in the ledger: in a transaction, or on a connection that cannot write."""

    def __call__(self, operation: Callable[[Connection], T], /) -> T:
        """Return what the operation returned."""
        ...


class MirrorTables:
    """The mirrors of all stores of a ledger."""

    def __init__(self, write: Run, read: Run) -> None:
        self._write, self._read = write, read

    def walk(self, store: str) -> MirrorWalk | None:
        """How far a store's mirror is; None where there was no walk yet."""
        return self._read(lambda connection: _walk(connection, store))

    def begin(self, store: str, now: datetime) -> MirrorWalk:
        """Start a walk over the whole catalog; what is there stays in use until it ends."""

        def work(connection: Connection) -> MirrorWalk:
            before = _walk(connection, store)
            number = before.number + 1 if before else 1
            made = MirrorWalk(
                number, 0, before.complete if before else False, now, before.checked_at if before else now
            )
            _put_walk(connection, store, made)
            return made

        return self._write(work)

    def put(self, store: str, walk: MirrorWalk, products: Iterable[int], rows: Sequence[MirrorRow]) -> None:
        """Keep a page of products in place of what was known of them, and how far the walk is with it."""

        def work(connection: Connection) -> None:
            of_store = delete(catalog).where(catalog.c.store == store)
            change_in(connection, of_store, catalog.c.product_id, list(products))
            if rows:
                connection.execute(
                    insert(catalog), [{"store": store, "walk": walk.number, **row._asdict()} for row in rows]
                )
            _put_walk(connection, store, walk)

        self._write(work)

    def end(self, store: str, walk: MirrorWalk) -> MirrorWalk:
        """End a walk that has seen every product: drop what it did not see."""
        ended = replace(walk, last_id=None, complete=True, checked_at=max(walk.began_at, walk.checked_at))

        def work(connection: Connection) -> None:
            connection.execute(delete(catalog).where(catalog.c.store == store, catalog.c.walk < walk.number))
            _put_walk(connection, store, ended)

        self._write(work)
        return ended

    def find(self, store: str, by: Code, codes: Sequence[str]) -> dict[str, str]:
        """Return the variant of each code that is there, as it was kept; of several with one code, the oldest."""

        def work(connection: Connection) -> dict[str, str]:
            found: dict[str, str] = {}
            column = catalog.c[by]
            query = select(column.label("code"), catalog.c.variant).where(catalog.c.store == store)
            for row in rows_in(connection, query.order_by(catalog.c.variant_id), column, codes):
                found.setdefault(row.code, row.variant)
            return found

        return self._read(work)

    def drop(self, store: str, by: Code, codes: Sequence[str]) -> None:
        """Forget the variants of ``codes``."""
        of_store = delete(catalog).where(catalog.c.store == store)
        self._write(lambda connection: change_in(connection, of_store, catalog.c[by], codes))

    def count(self, store: str) -> int:
        """How many variants a store's mirror holds."""
        query = select(func.count()).select_from(catalog).where(catalog.c.store == store)
        return self._read(lambda connection: int(connection.execute(query).scalar_one()))


def _walk(connection: Connection, store: str) -> MirrorWalk | None:
    row = connection.execute(select(mirrors).where(mirrors.c.store == store)).one_or_none()
    if row is None:
        return None
    began, checked = from_micros(row.began_at), from_micros(row.checked_at)
    return MirrorWalk(row.walk, row.last_id, bool(row.complete), began, checked)


def _put_walk(connection: Connection, store: str, walk: MirrorWalk) -> None:
    values = {
        "store": store,
        "walk": walk.number,
        "last_id": walk.last_id,
        "complete": int(walk.complete),
        "began_at": to_micros(walk.began_at),
        "checked_at": to_micros(walk.checked_at),
    }
    connection.execute(delete(mirrors).where(mirrors.c.store == store))
    connection.execute(insert(mirrors), values)
