"""``syncd orders``: BigCommerce's orders themselves: read them, change them, archive them. The ledger learns of each change."""

from __future__ import annotations

import getpass
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer
from rich.progress import Progress

from syncd.app import App
from syncd.bigcommerce.client import OrdersClient, RemoteOrder, Sending
from syncd.bigcommerce.outcome import Accepted, NotSent, Refused, Reply, Unknown
from syncd.canonical.money import format_money
from syncd.cli.exits import Exit
from syncd.cli.render import columns, notes, out, print_json, safe, say
from syncd.cli.session import opened
from syncd.errors import StoreAccessDenied, StoreError, UsageError
from syncd.mapping.formats import status_words
from syncd.stores import StoreServices

_LONGEST_NUMBER = 19
_PARTS = ("products", "shipping_addresses", "coupons", "taxes", "shipments", "messages", "fees")
_AS_ADMIN = Sending(live=True)


def run_show(config: Path | None, store: str | None, which: str, as_json: bool) -> Exit:
    """One order with all that belongs to it."""
    with opened(config) as app:
        shop = one_store(app, store)
        order = _find(app, shop, which)
        whole = {"order": order.raw, **{part: list(shop.orders.sub_resource(order.id, part)) for part in _PARTS}}
        whole["consignments"] = shop.orders.consignments(order.id)
        whole["refunds"] = list(shop.orders.refunds(order.id) or ())
        whole["transactions"] = list(shop.orders.transactions(order.id))
    if as_json:
        print_json(whole)
        return Exit.OK
    say(f"order {order.id}")
    columns([(k, _cell(v)) for k, v in sorted(order.raw.items())], indent="  ")
    for part, items in whole.items():
        if part != "order" and items:
            out.print(f"{part}:", markup=False)
            out.print(safe(json.dumps(items, indent=2, ensure_ascii=False, default=str)), markup=False)
    return Exit.OK


def run_list(config: Path | None, store: str | None, filters: Mapping[str, object], limit: int, as_json: bool) -> Exit:
    """Orders by BigCommerce's own filters."""
    with opened(config) as app:
        shop = one_store(app, store)
        found = list(shop.orders.search(filters, limit))
    if as_json:
        print_json([order.raw for order in found])
        return Exit.OK
    if out.is_terminal:
        for one in found:
            total = format_money(one.total_inc_tax or Decimal(0), one.currency or "USD")
            say(f"{one.id}  {one.external_order_id or 'not made by syncd'}")
            say(f"  {status_words(one.status_id)}  {total}  {one.date_created}")
        return Exit.OK
    rows = [
        (
            o.id,
            o.external_order_id,
            o.date_created,
            status_words(o.status_id),
            o.raw.get("currency_code", ""),
            o.total_inc_tax,
        )
        for o in found
    ]
    columns(rows, head=("order", "sale", "created", "status", "currency", "total"))
    return Exit.OK


def run_update(  # noqa: PLR0913, PLR0917  one for each option of the command
    config: Path | None, store: str | None, which: str, changes: Mapping[str, Any], anyones: bool, dry_run: bool
) -> Exit:
    """Change fields of one order."""
    with opened(config) as app:
        shop = one_store(app, store)
        order = _find(app, shop, which)
        _need_ours(app, shop, [order.id], anyones=anyones)
        if dry_run:
            out.print(f"would change order {order.id}:", markup=False)
            for name, value in changes.items():
                out.print(safe(f"  {name}: {_cell(order.raw.get(name))} -> {_cell(value)}"), markup=False)
            return Exit.OK
        _done(shop.orders.update(order.id, changes, _AS_ADMIN), f"order {order.id}")
        _remember(app, shop, [order.id], f"changed by hand: {', '.join(changes)}")
        out.print(f"order {order.id} changed: {', '.join(changes)}", markup=False)
    return Exit.OK


def run_archive(  # noqa: PLR0913, PLR0917  one for each option of the command
    config: Path | None, store: str | None, ids: Sequence[int], anyones: bool, dry_run: bool, sure: bool
) -> Exit:
    """Archive some orders."""
    with opened(config) as app:
        shop = one_store(app, store)
        _need_ours(app, shop, ids, anyones=anyones)
        if dry_run:
            out.print(f"would archive {len(ids)} orders: {', '.join(map(str, ids))}", markup=False)
            return Exit.OK
        if not sure and not typer.confirm(f"Archive {len(ids)} orders of {shop.name}?", err=True):
            return Exit.USAGE
        _archive(app, shop, ids)
    return Exit.OK


def run_archive_all(config: Path | None, store: str | None, anyones: bool, dry_run: bool, typed: str | None) -> Exit:
    """Archive every order that syncd made, or every order of the store."""
    with opened(config) as app:
        shop = one_store(app, store)
        ids = [] if anyones else _our_ids(app, shop)
        count = shop.orders.count({}) if anyones else len(ids)
        what = "every order of the store" if anyones else "every order that syncd made"
        if dry_run or not count:
            out.print(f"{shop.name}: would archive {what}: {count}", markup=False)
            return Exit.OK
        expected = shop.settings.connection.store_hash
        notes.print(f"This archives {what} in {shop.name}: {count}.", markup=False)
        if (typed if typed is not None else typer.prompt("Type the store hash to go on", err=True)) != expected:
            raise UsageError("that is not the store hash: nothing was archived", f"It is {expected}.")
        if anyones:
            _archive_everything(shop, count)
            _remember(app, shop, _our_ids(app, shop), "archived by hand, with every order of the store")
            out.print(f"{count} orders archived", markup=False)
        else:
            _archive(app, shop, ids)
    return Exit.OK


def _archive_everything(shop: StoreServices, left: int) -> None:
    """One request archives so many and no more: ask until none is left, for as long as they become fewer."""
    while left:
        _done(shop.orders.archive_all(_AS_ADMIN), "every order")
        before, left = left, shop.orders.count({})
        if left >= before:
            raise StoreError(f"{left} orders are still there", "Try again; if it goes on, archive them in BigCommerce.")


def run_statuses(config: Path | None, store: str | None, as_json: bool) -> Exit:
    """Show the store's order statuses, with its own labels."""
    with opened(config) as app:
        found = one_store(app, store).orders.statuses()
    if as_json:
        print_json(found)
    else:
        rows = [(one["id"], one.get("name"), one.get("custom_label") or "") for one in found]
        columns(rows, head=("id", "status", "shown as"))
    return Exit.OK


def one_store(app: App, name: str | None) -> StoreServices:
    """Return the store that a command means.

    Raises:
        UsageError: there are several, or none of that name.

    """
    if name is None and len(app.stores) == 1:
        return next(iter(app.stores.values()))
    if name is None or name not in app.stores:
        raise UsageError(
            "which store?" if name is None else f"there is no store {name!r}",
            f"Name one with --store: {', '.join(app.stores)}.",
        )
    return app.stores[name]


def parse_changes(status: int | None, note: str | None, settings: Sequence[str]) -> dict[str, Any]:
    """Return the fields to change, of the options of ``update``; values are JSON where they can be, else text.

    Raises:
        UsageError: nothing to change, or an option that is no ``field=value``.

    """
    changes: dict[str, Any] = {}
    for text in settings:
        name, sign, value = text.partition("=")
        if not sign or not name.isidentifier():
            raise UsageError(f"{text!r} is not field=value", "Write it as customer_message=Thanks.")
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = value
    changes |= {} if status is None else {"status_id": status}
    changes |= {} if note is None else {"staff_notes": note}
    if not changes:
        raise UsageError("nothing to change", "Name what to change: --status 10, --note TEXT, --set field=value.")
    return changes


def _find(app: App, shop: StoreServices, which: str) -> RemoteOrder:
    is_number = which.isascii() and which.isdigit() and len(which) < _LONGEST_NUMBER
    sale = None if is_number else app.ledger.sales.get(which)
    if sale is not None and sale.order_id is None:
        raise UsageError(f"{which} is {sale.state.value} and has no order", f"See: syncd sale {which}")
    number = int(which) if is_number else sale.order_id if sale else None
    order = shop.orders.get(number) if number is not None else None
    if order is None:
        raise UsageError(f"{shop.name} has no order {which}", "Name it by its number, or by its sale key.")
    return order


def _need_ours(app: App, shop: StoreServices, ids: Sequence[int], *, anyones: bool) -> None:
    ours = {sale.order_id for sale in app.ledger.sales.of_orders(shop.name, ids)}
    if (strange := [number for number in ids if number not in ours]) and not anyones:
        named = ", ".join(map(str, strange))
        raise UsageError(f"syncd did not make order {named}", "Say --any to change it all the same.")


def _our_ids(app: App, shop: StoreServices) -> list[int]:
    linked = app.ledger.sales.linked(shop.name, None, None)
    return [sale.order_id for sale in linked if sale.order_id is not None and sale.returns_of is None]


def _archive(app: App, shop: StoreServices, ids: Sequence[int]) -> None:
    archived: list[int] = []
    try:
        with Progress(console=notes, transient=True) as bar:
            task = bar.add_task("archiving", total=len(ids))
            for number in ids:
                _done(_again(shop.orders, number), f"order {number}")
                archived.append(number)
                bar.advance(task)
    finally:
        _remember(app, shop, archived, "archived by hand")
        out.print(f"{len(archived)} of {len(ids)} orders archived", markup=False)


def _again(orders: OrdersClient, number: int) -> Reply:
    """Ask again, once, for an answer that was lost: archiving twice is harmless."""
    reply = orders.archive(number, _AS_ADMIN)
    return orders.archive(number, _AS_ADMIN) if isinstance(reply.outcome, Unknown | NotSent) else reply


def _remember(app: App, shop: StoreServices, ids: Sequence[int], what: str) -> None:
    if ids:
        app.ledger.sales.remark(shop.name, list(ids), f"cli:{getpass.getuser()}", what)


def _done(reply: Reply, about: str) -> None:
    """Return where the change took effect.

    Raises:
        RemoteError: it did not, or nobody knows.

    """
    outcome = reply.outcome
    match outcome:
        case Accepted():
            return
        case Refused(status=status, words=words):
            raise StoreError(f"BigCommerce refused to change {about} ({status}): {words}")
        case Unknown(why=why):
            raise StoreError(f"whether {about} was changed is unknown: {why}", "Look with: syncd orders show")
        case _:
            why = getattr(outcome, "words", "") or getattr(outcome, "why", "") or "the quota is used up"
            raise StoreAccessDenied(f"{about} was not changed: {why}", "Try again; if it goes on: syncd check")


def _cell(value: object) -> str:
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return "" if value is None else str(value)
