"""The ``syncd`` command: its commands with their options and their help."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from syncd import __version__
from syncd.cli.alerts_commands import alerts
from syncd.cli.backfills_commands import backfills
from syncd.cli.config_commands import config
from syncd.cli.decisions import add_decisions
from syncd.cli.events_commands import events
from syncd.cli.fleet_commands import fleet
from syncd.cli.ledger_commands import ledger
from syncd.cli.options import AsJson, ConfigPath, DayOption, SourceOption, StateOption, TextOption, Yes
from syncd.cli.orders_commands import orders
from syncd.cli.sources_commands import sources
from syncd.cli.stores_commands import stores
from syncd.cli.trial_commands import add_trials
from syncd.cli.users_commands import tokens, users
from syncd.cli.web import web

cli = typer.Typer(
    name="syncd",
    help="Carries in-store sales from POS systems into a BigCommerce store: each sale exactly once, right to the cent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Exit codes: 0 all good; 1 done, but some sales need attention; 2 wrong usage or config; "
    "3 a store or source is unreachable or refused us; 4 ledger locked, corrupt, full, too new or not there; "
    "70 a bug in syncd, with a report.",
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"syncd {__version__}")
        raise typer.Exit


@cli.callback()
def options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more: the log's info lines.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but what is wrong.")] = False,
    log_level: Annotated[
        str | None, typer.Option("--log-level", help="debug, info, warning or error; over the config's.")
    ] = None,
    version: Annotated[  # noqa: ARG001  its callback does the work
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Carries in-store sales from POS systems into a BigCommerce store: each sale exactly once, right to the cent."""
    from syncd.cli.options import set_loudness

    set_loudness(verbose=verbose, quiet=quiet, level=log_level)


Key = Annotated[str, typer.Argument(help="A sale key: SOURCE:ID, as `syncd sales` lists them.")]


@cli.command()
def init(
    folder: Annotated[Path, typer.Option("--folder", help="Where the config goes; made where there is none.")] = Path(),
    api_url: Annotated[
        str, typer.Option("--api-url", help="Another API of BigCommerce, such as a sandbox on this machine.")
    ] = "https://api.bigcommerce.com",
    pos_url: Annotated[
        str, typer.Option("--pos-url", help="Another API of the POS, such as https://connect.squareupsandbox.com.")
    ] = "",
    add_source: Annotated[bool, typer.Option("--add-source", help="Add a source to the config that is there.")] = False,
    redo: Annotated[
        bool,
        typer.Option("--redo", help="Ask again for the store, its address and who is mailed; Enter keeps an answer."),
    ] = False,
) -> None:
    """Set up a shop: a few questions, each answer tried at once; then a config, a first order and a service file.

    Example: syncd init --folder ~/shop
    """
    from syncd.cli.wizard.init import InitOptions, run_add_source, run_init, run_redo

    if add_source and redo:
        raise typer.BadParameter("goes without --add-source", param_hint="--redo")
    run = run_add_source if add_source else run_redo if redo else run_init
    raise typer.Exit(run(InitOptions(folder.expanduser().absolute(), api_url, pos_url)))


@cli.command()
def check(config: ConfigPath = None, as_json: AsJson = False) -> None:
    """Examine config, ledger, clock, token, scopes and sources: a line each, with the cure.

    Example: syncd check
    """
    from syncd.cli.check import run_check

    raise typer.Exit(run_check(config, as_json))


@cli.command()
def connect(
    source: Annotated[str, typer.Argument(help="The source whose account is to give access.")],
    config: ConfigPath = None,
    paste: Annotated[
        bool, typer.Option("--paste", help="No browser here: open the address elsewhere, and paste the answer.")
    ] = False,
    port: Annotated[int, typer.Option("--port", min=1, max=65_535, help="Port for the answer.")] = 8789,
    redirect: Annotated[
        str, typer.Option("--redirect", help="The application's own redirect address; its answer is pasted.")
    ] = "",
) -> None:
    """Let the owner of a POS account give access, in a browser. The tokens are kept in the ledger.

    Example: syncd connect till --paste
    """
    from syncd.cli.connect import run_connect
    from syncd.cli.consent import ConsentWay

    raise typer.Exit(run_connect(config, source, ConsentWay(paste, port, redirect)))


@cli.command()
def run(config: ConfigPath = None) -> None:
    """Run the daemon: poll, push, reconcile, for ever. SIGTERM drains what is on the wire and stops.

    Example: syncd run --config /etc/syncd/syncd.toml
    """
    from syncd.cli.run import run_service

    raise typer.Exit(run_service(config))


@cli.command()
def sync(
    config: ConfigPath = None,
    limit: Annotated[
        int | None, typer.Option("--limit", min=0, help="Begin at most this many sales per store; 0 only records.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """One pass of everything due, then exit. Safe to repeat.

    Example: syncd sync --limit 1
    """
    from syncd.cli.run import run_sync

    raise typer.Exit(run_sync(config, limit, as_json))


@cli.command()
def backfill(
    source: Annotated[str, typer.Option("--source", help="The source to read again.")],
    start: Annotated[str, typer.Option("--from", help="First day, e.g. 2026-10-01, in the source's time zone.")],
    end: Annotated[str, typer.Option("--to", help="Last day, included.")],
    config: ConfigPath = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would be recorded; change nothing.")] = False,
    history: Annotated[
        bool, typer.Option("--history", help="Mark new sales as migrated (M-MIG): kept out of the store's billing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Record a date range in the backfill lane and follow it until it is pushed. Safe to repeat.

    Example: syncd backfill --source till --from 2026-10-01 --to 2026-10-31 --dry-run
    """
    from syncd.cli.backfill import run_backfill

    raise typer.Exit(run_backfill(config, source, (start, end), dry_run=dry_run, history=history, as_json=as_json))


@cli.command()
def preview(
    what: Annotated[str, typer.Argument(help="A sales file, or the key of a recorded sale.")],
    config: ConfigPath = None,
    source: Annotated[str | None, typer.Option("--source", help="The source whose settings read the file.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Show every sale of the file in full, not only the first.")
    ] = False,
    dry: Annotated[
        bool, typer.Option("--dry-cart", help="Ask the store for its totals, in a cart that is deleted again.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show the payload that would be sent, and why it is as it is. Makes no order, records nothing.

    Example: syncd preview inbox/items-2026-11-23.csv
    """
    from syncd.cli.preview import run_preview

    raise typer.Exit(run_preview(config, what, source, every=every, as_json=as_json, dry=dry))


@cli.command()
def status(
    config: ConfigPath = None,
    healthy: Annotated[bool, typer.Option("--healthy", help="Only say whether the daemon does its work.")] = False,
    as_json: AsJson = False,
) -> None:
    """Counts by state, lag, and what needs attention. With --healthy: exit 0 while the daemon does its work.

    Example: syncd status
    """
    from syncd.cli.status import run_healthy, run_status

    raise typer.Exit(run_healthy(config, as_json) if healthy else run_status(config, as_json))


@cli.command()
def sales(
    words: Annotated[
        list[str] | None,
        typer.Argument(help="Any words: receipt, order number, customer, goods, SKU, amount, day, part of a key."),
    ] = None,
    config: ConfigPath = None,
    state: StateOption = None,
    source: SourceOption = None,
    store: Annotated[str | None, typer.Option("--store", help="Of this store.")] = None,
    receipt: Annotated[str | None, typer.Option("--receipt", help="With this receipt number.")] = None,
    total: Annotated[str | None, typer.Option("--total", help="With this total, such as 12.30.")] = None,
    sku: Annotated[str | None, typer.Option("--sku", help="With a line of this SKU.")] = None,
    error: TextOption = None,
    day: DayOption = None,
    first: Annotated[str | None, typer.Option("--from", help="Of this business day or later.")] = None,
    last: Annotated[str | None, typer.Option("--to", help="Of this business day or earlier.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="Show at most this many, newest first.")
    ] = 50,
    as_json: AsJson = False,
) -> None:
    """Find recorded sales by any words, newest first.

    Example: syncd sales smith mug --from 2026-11-01
    """
    from syncd.cli.sales import choose, run_sales

    filters = {"state": state, "source": source, "store": store, "receipt": receipt, "total": total, "sku": sku}
    filters |= {"day": day, "from": first, "to": last}
    raise typer.Exit(run_sales(config, choose(filters, error, words=words), limit, as_json))


@cli.command()
def sale(
    named: Annotated[
        str, typer.Argument(metavar="SALE", help="Its key, receipt or order number, or words that no other sale has.")
    ],
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """One sale's whole story: what the POS said, every attempt, every change of state.

    Example: syncd sale till:1001
    """
    from syncd.cli.sales import run_sale

    raise typer.Exit(run_sale(config, named, as_json))


@cli.command()
def faults(
    ids: Annotated[list[int] | None, typer.Argument(help="Numbers of faults, as `syncd faults` lists them.")] = None,
    config: ConfigPath = None,
    source: SourceOption = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="Show at most this many, newest first.")
    ] = 50,
    every: Annotated[bool, typer.Option("--all", help="Show settled ones too.")] = False,
    settle: Annotated[
        bool, typer.Option("--settle", help="They are dealt with: those that are named, or all open ones.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Records that could not be read: where they stood, why, and their raw text. Open until a good row or a person settles them.

    Example: syncd faults 12 13 --settle
    """
    from syncd.cli.sales import run_faults, run_settle

    if settle:
        raise typer.Exit(run_settle(config, source, list(ids or ()), yes, as_json))
    raise typer.Exit(run_faults(config, source, list(ids or ()), limit, every, as_json))


@cli.command()
def link(
    returned: Annotated[str, typer.Argument(metavar="RETURN", help="The key of a return that names no original sale.")],
    original: Annotated[
        str | None, typer.Argument(metavar="[SALE]", help="The key of the sale that its goods came from.")
    ] = None,
    config: ConfigPath = None,
    as_json: AsJson = False,
) -> None:
    """Say which sale the goods of a return came from. Without SALE: list the sales that fit, and why.

    Example: syncd link till:1002 till:1001
    """
    from syncd.cli.link import run_link

    raise typer.Exit(run_link(config, returned, original, as_json=as_json))


cli.add_typer(backfills, name="backfills")
add_decisions(cli)
cli.add_typer(ledger, name="ledger")
cli.add_typer(fleet, name="fleet")


@cli.command()
def audit(
    first: Annotated[str, typer.Option("--from", help="First day, e.g. 2026-11-01, as the tills count days.")],
    last: Annotated[str, typer.Option("--to", help="Last day, included.")],
    config: ConfigPath = None,
    store: Annotated[str | None, typer.Option("--store", help="Only this store.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the comparison to this file.")] = None,
    by: Annotated[
        str | None, typer.Option("--by", help='"card": a line for each card, not for each way of paying.')
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Reconcile the books: POS totals beside BigCommerce's, each difference with its cause. Exit 1 on a difference.

    Example: syncd audit --from 2026-11-01 --to 2026-11-30
    """
    from syncd.cli.audit import run_audit

    if by not in (None, "card"):
        raise typer.BadParameter(f"{by!r} is not known; it can be: card", param_hint="--by")
    raise typer.Exit(run_audit(config, (first, last), store, csv, by_card=by == "card", as_json=as_json))


cli.add_typer(orders, name="orders")
cli.add_typer(sources, name="sources")
cli.add_typer(stores, name="stores")
cli.add_typer(config, name="config")
cli.add_typer(web, name="web")
cli.add_typer(users, name="users")
cli.add_typer(tokens, name="tokens")
cli.add_typer(alerts, name="alerts")
cli.add_typer(events, name="events")


@cli.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def service(
    words: Annotated[list[str], typer.Argument(help="A command of syncd, with its options.", metavar="COMMAND")],
    unit: Annotated[str, typer.Option("--unit", help="The systemd unit of the service.")] = "syncd.service",
) -> None:
    """Run a command as the service does: with its user, folders and secrets. Needs root.

    Example: sudo syncd service status
    """
    from syncd.cli.service import run_as_service

    raise typer.Exit(run_as_service(unit, words))


add_trials(cli)


@cli.command()
def man() -> None:
    """Print the manual page.

    Example: syncd man > ~/.local/share/man/man1/syncd.1
    """
    from syncd.cli.man import man_page

    typer.echo(man_page(cli), nl=False)


@cli.command()
def version(as_json: AsJson = False) -> None:
    """Print the version.

    Example: syncd version
    """
    typer.echo(json.dumps({"version": __version__}) if as_json else f"syncd {__version__}")
