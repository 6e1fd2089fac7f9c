"""``syncd sandbox`` and ``syncd demo``: what one tries syncd on, with the options of both."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def add_trials(cli: typer.Typer) -> None:
    """Add the commands."""
    cli.command()(sandbox)
    cli.command()(demo)


def sandbox(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port; 0 takes a free one.")] = 8790,
    db: Annotated[Path | None, typer.Option("--db", help="Keep orders in this SQLite file; else in memory.")] = None,
    catalog: Annotated[Path | None, typer.Option("--catalog", help="JSON file with the catalog to seed.")] = None,
    faults: Annotated[Path | None, typer.Option("--faults", help="JSON file with faults to inject.")] = None,
    record: Annotated[Path | None, typer.Option("--record", help="Write each request and answer to this file.")] = None,
    quota: Annotated[int, typer.Option("--quota", help="Requests per window; 0 is as good as unlimited.")] = 0,
    window_ms: Annotated[int, typer.Option("--window-ms", help="Length of the quota window.")] = 30_000,
    latency_ms: Annotated[int, typer.Option("--latency-ms", help="Answer this much later.")] = 0,
    currency: Annotated[str, typer.Option("--currency", help="The store's currency.")] = "USD",
    stores: Annotated[
        int, typer.Option("--stores", min=1, help="So many stores, sandbox1, sandbox2 ..., each with its own quota.")
    ] = 1,
) -> None:
    """Run a local BigCommerce to try things on. It holds no real store's data and needs no network.

    Example: syncd sandbox --port 8790
    """
    from syncd.cli.sandbox import run_sandbox

    run_sandbox(
        {
            "host": host,
            "port": port,
            "db": db,
            "catalog": catalog,
            "faults": faults,
            "record": record,
            "quota": quota,
            "window_ms": window_ms,
            "latency_ms": latency_ms,
            "currency": currency,
            "stores": stores,
        }
    )


def demo(
    folder: Annotated[
        Path, typer.Option("--folder", help="Where the demo keeps its files; made new each time.")
    ] = Path("demo"),
    keep: Annotated[
        bool, typer.Option("--keep/--no-keep", help="Keep the store's page up until Enter is pressed.")
    ] = True,
) -> None:
    """Sales files of two shops become orders in a local store, before your eyes.

    Example: syncd demo
    """
    from syncd.cli.demo import run_demo

    raise typer.Exit(run_demo(folder, keep=keep))
