"""Intake: a batch of sales, its faults and its cursor, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, text, update

from syncd import __version__
from syncd.canonical import Batch, CanonicalOrder, fingerprint
from syncd.canonical.fingerprint import is_same_sale
from syncd.clock import Now
from syncd.errors import LedgerError
from syncd.ledger.decisions import Verb
from syncd.ledger.facts import Standing
from syncd.ledger.faults import record_faults, settle_by_sales
from syncd.ledger.moves import SYNCD, columns, settled, write_audit
from syncd.ledger.sale import Judge, Router, Said, Sale, as_text, fact_columns, new_sale, read_sale, saying
from syncd.ledger.schema import attempts, audit, cursors, sales
from syncd.ledger.states import ON_THE_WIRE, Lane, State
from syncd.ledger.times import to_micros

_KEYS_AT_ONCE = 500
_IN_FLIGHT = "changed in the POS while a request was on the wire"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What one batch came to: new and changed sales, sales already known as they are, older versions, those held, new faults.

    ``too_early`` are sales from before the day since which the source's sales are carried: they were left out.
    """

    new: int = 0
    changed: int = 0
    same: int = 0
    held: int = 0
    faults: int = 0
    older: tuple[str, ...] = ()
    too_early: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Intake:
    """Where a batch belongs: its source, the router for its sales, its lane and its backfill.

    Sales that were placed before ``not_before`` and are not known are left out: what is known stays true whatever its age.
    """

    source: str
    router: Router
    lane: Lane
    backfill: int | None
    history: bool = False
    not_before: datetime | None = None


def record(connection: Connection, intake: Intake, batch: Batch, judge: Judge, now: Now) -> Recorded:
    """Write a batch; of one sale that stands in it twice, the newer version counts, else the last."""
    _alone(connection, intake.source)
    said = _newest(batch)
    known = {sale.sale_key: sale for sale in _known(connection, list(said))}
    fresh = [one for key, one in said.items() if key not in known]
    new = [one for one in fresh if intake.not_before is None or one.order.placed_at >= intake.not_before]
    too_early = () if len(new) == len(fresh) else tuple(one.order.sale_key for one in fresh if one not in new)
    moved = [
        replace(one, before=known[key])
        for key, one in said.items()
        if key in known and (_says_more(one, known[key]) or _is_aside(known[key]))
    ]
    older = [one for one in moved if _is_older(connection, one)]
    anew = [one for one in moved if one not in older and _is_read_anew(one)]
    changed = [one for one in moved if one not in older and one not in anew]
    held = _insert(connection, intake, new, judge, now)
    held += sum(_change(connection, one, intake, judge, now) for one in changed)
    _read_anew(connection, anew)
    _promote(connection, intake, [sale.id for sale in known.values() if sale.lane is Lane.BACKFILL])
    settle_by_sales(connection, intake.source, list(said), now.wall)
    faulty = record_faults(connection, intake.source, batch.faults, now.wall)
    if batch.cursor is not None:
        write_cursor(connection, cursor_name(intake.source, intake.backfill), batch.cursor, now.wall)
    same = len(said) - len(fresh) - len(changed) - len(older)
    before = tuple(one.order.sale_key for one in older)
    return Recorded(len(new), len(changed), same, held, faulty, before, too_early)


def _newest(batch: Batch) -> dict[str, Said]:
    said: dict[str, Said] = {}
    for order in batch.orders:
        before = said.get(order.sale_key)
        if before is None or not _precedes(order, before.order.version, before.order.updated_at):
            said[order.sale_key] = Said(order, fingerprint(order), hold=batch.holds.get(order.sale_id, ""))
    return said


def _alone(connection: Connection, source: str) -> None:
    """One intake of a source at a time: two would both find a sale missing and both insert it. SQLite has one writer anyway."""
    if connection.dialect.name == "postgresql":
        key = int.from_bytes(blake2b(f"syncd record {source}".encode(), digest_size=8).digest(), signed=True)
        connection.execute(text("select pg_advisory_xact_lock(:key)"), {"key": key})


def _known(connection: Connection, keys: Sequence[str]) -> Iterable[Sale]:
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        some = sales.c.sale_key.in_(keys[start : start + _KEYS_AT_ONCE])
        yield from map(read_sale, connection.execute(select(sales).where(some).order_by(sales.c.id).with_for_update()))


# Versions


def _is_aside(before: Sale) -> bool:
    return before.decisions.of(Verb.ASIDE) is not None


def _says_more(one: Said, before: Sale) -> bool:
    return (one.fingerprint, one.hold) != (before.fingerprint, before.hold)


def _precedes(order: CanonicalOrder, version: str | None, updated_at: datetime | None) -> bool | None:
    """Whether ``order`` is older than that version; None where neither the POS's versions nor its times tell."""
    if order.version and version and order.version.isdigit() and version.isdigit():
        return int(order.version) < int(version)
    if order.updated_at is not None and updated_at is not None:
        return order.updated_at < updated_at
    return None


def _is_older(connection: Connection, one: Said) -> bool:
    """An older version never replaces a newer one. Where nothing dates them, what a sale has said before is the older one."""
    before = one.before
    assert before is not None  # noqa: S101  only sales that are known are asked about
    precedes = _precedes(one.order, before.version, before.updated_at)
    if precedes is not None:
        return precedes
    return one.fingerprint != before.fingerprint and _said_before(connection, before.id, one.fingerprint)


def _said_before(connection: Connection, sale_id: int, mark: str) -> bool:
    told = select(audit.c.id).where(audit.c.sale_id == sale_id, audit.c.fingerprint == mark).limit(1)
    pushed = select(attempts.c.id).where(attempts.c.sale_id == sale_id, attempts.c.fingerprint == mark).limit(1)
    return connection.execute(told).first() is not None or connection.execute(pushed).first() is not None


def _is_read_anew(one: Said) -> bool:
    """Whether it is the same sale, read by another syncd that makes another fingerprint of it or fills fields that were empty."""
    before = one.before
    assert before is not None  # noqa: S101  only sales that are known are asked about
    if one.hold != before.hold:
        return False
    other_print = before.fingerprint[:1] != one.fingerprint[:1]
    if not other_print and before.read_by in (None, __version__):
        return False
    if before.document is None:  # dropped by retention: what is left of it decides
        said = (one.order.total_inc_tax, one.order.total_tax, one.order.currency, one.order.placed_at)
        return said == (before.total_inc_tax, before.total_tax, before.currency, before.placed_at)
    try:
        return is_same_sale(before.order(), one.order)
    except LedgerError:
        return False


def _read_anew(connection: Connection, anew: Sequence[Said]) -> None:
    rows = []
    for one in anew:
        before = one.before
        assert before is not None  # noqa: S101  as above
        kept = renamed(before, one.fingerprint)
        document = None if before.document is None else one.order.to_json()
        facts = {name: fact_columns(kept)[name] for name in ("told", "objection", "decisions")}
        rows.append({"of_id": before.id, "mark": one.fingerprint, "doc": document, "by": __version__, **facts})
    if rows:
        connection.execute(_REREAD, rows)


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


def renamed(sale: Sale, mark: str) -> Sale:
    """A sale whose present version has another fingerprint from now on: everything that names the old one names the new one."""
    old, belief = sale.fingerprint, sale.belief
    return replace(
        sale,
        fingerprint=mark,
        belief=replace(belief, told=mark) if belief.told == old else belief,
        objection=sale.objection
        and replace(
            sale.objection, fingerprint=mark if sale.objection.fingerprint == old else sale.objection.fingerprint
        ),
        decisions=sale.decisions.renamed(old, mark),
    )


# Rows


def _insert(connection: Connection, intake: Intake, new: Sequence[Said], judge: Judge, now: Now) -> int:
    if not new:
        return 0
    rows, standings = [], []
    for one in new:
        store = intake.router(one.order)
        sale = new_sale(one, store, now.wall, lane=intake.lane, history=intake.history)
        standing = judge(sale, now, one)
        standings.append(standing)
        rows.append(_row(one, settled(sale, standing, now), intake, now))
    connection.execute(insert(sales), rows)
    first = _ids(connection, [one.order.sale_key for one in new])
    audits = [
        _audit(first[one.order.sale_key], None, standing.state, standing.why or "recorded", one, now)
        for one, standing in zip(new, standings, strict=True)
    ]
    write_audit(connection, audits)
    return sum(standing.state is State.HELD for standing in standings)


def _ids(connection: Connection, keys: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(keys), _KEYS_AT_ONCE):
        query = select(sales.c.sale_key, sales.c.id).where(sales.c.sale_key.in_(keys[start : start + _KEYS_AT_ONCE]))
        found.update((row.sale_key, row.id) for row in connection.execute(query))
    return found


def _row(one: Said, sale: Sale, intake: Intake, now: Now) -> dict[str, Any]:
    micros = to_micros(now.wall)
    return {
        "sale_key": sale.sale_key,
        "source": intake.source,
        "store": sale.store,
        "lane": intake.lane.value,
        "recorded_at": micros,
        "backfill": intake.backfill,
        "history": int(intake.history),
        **_said(one, now),
        "state": sale.state.value,
        "why": sale.why,
        "cure": sale.cure,
        "next_attempt_at": None if sale.next_attempt_at is None else to_micros(sale.next_attempt_at),
    }


def _said(one: Said, now: Now) -> dict[str, Any]:
    order = one.order
    return {
        "fingerprint": one.fingerprint,
        "placed_at": to_micros(order.placed_at),
        "changed_at": to_micros(now.wall),
        "currency": order.currency,
        "total_inc_tax": as_text(order.total_inc_tax),
        "total_tax": as_text(order.total_tax),
        "number": order.number,
        "location": order.location.label if order.location else None,
        "register": order.register.label if order.register else None,
        "document": order.to_json(),
        "hold": one.hold or None,
        "returns_of": order.returns_of,
        "version": order.version,
        "updated_at": None if order.updated_at is None else to_micros(order.updated_at),
        "read_by": __version__,
    }


def _audit(  # noqa: PLR0913, PLR0917  a row of six columns
    sale_id: int, before: State | None, after: State, why: str, one: Said, now: Now
) -> dict[str, Any]:
    return {
        "sale_id": sale_id,
        "at": to_micros(now.wall),
        "actor": SYNCD,
        "before": before.value if before else None,
        "after": after.value,
        "why": why,
        "attempt_id": None,
        "fingerprint": one.fingerprint,
    }


def _change(connection: Connection, one: Said, intake: Intake, judge: Judge, now: Now) -> int:
    """A sale says something new: its document always, its standing as its facts call for once nothing is on the wire."""
    before = one.before
    assert before is not None  # noqa: S101  only sales that are known are changed
    values = _said(one, now)
    after, why = before.state, _IN_FLIGHT
    if before.state not in ON_THE_WIRE:
        sale = saying(before, one, values["document"])
        if _is_aside(before):  # its backfill was cancelled; it arrives again, and is this one's now
            sale = replace(sale, decisions=sale.decisions.without(Verb.ASIDE), lane=intake.lane)
            values |= {"lane": intake.lane.value, "backfill": intake.backfill}
        standing: Standing = judge(sale, now, one)
        values |= columns(settled(sale, standing, now), standing, now.wall)
        after, why = standing.state, standing.why or "changed in the POS"
    connection.execute(
        update(sales).where(sales.c.id == before.id, sales.c.state == before.state.value).values(**values)
    )
    write_audit(connection, [_audit(before.id, before.state, after, why, one, now)])
    return int(after is State.HELD)


def _promote(connection: Connection, intake: Intake, ids: Sequence[int]) -> None:
    """A backfilled sale that arrives live as well need not wait behind its backfill."""
    if intake.lane is Lane.LIVE and ids:
        waiting = (sales.c.id.in_(ids), sales.c.state == State.PENDING.value)
        connection.execute(update(sales).where(*waiting).values(lane=Lane.LIVE.value))


def cursor_name(source: str, backfill: int | None) -> str:
    """The name under which a cursor is kept; a backfill walks with one of its own."""
    return source if backfill is None else f"{source}#{backfill}"


def write_cursor(connection: Connection, name: str, cursor: str, now: datetime) -> None:
    """Move a cursor."""
    values = {"cursor": cursor, "at": to_micros(now)}
    if not connection.execute(update(cursors).where(cursors.c.name == name).values(**values)).rowcount:
        connection.execute(insert(cursors).values(name=name, **values))
