"""Record a batch of sales, its faults and its cursor in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial
from hashlib import blake2b

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, func, insert, select, text, update

from syncd import __version__
from syncd.canonical import Batch
from syncd.canonical.sale_key import LONGEST_KEY
from syncd.clock import Now
from syncd.ledger.faults import record_faults, settle_by_sales
from syncd.ledger.outbox import announce_sales
from syncd.ledger.rows import Part, columns_of, insert_rows, read_sale, rows_in, to_micros
from syncd.ledger.schema import attempts, audit, cursors, sales
from syncd.ledger.screening import held_twins, too_early
from syncd.ledger.search import index_sales
from syncd.ledger.transactions import Transactions
from syncd.ledger.transitions import audit_row, write_audit
from syncd.sale.changes import changes_between
from syncd.sale.events import with_status
from syncd.sale.facts import Status
from syncd.sale.overrides import Verb
from syncd.sale.sale import IncomingVersion, Router, Sale, new_sale, read_document, saying
from syncd.sale.search_words import words_of
from syncd.sale.states import ON_THE_WIRE, Lane, State
from syncd.sale.versions import (
    is_set_aside,
    later_dating,
    newest,
    parts_gone,
    says_more,
    sort_versions,
    with_fingerprint,
)

_IN_FLIGHT = "changed in the POS while a request was on the wire"


class Recorded(Struct, frozen=True):
    """What one batch came to: new, changed, unchanged and held sales, older versions, new faults.

    ``too_early`` are sales from before the day since which the source's sales are carried: they were left out.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    held: int = 0
    faults: int = 0
    older: tuple[str, ...] = ()
    too_early: tuple[str, ...] = ()

    def merge(self, other: Recorded) -> Recorded:
        """Add the counts of both."""
        return Recorded(
            self.new + other.new,
            self.changed + other.changed,
            self.same + other.same,
            self.held + other.held,
            self.faults + other.faults,
            (*self.older, *other.older),
            (*self.too_early, *other.too_early),
        )


class RecordOptions(Struct, frozen=True):
    """Where batches belong: their source, the router for their sales, the lane, and the backfill that they are part of.

    New sales from before ``not_before`` are left out, and counted, but for those whose store has an order of them;
    ``longest_keys`` are the lengths to which keys were cut there. ``just_asked``: the source says what the POS says now, so that
    it is newer than what the POS said before without a date; what is posted to us may be an old delivery that is repeated.
    ``keys``: the name in its sale keys, where that is not its own. ``holds_twins``: the stores by whose rules a sale that looks
    like another one is held; ``tips_in_note``: those whose orders leave tips out (intake takes them out).
    """

    source: str
    router: Router
    lane: Lane = Lane.LIVE
    backfill: int | None = None
    history: bool = False
    not_before: datetime | None = None
    longest_keys: Collection[int] = (LONGEST_KEY,)
    just_asked: bool = False
    keys: str = ""
    holds_twins: Collection[str] = ()
    tips_in_note: Collection[str] = ()

    def key_of(self, sale_id: str) -> str:
        """Return the sale key of a sale of this source."""
        return f"{self.keys or self.source}:{sale_id}"


def record(connection: Connection, batch: Batch, options: RecordOptions, database: Transactions, now: Now) -> Recorded:
    """Record a batch; of a sale that is in it twice, the newer version counts, else the last."""
    _lock_source(connection, options.source)
    said = newest(batch, batch.stated_at or (now.wall if options.just_asked else None))
    known = {sale.sale_key: sale for sale in _known(connection, list(said))}
    _add_parts_gone(connection, said, known)
    said |= held_twins(connection, options, said, known)
    versions = sort_versions(said.values(), known, partial(_was_said_before, connection), __version__)
    early = too_early(connection, options, versions.new)
    new = [one for one in versions.new if one.order.sale_key not in early]
    held = _insert(connection, options, new, database, now)
    held += sum(_change(connection, one, options, database, now) for one in versions.changed)
    _write_anew(connection, versions.read_anew)
    _write_datings(connection, [replace(one, before=known[key]) for key, one in said.items() if key in known])
    _promote(connection, options, [sale.id for sale in known.values() if sale.lane is Lane.BACKFILL])
    settle_by_sales(connection, options.source, list(said), now.wall)
    faulty = record_faults(connection, (options.source, options.keys or options.source), batch.faults, now.wall)
    if batch.cursor is not None:
        write_cursor(connection, cursor_name(options.source, options.backfill), batch.cursor, now.wall)
    same = len(versions.same) + len(versions.read_anew)
    older = tuple(one.order.sale_key for one in versions.older)
    return Recorded(len(new), len(versions.changed), same, held, faulty, older, tuple(early))


def _add_parts_gone(connection: Connection, said: dict[str, IncomingVersion], known: dict[str, Sale]) -> None:
    """Void the returns that a changed document no longer brings."""
    changed = [one for key, one in said.items() if key in known and says_more(one, known[key])]
    for one, part in parts_gone(changed, partial(_known, connection)):
        if part.sale_key not in said:
            said[part.sale_key], known[part.sale_key] = one, part


def _lock_source(connection: Connection, source: str) -> None:
    """Lock a source: two writers would both find a sale missing and both insert it. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        key = int.from_bytes(blake2b(f"syncd record {source}".encode(), digest_size=8).digest(), signed=True)
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": key})


def _known(connection: Connection, keys: Sequence[str]) -> Iterable[Sale]:
    query = select(sales).order_by(sales.c.id).with_for_update()
    return map(read_sale, rows_in(connection, query, sales.c.sale_key, keys))


def _was_said_before(connection: Connection, one: IncomingVersion) -> bool:
    before = one.before
    assert before is not None  # noqa: S101  only sales that are known are asked about
    told = select(audit.c.id).where(audit.c.sale_id == before.id, audit.c.fingerprint == one.fingerprint).limit(1)
    pushed = select(attempts.c.id).where(attempts.c.sale_id == before.id, attempts.c.fingerprint == one.fingerprint)
    return connection.execute(told).first() is not None or connection.execute(pushed.limit(1)).first() is not None


def _write_anew(connection: Connection, anew: Sequence[IncomingVersion]) -> None:
    rows = []
    for one in anew:
        before = one.before
        assert before is not None  # noqa: S101  as above
        kept = with_fingerprint(before, one.fingerprint)
        document = None if before.document is None else one.document or one.order.to_json()
        written = columns_of(kept, Part.FACT)
        facts = {name: written[name] for name in ("told", "objection", "decisions")}
        rows.append({"of_id": before.id, "mark": one.fingerprint, "doc": document, "by": __version__, **facts})
    if rows:
        connection.execute(_REREAD, rows)


def _write_datings(connection: Connection, again: Sequence[IncomingVersion]) -> None:
    rows = []
    for one in again:
        if one.before is not None and (kept := later_dating(one)) is not None:
            at = [None if moment is None else to_micros(moment) for moment in (kept.updated_at, kept.stated_at)]
            rows.append({"of_id": one.before.id, "version_": kept.version, "updated": at[0], "stated": at[1]})
    if rows:
        connection.execute(_DATE, rows)


_DATE = (
    update(sales)
    .where(sales.c.id == bindparam("of_id"))
    .values(version=bindparam("version_"), updated_at=bindparam("updated"), stated_at=bindparam("stated"))
)
_REREAD = (
    update(sales)
    .where(sales.c.id == bindparam("of_id"))
    .values(
        fingerprint=bindparam("mark"),
        document=bindparam("doc"),
        read_by=bindparam("by"),
        told=bindparam("told"),
        objection=bindparam("objection"),
        decisions=bindparam("decisions"),
    )
)


# Rows


def _insert(
    connection: Connection, options: RecordOptions, new: Sequence[IncomingVersion], database: Transactions, now: Now
) -> int:
    if not new:
        return 0
    rows, made, words = [], [], []
    for one in new:
        store = options.router(one.order)
        document = one.document or one.order.to_json()
        lane, history = options.lane, options.history
        sale = new_sale(one, store, now.wall, lane=lane, history=history, document=document, read_by=__version__)
        status = database.decider(sale, now, one)
        sale = with_status(sale, status, now)
        made.append((sale, status))
        words.append(words_of(sale, one.order))
        row = columns_of(sale, Part.IDENTITY, Part.VERSION, Part.STATUS)
        rows.append({**row, "source": options.source, "backfill": options.backfill, "returns_of": sale.returns_of})
    before = _last_id(connection)
    insert_rows(connection, sales, rows)
    first = _ids_after(connection, before, {one.order.sale_key for one in new})
    audits = [
        audit_row(
            first[one.order.sale_key],
            (None, status.state),
            status.why or "recorded",
            now.wall,
            fingerprint=one.fingerprint,
        )
        for one, (_, status) in zip(new, made, strict=True)
    ]
    write_audit(connection, audits)
    index_sales(connection, [(row["sale_id"], said) for row, said in zip(audits, words, strict=True)], is_new=True)
    if database.events:
        with_ids = [(None, replace(sale, id=first[sale.sale_key])) for sale, _ in made]
        announce_sales(connection, database, with_ids, now)
    return sum(status.state is State.HELD for _, status in made)


def _last_id(connection: Connection) -> int:
    return connection.execute(_LAST).scalar() or 0


def _ids_after(connection: Connection, last: int, keys: AbstractSet[str]) -> dict[str, int]:
    """Return the ids of sales that were inserted since ``last`` was the last of all; others may insert at the same time."""
    return {key: number for key, number in connection.execute(_SINCE, {"last": last}) if key in keys}


_LAST = select(func.max(sales.c.id))
_SINCE = select(sales.c.sale_key, sales.c.id).where(sales.c.id > bindparam("last"))


def _change(
    connection: Connection, one: IncomingVersion, options: RecordOptions, database: Transactions, now: Now
) -> int:
    """Give a sale its new version; decide its status too, unless a request is being sent."""
    before = one.before
    assert before is not None  # noqa: S101  only sales that are known are changed
    sale = saying(before, one, one.document or one.order.to_json(), __version__)
    values = {**columns_of(sale, Part.VERSION), "returns_of": sale.returns_of, "changed_at": to_micros(now.wall)}
    after, why = before.state, _IN_FLIGHT
    if before.state not in ON_THE_WIRE:
        if is_set_aside(before):  # its backfill was cancelled; it arrives again, and is this one's now
            sale = replace(sale, overrides=sale.overrides.without(Verb.ASIDE), lane=options.lane)
            values |= {"lane": options.lane.value, "backfill": options.backfill}
        status: Status = database.decider(sale, now, one)
        sale = with_status(sale, status, now)
        values |= columns_of(sale, Part.STATUS, Part.FACT)
        after, why = status.state, status.why or "changed in the POS"
    connection.execute(
        update(sales).where(sales.c.id == before.id, sales.c.state == before.state.value).values(**values)
    )
    index_sales(connection, [(before.id, words_of(sale, one.order))])
    changes = changes_between(read_document(before.document), one.order)
    states = (before.state, after)
    row = audit_row(before.id, states, why, now.wall, fingerprint=one.fingerprint, changes=changes)
    write_audit(connection, [row])
    if database.events and after is not before.state:
        announce_sales(connection, database, [(before, sale)], now)
    return int(after is State.HELD)


def _promote(connection: Connection, options: RecordOptions, ids: Sequence[int]) -> None:
    """Move backfilled sales that arrive live as well to the live lane."""
    if options.lane is Lane.LIVE and ids:
        waiting = (sales.c.id.in_(ids), sales.c.state == State.PENDING.value)
        connection.execute(update(sales).where(*waiting).values(lane=Lane.LIVE.value))


def cursor_name(source: str, backfill: int | None) -> str:
    """Return the name under which a cursor is kept; a backfill has its own."""
    return source if backfill is None else f"{source}#{backfill}"


def write_cursor(connection: Connection, name: str, cursor: str, now: datetime) -> None:
    """Move a cursor."""
    values = {"cursor": cursor, "at": to_micros(now)}
    if not connection.execute(update(cursors).where(cursors.c.name == name).values(**values)).rowcount:
        connection.execute(insert(cursors).values(name=name, **values))
