"""``syncd sources guess``: the table of a source that would read a file, what of it is uncertain, and its first sales."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from msgspec.structs import asdict
from pydantic import ValidationError

from syncd.canonical import Batch, CanonicalOrder, Fault
from syncd.canonical.balance import check_balance
from syncd.canonical.money import format_money
from syncd.cli.exits import Exit
from syncd.cli.render import columns, print_json, say
from syncd.clock import SystemClock
from syncd.errors import UsageError
from syncd.formatting import count
from syncd.sources import ReadsFiles, SourceContext, registry
from syncd.sources.csv.guess import Guess, guess
from syncd.sources.file_types import what_is
from syncd.sources.jsonl import in_words
from syncd.sources.zones import zone

_SHOWN = 10
_FAULTS = 3


def run_guess(file: Path, as_json: bool) -> Exit:
    """Show what would read a file, and what it would make of it; record and move nothing."""
    if not file.is_file():
        raise UsageError(f"{file} is no file", "Name an export of the POS.")
    found = guessed(file)
    batches = list(_read(found, file))
    orders = [order for batch in batches for order in batch.orders]
    faults = [fault for batch in batches for fault in batch.faults]
    if as_json:
        print_json(
            {
                "table": found.table,
                "unsure": found.unsure,
                "sales": len(orders),
                "held": {sale: why for batch in batches for sale, why in batch.review_reasons.items()},
                "faults": [asdict(fault) for fault in faults[:_SHOWN]],
                "first": [json.loads(order.to_json()) for order in orders[:_SHOWN]],
            }
        )
    else:
        _show(found, batches, orders, faults)
    return Exit.ATTENTION if faults or not orders else Exit.OK


def guessed(file: Path) -> Guess:
    """Return the table that would read a file."""
    kind = what_is(file)
    if kind == "jsonl":
        return Guess({"type": "jsonl", "path": "inbox"})
    if kind == "poslog":
        found = Guess({"type": "poslog", "path": "inbox"})
        found.set("timezone", local_zone(), "needed where its times name no zone; this is the zone of this machine")
        return found
    return guess(file, local_zone())


def local_zone() -> str:
    """Return the zone of this machine; UTC where it does not tell."""
    for name in (os.environ.get("TZ", ""), str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]):
        try:
            zone(name.lstrip(":"))
        except ValueError:
            continue
        if name:
            return name.lstrip(":")
    return "UTC"


def _read(found: Guess, file: Path) -> Iterator[Batch]:
    """Yield the file as the guessed table reads it; what the table itself lacks is a fault."""
    table = {name: value for name, value in found.table.items() if name not in ("type", "path")}
    adapter = registry.load(found.table["type"])
    try:
        settings = registry.settings_of(found.table).model_validate({**table, "path": file.parent})
    except ValidationError as error:
        yield Batch((), (Fault(file.name, in_words(error), ""),), None)
        return
    source: object = adapter(settings, SourceContext("till", SystemClock(), file.parent))
    if isinstance(source, ReadsFiles):
        yield from source.read_file(file)


def _show(found: Guess, batches: list[Batch], orders: list[CanonicalOrder], faults: list[Fault]) -> None:
    say("[sources.till]", wrap=False)
    for name, value in found.table.items():
        mark = "   # not sure: see below" if name in found.unsure else ""
        say(f"{name} = {toml(value)}{mark}", wrap=False)
    if found.unsure:
        say("\nNot sure of:")
        for name, why in found.unsure.items():
            say(f"  {name}: {why}", hang=4)
    if orders:
        say(f"\nIts first sales, read like this ({count(len(orders), 'sale')} in the file):")
        rows = [_row(order) for order in islice(orders, _SHOWN)]
        columns(rows, head=("sale", "placed", "lines", "tax", "total", "first line"))
    else:
        say("\nRead like this, it holds no sale.")
    _show_held(batches, orders)
    for fault in faults[:_FAULTS]:
        say(f"  {fault.where}: {fault.reason}", hang=4)
    if len(faults) > _FAULTS:
        say(f"  and {len(faults) - _FAULTS:,} more faults")
    say("\nPut the table into the config, correct what is not sure, and look again: syncd sources test till")


def _show_held(batches: list[Batch], orders: list[CanonicalOrder]) -> None:
    """Show what would be left out, and what would wait for a person."""
    for batch in batches:
        for why, number in batch.left_out.items():
            say(f"  {number:,} {why} left out")
    held = {sale: why for batch in batches for sale, why in batch.review_reasons.items()}
    held |= {
        order.sale_id: str(off) for order in orders for off in check_balance(order)[:1] if order.sale_id not in held
    }
    if held:
        say(f"\n{count(len(held), 'sale')} would be held for you:")
        for why, number in Counter(held.values()).most_common(_FAULTS):
            say(f"  {number:,}: {why}", hang=4)


def _row(order: CanonicalOrder) -> tuple[object, ...]:
    first = order.lines[0] if order.lines else None
    what = f"{format(first.quantity, 'f')} x {first.name}"[:28] if first else ""
    placed = order.placed_at.isoformat(sep=" ", timespec="minutes")
    tax, whole = (format_money(amount, order.currency) for amount in (order.total_tax, order.total_inc_tax))
    return order.sale_id[:24], placed, len(order.lines), tax, whole, what


def toml(value: Any) -> str:  # noqa: ANN401  what a table of TOML may hold
    """Return a value as TOML writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {toml(one)}" for name, one in value.items()) + " }"
    return json.dumps(value, ensure_ascii=False)
