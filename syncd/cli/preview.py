"""``syncd preview``: the payload that would be sent and every decision behind it; nothing is sent or recorded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from syncd.app import App, Till
from syncd.canonical import CanonicalOrder, Fault
from syncd.canonical.money import format_money
from syncd.cli.exits import Exit
from syncd.cli.opening import opened
from syncd.cli.render import notes, out, print_json, table
from syncd.errors import RemoteError, UsageError
from syncd.intake.route import route_sale
from syncd.ledger import State
from syncd.mapping import Declined, Held, Mapped, Matches, map_create
from syncd.sources.base import ReadsFiles

_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Preview:
    """One sale and what would become of it."""

    order: CanonicalOrder
    state: State
    why: str
    mapped: Mapped | None
    there: str


def run_preview(config: Path | None, what: str, source: str | None, as_json: bool) -> Exit:
    """Preview a sales file or a recorded sale."""
    with opened(config) as app:
        faults: list[Fault] = []
        if Path(what).is_file():
            till = _till_for(app, Path(what), source)
            orders = list(_read(till, Path(what), faults))
            store = till.config.common.store
        else:
            sale = app.ledger.sale(what)
            if sale is None or not sale.document:
                raise UsageError(f"{what} is neither a file nor a recorded sale", "List sales with: syncd sales")
            orders, store = [sale.order()], sale.store
        previews = list(_previews(app, store, orders))
        if as_json:
            print_json(
                {"sales": [_document(preview) for preview in previews], "faults": [asdict(fault) for fault in faults]}
            )
        else:
            for preview in previews:
                _show(preview)
            for fault in faults:
                out.print(f"fault at {fault.where}: {fault.reason}", markup=False)
        return Exit.ATTENTION if faults or any(preview.state is not State.PENDING for preview in previews) else Exit.OK


def _till_for(app: App, path: Path, source: str | None) -> Till:
    if source is not None:
        till = app.tills.get(source)
        if till is None or not isinstance(till.source, ReadsFiles):
            raise UsageError(
                f"there is no source {source!r} that reads files", f"Sources are {', '.join(app.tills) or 'none'}."
            )
        return till
    able = [till for till in app.tills.values() if isinstance(till.source, ReadsFiles) and till.source.reads(path)]
    if len(able) != 1:
        names = ", ".join(till.name for till in able) or "none"
        raise UsageError(f"which source reads {path}? able: {names}", "Name one with --source.")
    return able[0]


def _read(till: Till, path: Path, faults: list[Fault]) -> Iterator[CanonicalOrder]:
    assert isinstance(till.source, ReadsFiles)  # noqa: S101  _till_for has just made sure
    for batch in till.source.read_file(path):
        faults.extend(batch.faults)
        yield from batch.orders


def _previews(app: App, store: str, orders: Sequence[CanonicalOrder]) -> Iterator[Preview]:
    for start in range(0, len(orders), _AT_ONCE):
        group = orders[start : start + _AT_ONCE]
        for order, matches in zip(group, _gather(app, store, group), strict=True):
            yield _preview(app, store, order, matches)


def _gather(app: App, store: str, orders: Sequence[CanonicalOrder]) -> Sequence[Matches]:
    try:
        return app.stores[store].matcher.gather(orders)
    except RemoteError as error:
        notes.print(f"{store} cannot be asked ({error.what}): shown as if its catalog were empty.", markup=False)
        return [Matches() for _ in orders]


def _preview(app: App, store: str, order: CanonicalOrder, matches: Matches) -> Preview:
    route = route_sale(order, store, app.clock.now())
    mapped = map_create(order, matches, app.stores[store].settings.rules)
    there = _there(app, order)
    match mapped:
        case Mapped():
            return Preview(order, route.state, route.why, mapped, there)
        case Held(why=why) if route.state is State.PENDING:
            return Preview(order, State.HELD, why, None, there)
        case Declined(why=why) if route.state is State.PENDING:
            return Preview(order, State.REJECTED, why, None, there)
        case _:
            return Preview(order, route.state, route.why, None, there)


def _there(app: App, order: CanonicalOrder) -> str:
    sale = app.ledger.sale(order.sale_key)
    if sale is None:
        return "not recorded yet"
    if sale.order_id is None:
        return f"recorded, {sale.state.value}, not in BigCommerce yet"
    return f"recorded, {sale.state.value}, in BigCommerce as order {sale.order_id}"


def _document(preview: Preview) -> dict[str, object]:
    return {
        "sale": preview.order.sale_key,
        "state": preview.state,
        "why": preview.why,
        "there": preview.there,
        "payload": preview.mapped.payload if preview.mapped else None,
        "decisions": [asdict(decision) for decision in preview.mapped.decisions] if preview.mapped else [],
    }


def _show(preview: Preview) -> None:
    order = preview.order
    total = format_money(order.total_inc_tax, order.currency)
    out.print(f"{order.sale_key}  {total}  -> {preview.state.value}  ({preview.there})", markup=False)
    if preview.why:
        out.print(f"  why: {preview.why}", markup=False)
    if preview.mapped:
        rows = [(decision.about, decision.choice, decision.why) for decision in preview.mapped.decisions]
        out.print(table("", ("part", "becomes", "because"), rows))
        out.print(json.dumps(preview.mapped.payload, indent=2, ensure_ascii=False), markup=False)
