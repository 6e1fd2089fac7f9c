"""``sales``, ``sale``, ``faults``: what the ledger knows, for people and for programs."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec.structs import asdict, replace

from syncd.app import App
from syncd.canonical import CanonicalOrder
from syncd.canonical.money import format_money
from syncd.cli.exits import Exit
from syncd.cli.options import sure
from syncd.cli.render import columns, out, print_json, say
from syncd.cli.session import known_source, opened
from syncd.errors import UsageError
from syncd.formatting import amount, count, when
from syncd.ledger import AttemptRow, Selection
from syncd.presentation.explain import FACT_LABELS, facts_in_words, link
from syncd.presentation.search import parse, selection_of
from syncd.presentation.summaries import customer_of, goods_of, paid_with
from syncd.sale.sale import Sale, read_document

_RAW_SHOWN = 300
_FITS = 5


def choose(
    filters: Mapping[str, str | None],
    error: str | None = None,
    keys: Sequence[str] | None = None,
    words: Sequence[str] | None = None,
) -> Selection:
    """Return the sales that the options of a command choose; ``filters`` are those of ``presentation.search``, by name.

    Raises:
        UsageError: a state, a day or an amount that is none.

    """
    search = parse(" ".join(words or ()), {name: value for name, value in filters.items() if value})
    if search.wrong:
        raise UsageError(search.wrong, "Correct it, or leave it out.")
    return replace(selection_of(search, keys or ()), text=error)


def run_sales(config: Path | None, selection: Selection, limit: int, as_json: bool) -> Exit:
    """Show a page of sales: each with its key, never folded, and why it is where it is on a line of its own."""
    with opened(config, existing=True) as app:
        known_source(app, selection.source)
        found = app.ledger.sales.find(selection, limit=limit)
        if as_json:
            print_json([document_of(sale) for sale in found])
        elif out.is_terminal:
            for sale in found:
                _show(sale)
            if not found:
                say("no such sales")
            elif len(found) == limit:
                say(f"The newest {limit} are shown; --limit shows more, and words, --state, --from and others fewer.")
        else:
            head = (
                "sale",
                "state",
                "receipt",
                "placed",
                "total",
                "currency",
                "order",
                "why",
                "customer",
                "goods",
                "paid with",
            )
            columns([_cells(sale) for sale in found], head=head)
        return Exit.OK


def _show(sale: Sale) -> None:
    facts = [sale.state.value, format_money(sale.total_inc_tax, sale.currency)]
    facts += [f"receipt {sale.number}"] if sale.number else []
    facts += [when(sale.placed_here)[:16]]
    facts += [f"order {sale.order_id}"] if sale.order_id else []
    order = read_document(sale.document)
    facts += [told for told in (customer_of(order), goods_of(order)) if told]
    say(f"{sale.sale_key}\n  " + "  ".join(facts) + (f"\n  {sale.why}" if sale.why else ""))


def _cells(sale: Sale) -> tuple[object, ...]:
    total = amount(sale.total_inc_tax, sale.currency)
    placed, order = sale.placed_here.isoformat(), read_document(sale.document)
    return (
        sale.sale_key,
        sale.state.value,
        sale.number or "",
        placed,
        total,
        sale.currency,
        sale.order_id or "",
        sale.why,
        customer_of(order),
        goods_of(order),
        paid_with(order),
    )


def _key_of(app: App, named: str) -> str:
    """Return the key of the one sale that somebody names: by its key, receipt or order number, else by any words.

    Raises:
        UsageError: none fits, or several do.

    """
    overviews = app.ledger.overviews
    ids = overviews.named(named, sorted({*app.config.sources, *app.ledger.sources.names()}), list(app.config.stores))
    found = overviews.page(Selection(ids=ids) if ids else selection_of(parse(named)), _FITS + 1)
    if not found:
        raise UsageError(f"the ledger has no sale {named}", f"List what fits some words with: syncd sales {named}")
    if len(found) > 1:
        keys = ", ".join(sale.sale_key for sale in found[:_FITS]) + (" and more" if len(found) > _FITS else "")
        raise UsageError(f"{named} is said of several sales: {keys}", "Name one of them by its key.")
    return found[0].sale_key


def run_sale(config: Path | None, named: str, as_json: bool) -> Exit:
    """One sale's story."""
    with opened(config, existing=True) as app:
        story = app.ledger.sales.story(named) or app.ledger.sales.story(key := _key_of(app, named))
        if story is None:
            raise UsageError(f"the ledger has no sale {key}", "List keys with: syncd sales")
        if as_json:
            print_json(
                {
                    **document_of(story.sale),
                    "link": link(app, story.sale),
                    "facts": facts_in_words(app, story.sale),
                    "document": _parsed(story.sale.document),
                    "attempts": [asdict(attempt) for attempt in story.attempts],
                    "audit": [asdict(row) for row in story.audit],
                }
            )
            return Exit.OK
        _tell(app, story.sale)
        for attempt in story.attempts:
            say(f"attempt {attempt.id}: {attempt.kind}, {when(attempt.began_at)}: {_ended(attempt)}")
            if attempt.detail:
                say(f"  {attempt.detail}")
        for row in story.audit:
            moved = f"{row.before} -> {row.after}" if row.before and row.before != row.after else row.after
            say(f"{when(row.at)}  {moved}  by {row.actor}" + (f"\n  {row.why}" if row.why else ""))
            for fact in row.changes:
                say(f"    {fact.what}: {fact.before or 'nothing'} -> {fact.after or 'nothing'}")
        return Exit.OK


def _ended(attempt: AttemptRow) -> str:
    parts = [attempt.outcome or "open"]
    parts += [f"HTTP {attempt.status}"] if attempt.status else []
    parts += [f"{attempt.elapsed_s:.3f} s"] if attempt.elapsed_s is not None else []
    parts += [f"request {attempt.request_id}"] if attempt.request_id else []
    return ", ".join(parts)


def _parsed(text: str | None) -> object:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text  # damaged: shown as it is


def _tell(app: App, sale: Sale) -> None:
    say(f"{sale.sale_key}  {sale.state.value}")
    say(
        f"  {format_money(sale.total_inc_tax, sale.currency)}, of which tax {format_money(sale.total_tax, sale.currency)}"
    )
    place = " / ".join(filter(None, (sale.location, sale.register)))
    say(
        f"  placed {when(sale.placed_here)}, business day {sale.business_day}, receipt {sale.number or '-'}"
        + (f", {place}" if place else "")
    )
    if sale.order_id is not None:
        say(f"  order {sale.order_id}: {link(app, sale)}")
    for words in (f"why: {sale.why}" if sale.why else "", f"do: {sale.cure}" if sale.cure else ""):
        if words:
            say(f"  {words}")
    for name, words in facts_in_words(app, sale).items():
        say(f"  {FACT_LABELS[name]}: {words}")
    if (order := read_document(sale.document)) is not None:
        for line in _receipt(order):
            say(f"  {line}")


def _receipt(order: CanonicalOrder) -> list[str]:
    currency = order.currency
    lines = [
        f"  {format(line.quantity, 'f')} x {line.name}  {format_money(line.total_inc_tax, currency)}"
        + (f"  [{line.sku}]" if line.sku else "")
        for line in order.lines
    ]
    lines += [f"  - {one.name}  {format_money(one.amount_inc_tax, currency)}" for one in order.discounts]
    lines += [f"  + {fee.name}  {format_money(fee.total_inc_tax, currency)}" for fee in order.fees]
    lines += [f"  rounding  {format_money(order.rounding, currency)}"] if order.rounding else []
    lines += [f"  paid: {one.label}  {format_money(one.amount, currency)}" for one in order.tenders]
    if order.customer:
        who = f"{order.customer.first_name} {order.customer.last_name}".strip()
        lines.append(f"customer: {', '.join(filter(None, (who, order.customer.company, order.customer.email)))}")
    return lines


def run_faults(  # noqa: PLR0913, PLR0917  one for each option of the command
    config: Path | None, source: str | None, ids: list[int], limit: int, every: bool, as_json: bool
) -> Exit:
    """Show the newest faults that nobody has settled."""
    with opened(config, existing=True) as app:
        known_source(app, source)
        found = app.ledger.sources.faults(source, limit=limit, settled=every)
        found = [fault for fault in found if not ids or fault.id in ids]
        if as_json:
            print_json([asdict(fault) for fault in found])
        elif out.is_terminal:
            for fault in found:
                done = f"  settled by {fault.settled_by}" if fault.settled_by else ""
                say(f"{fault.id}  {fault.source}  {fault.where}  {when(fault.at)[:16]}{done}\n  {fault.reason}")
                if fault.raw:
                    say(f"  | {fault.raw[:_RAW_SHOWN].strip()}")
            if not found:
                say("no open faults")
        else:
            head = ("id", "source", "where", "why", "raw", "settled by")
            columns([(f.id, f.source, f.where, f.reason, f.raw, f.settled_by or "") for f in found], head=head)
        return Exit.ATTENTION if any(fault.settled_at is None for fault in found) else Exit.OK


def run_settle(config: Path | None, source: str | None, ids: list[int], yes: bool, as_json: bool) -> Exit:
    """Settle faults for a person: those that are named, or all open ones."""
    with opened(config, existing=True) as app:
        known_source(app, source)
        if not ids:
            open_ones = app.ledger.sources.open_faults()
            number = open_ones.get(source, 0) if source else sum(open_ones.values())
            sure(f"Settle {count(number, 'open fault')}", yes=yes or number == 0)
        settled = app.ledger.sources.settle_faults(source, ids, f"cli:{getpass.getuser()}")
    if as_json:
        print_json({"settled": settled})
    else:
        say(f"{count(settled, 'fault')} settled")
    return Exit.OK


def document_of(sale: Sale) -> dict[str, object]:
    """Return a sale as JSON shows it."""
    return {
        "sale": sale.sale_key,
        "state": sale.state,
        "store": sale.store,
        "lane": sale.lane,
        "order_id": sale.order_id,
        "placed_at": sale.placed_at,
        "next_attempt_at": sale.next_attempt_at,
        "total_inc_tax": sale.total_inc_tax,
        "total_tax": sale.total_tax,
        "currency": sale.currency,
        "number": sale.number,
        "location": sale.location,
        "register": sale.register,
        "why": sale.why,
        "cure": sale.cure,
    }
