"""``syncd init``: a new setup, another source (``--add-source``), or the answers once more (``--redo``)."""

from __future__ import annotations

import shlex
import sys
import threading
import tomllib
from pathlib import Path
from typing import Any

import tomlkit
from msgspec import Struct, field

from syncd.app import open_app
from syncd.canonical import Batch, CanonicalOrder
from syncd.cli.check import run_check
from syncd.cli.exits import Exit
from syncd.cli.render import say
from syncd.cli.wizard.alerts import ask_alerts
from syncd.cli.wizard.asking import Asker
from syncd.cli.wizard.files import (
    agent_text,
    alerts_text,
    compose_text,
    config_text,
    secret_file,
    source_text,
    unit_text,
    write_over,
)
from syncd.cli.wizard.source import SourceAnswers, SourceQuestions
from syncd.cli.wizard.store import DEFAULT_API, FIELDS, StoreAnswers, ask_store
from syncd.clock import Clock
from syncd.config import Config, load
from syncd.config.extras import needed_extras
from syncd.errors import ConfigError, StoreError, UsageError
from syncd.extras import install_command, is_installed
from syncd.ledger import RecordOptions
from syncd.presentation.explain import link
from syncd.sale.states import State

_TOKEN, _ALERTS = "bigcommerce-token", "alert-url"
_SERVICES = {
    "systemd": ("syncd.service", "Its first lines say how to install it."),
    "compose": ("compose.yaml", "Its first lines say how to start it."),
    "launchd": ("com.syncd.daemon.plist", "Copy it to ~/Library/LaunchAgents, then: launchctl load -w FILE"),
}


class InitOptions(Struct, frozen=True):
    """Where the setup goes and which APIs it speaks to; ``pos_url`` is another address of the POS's API."""

    folder: Path
    api_url: str = DEFAULT_API
    pos_url: str = ""
    asker: Asker = field(default_factory=Asker)

    @property
    def config(self) -> Path:
        """The config file."""
        return self.folder / "syncd.toml"


def run_init(options: InitOptions) -> Exit:
    """Ask, try, write, check, and offer a first order and a service.

    Raises:
        UsageError: there is a config already, or three answers were wrong.

    """
    folder, asker = options.folder, options.asker
    if options.config.exists():
        raise UsageError(
            f"{options.config} is there already",
            "syncd init --add-source adds a source; --redo asks again; or name another --folder.",
        )
    folder.mkdir(parents=True, exist_ok=True)
    say("A few questions. Enter takes what is in brackets. Nothing is sent to your store before you agree.\n")
    store = ask_store(asker, options.api_url)
    say("")
    source = SourceQuestions(asker, store.currency, options.pos_url).ask()
    say("")
    alert = ask_alerts(asker)
    _write_secrets(folder, source)
    write_over(folder / _TOKEN, store.token, 0o600)
    if alert:
        write_over(folder / _ALERTS, alert, 0o600)
    api = "" if options.api_url == DEFAULT_API else options.api_url
    text = config_text(store, api, alerts_text(_ALERTS if alert else ""), source_text(source))
    write_over(options.config, text, 0o600)
    code = _checked(options.config, source)
    if code in (Exit.OK, Exit.ATTENTION):
        _first_order(options, store)
    _service(options)
    _next(options, source)
    return code


def run_add_source(options: InitOptions) -> Exit:
    """Add a source to the config that is there.

    Raises:
        UsageError: three answers were wrong.
        ConfigError: there is no config, or it cannot be used.

    """
    config = load(options.config, secrets=False)
    names, stores = tuple(config.sources), list(config.stores)
    store = stores[0]
    if len(stores) > 1:
        say("Which store do its sales go to?")
        store = options.asker.again(lambda: options.asker.choose("Store", [(name, "") for name in stores], default="1"))
    currency = _currency(config, store)
    source = SourceQuestions(options.asker, currency, options.pos_url, names).ask()
    if source.is_folder:
        source.table["path"] = _free_folder(options.folder, names)
    before = options.config.read_text(encoding="utf-8")
    _write_secrets(options.folder, source)
    table = source_text(source, store if len(stores) > 1 else "")
    write_over(options.config, f"{before.rstrip()}\n\n{table}", 0o600)
    try:
        load(options.config)
    except ConfigError:
        write_over(options.config, before, 0o600)
        for key in source.secrets:
            (options.folder / secret_file(source.name, key)).unlink()
        raise
    code = _checked(options.config, source)
    _next(options, source)
    return code


def run_redo(options: InitOptions) -> Exit:
    """Ask again for the store, its address and who is mailed; Enter keeps an answer. The rest of the config stays.

    Raises:
        UsageError: three answers were wrong.
        ConfigError: there is no config, or the new one could not be used.

    """
    if not options.config.is_file():
        raise UsageError(f"there is no {options.config}", "Run syncd init, or name another --folder.")
    before = options.config.read_text(encoding="utf-8")
    try:
        document = tomlkit.parse(before)
        tomllib.loads(before)
    except (tomlkit.exceptions.TOMLKitError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(
            f"{options.config} is not valid TOML: {error}", cure="Correct the line that it names."
        ) from None
    tables = document.setdefault("stores", tomlkit.table(is_super_table=True))
    name = next(iter(tables), "main")
    say("The questions again. Enter keeps what is in brackets.\n")
    table = tables.setdefault(name, tomlkit.table())
    store = ask_store(options.asker, str(table.get("api_url") or options.api_url), _known(table, options.folder))
    say("")
    alert = ask_alerts(options.asker)
    write_over(options.folder / _TOKEN, store.token, 0o600)
    table["store_hash"], table["token"] = store.store_hash, _file(_TOKEN)
    address = table.setdefault("default_address", tomlkit.table())
    for key in FIELDS:
        address[key] = store.address[key]
    if alert:
        write_over(options.folder / _ALERTS, alert, 0o600)
        document.setdefault("alerts", tomlkit.table())["urls"] = [_file(_ALERTS)]
    write_over(options.config, tomlkit.dumps(document), 0o600)
    try:
        load(options.config, secrets=False)
    except ConfigError:
        write_over(options.config, before, 0o600)
        raise
    say(f"\nWritten: {options.config}. What syncd check says of it:\n")
    return run_check(options.config, as_json=False)


def _file(name: str) -> tomlkit.items.InlineTable:
    table = tomlkit.inline_table()
    table["file"] = name
    return table


def _known(table: Any, folder: Path) -> StoreAnswers:  # noqa: ANN401  a table of tomlkit
    """Return the answers that a config holds."""
    token = table.get("token")
    file = token.get("file") if isinstance(token, dict) else None
    try:
        kept = (folder / str(file)).read_text(encoding="utf-8").strip() if file else ""
    except (OSError, UnicodeDecodeError):
        kept = ""
    address = {key: str(value) for key, value in (table.get("default_address") or {}).items()}
    return StoreAnswers(str(table.get("store_hash") or ""), kept, address=address)


def _currency(config: Config, store: str) -> str:
    """Return a store's currency; empty where it cannot be asked now."""
    try:
        with open_app(config) as app:
            return str(app.stores[store].info.store().currency)
    except (StoreError, ConfigError):
        return ""


def _free_folder(folder: Path, names: tuple[str, ...]) -> str:
    """Return a drop folder that no source reads yet."""
    free = ("inbox", *(f"inbox-{number}" for number in range(2, len(names) + 3)))
    return next(name for name in free if not (folder / name).exists())


def _write_secrets(folder: Path, source: SourceAnswers) -> None:
    """Write a source's secrets, over what a setup that was cut off may have left: no config names those files yet."""
    if source.is_folder:
        (folder / str(source.table["path"])).mkdir(exist_ok=True)
    for key, value in source.secrets.items():
        write_over(folder / secret_file(source.name, key), value, 0o600)


def _checked(config: Path, source: SourceAnswers) -> Exit:
    """Keep what the source's adapter was given by consent, and check everything."""
    if (tokens := source.state.get("oauth")) is not None:
        with open_app(load(config)) as app:
            app.ledger.sources.private(app.tills[source.name].keys).put("oauth", tokens)
    say(f"\nWritten: {config}. What syncd check says of it:\n")
    return run_check(config, as_json=False)


# The first order


def _first_order(options: InitOptions, store: StoreAnswers) -> None:
    say(f"\nA first order shows whether all is right: one line of 1.00 {store.currency}, to your own address.")
    words = "Your e-mail address for it, or Enter for no first order"
    email = options.asker.ask(words, default="", shows_default=False)
    if not email:
        return
    if "@" not in email.strip("@"):
        say(f"   {email!r} is no e-mail address: no first order is made.")
        return
    with open_app(load(options.config)) as app:
        services, order = app.stores["main"], _sample(store.currency, email, app.clock)
        app.ledger.sales.record(Batch((order,), (), None), RecordOptions("first-order", lambda _: "main"))
        with services.leased() as lease:
            services.push(lease, threading.Event(), 1)
        sale = app.ledger.sales.get(order.sale_key)
        assert sale is not None  # noqa: S101  it was recorded a line above
        if sale.state is State.SYNCED:
            say(f"   Order {sale.order_id}: {link(app, sale)}")
            config = shlex.quote(str(options.config))
            say(f"   Archive it when you have seen it: syncd orders archive {sale.order_id} -c {config}")
        else:
            say(f"   It is {sale.state}: {sale.why}\n   {sale.cure}")


def _sample(currency: str, email: str, clock: Clock) -> CanonicalOrder:
    now, one = clock.now(), "1.00"
    return CanonicalOrder.model_validate(
        {
            "source": "first-order",
            "sale_id": f"{now:%Y%m%dT%H%M%S}",
            "placed_at": now,
            "currency": currency,
            "lines": [{"line_id": "1", "name": "A test of syncd", "total_ex_tax": one, "total_inc_tax": one}],
            "customer": {"first_name": "Test", "last_name": "of syncd", "email": email},
            "total_inc_tax": one,
            "total_tax": "0.00",
        }
    )


# What comes next


def _service(options: InitOptions) -> None:
    say("")
    kinds = ("launchd", "compose", "no") if sys.platform == "darwin" else ("systemd", "compose", "no")
    words = f"Start syncd automatically? {' / '.join(kinds)}"
    kind = options.asker.ask(words, default=kinds[0]).lower()
    folder = options.folder
    texts = {
        "systemd": lambda: unit_text(folder, folder / _TOKEN),
        "compose": lambda: compose_text(folder),
        "launchd": lambda: agent_text(folder),
    }
    if kind in texts:
        name, says = _SERVICES[kind]
        write_over(folder / name, texts[kind](), 0o644)
        say(f"   Written: {folder / name}. {says}")


def _next(options: InitOptions, source: SourceAnswers) -> None:
    config, name = options.config, source.name
    where = "" if Path("syncd.toml").absolute() == config else f" -c {shlex.quote(str(config))}"
    say("\nNext:")
    needed = set(needed_extras(load(config, secrets=False)).values())
    if missing := sorted(extra for extra in needed if not is_installed(extra)):
        say(f"  {install_command(missing)}    this config needs it")
    if source.is_folder:
        say(f"  put an export into {config.parent / str(source.table['path'])}/, then")
    if source.after:
        say(f"  {source.after.replace('{name}', name)}")
    say(f"  syncd sources test {name}{where}    ten sales as they would be sent; sends nothing")
    say(f"  syncd sync --limit 1{where}     one order; look at it in BigCommerce")
    say(f"  syncd sync{where}     the rest")
    say(f"  syncd backfill --source {name} --from DAY --to DAY --dry-run{where}     earlier days: counted first")
    for key, why in source.unsure.items():
        say(f"  and check {key} in the config: {why}")
