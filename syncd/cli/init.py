"""``syncd init``: a few questions, each answer tried at once; a config, a first order, and a service to go with them."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import typer
from pydantic import BaseModel, SecretStr, ValidationError

from syncd.app import open_app
from syncd.bigcommerce.api import Api, store_wire
from syncd.bigcommerce.governor import QuotaGovernor
from syncd.bigcommerce.settings import ConnectionSettings
from syncd.bigcommerce.store import StoreClient, StoreInfo
from syncd.canonical import Batch, CanonicalOrder
from syncd.cli.check import run_check
from syncd.cli.exits import Exit
from syncd.cli.guess import guessed, local_zone
from syncd.cli.init_files import Answers, compose_text, config_text, unit_text, write_new
from syncd.cli.render import say
from syncd.clock import Clock, SystemClock
from syncd.config import load
from syncd.errors import StoreError, SyncdError, UsageError
from syncd.ledger import RecordOptions
from syncd.mapping.rules import Rules
from syncd.presentation.explain import link
from syncd.sale.states import State
from syncd.sources import registry

T = TypeVar("T")
_TRIES = 3
_HASH = re.compile(r"stores/([a-z0-9]+)")
_FOLDERS = ("csv", "jsonl", "poslog")
_DEFAULT_API = "https://api.bigcommerce.com"


def run_init(folder: Path, api_url: str) -> Exit:
    """Ask, try, write, check, and offer a first order and a service file.

    Raises:
        UsageError: there is a config already, or the answers came to nothing.

    """
    folder = folder.absolute()
    config = folder / "syncd.toml"
    if config.exists():
        raise UsageError(
            f"{config} is there already", "Change it by hand and run syncd check, or name another --folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    answers = Answers(api_url="" if api_url == _DEFAULT_API else api_url)
    say("A few questions; Enter takes what stands in brackets. Nothing is sent to your store until you say so.\n")
    token = _store(answers, api_url)
    answers.address = _again(answers, lambda: _address(answers))
    secrets = _source(answers)
    if "path" in answers.table:
        (folder / str(answers.table["path"])).mkdir(exist_ok=True)
    answers.token_file = folder / "bigcommerce-token"
    write_new(answers.token_file, token, 0o600)
    for name, value in secrets.items():
        kept = folder / f"{answers.source}-{name}"
        write_new(kept, value, 0o600)
        answers.table[name] = {"file": str(kept)}
    write_new(config, config_text(answers), 0o600)
    say(f"\nWritten: {config}. What syncd check says of it:\n")
    code = run_check(config, as_json=False)
    if code is Exit.OK or code is Exit.ATTENTION:
        _first_order(config, answers)
    _service(folder, answers)
    _next(answers, config)
    return code


def _again(answers: Answers, ask: Callable[[], T]) -> T:
    """Ask until the answer is a good one, a few times."""
    number = answers.asked
    for _ in range(_TRIES):
        answers.asked = number
        try:
            return ask()
        except SyncdError as error:
            say(f"  {error.what}. {error.cure}")
    raise UsageError("that did not come to anything", "Nothing was written; run syncd init again.")


def _ask(answers: Answers, words: str, **how: Any) -> str:  # noqa: ANN401  what typer.prompt takes
    answers.asked += 1
    return str(typer.prompt(f"{answers.asked}. {words}", **how)).strip()


# The store


def _store(answers: Answers, api_url: str) -> str:
    def ask() -> tuple[str, str, StoreInfo]:
        path = _ask(answers, "Your store's API path, from its API account (or just the hash in it)").strip()
        found = _HASH.search(path)
        token = _ask(answers, "The API account's access token (not shown)", hide_input=True).strip()
        return (store_hash := found[1] if found else path), token, _tried(api_url, store_hash, token)

    answers.store_hash, token, info = _again(answers, ask)
    answers.store_name, answers.currency = info.name, info.currency
    say(f"   That opens {info.name} ({info.domain}), which sells in {info.currency}.")
    return token


def _tried(api_url: str, store_hash: str, token: str) -> StoreInfo:
    try:
        settings = ConnectionSettings(store_hash=store_hash, token=SecretStr(token), api_url=api_url)
    except ValidationError as error:
        if any("token" in found["loc"] for found in error.errors()):
            what = "that is more than the access token"
            raise UsageError(what, "Give the token alone: one word, without blanks.") from None
        what = f"{store_hash[:40]!r} is no store hash"
        raise UsageError(what, "It is the part after stores/ in the API path, such as abc123.") from None
    clock, wire = SystemClock(), store_wire(settings, SystemClock())
    try:
        return StoreClient(Api(wire, QuotaGovernor(clock, 1.0), clock, threading.Event())).store()
    except StoreError as error:
        raise UsageError(error.what, error.cure or "Look at the path and the token, and try again.") from None
    finally:
        wire.close()


def _address(answers: Answers) -> dict[str, str]:
    """Street, city, state, zip and country of the shop."""
    say("   BigCommerce takes no order without an address. A walk-in gets the shop's.")
    text = _ask(answers, "The shop's address: street, city, state, zip, country (US)")
    parts = [part.strip() for part in text.split(",")]
    if len(parts) < 5:
        raise UsageError(f"{text!r} has {len(parts)} parts", "Such as: 1 Main Street, Austin, Texas, 78701, US")
    street, (city, state, code, country) = ", ".join(parts[:-4]), parts[-4:]
    found = {"street_1": street, "city": city, "state": state, "zip": code, "country_iso2": country.upper()}
    try:
        Rules.model_validate({"default_address": found})
    except ValidationError as error:
        raise UsageError(
            error.errors()[0]["msg"].removeprefix("Value error, "), "The country is two letters, such as US."
        ) from None
    return found


# The source


def _source(answers: Answers) -> dict[str, str]:
    """Fill in the source's table; its secrets, by the key that each belongs to."""
    say("   Where do sales come from? An export of your till (name the file), or an account: " + ", ".join(_accounts()))
    return _again(answers, lambda: _asked_source(answers))


def _accounts() -> list[str]:
    return [name for name in registry.packages() if name not in (*_FOLDERS, "push", "sql")]


def _asked_source(answers: Answers) -> dict[str, str]:
    said = _ask(answers, "A file, or the name of an account").strip()
    if said in _accounts():
        answers.source = said.replace("_", "-")
        return _account(answers, said)
    file = Path(said).expanduser()
    if not file.is_file():
        raise UsageError(f"{said!r} is neither a file nor one of {', '.join(_accounts())}", "Name one of them.")
    found = guessed(file)
    answers.table, answers.unsure = {**found.table, "path": "inbox"}, dict(found.unsure)
    for key in ("timezone", "currency"):
        _settle(answers, key)
    return {}


def _settle(answers: Answers, key: str) -> None:
    """Ask a person for a key that the file does not tell."""
    if key in answers.unsure or (key == "currency" and key not in answers.table and answers.table["type"] == "csv"):
        usual = str(answers.table.get(key) or (answers.currency if key == "currency" else local_zone()))
        words = {"timezone": "The time zone of its times", "currency": "The currency of its amounts"}[key]
        answers.table[key] = _ask(answers, words, default=usual).strip()
        answers.unsure = {name: why for name, why in answers.unsure.items() if name != key}


def _account(answers: Answers, kind: str) -> dict[str, str]:
    model: type[BaseModel] = registry.settings_of({"type": kind})
    answers.table, secrets = {"type": kind}, dict[str, str]()
    wanted = [name for name, field in model.model_fields.items() if field.is_required()]
    wanted += ["token"] if "token" in model.model_fields and "token" not in wanted else []
    for name in wanted:
        secret = "Secret" in str(model.model_fields[name].annotation)
        words = f"{kind}: {name.replace('_', ' ')}" + (" (not shown)" if secret else "")
        value = _ask(answers, words, hide_input=secret)
        (secrets if secret else answers.table)[name] = value.strip()
    return secrets


# The first order


def _first_order(config: Path, answers: Answers) -> None:
    say(f"\nA first order shows whether all is right: one line of 1.00 {answers.currency}, to your own address.")
    email = _ask(answers, "Your e-mail address for it, or Enter for none", default="", show_default=False).strip()
    if not email:
        return
    if "@" not in email.strip("@"):
        say(f"   {email!r} is no e-mail address: no first order is made.")
        return
    with open_app(load(config)) as app:
        store, order = app.stores["main"], _sample(answers, email, app.clock)
        app.ledger.record(Batch((order,), (), None), RecordOptions("first-order", lambda _: "main"))
        with store.leased() as lease:
            store.push(lease, threading.Event(), 1)
        sale = app.ledger.sale(order.sale_key)
        assert sale is not None  # noqa: S101  it was recorded a line above
        if sale.state is State.SYNCED:
            say(f"   Order {sale.order_id}: {link(app, sale)}")
            say(f"   Archive it there when you have seen it: syncd orders archive {sale.order_id} -c {config}")
        else:
            say(f"   It is {sale.state}: {sale.why}\n   {sale.cure}")


def _sample(answers: Answers, email: str, clock: Clock) -> CanonicalOrder:
    now, one = clock.now(), "1.00"
    return CanonicalOrder.model_validate(
        {
            "source": "first-order",
            "sale_id": f"{now:%Y%m%dT%H%M%S}",
            "placed_at": now,
            "currency": answers.currency,
            "lines": [{"line_id": "1", "name": "A test of syncd", "total_ex_tax": one, "total_inc_tax": one}],
            "customer": {"first_name": "Test", "last_name": "of syncd", "email": email},
            "total_inc_tax": one,
            "total_tax": "0.00",
        }
    )


# What comes next


def _service(folder: Path, answers: Answers) -> None:
    say("\nsyncd is to run all day.")
    kind = _ask(answers, "By systemd, compose, or none (you start it yourself)", default="systemd").strip().lower()
    made = {
        "systemd": ("syncd.service", unit_text(folder, answers.token_file)),
        "compose": ("compose.yaml", compose_text(folder)),
    }
    if kind in made:
        name, text = made[kind]
        write_new(folder / name, text, 0o644)
        say(f"   Written: {folder / name}. Its first line says how to install it.")


def _next(answers: Answers, config: Path) -> None:
    where = "" if Path("syncd.toml").absolute() == config else f" -c {config}"
    say("\nNext:")
    if "path" in answers.table:
        say(f"  put an export into {config.parent / str(answers.table['path'])}/, then")
    say(f"  syncd sources test {answers.source}{where}    ten sales as they would be sent; sends nothing")
    say(f"  syncd sync --limit 1{where}     one order; look at it in BigCommerce")
    say(f"  syncd sync{where}     the rest")
    say(
        f"  syncd backfill --source {answers.source} --from DAY --to DAY --dry-run{where}     earlier days: counted first"
    )
    for key, why in answers.unsure.items():
        say(f"  and look at {key} in the config: {why}")
