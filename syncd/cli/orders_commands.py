"""The options of ``syncd orders`` and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

orders = typer.Typer(no_args_is_help=True, help="BigCommerce's orders themselves: show, list, update, archive.")

Config = Annotated[Path | None, typer.Option("--config", "-c", help="Config file.")]
StoreName = Annotated[str | None, typer.Option("--store", help="Which store, where there are several.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Which = Annotated[str, typer.Argument(help="An order's number, or a sale key.")]
Anyones = Annotated[bool, typer.Option("--any", help="Also orders that syncd did not make.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")]


@orders.command()
def show(which: Which, config: Config = None, store: StoreName = None, as_json: AsJson = False) -> None:
    """One order with its products, addresses, fees, refunds, transactions and all else that belongs to it.

    Example: syncd orders show till:1001
    """
    from syncd.cli.orders import run_show

    raise typer.Exit(run_show(config, store, which, as_json))


@orders.command(name="list")
def list_(  # noqa: PLR0913, PLR0917  BigCommerce's own filters, one option each
    config: Config = None,
    store: StoreName = None,
    min_id: Annotated[int | None, typer.Option("--min-id")] = None,
    max_id: Annotated[int | None, typer.Option("--max-id")] = None,
    min_total: Annotated[str | None, typer.Option("--min-total")] = None,
    max_total: Annotated[str | None, typer.Option("--max-total")] = None,
    customer: Annotated[int | None, typer.Option("--customer", help="A customer's number.")] = None,
    email: Annotated[str | None, typer.Option("--email")] = None,
    status: Annotated[int | None, typer.Option("--status", help="A status's number.")] = None,
    cart: Annotated[str | None, typer.Option("--cart")] = None,
    payment_method: Annotated[str | None, typer.Option("--payment-method")] = None,
    created_from: Annotated[str | None, typer.Option("--from", help="Created on or after, e.g. 2026-11-01.")] = None,
    created_to: Annotated[str | None, typer.Option("--to", help="Created on or before.")] = None,
    modified_from: Annotated[str | None, typer.Option("--modified-from")] = None,
    modified_to: Annotated[str | None, typer.Option("--modified-to")] = None,
    channel: Annotated[int | None, typer.Option("--channel")] = None,
    key: Annotated[str | None, typer.Option("--key", help="A sale key (external_order_id).")] = None,
    archived: Annotated[bool, typer.Option("--archived", help="Archived orders instead of the others.")] = False,
    sort: Annotated[str, typer.Option("--sort", help="id:desc, date_created:asc, ...")] = "id:desc",
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """Orders by BigCommerce's own filters, newest first.

    Example: syncd orders list --status 11 --from 2026-11-01
    """
    from syncd.cli.orders import run_list

    asked = {
        "min_id": min_id, "max_id": max_id, "min_total": min_total, "max_total": max_total, "customer_id": customer,
        "email": email, "status_id": status, "cart_id": cart, "payment_method": payment_method,
        "min_date_created": created_from, "max_date_created": created_to, "min_date_modified": modified_from,
        "max_date_modified": modified_to, "channel_id": channel, "external_order_id": key, "sort": sort,
        "is_deleted": "true" if archived else None,
    }  # fmt: skip
    filters = {name: value for name, value in asked.items() if value is not None}
    raise typer.Exit(run_list(config, store, filters, limit, as_json))


@orders.command()
def update(  # noqa: PLR0913, PLR0917  one for each option
    which: Which,
    config: Config = None,
    store: StoreName = None,
    status: Annotated[int | None, typer.Option("--status", help="The status's number; syncd orders statuses.")] = None,
    note: Annotated[str | None, typer.Option("--note", help="The staff notes, as a whole.")] = None,
    settings: Annotated[list[str] | None, typer.Option("--set", help="field=value; JSON, or text.")] = None,
    anyones: Anyones = False,
    dry_run: DryRun = False,
) -> None:
    """Change fields of an order. A change from the POS respects it later, as it does any change by staff.

    Example: syncd orders update till:1001 --status 11 --dry-run
    """
    from syncd.cli.orders import parse_changes, run_update

    changes = parse_changes(status, note, settings or [])
    raise typer.Exit(run_update(config, store, which, changes, anyones, dry_run))


@orders.command()
def archive(  # noqa: PLR0913, PLR0917  one for each option
    ids: Annotated[list[int], typer.Argument(min=1, max=2**63 - 1, help="Order numbers.")],
    config: Config = None,
    store: StoreName = None,
    anyones: Anyones = False,
    dry_run: DryRun = False,
    sure: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Archive orders: they leave the list, and stay readable.

    Example: syncd orders archive 118 119
    """
    from syncd.cli.orders import run_archive

    raise typer.Exit(run_archive(config, store, ids, anyones, dry_run, sure))


@orders.command(name="archive-all")
def archive_all(
    config: Config = None,
    store: StoreName = None,
    anyones: Annotated[bool, typer.Option("--any", help="Every order of the store, not only those of syncd.")] = False,
    dry_run: DryRun = False,
    typed: Annotated[
        str | None, typer.Option("--confirm", help="The store hash, for scripts; else you are asked.")
    ] = None,
) -> None:
    """Archive every order that syncd made. Asks for the store hash first.

    Example: syncd orders archive-all --dry-run
    """
    from syncd.cli.orders import run_archive_all

    raise typer.Exit(run_archive_all(config, store, anyones, dry_run, typed))


@orders.command()
def statuses(config: Config = None, store: StoreName = None, as_json: AsJson = False) -> None:
    """The store's order statuses, with its own labels.

    Example: syncd orders statuses
    """
    from syncd.cli.orders import run_statuses

    raise typer.Exit(run_statuses(config, store, as_json))
