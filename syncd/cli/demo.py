"""``syncd demo``: two shops' sales files become orders in a local store, and a second pass changes nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from importlib.resources import as_file, files
from pathlib import Path

import requests
from msgspec import Struct

from syncd.canonical.money import format_money
from syncd.cli.exits import Exit
from syncd.cli.render import out, say
from syncd.cli.run import polled_words, pushed_words
from syncd.cli.session import never, opened
from syncd.errors import UsageError
from syncd.formatting import count
from syncd.ledger import Selection
from syncd.sale.states import State

_TOKEN_ENV = "SYNCD_DEMO_TOKEN"  # noqa: S105  the name of a variable, not a secret
_MARKER = ".syncd-demo"
_ALL = 100_000


class DemoStore(Struct, frozen=True):
    """The running sandbox: where it listens and how to speak to it."""

    url: str
    store_hash: str
    token: str


def run_demo(folder: Path, *, keep: bool) -> Exit:
    """Play the whole story in ``folder``, which is made anew each time."""
    _prepare(folder)
    with as_file(files("syncd.cli") / "demo_data") as data, _store(data / "catalog.json") as store:
        os.environ[_TOKEN_ENV] = store.token
        config = _write_config(folder, data, store)
        out.print(f"A local store is open at [bold]{store.url}/[/bold], its catalog has half of what the shops sell.")
        out.print(f"The exports of two shops lie in {folder}/inbox-cafe and {folder}/inbox-outdoor.\n")
        out.rule("first pass", align="left")
        _pass(config)
        out.rule("what became of them", align="left")
        good = _summary(config, store)
        out.rule("second pass: the same files again, and nothing to do", align="left")
        _copy_sales(data, folder)
        again = _pass(config)
        _ending(folder, store, again)
        if keep and sys.stdin.isatty():
            out.input("\nThe store's page stays up. Press Enter to close it. ")
        return Exit.OK if good and not again else Exit.ATTENTION


def _prepare(folder: Path) -> None:
    if folder.exists() and any(folder.iterdir()) and not (folder / _MARKER).exists():
        raise UsageError(f"{folder} exists and is not a demo's folder", "Name another with --folder.")
    try:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        (folder / _MARKER).touch()
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}", "Name another with --folder.") from None


@contextmanager
def _store(catalog: Path) -> Iterator[DemoStore]:
    """Yield the sandbox as a process of its own, as a real store would be."""
    command = [
        sys.executable,
        "-m",
        "syncd.sandbox",
        "--port",
        "0",
        "--print-port",
        "--catalog",
        str(catalog),
        "--more-currencies",
        "NZD",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603  our own interpreter and module
        try:
            assert process.stdout is not None  # noqa: S101  PIPE was asked for
            ready = json.loads(process.stdout.readline())
            yield DemoStore(ready["url"], ready["store_hash"], ready["token"])
        finally:
            process.terminate()


def _write_config(folder: Path, data: Path, store: DemoStore) -> Path:
    text = (data / "demo.toml").read_text(encoding="utf-8")
    config = folder / "syncd.toml"
    config.write_text(text.replace("@URL@", store.url).replace("@HASH@", store.store_hash), encoding="utf-8")
    _copy_sales(data, folder)
    return config


def _copy_sales(data: Path, folder: Path) -> None:
    for inbox in ("inbox-cafe", "inbox-outdoor"):
        (folder / inbox).mkdir(exist_ok=True)
        for file in sorted((data / inbox).iterdir()):
            shutil.copyfile(file, folder / inbox / file.name)


def _pass(config: Path) -> int:
    """One pass, told source by source; how many requests it sent."""
    with opened(config) as app:
        for name, till in app.tills.items():
            polled = till.poll(never)
            say(f"  {name}: {polled_words(polled)}")
        sent = 0
        for name, store in app.stores.items():
            with store.leased() as lease:
                report = store.push(lease, never)
            sent += report.sent
            say(f"  {name}: {pushed_words(report)}\n")
        return sent


def _summary(config: Path, store: DemoStore) -> bool:
    """Show the POS's side beside the store's, shop by shop; return whether they agree to the cent."""
    orders = {order["external_order_id"]: order for order in _orders(store)}
    agree = True
    with opened(config) as app:
        for name in app.tills:
            sales = app.ledger.sales.find(Selection(source=name), limit=_ALL)
            synced = [sale for sale in sales if sale.state is State.SYNCED]
            there = [orders[sale.sale_key] for sale in synced if sale.sale_key in orders]
            pos = sum((sale.total_inc_tax for sale in synced), Decimal(0))
            remote = sum((Decimal(order["total_inc_tax"]) for order in there), Decimal(0))
            agree &= pos == remote and len(synced) == len(there)
            known, custom = _lines(store, there)
            currency = sales[0].currency if sales else "USD"
            left = Counter(sale.state.value for sale in sales if sale.state is not State.SYNCED)
            rest = "".join(f", {number} {state}" for state, number in left.items())
            say(f"{name}: {count(len(sales), 'sale')} became {count(len(there), 'order')}{rest}")
            say(f"  {count(known, 'line')} from the catalog, {count(custom, 'custom line')} for what it does not have")
            say(f"  the tills say {format_money(pos, currency)}, the store says {format_money(remote, currency)}\n")
        for sale in app.ledger.sales.find(Selection(state=State.HELD), limit=_ALL):
            out.print(f"held: {sale.sale_key}: {sale.why}", markup=False)
        for fault in reversed(app.ledger.sources.faults(None, limit=10)):
            out.print(f"fault: {fault.where}: {fault.reason}\n       {fault.raw[:100]}", markup=False)
    return agree


def _orders(store: DemoStore) -> list[dict[str, str]]:
    found: list[dict[str, str]] = []
    for page in range(1, 100):
        listed = _get(store, f"/v2/orders?limit=250&page={page}")
        if not isinstance(listed, list):
            break
        found += listed
    return found


def _lines(store: DemoStore, orders: list[dict[str, str]]) -> tuple[int, int]:
    known = custom = 0
    for order in orders:
        lines = _get(store, f"/v2/orders/{order['id']}/products?limit=250")
        for line in lines if isinstance(lines, list) else ():
            known, custom = (known + 1, custom) if line["product_id"] else (known, custom + 1)
    return known, custom


def _get(store: DemoStore, path: str) -> object:
    answer = requests.get(
        f"{store.url}/stores/{store.store_hash}{path}",
        headers={"X-Auth-Token": store.token, "Accept": "application/json"},
        timeout=10,
    )
    return answer.json() if answer.content else None


def _ending(folder: Path, store: DemoStore, again: int) -> None:
    page = folder / "orders.html"
    page.write_bytes(requests.get(f"{store.url}/", timeout=10).content)
    verdict = "Nothing was sent twice." if not again else f"{again} requests were sent again: this is a bug."
    out.print(f"{verdict} The store's page: {store.url}/ (a copy is in {page})")
    out.print(f"Look further: syncd status -c {folder}/syncd.toml, syncd sales -c {folder}/syncd.toml", markup=False)
