"""What was looked up in stores: the mirror of each catalog (one row a variant, and how far its walk is), and a cache of answers.

The cache holds look-ups only: whatever in it is old may be forgotten at any time. What must last is ``state``'s.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, delete, func, insert, select

from syncd.ledger.rows import change_in, from_micros, rows_in, to_micros
from syncd.ledger.schema import cache, catalog, mirrors
from syncd.ledger.transactions import Repository, reads, writes

Code = Literal["sku", "upc"]
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


class MirrorRow(NamedTuple):
    """A variant: its codes in the form in which they are compared (empty where it has none), and what a match needs, as text."""

    variant_id: int
    product_id: int
    sku: str
    upc: str
    variant: str


class MirrorWalk(Struct, frozen=True):
    """How far the mirror is: the walk's number, the last product id that it has seen (None between walks), what is known.

    ``complete``: one walk has come to its end. ``checked_at``: every change up to then is in the mirror.
    """

    number: int
    last_id: int | None
    complete: bool
    began_at: datetime
    checked_at: datetime


class CatalogRepository(Repository):
    """The mirrors of all stores, and what else was looked up in them."""

    @reads
    def walk(self, connection: Connection, store: str) -> MirrorWalk | None:
        """Return how far a store's mirror is; None where there was no walk yet."""
        return _walk(connection, store)

    @writes
    def begin_walk(self, connection: Connection, store: str, now: datetime) -> MirrorWalk:
        """Start a walk over the whole catalog; what is there stays in use until it ends."""
        before = _walk(connection, store)
        made = MirrorWalk(1, 0, complete=False, began_at=now, checked_at=now)
        if before is not None:
            made = MirrorWalk(before.number + 1, 0, before.complete, now, before.checked_at)
        _put_walk(connection, store, made)
        return made

    @writes
    def put_page(
        self, connection: Connection, store: str, walk: MirrorWalk, products: Iterable[int], rows: Sequence[MirrorRow]
    ) -> None:
        """Keep a page of products in place of what was known of them, and how far the walk is with it."""
        of_store = delete(catalog).where(catalog.c.store == store)
        change_in(connection, of_store, catalog.c.product_id, list(products))
        if rows:
            values = [{"store": store, "walk": walk.number, **row._asdict()} for row in rows]
            connection.execute(insert(catalog), values)
        _put_walk(connection, store, walk)

    @writes
    def end_walk(self, connection: Connection, store: str, walk: MirrorWalk) -> MirrorWalk:
        """End a walk that has seen every product: drop what it did not see."""
        ended = replace(walk, last_id=None, complete=True, checked_at=max(walk.began_at, walk.checked_at))
        connection.execute(delete(catalog).where(catalog.c.store == store, catalog.c.walk < walk.number))
        _put_walk(connection, store, ended)
        return ended

    @reads
    def find_variants(self, connection: Connection, store: str, by: Code, codes: Sequence[str]) -> dict[str, str]:
        """Return the variant of each code that is there, as it was kept; of several with one code, the oldest."""
        found: dict[str, str] = {}
        column = catalog.c[by]
        query = select(column.label("code"), catalog.c.variant).where(catalog.c.store == store)
        for row in rows_in(connection, query.order_by(catalog.c.variant_id), column, codes):
            found.setdefault(row.code, row.variant)
        return found

    @writes
    def drop_variants(self, connection: Connection, store: str, by: Code, codes: Sequence[str]) -> None:
        """Forget the variants of ``codes``."""
        change_in(connection, delete(catalog).where(catalog.c.store == store), catalog.c[by], codes)

    @reads
    def count_variants(self, connection: Connection, store: str) -> int:
        """Count the variants in a store's mirror."""
        query = select(func.count()).select_from(catalog).where(catalog.c.store == store)
        return int(connection.execute(query).scalar_one())

    # Look-ups, by store and kind; a kept None is a known miss

    @reads
    def lookups(
        self, connection: Connection, store: str, kind: str, codes: Sequence[str], *, younger_than: datetime = _EVER
    ) -> dict[str, str | None]:
        """Return what is kept of ``codes``, and is no older than that."""
        young = (cache.c.store == store, cache.c.kind == kind, cache.c.at > to_micros(younger_than))
        query = select(cache.c.code, cache.c.value).where(*young)
        return {row.code: row.value for row in rows_in(connection, query, cache.c.code, codes)}

    @writes
    def keep_lookups(self, connection: Connection, store: str, kind: str, values: Mapping[str, str | None]) -> None:
        """Keep look-ups, over what was kept before."""
        _drop_lookups(connection, store, kind, list(values))
        at = to_micros(self.database.clock.now())
        rows = [
            {"store": store, "kind": kind, "code": code, "value": value, "at": at} for code, value in values.items()
        ]
        if rows:
            connection.execute(insert(cache), rows)

    @writes
    def drop_lookups(self, connection: Connection, store: str, kind: str, codes: Sequence[str]) -> None:
        """Forget look-ups."""
        _drop_lookups(connection, store, kind, codes)

    @writes
    def prune_lookups(self, connection: Connection, older_than: datetime) -> int:
        """Forget every look-up that is older; return how many they were."""
        return connection.execute(delete(cache).where(cache.c.at < to_micros(older_than))).rowcount


def _drop_lookups(connection: Connection, store: str, kind: str, codes: Sequence[str]) -> None:
    change_in(connection, delete(cache).where(cache.c.store == store, cache.c.kind == kind), cache.c.code, codes)


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
