"""``status``, ``sales``, ``sale``, ``faults``, and what people do to sales: ``retry``, ``skip``, ``release``."""

from __future__ import annotations

import getpass
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from syncd.canonical.money import format_money
from syncd.cli.exits import Exit
from syncd.cli.opening import opened
from syncd.cli.render import out, print_json, table, when
from syncd.errors import UsageError
from syncd.ledger import Sale, Selection, State
from syncd.service.health import read_health

_LISTED = 1000


def choose(
    keys: list[str] | tuple[str, ...] | None, state: str | None, source: str | None, error: str | None, day: str | None
) -> Selection:
    """The sales that the options of a command choose.

    Raises:
        UsageError: a state or a day that does not exist.

    """
    if state is not None and state not in {known.value for known in State}:
        raise UsageError(f"there is no state {state!r}", f"States are {', '.join(known.value for known in State)}.")
    start = end = None
    if day is not None:
        try:
            start = datetime.combine(date.fromisoformat(day), time(), UTC)
        except ValueError:
            raise UsageError(f"{day!r} is not a day", "Write it as 2026-11-23.") from None
        end = start + timedelta(days=1)
    return Selection(
        keys=tuple(keys or ()),
        state=State(state) if state else None,
        source=source,
        text=error,
        day_from=start,
        day_to=end,
    )


def run_status(config: Path | None, as_json: bool) -> Exit:
    """Counts by store and state, lag, pauses."""
    with opened(config) as app:
        now = app.clock.now()
        rows = []
        for name in app.stores:
            counts: dict[State, int] = dict.fromkeys(State, 0)
            for (_store, _lane, state), count in app.ledger.counts(name).items():
                counts[state] += count
            lag = app.ledger.lag(name)
            paused = app.ledger.store_state(name)
            rows.append((name, counts, lag, paused))
        if as_json:
            print_json(
                [
                    {
                        "store": name,
                        "sales": {state.value: count for state, count in counts.items()},
                        "oldest_pending": lag.oldest_pending,
                        "newest_synced": lag.newest_synced,
                        "paused": paused.paused_why,
                    }
                    for name, counts, lag, paused in rows
                ]
            )
        else:
            columns = ("store", *(state.value for state in State), "oldest pending", "newest synced")
            cells = [
                (name, *counts.values(), when(lag.oldest_pending, now), when(lag.newest_synced, now))
                for name, counts, lag, _ in rows
            ]
            out.print(table("", columns, cells, numbers=columns[1:-2]))
            for name, _, _, paused in rows:
                if paused.paused_why:
                    out.print(f"{name} is paused: {paused.paused_why}\n  {paused.cure}", markup=False)
        attention = any(counts[State.HELD] or counts[State.REJECTED] for _, counts, _, _ in rows)
        return Exit.REMOTE if any(p.paused_why for *_, p in rows) else Exit.ATTENTION if attention else Exit.OK


def run_healthy(config: Path | None, as_json: bool) -> Exit:
    """Whether the daemon did its work lately; for container health checks and monitors."""
    with opened(config) as app:
        health = read_health(app.ledger)
        if health is None:
            lines = ["no daemon has reported on this ledger yet: start it with syncd run"]
        else:
            lines = health.unwell(app.clock.now(), app.config.service.healthy_within)
        if as_json:
            print_json({"healthy": not lines, "problems": lines})
        else:
            out.print("\n".join(lines) or "healthy", markup=False)
        return Exit.ATTENTION if lines else Exit.OK


def run_sales(config: Path | None, selection: Selection, limit: int, as_json: bool) -> Exit:
    """A page of sales."""
    with opened(config) as app:
        found = app.ledger.find(selection, limit=limit)
        if as_json:
            print_json([_document(sale) for sale in found])
            return Exit.OK
        rows = [
            (
                s.sale_key,
                s.state.value,
                when(s.placed_at),
                format_money(s.total_inc_tax, s.currency),
                s.order_id or "-",
                s.why,
            )
            for s in found
        ]
        out.print(table("", ("sale", "state", "placed", "total", "order", "why"), rows, numbers=("total", "order")))
        if len(found) == limit:
            out.print(
                f"The newest {limit} are shown; --limit shows more, --state, --source, --day and --error narrow it down."
            )
        return Exit.OK


def run_sale(config: Path | None, key: str, as_json: bool) -> Exit:
    """One sale's story."""
    with opened(config) as app:
        story = app.ledger.story(key)
        if story is None:
            raise UsageError(f"the ledger has no sale {key}", "List keys with: syncd sales")
        if as_json:
            print_json(
                {
                    **_document(story.sale),
                    "document": story.sale.order() if story.sale.document else None,
                    "attempts": [asdict(attempt) for attempt in story.attempts],
                    "audit": [asdict(row) for row in story.audit],
                }
            )
            return Exit.OK
        _tell(story.sale)
        rows = [
            (
                a.id,
                a.kind,
                when(a.began_at),
                a.outcome or "open",
                a.status or "-",
                a.request_id or "-",
                f"{a.elapsed_s or 0:.3f}",
                a.detail,
            )
            for a in story.attempts
        ]
        out.print(
            table("Attempts", ("id", "kind", "began", "outcome", "HTTP", "request id", "seconds", "detail"), rows)
        )
        audit = [(when(row.at), row.actor, row.before or "-", row.after, row.why) for row in story.audit]
        out.print(table("What happened", ("at", "who", "from", "to", "why"), audit))
        return Exit.OK


def _tell(sale: Sale) -> None:
    lines = [
        f"{sale.sale_key}  {sale.state.value}" + (f"  order {sale.order_id}" if sale.order_id else ""),
        (
            f"  {format_money(sale.total_inc_tax, sale.currency)}, tax {format_money(sale.total_tax, sale.currency)},"
            f" placed {when(sale.placed_at)}, receipt {sale.number or '-'}, {sale.location or '-'} / {sale.register or '-'}"
        ),
    ]
    lines += [f"  why: {sale.why}"] if sale.why else []
    lines += [f"  cure: {sale.cure}"] if sale.cure else []
    if sale.document:
        lines += [
            f"    {line.quantity} x {line.name}  {format_money(line.total_inc_tax, sale.currency)}"
            + (f"  [{line.sku}]" if line.sku else "")
            for line in sale.order().lines
        ]
    out.print("\n".join(lines), markup=False)


def run_faults(config: Path | None, source: str | None, as_json: bool) -> Exit:
    """The newest faults."""
    with opened(config) as app:
        found = app.ledger.faults(source, limit=_LISTED)
        if as_json:
            print_json([asdict(fault) for fault in found])
        else:
            rows = [(f.source, when(f.at), f.where, f.reason, f.raw[:120]) for f in found]
            out.print(table("", ("source", "seen", "where", "why", "raw"), rows))
        return Exit.ATTENTION if found else Exit.OK


def run_action(action: str, config: Path | None, selection: Selection, reason: str, as_json: bool) -> Exit:
    """Retry, skip or release the chosen sales; says which moved and which could not."""
    if not (selection.keys or selection.state or selection.source or selection.text or selection.day_from):
        raise UsageError(f"{action} which sales?", f"Name keys, or choose with options: syncd {action} --help")
    with opened(config) as app:
        actor = f"cli:{getpass.getuser()}"
        if action == "skip":
            done = app.ledger.skip(selection, actor, reason)
        else:
            done = app.ledger.retry(selection, actor) if action == "retry" else app.ledger.release(selection, actor)
        if as_json:
            print_json({"moved": list(done.moved), "refused": [{"sale": key, "why": why} for key, why in done.refused]})
        else:
            out.print(f"{action}: {len(done.moved)} sale{'' if len(done.moved) == 1 else 's'}", markup=False)
            for key, why in done.refused:
                out.print(f"  not {key}: {why}", markup=False)
        return Exit.ATTENTION if done.refused else Exit.OK


def _document(sale: Sale) -> dict[str, object]:
    return {
        "sale": sale.sale_key,
        "state": sale.state,
        "store": sale.store,
        "lane": sale.lane,
        "order_id": sale.order_id,
        "placed_at": sale.placed_at,
        "total_inc_tax": sale.total_inc_tax,
        "total_tax": sale.total_tax,
        "currency": sale.currency,
        "number": sale.number,
        "location": sale.location,
        "register": sale.register,
        "why": sale.why,
        "cure": sale.cure,
    }
