"""What would become of sales: the request that each would cause, and every decision behind it; nothing is sent or recorded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import JsonValue

from syncd.app import App
from syncd.canonical import Batch, CanonicalOrder, Fault, fingerprint
from syncd.canonical.tips import without_tips
from syncd.clock import Now
from syncd.errors import StoreError, SyncdError, UsageError
from syncd.mapping.checkout import CheckoutPlan, finish_body, map_checkout
from syncd.mapping.create import map_create
from syncd.mapping.model import Mapped, MappingNote, Matches, Payload
from syncd.mapping.rules import Occasion, Rules
from syncd.mapping.workflow import WorkflowChoice
from syncd.push.worker.hook import run_hook
from syncd.sale.decide import next_step, status_of
from syncd.sale.requests import needs_look
from syncd.sale.sale import IncomingVersion, new_sale, saying
from syncd.sale.states import AttemptKind, Lane, State
from syncd.sale.steps import Change, CheckoutCall, Create, Observation
from syncd.source_runner import SourceRunner
from syncd.sources import ReadsFiles
from syncd.stores import StoreServices

_AT_ONCE = 200
_MADE_OF = (State.SYNCED, State.HELD)


class Preview(Struct, frozen=True):
    """One sale, the request that it would cause (a kind, a payload), or why none and what to do; ``mapped`` has the decisions."""

    order: CanonicalOrder
    state: State
    why: str
    kind: str
    mapped: Mapped | None
    there: str
    cure: str = ""
    plan: CheckoutPlan | None = None
    store: str = ""

    @property
    def payload(self) -> Payload | None:
        """What would be sent; None where nothing would."""
        return self.mapped.payload if self.kind and self.mapped else None


class PreviewSubject(Struct):
    """What a file, a source or the ledger says: sales, why some are held (by sale id), faults, how many are left out and why."""

    orders: list[CanonicalOrder] = field(default_factory=list)
    holds: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)

    def read(self, till: SourceRunner, path: Path) -> None:
        """Everything in a file."""
        assert isinstance(till.source, ReadsFiles)  # noqa: S101  _till_for has just made sure
        for batch in till.source.read_file(path):
            self.take(batch)

    def take(self, batch: Batch) -> None:
        """Take what a batch says."""
        self.orders += batch.orders
        self.holds |= batch.review_reasons
        self.faults += batch.faults
        self.left_out.update(batch.left_out)

    def of(self, store_of: Callable[[CanonicalOrder], str], store: str) -> PreviewSubject:
        """Return the sales of one store alone."""
        return PreviewSubject([order for order in self.orders if store_of(order) == store], self.holds)


def previews_of(app: App, name: str, found: PreviewSubject, note: Callable[[str], None]) -> Iterator[Preview]:
    """Preview sales that are all one store's; ``note`` hears what the previews had to do without."""
    store, orders = app.stores[name], found.orders
    for start in range(0, len(orders), _AT_ONCE):
        group = [_hooked(store, _by_tips(store, order)) for order in orders[start : start + _AT_ONCE]]
        usable = [order for order in group if isinstance(order, CanonicalOrder)]
        matched = iter(_gather(store, usable, note))
        for order, changed in zip(orders[start : start + _AT_ONCE], group, strict=True):
            if isinstance(changed, CanonicalOrder):
                made = _preview(app, store, changed, next(matched), found.holds.get(order.sale_id, ""))
                yield replace(made, store=name)
            else:
                yield Preview(order, State.HELD, changed.what, "", None, _there(app, order))


def _by_tips(store: StoreServices, order: CanonicalOrder) -> CanonicalOrder:
    return without_tips(order) if store.settings.rules.tips == "note" else order


def _hooked(store: StoreServices, order: CanonicalOrder) -> CanonicalOrder | SyncdError:
    try:
        return run_hook(store.hook, order)
    except UsageError as error:
        return error


def _gather(store: StoreServices, orders: Sequence[CanonicalOrder], note: Callable[[str], None]) -> Sequence[Matches]:
    try:
        return store.matcher.gather(orders, may_create=False)
    except StoreError as error:
        note(f"{store.name} cannot be asked ({error.what}): shown as if its catalog were empty.")
        return [Matches() for _ in orders]


def _preview(app: App, store: StoreServices, order: CanonicalOrder, matches: Matches, hold: str) -> Preview:
    kept, rules, there = app.ledger.sales.get(order.sale_key), store.settings.rules, _there(app, order)
    said = IncomingVersion(order, fingerprint(order), kept, hold)
    sale = saying(kept, said) if kept is not None else new_sale(said, store.name, app.clock.now())
    occasion = Occasion(backfill=sale.lane is Lane.BACKFILL, history=sale.history)
    try:
        if needs_look(sale, order, store.settings.rules):
            seen = store.observer.observe(sale, order, matches, occasion)
        else:
            includes_tax = rules.uses_checkout and store.pricing.includes_tax()
            seen = Observation(order=order, matches=matches, occasion=occasion, includes_tax=includes_tax)
    except StoreError as error:
        return Preview(order, sale.state, f"what BigCommerce has of it cannot be seen: {error.what}", "", None, there)
    step = next_step(sale, store.settings.policy, Now.of(app.clock), said, seen)
    stands = status_of(step)
    if isinstance(step, Create | Change) and step.mapped is not None:
        kind = step.kind.value if isinstance(step, Change) else AttemptKind.CREATE.value
        mapped = step.mapped if isinstance(step, Change) else _with_way(step.mapped, seen, rules)
        return Preview(order, stands.state, stands.why, kind, mapped, there)
    if isinstance(step, CheckoutCall) and (planned := plan_of(seen, rules)) is not None:
        return Preview(
            order, stands.state, stands.why, "checkout", as_mapped(planned, seen, rules), there, plan=planned
        )
    # what the order is, or would be, made of, and why
    whole = map_create(order, matches, rules, occasion) if stands.state in _MADE_OF else None
    made_of = whole if isinstance(whole, Mapped) else None
    return Preview(order, stands.state, stands.why, "", made_of, there, stands.cure)


def plan_of(seen: Observation, rules: Rules) -> CheckoutPlan | None:
    """Return the calls by which a sale goes by the checkout; None where it does not."""
    planned = map_checkout(seen.order, seen.matches, rules, seen.occasion, includes_tax=seen.includes_tax)
    return planned if isinstance(planned, CheckoutPlan) else None


def as_mapped(plan: CheckoutPlan, seen: Observation, rules: Rules) -> Mapped:
    """Return the calls of a checkout by their names, with the decisions behind them."""
    coupons: list[JsonValue] = list(plan.coupons)
    named: Payload = {
        "cart": plan.cart,
        "billing": plan.billing,
        "delivery": plan.delivery,
        "shipping": plan.shipping,
        "discounts": plan.discounts,
        "coupons": coupons,
        "fees": plan.fees,
        "message": plan.message,
    }
    payload: Payload = {name: body for name, body in named.items() if body}
    created = map_create(seen.order, seen.matches, rules, seen.occasion)
    if not isinstance(created, Mapped):
        return Mapped(payload, plan.notes)
    lines = [note for note in created.decisions if note.about != "delivery"]
    return Mapped(payload | {"order": finish_body(created.payload)}, (*plan.notes, *lines))


def _with_way(mapped: Mapped, seen: Observation, rules: Rules) -> Mapped:
    """Add why a sale goes by Orders, in a store where some go by the checkout."""
    if not rules.uses_checkout:
        return mapped
    planned = map_checkout(seen.order, seen.matches, rules, seen.occasion, includes_tax=seen.includes_tax)
    why = planned.why if isinstance(planned, WorkflowChoice) else "its checkout was given up, and it was released"
    return replace(mapped, first=(MappingNote("workflow", "Orders API", why), *mapped.first))


def _there(app: App, order: CanonicalOrder) -> str:
    sale = app.ledger.sales.get(order.sale_key)
    if sale is None:
        return "not recorded yet"
    if sale.order_id is None:
        return f"recorded, {sale.state.value}, not in BigCommerce yet"
    return f"recorded, {sale.state.value}, in BigCommerce as order {sale.order_id}"


def document(preview: Preview) -> dict[str, object]:
    """Return a preview for programs."""
    return {
        "sale": preview.order.sale_key,
        "state": preview.state,
        "why": preview.why,
        "request": preview.kind,
        "there": preview.there,
        "cure": preview.cure,
        "payload": preview.payload,
        "decisions": [decision._asdict() for decision in preview.mapped.decisions] if preview.mapped else [],
    }
