"""``syncd preview``: the payload that would be sent and every decision behind it; nothing is sent or recorded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path

from msgspec.structs import asdict

from syncd.app import App
from syncd.canonical.money import ZERO, format_money
from syncd.cli.exits import Exit
from syncd.cli.render import notes, print_json, say
from syncd.cli.session import opened
from syncd.errors import UsageError
from syncd.formatting import count
from syncd.presentation.preview import Preview, PreviewSubject, document, previews_of
from syncd.push.dry_cart import dry_cart
from syncd.sale.checkout_steps import difference
from syncd.sale.states import State
from syncd.source_runner import SourceRunner
from syncd.sources import HasFolder, ReadsFiles

_FAULTS_SHOWN = 10
_BECOMES = {"pending": "pushed", "synced": "left as they are", "held": "held", "skipped": "skipped"}
_WELL = (State.PENDING, State.SYNCED)


def run_preview(  # noqa: PLR0913  each is an option of the command
    config: Path | None, what: str, source: str | None, *, every: bool, as_json: bool, dry: bool = False
) -> Exit:
    """Preview a sales file or a recorded sale: of a file a summary and its first sale, or ``every`` one.

    ``dry``: ask the store for its totals of the first sale that goes by the checkout, in a cart that is deleted again.
    """
    with opened(config) as app:
        found = PreviewSubject()
        if Path(what).is_file():
            till = _till_for(app, Path(what), source)
            found.read(till, Path(what))
            route = till.config.common
            parts = [(store, found.of(route.store_of, store)) for store in route.all_stores]
        else:
            sale = app.ledger.sales.get(what)
            if sale is None or not sale.document:
                raise UsageError(f"{what} is neither a file nor a recorded sale", "List sales with: syncd sales")
            found.orders, parts = [sale.order()], [(sale.store, found)]
            found.holds[sale.order().sale_id] = sale.source_hold
        previews = [one for store, part in parts for one in previews_of(app, store, part, note)]
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
        if dry:
            return _dry(app, previews)
        return Exit.ATTENTION if found.faults or any(preview.state not in _WELL for preview in previews) else Exit.OK


def _dry(app: App, previews: Sequence[Preview]) -> Exit:
    """Fill a cart with the first sale that goes by the checkout, say what the store makes of it, and delete it."""
    first = next((one for one in previews if one.plan is not None), None)
    if first is None or first.plan is None:
        raise UsageError("none of these sales goes by the checkout", 'The preview says why: look at "workflow".')
    services, currency = app.stores[first.store], first.order.currency
    found = dry_cart(services.checkouts, first.plan)
    if found.left:
        note(f"The cart {found.left} could not be deleted: delete it in BigCommerce, for its customer may be mailed.")
    if found.refused:
        say(f"{first.order.sale_key}: the store takes no such cart ({found.refused})")
        return Exit.ATTENTION
    words = difference(found.checkout, first.plan, services.settings.rules.checkout, currency)
    total, tax = found.checkout.grand_total or ZERO, found.checkout.tax_total or ZERO
    say(
        f"{first.order.sale_key}: the store makes it {format_money(total, currency)}, tax {format_money(tax, currency)}"
    )
    say(words or "  as the till does; the cart is deleted again")
    return Exit.ATTENTION if words else Exit.OK


def note(words: str) -> None:
    """Something beside the preview itself."""
    notes.print(words, markup=False)


def _till_for(app: App, path: Path, source: str | None) -> SourceRunner:
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


def _summary(what: str, previews: Sequence[Preview], found: PreviewSubject) -> None:
    """Sum a file up in a few lines: how many sales would become what, their sum, what cannot be read, what is left out."""
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
    """Show a preview to people."""
    order = preview.order
    total = format_money(order.total_inc_tax, order.currency)
    say(f"{order.sale_key}  {total}  {_BECOMES.get(preview.state.value, preview.state.value)}  ({preview.there})")
    if preview.kind and preview.kind != "create":
        say(f"  request: {preview.kind}")
    if preview.why:
        say(f"  {preview.why}")
    if not preview.kind:
        say("  nothing would be sent" + (f"; {preview.cure}" if preview.cure else ""))
    if preview.mapped:
        for decision in preview.mapped.decisions:
            say(f"  {decision.about}: {decision.choice}\n    {decision.why}")
    if preview.payload is not None:
        say(json.dumps(preview.payload, indent=2, ensure_ascii=False), wrap=False)
