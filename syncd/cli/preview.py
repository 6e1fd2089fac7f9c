"""``syncd preview``: the payload that would be sent and every decision behind it; nothing is sent or recorded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path

from syncd.app import App, Till
from syncd.canonical import Batch, CanonicalOrder, Fault, fingerprint
from syncd.canonical.money import format_money
from syncd.cli.exits import Exit
from syncd.cli.opening import opened
from syncd.cli.render import count, notes, print_json, say
from syncd.clock import Now
from syncd.errors import RemoteError, SyncdError, UsageError
from syncd.ledger import Kind, Lane, Said, State, new_sale, saying
from syncd.mapping import Mapped, Matches, Occasion, map_create
from syncd.plan import Change, Create, next_step, standing
from syncd.push.hook import run_hook
from syncd.sources import HasFolder, ReadsFiles
from syncd.stores import Store

_AT_ONCE = 200
_FAULTS_SHOWN = 10
_BECOMES = {"pending": "pushed", "synced": "left as they are", "held": "held", "skipped": "skipped"}
_WELL = (State.PENDING, State.SYNCED)
_MADE_OF = (State.SYNCED, State.HELD)


@dataclass(frozen=True, slots=True)
class Preview:
    """One sale, the request that it would cause (a kind and a payload with its decisions), or why none."""

    order: CanonicalOrder
    state: State
    why: str
    kind: str
    mapped: Mapped | None
    there: str


def run_preview(config: Path | None, what: str, source: str | None, *, every: bool, as_json: bool) -> Exit:
    """Preview a sales file or a recorded sale: of a file a summary and its first sale, or ``every`` one."""
    with opened(config) as app:
        found = Found()
        if Path(what).is_file():
            till = _till_for(app, Path(what), source)
            found.read(till, Path(what))
            route = till.config.common
            parts = [(store, found.of(route.store_of, store)) for store in route.all_stores]
        else:
            sale = app.ledger.sale(what)
            if sale is None or not sale.document:
                raise UsageError(f"{what} is neither a file nor a recorded sale", "List sales with: syncd sales")
            found.orders, parts = [sale.order()], [(sale.store, found)]
            found.holds[sale.order().sale_id] = sale.hold
        previews = [one for store, part in parts for one in previews_of(app, store, part)]
        if as_json:
            print_json(
                {
                    "sales": [document(preview) for preview in previews],
                    "faults": [asdict(fault) for fault in found.faults],
                    "left_out": found.left_out,
                }
            )
        else:
            if Path(what).is_file():
                _summary(what, previews, found)
            for preview in previews if every else previews[:1]:
                show(preview)
            if len(previews) > 1 and not every:
                say(f"The first of {len(previews)} sales is shown; --all shows every one.")
        return Exit.ATTENTION if found.faults or any(preview.state not in _WELL for preview in previews) else Exit.OK


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
        if not able:
            takes = [
                till
                for till in app.tills.values()
                if isinstance(till.source, HasFolder) and till.source.takes(path.name)
            ]
            if len(takes) == 1:
                return takes[0]  # reading it will say what is wrong with it
        names = ", ".join(till.name for till in able) or "none"
        raise UsageError(f"which source reads {path}? able: {names}", "Name one with --source.")
    return able[0]


@dataclass(slots=True)
class Found:
    """What a file, a source or the ledger says: sales, why some are held (by sale id), faults, how many are left out and why."""

    orders: list[CanonicalOrder] = field(default_factory=list)
    holds: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def read(self, till: Till, path: Path) -> None:
        """Everything in a file."""
        assert isinstance(till.source, ReadsFiles)  # noqa: S101  _till_for has just made sure
        for batch in till.source.read_file(path):
            self.take(batch)

    def take(self, batch: Batch) -> None:
        """What a batch says."""
        self.orders += batch.orders
        self.holds |= batch.holds
        self.faults += batch.faults
        self.left_out.update(batch.left_out)

    def of(self, store_of: Callable[[CanonicalOrder], str], store: str) -> Found:
        """The sales of one store alone."""
        return Found([order for order in self.orders if store_of(order) == store], self.holds)


def previews_of(app: App, name: str, found: Found) -> Iterator[Preview]:
    """What would become of the sales, all of them one store's."""
    store, orders = app.stores[name], found.orders
    for start in range(0, len(orders), _AT_ONCE):
        group = [_hooked(store, order) for order in orders[start : start + _AT_ONCE]]
        usable = [order for order in group if isinstance(order, CanonicalOrder)]
        matched = iter(_gather(store, usable))
        for order, changed in zip(orders[start : start + _AT_ONCE], group, strict=True):
            if isinstance(changed, CanonicalOrder):
                yield _preview(app, store, changed, next(matched), found.holds.get(order.sale_id, ""))
            else:
                yield Preview(order, State.HELD, changed.what, "", None, _there(app, order))


def _hooked(store: Store, order: CanonicalOrder) -> CanonicalOrder | SyncdError:
    try:
        return run_hook(store.hook, order)
    except UsageError as error:
        return error


def _gather(store: Store, orders: Sequence[CanonicalOrder]) -> Sequence[Matches]:
    try:
        return store.matcher.gather(orders, may_create=False)
    except RemoteError as error:
        notes.print(f"{store.name} cannot be asked ({error.what}): shown as if its catalog were empty.", markup=False)
        return [Matches() for _ in orders]


def _preview(app: App, store: Store, order: CanonicalOrder, matches: Matches, hold: str) -> Preview:
    kept, rules, there = app.ledger.sale(order.sale_key), store.settings.rules, _there(app, order)
    said = Said(order, fingerprint(order), kept, hold)
    sale = saying(kept, said) if kept is not None else new_sale(said, store.name, app.clock.now())
    occasion = Occasion(backfill=sale.lane is Lane.BACKFILL, history=sale.history)
    try:
        seen = store.observer.see(sale, order, matches, occasion)
    except RemoteError as error:
        return Preview(order, sale.state, f"what BigCommerce has of it cannot be seen: {error.what}", "", None, there)
    step = next_step(sale, store.settings.ground, Now.of(app.clock), said, seen)
    stands = standing(step)
    if isinstance(step, Create | Change) and step.mapped is not None:
        kind = step.kind.value if isinstance(step, Change) else Kind.CREATE.value
        return Preview(order, stands.state, stands.why, kind, step.mapped, there)
    # what the order is, or would be, made of, and why
    whole = map_create(order, matches, rules, occasion) if stands.state in _MADE_OF else None
    return Preview(order, stands.state, stands.why, "", whole if isinstance(whole, Mapped) else None, there)


def _there(app: App, order: CanonicalOrder) -> str:
    sale = app.ledger.sale(order.sale_key)
    if sale is None:
        return "not recorded yet"
    if sale.order_id is None:
        return f"recorded, {sale.state.value}, not in BigCommerce yet"
    return f"recorded, {sale.state.value}, in BigCommerce as order {sale.order_id}"


def document(preview: Preview) -> dict[str, object]:
    """A preview for programs."""
    return {
        "sale": preview.order.sale_key,
        "state": preview.state,
        "why": preview.why,
        "request": preview.kind,
        "there": preview.there,
        "payload": preview.mapped.payload if preview.mapped else None,
        "decisions": [decision._asdict() for decision in preview.mapped.decisions] if preview.mapped else [],
    }


def _summary(what: str, previews: Sequence[Preview], found: Found) -> None:
    """A file in a few lines: how many sales would become what, their sum, what cannot be read, what is left out."""
    sums: dict[str, Decimal] = {}
    for preview in previews:
        sums[preview.order.currency] = sums.get(preview.order.currency, Decimal(0)) + preview.order.total_inc_tax
    totals = ", ".join(format_money(amount, currency) for currency, amount in sums.items())
    say(f"{what}: {count(len(previews), 'sale')}" + (f", {totals}" if totals else ""))
    for state, number in Counter(preview.state.value for preview in previews).items():
        say(f"  {number:,} would be {_BECOMES.get(state, state)}")
    for why, number in found.left_out.items():
        say(f"  {number:,} {why} left out")
    if faults := found.faults:
        say(f"  {count(len(faults), 'fault')}:")
    for fault in faults[:_FAULTS_SHOWN]:
        say(f"    {fault.where}: {fault.reason}")
    if len(faults) > _FAULTS_SHOWN:
        say(f"    and {len(faults) - _FAULTS_SHOWN} more")


def show(preview: Preview) -> None:
    """A preview for people."""
    order = preview.order
    total = format_money(order.total_inc_tax, order.currency)
    say(f"{order.sale_key}  {total}  {_BECOMES.get(preview.state.value, preview.state.value)}  ({preview.there})")
    if preview.kind and preview.kind != "create":
        say(f"  request: {preview.kind}")
    if preview.why:
        say(f"  {preview.why}")
    if preview.mapped:
        for decision in preview.mapped.decisions:
            say(f"  {decision.about}: {decision.choice}\n    {decision.why}")
        say(json.dumps(preview.mapped.payload, indent=2, ensure_ascii=False), wrap=False)
